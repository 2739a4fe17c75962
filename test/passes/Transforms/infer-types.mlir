// RUN: moec-opt %s --onnx-infer-types --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:      -> tensor<?x2x3xf32>
// CHECK:         onnx.constant dense<[0, 2, -1]>
// CHECK:         %[[Y:.*]] = onnx.node "Reshape"{{.*}} -> tensor<?x2x3xf32>
// CHECK:         return %[[Y]] : tensor<?x2x3xf32>
func.func @main(%x: tensor<?x6xf32>) -> tensor<*x!onnx.unknown> {
  %shape = onnx.constant dense<[0, 2, -1]> : tensor<3xi64>
  %0 = onnx.node "Reshape"(%x, %shape) version 14 : (tensor<?x6xf32>, tensor<3xi64>) -> tensor<*x!onnx.unknown>
  return %0 : tensor<*x!onnx.unknown>
}

// -----

// The library gets the contents of shape tensors from the symbolic analysis.
// CHECK-LABEL: func.func @computed_contents(
// CHECK:         "Resize"{{.*}} -> tensor<?x12xf32>
func.func @computed_contents(%x: tensor<?x6xf32>) -> tensor<*xf32> {
  %i = onnx.constant dense<1> : tensor<1xi64>
  %f = onnx.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %none = onnx.none
  %0 = onnx.node "Resize"(%x, %none, %f) version 19 : (tensor<?x6xf32>, none, tensor<2xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

// What a file states of sizes is a claim: here of the one run that was traced.
// CHECK-LABEL: func.func @claims_are_not_believed(
// CHECK:         "NonZero"{{.*}} -> tensor<1x?xi64>
func.func @claims_are_not_believed(%x: tensor<?xf32>) -> tensor<1x5xi64> {
  %0 = onnx.node "NonZero"(%x) version 13 : (tensor<?xf32>) -> tensor<1x5xi64>
  return %0 : tensor<1x5xi64>
}

// -----

// … but the only thing there is for an operator that nobody knows.
// CHECK-LABEL: func.func @left_alone_unknown_operator(
// CHECK:         "my::Op"{{.*}} -> tensor<?x7xf32>
// CHECK:         "Neg"{{.*}} -> tensor<?x7xf32>
func.func @left_alone_unknown_operator(%x: tensor<?xf32>) -> tensor<*x!onnx.unknown> {
  %0 = onnx.node "my::Op"(%x) version 1 : (tensor<?xf32>) -> tensor<?x7xf32>
  %1 = onnx.node "Neg"(%0) version 13 : (tensor<?x7xf32>) -> tensor<*x!onnx.unknown>
  return %1 : tensor<*x!onnx.unknown>
}

// -----

// CHECK-LABEL: func.func @fused_operators(
// CHECK:         "com.microsoft::SkipSimplifiedLayerNormalization"
// CHECK-SAME:        -> (tensor<?x?x8xf16>, none, none, tensor<?x?x8xf16>)
// CHECK:         "com.microsoft::MatMulNBits"{{.*}} -> tensor<?x?x16xf16>
func.func @fused_operators(%x: tensor<?x?x8xf16>, %w: tensor<8xf16>, %b: tensor<16x1x4xui8>,
                           %s: tensor<16xf16>) -> tensor<*x!onnx.unknown> {
  %0:4 = onnx.node "com.microsoft::SkipSimplifiedLayerNormalization"(%x, %x, %w) version 1
      : (tensor<?x?x8xf16>, tensor<?x?x8xf16>, tensor<8xf16>)
      -> (tensor<*x!onnx.unknown>, none, none, tensor<*x!onnx.unknown>)
  %1 = onnx.node "com.microsoft::MatMulNBits"(%0#0, %b, %s) version 1 {K = 8 : i64, N = 16 : i64}
      : (tensor<*x!onnx.unknown>, tensor<16x1x4xui8>, tensor<16xf16>) -> tensor<*x!onnx.unknown>
  return %1 : tensor<*x!onnx.unknown>
}

// -----

// If gives what both branches give.
// CHECK-LABEL: func.func @branches(
// CHECK:         onnx.node "If"
// CHECK:         "Abs"{{.*}} -> tensor<?x4xf32>
// CHECK:         : (tensor<i1>) -> tensor<?x?xf32>
func.func @branches(%c: tensor<i1>, %x: tensor<?x4xf32>, %y: tensor<?x?xf32>)
    -> tensor<*x!onnx.unknown> {
  %0 = onnx.node "If"(%c) version 21 region "then_branch" {
    %1 = onnx.node "Abs"(%x) version 13 : (tensor<?x4xf32>) -> tensor<*x!onnx.unknown>
    onnx.yield %1 : tensor<*x!onnx.unknown>
  } region "else_branch" {
    onnx.yield %y : tensor<?x?xf32>
  } : (tensor<i1>) -> tensor<*x!onnx.unknown>
  return %0 : tensor<*x!onnx.unknown>
}

// -----

// What is not known upstream is no error downstream.
// CHECK-LABEL: func.func @left_alone_unknown_operand(
// CHECK:         "Add"{{.*}} -> tensor<*x!onnx.unknown>
func.func @left_alone_unknown_operand(%x: tensor<?xf32>) -> tensor<*x!onnx.unknown> {
  %0 = onnx.node "my::Op"(%x) version 1 : (tensor<?xf32>) -> tensor<*x!onnx.unknown>
  // expected-remark@+1 {{types of 'Add' are not known}}
  %1 = onnx.node "Add"(%0, %x) version 14 : (tensor<*x!onnx.unknown>, tensor<?xf32>) -> tensor<*x!onnx.unknown>
  return %1 : tensor<*x!onnx.unknown>
}
