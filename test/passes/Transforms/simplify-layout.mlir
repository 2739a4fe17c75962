// RUN: moec-opt %s --onnx-simplify-layout --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:      %[[X:.*]]: tensor<?x4x8xf32>
// CHECK:         %[[Y:.*]] = onnx.node "Transpose"(%[[X]]) version 13 {perm = array<i64: 0, 2, 1>}
// CHECK-NOT:     onnx.node
// CHECK:         return %[[Y]]
func.func @main(%x: tensor<?x4x8xf32>) -> tensor<?x8x4xf32> {
  %axes = onnx.constant dense<0> : tensor<1xi64>
  %shape = onnx.constant dense<[-1, 4, 8]> : tensor<3xi64>
  %0 = onnx.node "Unsqueeze"(%x, %axes) version 13 : (tensor<?x4x8xf32>, tensor<1xi64>) -> tensor<1x?x4x8xf32>
  %1 = onnx.node "Reshape"(%0, %shape) version 14 : (tensor<1x?x4x8xf32>, tensor<3xi64>) -> tensor<?x4x8xf32>
  %2 = onnx.node "Transpose"(%1) version 13 {perm = array<i64: 1, 2, 0>} : (tensor<?x4x8xf32>) -> tensor<4x8x?xf32>
  %3 = onnx.node "Transpose"(%2) version 13 {perm = array<i64: 2, 1, 0>} : (tensor<4x8x?xf32>) -> tensor<?x8x4xf32>
  return %3 : tensor<?x8x4xf32>
}

// -----

