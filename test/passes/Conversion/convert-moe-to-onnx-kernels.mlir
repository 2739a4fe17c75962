// RUN: moec-opt %s --convert-moe-to-onnx=keep-kernels=true | FileCheck %s

// What kernels do as a whole stays; of types that are rounded in between, the rows' product does.

// CHECK-LABEL: func.func @kept(
// CHECK: moe.linear %{{.*}} epilogue <gelu>
// CHECK: moe.grouped_linear %{{.*}} epilogue <silu, gated = true>
func.func @kept(%x: tensor<?x4xf32>, %w: tensor<4x8xf32>, %o: tensor<3xi64>, %v: tensor<2x8x8xf32>) -> tensor<?x4xf32> {
  %0 = moe.linear %x, %w epilogue <gelu> : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %1 = moe.grouped_linear %0 by %o, %v epilogue <silu, gated = true> : (tensor<?x8xf32>, tensor<3xi64>, tensor<2x8x8xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @half(
// CHECK: onnx.node "MatMul"
// CHECK: %[[A:.*]] = onnx.node "Gelu"
// CHECK: %[[Y:.*]] = moe.grouped_linear %[[A]] by %{{.*}} -> tensor<?x8xf16>
// CHECK: onnx.node "Split"(%[[Y]]
// CHECK: onnx.node "Swish"
func.func @half(%x: tensor<?x4xf16>, %w: tensor<4x8xf16>, %o: tensor<3xi64>, %v: tensor<2x8x8xf16>) -> tensor<?x4xf16> {
  %0 = moe.linear %x, %w epilogue <gelu> : (tensor<?x4xf16>, tensor<4x8xf16>) -> tensor<?x8xf16>
  %1 = moe.grouped_linear %0 by %o, %v epilogue <silu, gated = true> : (tensor<?x8xf16>, tensor<3xi64>, tensor<2x8x8xf16>) -> tensor<?x4xf16>
  return %1 : tensor<?x4xf16>
}
