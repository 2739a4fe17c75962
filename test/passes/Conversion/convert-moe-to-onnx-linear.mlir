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
