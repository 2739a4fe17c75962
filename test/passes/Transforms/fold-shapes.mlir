// RUN: moec-opt %s --onnx-fold-shapes --split-input-file | FileCheck %s

// The sizes of %x and %y are the same; one element of %0 is a size, so that it stays.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:      %[[X:.*]]: tensor<?x6xf32>
// CHECK:         %[[S:.*]] = onnx.node "Shape"(%[[X]])
// CHECK-DAG:     %[[C:.*]] = onnx.constant dense<6> : tensor<2xi64>
// CHECK-DAG:     %[[SUM:.*]] = onnx.node "Add"(%[[S]], %[[S]])
// CHECK-NOT:     onnx.node
// CHECK:         return %[[C]], %[[SUM]]
func.func @main(%x: tensor<?x6xf32>) -> (tensor<2xi64>, tensor<2xi64>) {
  %i = onnx.constant dense<1> : tensor<1xi64>
  %s = onnx.node "Shape"(%x) version 15 : (tensor<?x6xf32>) -> tensor<2xi64>
  %n = onnx.node "Gather"(%s, %i) version 13 : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
  %0 = onnx.node "Concat"(%n, %n) version 13 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %y = onnx.node "Neg"(%x) version 13 : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %1 = onnx.node "Shape"(%y) version 15 : (tensor<?x6xf32>) -> tensor<2xi64>
  %2 = onnx.node "Add"(%s, %1) version 14 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %0, %2 : tensor<2xi64>, tensor<2xi64>
}

// -----

// TorchScript's expand: -1 in a shape means "as it is", which no size is.
// CHECK-LABEL: func.func @expand_idiom(
// CHECK:         %[[S:.*]] = onnx.node "Shape"
// CHECK-NOT:     "Where"
// CHECK:         return %[[S]]
func.func @expand_idiom(%x: tensor<?x?xf32>) -> tensor<2xi64> {
  %minus = onnx.constant dense<-1> : tensor<i64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %s = onnx.node "Shape"(%x) version 15 : (tensor<?x?xf32>) -> tensor<2xi64>
  %ones = onnx.node "ConstantOfShape"(%two) version 9 {value = dense<1> : tensor<1xi64>} : (tensor<1xi64>) -> tensor<2xi64>
  %mask = onnx.node "Mul"(%ones, %minus) version 14 : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %is = onnx.node "Equal"(%s, %mask) version 13 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %0 = onnx.node "Where"(%is, %ones, %s) version 16 : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// CHECK-LABEL: func.func @floats(
// CHECK:         %[[C:.*]] = onnx.constant dense<2.500000e-01> : tensor<f32>
// CHECK-NOT:     onnx.node
// CHECK:         return %[[C]]
func.func @floats() -> tensor<f32> {
  %n = onnx.constant dense<16> : tensor<i64>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %f = onnx.node "Cast"(%n) version 13 {to = 1 : i64} : (tensor<i64>) -> tensor<f32>
  %r = onnx.node "Sqrt"(%f) version 13 : (tensor<f32>) -> tensor<f32>
  %0 = onnx.node "Div"(%one, %r) version 14 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// CHECK-LABEL: func.func @splat(
// CHECK:         onnx.constant dense<1.000000e+00> : tensor<4x8xf32>
func.func @splat() -> tensor<4x8xf32> {
  %s = onnx.constant dense<[4, 8]> : tensor<2xi64>
  %0 = onnx.node "ConstantOfShape"(%s) version 9 {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Constants have at most 1 KiB.
// CHECK-LABEL: func.func @left_alone_large(
// CHECK:         onnx.node "ConstantOfShape"
func.func @left_alone_large() -> tensor<257xf32> {
  %s = onnx.constant dense<[257]> : tensor<1xi64>
  %0 = onnx.node "ConstantOfShape"(%s) version 9 {value = dense<1.0> : tensor<1xf32>} : (tensor<1xi64>) -> tensor<257xf32>
  return %0 : tensor<257xf32>
}

// -----

// The last bit of exp is not ours to choose.
// CHECK-LABEL: func.func @left_alone_library_function(
// CHECK:         onnx.node "Exp"
func.func @left_alone_library_function() -> tensor<f32> {
  %one = onnx.constant dense<1.0> : tensor<f32>
  %0 = onnx.node "Exp"(%one) version 13 : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// Two tensors of the same unknown contents are not equal.
// CHECK-LABEL: func.func @left_alone_data(
// CHECK:         %[[A:.*]] = onnx.node "ArgMax"
// CHECK:         %[[B:.*]] = onnx.node "ArgMin"
// CHECK:         return %[[A]], %[[B]]
func.func @left_alone_data(%x: tensor<4x8xf32>) -> (tensor<1x8xi64>, tensor<1x8xi64>) {
  %0 = onnx.node "ArgMax"(%x) version 13 : (tensor<4x8xf32>) -> tensor<1x8xi64>
  %1 = onnx.node "ArgMin"(%x) version 13 : (tensor<4x8xf32>) -> tensor<1x8xi64>
  return %0, %1 : tensor<1x8xi64>, tensor<1x8xi64>
}