// CHECK-LABEL: func.func @identities(
// CHECK-SAME:      %[[X:.*]]: tensor<?x?xf32>
// CHECK-NOT:     onnx.node
// CHECK:         return %[[X]]
func.func @identities(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %none = onnx.none
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %max = onnx.constant dense<9223372036854775807> : tensor<1xi64>
  %ones = onnx.constant dense<1> : tensor<2xi64>
  %zeros = onnx.constant dense<0> : tensor<4xi64>
  %rate = onnx.constant dense<5.0e-01> : tensor<f32>
  %0 = onnx.node "Identity"(%x) version 19 : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = onnx.node "Cast"(%0) version 19 {to = 1 : i64} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %2 = onnx.node "Dropout"(%1, %rate) version 13 : (tensor<?x?xf32>, tensor<f32>) -> tensor<?x?xf32>
  %3 = onnx.node "Slice"(%2, %zero, %max) version 13 : (tensor<?x?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  %4 = onnx.node "Tile"(%3, %ones) version 13 : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %5 = onnx.node "Pad"(%4, %zeros) version 19 : (tensor<?x?xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  %6 = onnx.node "Expand"(%5, %ones) version 13 : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %7 = onnx.node "Concat"(%6) version 13 {axis = 1 : i64} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %8 = onnx.node "Transpose"(%7) version 13 {perm = array<i64: 0, 1>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %8 : tensor<?x?xf32>
}

// -----

// The shape of the second says what it is in any case.
// CHECK-LABEL: func.func @reshapes(
// CHECK-SAME:      %[[X:.*]]: tensor<?x8xf32>
// CHECK:         %[[SHAPE:.*]] = onnx.constant dense<[-1, 2]>
// CHECK:         onnx.node "Reshape"(%[[X]], %[[SHAPE]])
// CHECK-NOT:     onnx.node
func.func @reshapes(%x: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %a = onnx.constant dense<[0, 2, 4]> : tensor<3xi64>
  %b = onnx.constant dense<[-1, 2]> : tensor<2xi64>
  %0 = onnx.node "Reshape"(%x, %a) version 14 : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %1 = onnx.node "Reshape"(%0, %b) version 14 : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// A 0 means a size of the operand: that of the first one here.
// CHECK-LABEL: func.func @reshape_with_new_shape(
// CHECK-SAME:      %[[X:.*]]: tensor<?x8xf32>
// CHECK:         %[[SHAPE:.*]] = onnx.constant dense<[0, 4, 2]> : tensor<3xi64>
// CHECK:         onnx.node "Reshape"(%[[X]], %[[SHAPE]]) version 14 :
// CHECK-NOT:     onnx.node
func.func @reshape_with_new_shape(%x: tensor<?x8xf32>) -> tensor<?x4x2xf32> {
  %a = onnx.constant dense<[-1, 4]> : tensor<2xi64>
  %b = onnx.constant dense<[-1, 0, 2]> : tensor<3xi64>
  %0 = onnx.node "Reshape"(%x, %a) version 14 : (tensor<?x8xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %1 = onnx.node "Reshape"(%0, %b) version 14 : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  return %1 : tensor<?x4x2xf32>
}

// -----

// CHECK-LABEL: func.func @empty_part(
// CHECK-SAME:      %[[X:.*]]: tensor<?x4xf32>, %[[E:.*]]: tensor<?x0xf32>
// CHECK:         return %[[X]]
func.func @empty_part(%x: tensor<?x4xf32>, %e: tensor<?x0xf32>) -> tensor<?x4xf32> {
  %0 = onnx.node "Concat"(%e, %x) version 13 {axis = 1 : i64} : (tensor<?x0xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// The same sizes, but not the same elements.
// CHECK-LABEL: func.func @left_alone_backwards(
// CHECK:         onnx.node "Slice"
// CHECK:         onnx.node "Transpose"
func.func @left_alone_backwards(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %s = onnx.constant dense<-1> : tensor<1xi64>
  %e = onnx.constant dense<-9223372036854775808> : tensor<1xi64>
  %a = onnx.constant dense<0> : tensor<1xi64>
  %0 = onnx.node "Slice"(%x, %s, %e, %a, %s) version 13 : (tensor<4x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x4xf32>
  %1 = onnx.node "Transpose"(%0) version 13 {perm = array<i64: 1, 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// -----

// Only equal for some sizes.
// CHECK-LABEL: func.func @left_alone_unknown_sizes(
// CHECK:         onnx.node "Expand"
// CHECK:         onnx.node "Reshape"
func.func @left_alone_unknown_sizes(%x: tensor<?x?xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = onnx.node "Expand"(%x, %s) version 13 : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %1 = onnx.node "Reshape"(%0, %s) version 14 : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_training(
// CHECK:         onnx.node "Dropout"
// CHECK:         onnx.node "Cast"
func.func @left_alone_training(%x: tensor<?xf32>, %t: tensor<i1>) -> tensor<?xf16> {
  %rate = onnx.constant dense<5.0e-01> : tensor<f32>
  %0 = onnx.node "Dropout"(%x, %rate, %t) version 13 : (tensor<?xf32>, tensor<f32>, tensor<i1>) -> tensor<?xf32>
  %1 = onnx.node "Cast"(%0) version 19 {to = 10 : i64} : (tensor<?xf32>) -> tensor<?xf16>
  return %1 : tensor<?xf16>
}

// -----

// CHECK-LABEL: func.func @computed_shape(
// CHECK-SAME:      %[[X:.*]]: tensor<?x?x64xf32>
// CHECK:         %[[SHAPE:.*]] = onnx.constant dense<[0, 0, 2, 32]> : tensor<4xi64>
// CHECK:         onnx.node "Reshape"(%[[X]], %[[SHAPE]])
// CHECK-NOT:     onnx.node
func.func @computed_shape(%x: tensor<?x?x64xf32>) -> tensor<?x?x2x32xf32> {
  %c = onnx.constant dense<[2, 32]> : tensor<2xi64>
  %n = onnx.node "Shape"(%x) version 15 {end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<2xi64>
  %s = onnx.node "Concat"(%n, %c) version 13 {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %0 = onnx.node "Reshape"(%x, %s) version 14 : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x2x32xf32>
  return %0 : tensor<?x?x2x32xf32>
}

// -----

// Two sizes that are neither constant nor where the operand has them.
// CHECK-LABEL: func.func @left_alone_computed_shape(
// CHECK:         %[[S:.*]] = onnx.node "Concat"
// CHECK:         onnx.node "Reshape"(%{{.*}}, %[[S]])
func.func @left_alone_computed_shape(%x: tensor<?xf32>, %a: tensor<?x?xi1>) -> tensor<?x?xf32> {
  %t = onnx.node "Shape"(%a) version 15 {start = 1 : i64} : (tensor<?x?xi1>) -> tensor<1xi64>
  %n = onnx.node "Shape"(%a) version 15 {end = 1 : i64} : (tensor<?x?xi1>) -> tensor<1xi64>
  %s = onnx.node "Concat"(%t, %n) version 13 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %0 = onnx.node "Reshape"(%x, %s) version 14 : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
