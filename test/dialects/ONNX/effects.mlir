// RUN: moec-opt %s --cse | FileCheck %s

// Nodes are pure: equal ones are one, unused ones go.
// CHECK-LABEL: func.func @pure(
// CHECK:         %[[A:.*]] = onnx.node "Neg"
// CHECK-NOT:     onnx.node
// CHECK:         return %[[A]], %[[A]]
func.func @pure(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf32>
  %1 = onnx.node "Neg"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf32>
  %2 = onnx.node "Abs"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}

// Two draws are two, but one that nobody uses is none.
// CHECK-LABEL: func.func @random(
// CHECK:         %[[A:.*]] = onnx.node "RandomNormal"
// CHECK:         %[[B:.*]] = onnx.node "RandomNormal"
// CHECK-NOT:     onnx.node
// CHECK:         return %[[A]], %[[B]]
func.func @random() -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = onnx.node "RandomNormal"() version 1 {shape = array<i64: 4>} : () -> tensor<4xf32>
  %1 = onnx.node "RandomNormal"() version 1 {shape = array<i64: 4>} : () -> tensor<4xf32>
  %2 = onnx.node "RandomNormal"() version 1 {shape = array<i64: 4>} : () -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
