#ifndef MOEC_PASSES_CONVERSION_PASSES_TD
#define MOEC_PASSES_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertONNXToLinalgPass : Pass<"convert-onnx-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower ONNX nodes to operations on tensors";
  let description = [{
    Lowers every node of the normalised form by its handler (one table, keyed by operator and version) to
    linalg, tensor, scf and kernel operations. Sizes become `index` values computed once; the arithmetic
    that a graph does on shapes disappears into them. Weights get their places in the artifact. Integers
    lose their sign (`ui8` becomes `i8`); the module's `moec.signature` keeps it for the interface.

    Why: below this form upstream passes (fusion, bufferization) apply.

    Limits: ranks must be known. An operator without a handler is an error at its node.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = onnx.node "Neg"(%x) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %c0 = arith.constant 0 : index
      %n = tensor.dim %x, %c0 : tensor<?x4xf32>
      %init = tensor.empty(%n) : tensor<?x4xf32>
      %0 = linalg.generic … ins(%x) outs(%init) {
        ^bb0(%in: f32, %out: f32):
          %1 = arith.negf %in : f32
          linalg.yield %1 : f32
      } -> tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "unsigned", "16",
           "Width of a vector register, in bytes: constant matrices are packed for it">,
    Option<"vectorRegisters", "vector-registers", "unsigned", "16", "Number of vector registers">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::moec::kernel::KernelDialect"];
}

def ConvertMoEToONNXPass : Pass<"convert-moe-to-onnx", "::mlir::func::FuncOp"> {
  let summary = "Spell the operations of the moe dialect in ONNX";
  let description = [{
    Each operation becomes the nodes that define it: standard operators, every expert on every token, nothing
    fused. Types of inner values are for `onnx-infer-types` to find.

    Why: this is what a raised form means, the oracle that faster lowerings are checked against, how it is
    exported, and how everything without a lowering of its own runs.

    Limits: an operation without a spelling is an error at its node.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<4x8xf32>) -> tensor<?x8xf32> {
      %0 = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
      return %0 : tensor<?x8xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<4x8xf32>) -> tensor<?x8xf32> {
      %0 = onnx.node "MatMul"(%x, %w) version 13 : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
      return %0 : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::onnx::ONNXDialect"];
  let options = [Option<"keepKernels", "keep-kernels", "bool", "false",
    "Leave what kernels do as a whole: moe.dispatch, moe.grouped_linear, moe.combine, and moe.linear with an "
    "epilogue or a residual">];
}

def ConvertLinalgToParPass : Pass<"convert-linalg-to-par", "::mlir::func::FuncOp"> {
  let summary = "Lower structured operations on buffers to parallel and sequential loops";
  let description = [{
    The parallel loops of an operation, but for the innermost one, become one `par.for`; what is left
    becomes `scf.for`, reductions in registers where they are innermost. Neighbouring loops over dense
    buffers are merged first, so that an elementwise operation is a single loop. Copies between buffers
    that are not both dense become loops too.

    Operations that follow one another and have their outer loops in common share a `par.for`, if row i
    of a later one needs no more of an earlier one than its row i: the five operations of a softmax are
    one loop over rows, and so are those of a norm. (They must be rows with a reduction, or rows of
    several dimensions: a chain of elementwise operations over few rows is faster by elements.)

    Why: the runtime balances ranges of one loop, and LLVM vectorises the innermost one. A row that
    several operations pass over stays in the cache, and the threads meet once instead of five times.

    Limits: loop sizes must follow from the operands' shapes. Loops are only shared where buffers can
    be told apart (allocations, before they become views of an arena) and sizes are equal by the values
    that they are made from. What a shared loop uses is in use at the same time.

    Before:
    ```mlir
    func.func @neg(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
      linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                      iterator_types = ["parallel", "parallel"]}
          ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
        ^bb0(%in: f32, %out: f32):
          %0 = arith.negf %in : f32
          linalg.yield %0 : f32
      }
      return
    }
    ```
    After:
    ```mlir
    func.func @neg(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
      …
      %a = memref.collapse_shape %x [[0, 1]] : memref<?x8xf32> into memref<?xf32>
      %b = memref.collapse_shape %y [[0, 1]] : memref<?x8xf32> into memref<?xf32>
      par.for %begin, %end in %count grain %grain {
        scf.for %i = %begin to %end step %c1 {
          %0 = memref.load %a[%i] : memref<?xf32>
          %1 = arith.negf %0 : f32
          memref.store %1, %b[%i] : memref<?xf32>
        }
      }
      return
    }
    ```
  }];
  let statistics = [Statistic<"numShared", "num-shared", "Loops that several operations share">];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::moec::par::ParDialect"];
}

def ConvertMoecToLLVMPass : Pass<"convert-moec-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Lower buffers, tasks and weights to the LLVM dialect";
  let description = [{
    Every function takes the context of the running call first; allocations, parallel loops and failed
    checks call the runtime with it. The module's one public function becomes internal, and `moec_entry`,
    which the runtime calls, takes buffers to its arguments and its results to buffers.

    Why: this is where the runtime's interface (moec_rt/kernel_abi.h) enters.

    Limits: structured control flow and affine maps have been lowered before.

    Before:
    ```mlir
    func.func @main(%n: memref<1xf32>) -> memref<1xf32> {
      %y = memref.alloc() : memref<1xf32>
      memref.copy %n, %y : memref<1xf32> to memref<1xf32>
      return %y : memref<1xf32>
    }
    ```
    After:
    ```mlir
    llvm.func internal @main(%context: !llvm.ptr, …) -> !llvm.struct<…> {
      %y = llvm.call @moec_rt_alloc(%context, %bytes) : (!llvm.ptr, i64) -> !llvm.ptr
      …
    }
    llvm.func hidden @moec_entry(%context: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr) { … }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::cf::ControlFlowDialect"];
}

#endif // MOEC_PASSES_CONVERSION_PASSES_TD
