// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(onnx-observe-values{values=inner}))' --split-input-file | FileCheck %s
// RUN: moec-opt %s --onnx-observe-values --split-input-file | FileCheck %s --check-prefixes=CHECK,ALL

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    -> (tensor<4xf32> {onnx.dims = [""], onnx.name = "y"}, tensor<4xf32> {onnx.dims = [], onnx.name = "inner"}) {
// CHECK-NEXT:    %[[INNER:.*]] = onnx.node "Neg"(%{{.*}}) version 13 : (
// CHECK-NEXT:    %[[Y:.*]] = onnx.node "Abs"(%[[INNER]]) version 13 : (
// CHECK-NEXT:    return %[[Y]], %[[INNER]] : tensor<4xf32>, tensor<4xf32>
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {onnx.name = "y", onnx.dims = [""]}) {
  %0 = onnx.node "Neg"(%x) version 13 attributes {onnx.values = ["inner"]} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.node "Abs"(%0) version 13 attributes {onnx.values = ["y"]} : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// The second result of a node; functions that are called have no outputs.
// CHECK-LABEL: func.func @second(
// CHECK:         %[[NODE:.*]]:2 = onnx.node "Split"
// CHECK-NEXT:    return %[[NODE]]#1 : tensor<2xf32>
// CHECK-LABEL: func.func private @left_alone(
// CHECK-SAME:    onnx.values
func.func @second(%x: tensor<4xf32>) {
  %0:2 = onnx.node "Split"(%x) version 13 attributes {onnx.values = ["", "inner"]} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return
}
func.func private @left_alone(tensor<4xf32>) attributes {onnx.values = ["inner"]}

// -----

// Without names all values; an output is one already.
// ALL-LABEL: func.func @all(
// ALL:         %[[A:.*]] = onnx.node "Neg"
// ALL:         %[[INNER:.*]] = onnx.node "Abs"
// ALL:         return %[[A]], %[[INNER]] :
func.func @all(%x: tensor<4xf32>) -> (tensor<4xf32> {onnx.name = "a"}) {
  %0 = onnx.node "Neg"(%x) version 13 attributes {onnx.values = ["a"]} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.node "Abs"(%0) version 13 attributes {onnx.values = ["inner"]} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
