// RUN: moec-opt %s --split-input-file --onnx-diagnose-exports --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: onnx.constant dense<5>
// CHECK: onnx.constant dense<[2, 3]>
// CHECK: onnx.node "TopK"
// CHECK: onnx.node "Gather"
// CHECK: onnx.node "Split"
func.func @main(%x: tensor<?x4xf32>, %slots: tensor<?xi64>) -> (tensor<2x4xf32>, tensor<3x4xf32>) {
  %k = onnx.constant dense<5> : tensor<1xi64>
  %sizes = onnx.constant dense<[2, 3]> : tensor<2xi64>
  %v, %order = onnx.node "TopK"(%slots, %k) version 11 {largest = 0 : i64} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %s = onnx.node "Gather"(%x, %order) version 13 : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // expected-warning @below {{the numbers of tokens of each expert while the model was traced are fixed in this Split (2, 3)}}
  %a, %b = onnx.node "Split"(%s, %sizes) version 18 : (tensor<?x4xf32>, tensor<2xi64>) -> (tensor<2x4xf32>, tensor<3x4xf32>)
  return %a, %b : tensor<2x4xf32>, tensor<3x4xf32>
}

// -----

// The number of experts that were hit.

func.func @hit(%counts: tensor<4xi1>) -> (tensor<1x1xi64>, tensor<1x1xi64>) {
  %sizes = onnx.constant dense<1> : tensor<2xi64>
  %n = onnx.node "NonZero"(%counts) version 13 : (tensor<4xi1>) -> tensor<1x?xi64>
  %t = onnx.node "Transpose"(%n) version 13 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  // expected-warning @below {{the number of experts that were chosen while the model was traced, 2, is fixed in this Split}}
  %a, %b = onnx.node "Split"(%t, %sizes) version 18 : (tensor<?x1xi64>, tensor<2xi64>) -> (tensor<1x1xi64>, tensor<1x1xi64>)
  return %a, %b : tensor<1x1xi64>, tensor<1x1xi64>
}

// -----

// Three of four experts have a body.

func.func @missing(%i: tensor<?x2xi64>) -> (tensor<2x?xi64>, tensor<2x?xi64>, tensor<2x?xi64>) {
  %depth = onnx.constant dense<4> : tensor<i64>
  %values = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %0 = onnx.constant dense<0> : tensor<i64>
  %1 = onnx.constant dense<1> : tensor<i64>
  %3 = onnx.constant dense<3> : tensor<i64>
  // expected-warning @below {{the router chooses among 4 experts, but the model has no expert 2:}}
  %h = onnx.node "OneHot"(%i, %depth, %values) version 11 : (tensor<?x2xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x2x4xi64>
  %m = onnx.node "Transpose"(%h) version 13 {perm = array<i64: 2, 1, 0>} : (tensor<?x2x4xi64>) -> tensor<4x2x?xi64>
  %a = onnx.node "Gather"(%m, %0) version 13 : (tensor<4x2x?xi64>, tensor<i64>) -> tensor<2x?xi64>
  %b = onnx.node "Gather"(%m, %1) version 13 : (tensor<4x2x?xi64>, tensor<i64>) -> tensor<2x?xi64>
  %c = onnx.node "Gather"(%m, %3) version 13 : (tensor<4x2x?xi64>, tensor<i64>) -> tensor<2x?xi64>
  return %a, %b, %c : tensor<2x?xi64>, tensor<2x?xi64>, tensor<2x?xi64>
}

// -----

// Token numbers, each twice, in a scatter that keeps one.

func.func @dropped(%zeros: tensor<?x4xf32>, %n: tensor<i64>, %u: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = onnx.constant dense<0> : tensor<i64>
  %1 = onnx.constant dense<1> : tensor<i64>
  %last = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<[1, 2]> : tensor<2xi64>
  %flat = onnx.constant dense<[-1, 1]> : tensor<2xi64>
  %wide = onnx.constant dense<[1, 4]> : tensor<2xi64>
  %r = onnx.node "Range"(%0, %n, %1) version 11 : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %c = onnx.node "Unsqueeze"(%r, %last) version 13 : (tensor<?xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %e = onnx.node "Expand"(%c, %two) version 13 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x2xi64>
  %f = onnx.node "Reshape"(%e, %flat) version 14 : (tensor<?x2xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %i = onnx.node "Expand"(%f, %wide) version 13 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x4xi64>
  // expected-warning @below {{this ScatterElements keeps one contribution of a token and drops the others}}
  %y = onnx.node "ScatterElements"(%zeros, %i, %u) version 18 {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x4xi64>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // With a reduction all is well.
  %z = onnx.node "ScatterElements"(%y, %i, %u) version 18 {axis = 0 : i64, reduction = "add"} : (tensor<?x4xf32>, tensor<?x4xi64>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

func.func @rotary(%x: tensor<?x4x?x16xf32>, %cos: tensor<1x?x8xf32>) -> tensor<?x4x?x16xf32> {
  // expected-warning @below {{the cosines have batch 1, the input has another}}
  %y = onnx.node "RotaryEmbedding"(%x, %cos, %cos) version 23 : (tensor<?x4x?x16xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>) -> tensor<?x4x?x16xf32>
  return %y : tensor<?x4x?x16xf32>
}

// -----

// Nothing to say: a Split along a known axis, one of what is not sorted, a mask of a TopK's choices.

func.func @fine(%m: tensor<2x?xi1>, %x: tensor<?x4xf32>) -> (tensor<?x1xi64>, tensor<?x1xi64>, tensor<2x4xf32>, tensor<3x4xf32>) {
  %sizes = onnx.constant dense<1> : tensor<2xi64>
  %parts = onnx.constant dense<[2, 3]> : tensor<2xi64>
  %n = onnx.node "NonZero"(%m) version 13 : (tensor<2x?xi1>) -> tensor<2x?xi64>
  %t = onnx.node "Transpose"(%n) version 13 {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %a, %b = onnx.node "Split"(%t, %sizes) version 18 {axis = 1 : i64} : (tensor<?x2xi64>, tensor<2xi64>) -> (tensor<?x1xi64>, tensor<?x1xi64>)
  %c, %d = onnx.node "Split"(%x, %parts) version 18 : (tensor<?x4xf32>, tensor<2xi64>) -> (tensor<2x4xf32>, tensor<3x4xf32>)
  return %a, %b, %c, %d : tensor<?x1xi64>, tensor<?x1xi64>, tensor<2x4xf32>, tensor<3x4xf32>
}
