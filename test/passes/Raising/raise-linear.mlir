// RUN: moec-opt %s --split-input-file --moe-raise-linear | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: moe.linear %{{.*}}, %{{.*}} transposed bias %{{.*}} : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
func.func @main(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.node "Gemm"(%x, %w, %b) version 13 {transB = 1 : i64} : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// A bias on either side; a product that is used elsewhere too keeps its own value.

// CHECK-LABEL: func.func @bias
// CHECK: %[[A:.*]] = moe.linear %{{.*}}, %{{.*}} bias %{{.*}} : (tensor<?x3x4xf32>, tensor<4x8xf32>, tensor<8xf32>)
// CHECK: %[[B:.*]] = moe.linear %{{.*}}, %{{.*}} : (tensor<?x3x4xf32>, tensor<4x8xf32>)
// CHECK: %[[C:.*]] = onnx.node "Add"(%{{.*}}, %[[B]])
// CHECK: return %[[A]], %[[B]], %[[C]]
func.func @bias(%x: tensor<?x3x4xf32>, %v: tensor<4x8xf32>, %w: tensor<4x8xf32>, %b: tensor<8xf32>)
    -> (tensor<?x3x8xf32>, tensor<?x3x8xf32>, tensor<?x3x8xf32>) {
  %0 = onnx.node "MatMul"(%x, %v) version 13 : (tensor<?x3x4xf32>, tensor<4x8xf32>) -> tensor<?x3x8xf32>
  %1 = onnx.node "Add"(%b, %0) version 14 : (tensor<8xf32>, tensor<?x3x8xf32>) -> tensor<?x3x8xf32>
  %2 = onnx.node "MatMul"(%x, %w) version 13 : (tensor<?x3x4xf32>, tensor<4x8xf32>) -> tensor<?x3x8xf32>
  %3 = onnx.node "Add"(%b, %2) version 14 : (tensor<8xf32>, tensor<?x3x8xf32>) -> tensor<?x3x8xf32>
  return %1, %2, %3 : tensor<?x3x8xf32>, tensor<?x3x8xf32>, tensor<?x3x8xf32>
}

// -----

// Left alone: alpha, a bias over rows, products of two activations.

// CHECK-LABEL: func.func @others
// CHECK-NOT: moe.linear
func.func @others(%x: tensor<?x4xf32>, %w: tensor<4x8xf32>, %r: tensor<?x1xf32>, %y: tensor<4x?xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x?xf32>) {
  %0 = onnx.node "Gemm"(%x, %w) version 13 {alpha = 2.0 : f32} : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.node "Gemm"(%x, %w, %r) version 13 : (tensor<?x4xf32>, tensor<4x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %2 = onnx.node "MatMul"(%x, %y) version 13 : (tensor<?x4xf32>, tensor<4x?xf32>) -> tensor<?x?xf32>
  return %0, %1, %2 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x?xf32>
}
