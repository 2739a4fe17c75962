#ifndef MOEC_PASSES_RAISING_PASSES_TD
#define MOEC_PASSES_RAISING_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseLinearPass : Pass<"moe-raise-linear", "::mlir::func::FuncOp"> {
  let summary = "Linear layers from matrix products with weights";
  let description = [{
    A MatMul or Gemm whose second operand is a matrix of weights becomes `moe.linear`: a transposed weight is
    noted, a bias added after it (or Gemm's C) becomes the bias.

    Why: a linear layer is what later passes prune, factor, quantise and merge.

    Limits: a Gemm with alpha or beta other than 1 or a transposed input stays; so does a bias that is no
    vector over the outputs.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
      %0 = onnx.node "Gemm"(%x, %w, %b) version 13 {transB = 1 : i64} : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
      return %0 : tensor<?x8xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
      %0 = moe.linear %x, %w transposed bias %b : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
      return %0 : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
}

#endif // MOEC_PASSES_RAISING_PASSES_TD
