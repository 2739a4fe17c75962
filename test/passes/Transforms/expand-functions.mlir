// RUN: moec-opt %s --onnx-expand-functions --split-input-file --mlir-print-debuginfo | FileCheck %s

// The new nodes have the location of the old.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:      %[[X:.*]]: tensor<?x4xf32>
// CHECK-DAG:     %[[TWO:.*]] = onnx.constant dense<2.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[EPSILON:.*]] = onnx.constant dense<9.99999971E-10> : tensor<f32>
// CHECK:         %[[MEAN:.*]] = onnx.node "ReduceMean"(%[[X]]){{.*}} {axes = array<i64: 1>}{{.*}} -> tensor<?x1xf32>
// CHECK:         %[[SQUARE:.*]] = onnx.node "Pow"(%[[MEAN]], %[[TWO]])
// CHECK:         %[[ROOT:.*]] = onnx.node "Sqrt"
// CHECK:         %[[CENTERED:.*]] = onnx.node "Sub"(%[[X]], %[[MEAN]])
// CHECK:         %[[BOUND:.*]] = onnx.node "Add"(%[[ROOT]], %[[EPSILON]])
// CHECK:         %[[Y:.*]] = onnx.node "Div"(%[[CENTERED]], %[[BOUND]]){{.*}} -> tensor<?x4xf32> loc(#[[LOC:.*]])
// CHECK:         return %[[Y]]
// CHECK:       #[[LOC]] = loc("norm")
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = onnx.node "MeanVarianceNormalization"(%x) version 13 {axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?x4xf32> loc("norm")
  return %0 : tensor<?x4xf32>
}

// -----

// Attributes that the node does not have are the schema's.
// CHECK-LABEL: func.func @default_attributes(
// CHECK:         "ReduceMean"{{.*}} {axes = array<i64: 0, 2, 3>}
// CHECK-NOT:     "MeanVarianceNormalization"
func.func @default_attributes(%x: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %0 = onnx.node "MeanVarianceNormalization"(%x) version 13 : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %0 : tensor<2x3x4x5xf32>
}

// -----

// A definition that depends on attributes, with a definition inside.
// CHECK-LABEL: func.func @of_definitions(
// CHECK-NOT:     "SoftmaxCrossEntropyLoss"
// CHECK-NOT:     "NegativeLogLikelihoodLoss"
// CHECK:         "LogSoftmax"
// CHECK:         "ReduceMean"
// CHECK:         return %{{.*}} : tensor<f32>
func.func @of_definitions(%scores: tensor<?x5xf32>, %labels: tensor<?xi64>) -> tensor<f32> {
  %0 = onnx.node "SoftmaxCrossEntropyLoss"(%scores, %labels) version 13 {reduction = "mean"} : (tensor<?x5xf32>, tensor<?xi64>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// There is a handler.
// CHECK-LABEL: func.func @left_alone_supported(
// CHECK:         onnx.node "Softmax"
func.func @left_alone_supported(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = onnx.node "Softmax"(%x) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// No definition.
// CHECK-LABEL: func.func @left_alone_primitive(
// CHECK:         onnx.node "my::Op"
func.func @left_alone_primitive(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = onnx.node "my::Op"(%x) version 1 : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
