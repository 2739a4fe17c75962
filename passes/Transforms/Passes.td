#ifndef MOEC_PASSES_TRANSFORMS_PASSES_TD
#define MOEC_PASSES_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===- On buffers -------------------------------------------------------------------------------------===//

def LinkKernelsPass : Pass<"moec-link-kernels", "::mlir::ModuleOp"> {
  let summary = "Replace calls of kernels by calls of their functions";
  let description = [{
    Brings the function of every called kernel into the module, from the kernel library or the kernel
    generator, once, and calls it. A buffer with strides, where the kernel wants a dense one, is copied.

    Why: kernels are written once for all sizes and inlined or not as LLVM sees fit.

    Limits: on buffers only.

    Before:
    ```mlir
    func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
      kernel.call @twice ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>)
      return
    }
    func.func private @twice(%x: memref<?x?xf32>, %y: memref<?x?xf32>) { … }
    ```
    After:
    ```mlir
    func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
      %0 = memref.cast %x : memref<4x8xf32> to memref<?x?xf32>
      %1 = memref.cast %y : memref<4x8xf32> to memref<?x?xf32>
      call @twice(%0, %1) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
      return
    }
    ```
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "unsigned", "16", "Width of a vector register, in bytes">,
    Option<"vectorRegisters", "vector-registers", "unsigned", "16", "Number of vector registers">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::moec::par::ParDialect"];
}

def LowerExpandShapesPass : Pass<"moec-lower-expand-shapes", "::mlir::func::FuncOp"> {
  let summary = "Make splits of dimensions views with computed strides";
  let description = [{
    `memref.expand_shape` becomes `memref.reinterpret_cast` with the sizes it states and the strides that
    follow from them.

    Why: shapes are dynamic in several dimensions at once, and upstream's `expand-strided-metadata` takes
    one dynamic size a group.

    Limits: static shapes are left to upstream.

    Before:
    ```mlir
    func.func @split(%x: memref<?xf32>, %m: index, %n: index) -> memref<?x?xf32> {
      %0 = memref.expand_shape %x [[0, 1]] output_shape [%m, %n] : memref<?xf32> into memref<?x?xf32>
      return %0 : memref<?x?xf32>
    }
    ```
    After:
    ```mlir
    func.func @split(%x: memref<?xf32>, %m: index, %n: index) -> memref<?x?xf32> {
      %base, %offset, %size, %stride = memref.extract_strided_metadata %x
          : memref<?xf32> -> memref<f32>, index, index, index
      %0 = memref.reinterpret_cast %base to offset: [0], sizes: [%m, %n], strides: [%n, 1]
          : memref<f32> to memref<?x?xf32>
      return %0 : memref<?x?xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def OutlineTasksPass : Pass<"par-outline-tasks", "::mlir::ModuleOp"> {
  let summary = "Make the bodies of parallel loops functions";
  let description = [{
    The body of each `par.for` becomes a function of the range and of the values it uses; equal bodies
    become one function.

    Why: the runtime calls a function, and a model's layers do the same things many times.

    Limits: a loop inside a loop is outlined first and launched from inside.

    Before:
    ```mlir
    func.func @fill(%n: index, %grain: index, %out: memref<?xf32>, %v: f32) {
      par.for %begin, %end in %n grain %grain {
        %c1 = arith.constant 1 : index
        scf.for %i = %begin to %end step %c1 {
          memref.store %v, %out[%i] : memref<?xf32>
        }
      }
      return
    }
    ```
    After:
    ```mlir
    func.func private @fill_task(%begin: index, %end: index, %v: f32, %out: memref<?xf32>) {
      %c1 = arith.constant 1 : index
      scf.for %i = %begin to %end step %c1 {
        memref.store %v, %out[%i] : memref<?xf32>
      }
      return
    }
    func.func @fill(%n: index, %grain: index, %out: memref<?xf32>, %v: f32) {
      par.launch @fill_task in %n grain %grain args(%v, %out : f32, memref<?xf32>)
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::moec::par::ParDialect"];
}

def PlaceDeallocationsPass : Pass<"moec-place-deallocations", "::mlir::func::FuncOp"> {
  let summary = "Free buffers after their last use";
  let description = [{
    Follows every buffer through its views to the last operation that may touch it and frees it there.
    Results get memory of their own, for the caller to free: an argument, a weight, a part of a buffer, or
    a buffer returned twice is copied.

    Why: a call should hold only what it still needs.

    Limits: a buffer that leaves its block through a terminator other than the function's is not freed
    here; the runtime frees it at the end of the call.

    Before:
    ```mlir
    func.func @f(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>) {
      %a = memref.alloc() : memref<4xf32>
      memref.copy %x, %a : memref<4xf32> to memref<4xf32>
      %b = memref.alloc() : memref<4xf32>
      memref.copy %a, %b : memref<4xf32> to memref<4xf32>
      return %b, %x : memref<4xf32>, memref<4xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>) {
      %a = memref.alloc() : memref<4xf32>
      memref.copy %x, %a : memref<4xf32> to memref<4xf32>
      %b = memref.alloc() : memref<4xf32>
      memref.copy %a, %b : memref<4xf32> to memref<4xf32>
      memref.dealloc %a : memref<4xf32>
      %c = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
      memref.copy %x, %c : memref<4xf32> to memref<4xf32>
      return %b, %c : memref<4xf32>, memref<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numDeallocations", "num-deallocations", "Buffers freed">];
}

#endif // MOEC_PASSES_TRANSFORMS_PASSES_TD
