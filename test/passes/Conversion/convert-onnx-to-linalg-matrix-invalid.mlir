// RUN: moec-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

// A block that no tensor has, of codes that no byte holds.
func.func @block_size(%a: tensor<1x16xf32> {onnx.name = "a"}, %b: tensor<16x1x0xui8> {onnx.name = "b"},
                      %s: tensor<16xf32> {onnx.name = "s"}) -> (tensor<1x16xf32> {onnx.name = "y"}) {
  // expected-error @below {{'block_size' is 4611686018427387904, expected a power of two of at least 16}}
  %0 = onnx.node "com.microsoft::MatMulNBits"(%a, %b, %s) version 1 {N = 16 : i64, K = 16 : i64, bits = 4 : i64, block_size = 4611686018427387904 : i64}
      : (tensor<1x16xf32>, tensor<16x1x0xui8>, tensor<16xf32>) -> tensor<1x16xf32>
  return %0 : tensor<1x16xf32>
}
