// RUN: moec-opt %s --split-input-file --convert-moe-to-onnx | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: onnx.node "MatMul"(%{{.*}}, %{{.*}}) version 13 : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
func.func @main(%x: tensor<?x4xf32>, %w: tensor<4x8xf32>) -> tensor<?x8xf32> {
  %0 = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @bias
// CHECK: %[[W:.*]] = onnx.node "Transpose"(%{{.*}}) version 21 {perm = array<i64: 1, 0>}
// CHECK: %[[P:.*]] = onnx.node "MatMul"(%{{.*}}, %[[W]])
// CHECK: onnx.node "Add"(%[[P]], %{{.*}}) version 14
func.func @bias(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = moe.linear %x, %w transposed bias %b : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// Rounded is the result, not the input.
// CHECK-LABEL: func.func @norm
// CHECK: %[[Y:.*]] = onnx.node "RMSNormalization"(%arg0, %{{.*}}) version 23 {{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK: onnx.node "Mul"(%[[Y]], %{{.*}}) version 14 : (tensor<?x4xf32>, {{.*}}) -> tensor<?x4xf32>
// CHECK: onnx.node "Cast"(%{{.*}}) version 21 {to = 10 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf16>
func.func @norm(%x: tensor<?x4xf32>, %w: tensor<4xf16>) -> tensor<?x4xf16> {
  %0 = moe.norm <rms> %x scale %w {epsilon = 1.0e-6 : f32} : (tensor<?x4xf32>, tensor<4xf16>) -> tensor<?x4xf16>
  return %0 : tensor<?x4xf16>
}

// -----

// The product, then what is done to it.
// CHECK-LABEL: func.func @epilogue
// CHECK: %[[P:.*]] = onnx.node "MatMul"(%arg0, %arg1) version 13 : {{.*}} -> tensor<?x16xf32>
// CHECK: %[[S:.*]]:2 = onnx.node "Split"(%[[P]], %{{.*}}) version 18 {axis = -1 : i64}
// CHECK: %[[U:.*]] = onnx.node "Add"(%[[S]]#1, %{{.*}})
// CHECK: %[[G:.*]] = onnx.node "Swish"(%[[S]]#0) version 24 {alpha = 1.702000e+00 : f32}
// CHECK: %[[M:.*]] = onnx.node "Mul"(%[[G]], %[[U]])
// CHECK: onnx.node "Add"(%[[M]], %arg2) version 14 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
func.func @epilogue(%x: tensor<?x4xf32>, %w: tensor<4x16xf32>, %r: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = moe.linear %x, %w residual %r epilogue <silu, gated = true, alpha = 1.702 : f32, offset = 1.0 : f32>
      : (tensor<?x4xf32>, tensor<4x16xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
