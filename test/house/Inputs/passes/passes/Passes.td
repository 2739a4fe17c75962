def TidyPass : Pass<"moe-tidy-up"> {
  let description = [{
    Before:
    ```mlir
    ```
    After:
    ```mlir
    ```
  }];
}
def SwapPass : Pass<"moe-swap"> {
  let description = [{
    Before:
    ```mlir
    %0 = moe.route %x : tensor<4xf32>
    ```
  }];
}
def NegPass : Pass<"onnx-neg"> {
  let description = [{
    Before:
    ```mlir
    %0 = onnx.node "Neg"(%x)
    %1 = onnx.node "Abs"(%x)
    ```
    After:
    ```mlir
    %0 = arith.negf %x
    %1 = math.absf %x
    ```
  }];
}
