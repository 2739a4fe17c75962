// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(moec-tag-nodes))' --mlir-print-debuginfo --mlir-print-local-scope --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK:         onnx.node "Neg"({{.*}} loc(fused<"Neg">["minus"])
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf32> loc("minus")
  return %0 : tensor<?xf32>
}

// -----

// Operators of other sets have the names of these; what is tagged or has no name stays, and constants
// are nobody's work.
// CHECK-LABEL: func.func @others(
// CHECK:         onnx.constant {{.*}} loc("one")
// CHECK:         onnx.node "my::Op"({{.*}} loc(fused<"my::Op">["mine"])
// CHECK:         onnx.node "Neg"({{.*}} loc(fused<"Other">["tagged"])
// CHECK:         onnx.node "Abs"({{.*}} loc("{{.*}}tag-nodes.mlir"
func.func @others(%x: tensor<?xf32>) -> tensor<?xf32> {
  %one = onnx.constant dense<1.0> : tensor<1xf32> loc("one")
  %0 = onnx.node "my::Op"(%x, %one) version 1 : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32> loc("mine")
  %1 = onnx.node "Neg"(%0) version 13 : (tensor<?xf32>) -> tensor<?xf32> loc(fused<"Other">["tagged"])
  %2 = onnx.node "Abs"(%1) version 13 : (tensor<?xf32>) -> tensor<?xf32>
  return %2 : tensor<?xf32>
}
