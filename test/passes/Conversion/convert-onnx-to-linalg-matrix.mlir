// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize --split-input-file | FileCheck %s

// Keys and values of grouped heads are read where they are: repeated heads are rows of one product,
// the transposition is the kernel's, the factor goes to the smaller side.
// CHECK-LABEL: func.func @grouped_heads(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x4x?x8xf32>, %[[K:.*]]: tensor<?x2x?x8xf32>)
func.func @grouped_heads(%q: tensor<?x4x?x8xf32> {onnx.dims = ["b", "", "s", ""]},
                         %k: tensor<?x2x?x8xf32> {onnx.dims = ["b", "", "t", ""]}) -> tensor<?x4x?x?xf32> {
  // CHECK-NOT:  linalg.transpose
  // CHECK-DAG:  %[[KEYS:.*]] = tensor.collapse_shape %[[K]] {{\[}}[0, 1], [2], [3]] : tensor<?x2x?x8xf32> into tensor<?x?x8xf32>
  // CHECK-DAG:  %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]] : tensor<?x4x?x8xf32>)
  // CHECK:      kernel.call @matmul_nt_f32 ins(%{{.*}}, %[[KEYS]] : tensor<?x?x8xf32>, tensor<?x?x8xf32>)
  %axis = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %shape = onnx.constant dense<[1, 1, 2, 1, 1]> : tensor<5xi64>
  %heads = onnx.constant dense<[0, 4, -1, 8]> : tensor<4xi64>
  %factor = onnx.constant dense<0.5> : tensor<1xf32>
  %0 = onnx.node "Unsqueeze"(%k, %axis) version 13 : (tensor<?x2x?x8xf32>, tensor<1xi64>) -> tensor<?x2x1x?x8xf32>
  %1 = onnx.node "Expand"(%0, %shape) version 13 : (tensor<?x2x1x?x8xf32>, tensor<5xi64>) -> tensor<?x2x2x?x8xf32>
  %2 = onnx.node "Reshape"(%1, %heads) version 14 : (tensor<?x2x2x?x8xf32>, tensor<4xi64>) -> tensor<?x4x?x8xf32>
  %3 = onnx.node "Transpose"(%2) version 13 {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x?x8xf32>) -> tensor<?x4x8x?xf32>
  %4 = onnx.node "Mul"(%3, %factor) version 14 : (tensor<?x4x8x?xf32>, tensor<1xf32>) -> tensor<?x4x8x?xf32>
  %5 = onnx.node "MatMul"(%q, %4) version 13 : (tensor<?x4x?x8xf32>, tensor<?x4x8x?xf32>) -> tensor<?x4x?x?xf32>
  return %5 : tensor<?x4x?x?xf32>
}

// -----

// Heads that are repeated as a whole (0, 1, 0, 1) are no rows of one product.
// CHECK-LABEL: func.func @left_alone_repeated_outside(
func.func @left_alone_repeated_outside(%q: tensor<4x?x8xf32>, %v: tensor<2x8x5xf32>) -> tensor<4x?x5xf32> {
  // CHECK:      linalg.generic
  // CHECK:      kernel.call @matmul_f32 ins({{.*}} : tensor<4x?x8xf32>, tensor<4x8x5xf32>)
  %axis = onnx.constant dense<0> : tensor<1xi64>
  %shape = onnx.constant dense<[2, 2, 8, 5]> : tensor<4xi64>
  %heads = onnx.constant dense<[4, 8, 5]> : tensor<3xi64>
  %0 = onnx.node "Unsqueeze"(%v, %axis) version 13 : (tensor<2x8x5xf32>, tensor<1xi64>) -> tensor<1x2x8x5xf32>
  %1 = onnx.node "Expand"(%0, %shape) version 13 : (tensor<1x2x8x5xf32>, tensor<4xi64>) -> tensor<2x2x8x5xf32>
  %2 = onnx.node "Reshape"(%1, %heads) version 14 : (tensor<2x2x8x5xf32>, tensor<3xi64>) -> tensor<4x8x5xf32>
  %3 = onnx.node "MatMul"(%q, %2) version 13 : (tensor<4x?x8xf32>, tensor<4x8x5xf32>) -> tensor<4x?x5xf32>
  return %3 : tensor<4x?x5xf32>
}
