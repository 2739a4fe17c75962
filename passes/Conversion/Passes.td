#ifndef MOEC_PASSES_CONVERSION_PASSES_TD
#define MOEC_PASSES_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertONNXToLinalgPass : Pass<"convert-onnx-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower ONNX nodes to operations on tensors";
  let description = [{
    Lowers every node of the normalised form by its handler (one table, keyed by operator and version) to
    linalg, tensor, scf and kernel operations. Sizes become `index` values computed once; the arithmetic
    that a graph does on shapes disappears into them. Weights get their places in the artifact. Integers
    lose their sign (`ui8` becomes `i8`); `moec.model_type` keeps it for the interface.

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
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::moec::kernel::KernelDialect"];
}

#endif // MOEC_PASSES_CONVERSION_PASSES_TD
