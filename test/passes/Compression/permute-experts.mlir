// RUN: moec-opt %s --split-input-file --moe-permute-experts="score=norm" 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: moec-opt %s --split-input-file --moe-permute-experts="order=2" 2>%t | FileCheck %s --check-prefix=NAMED
// RUN: FileCheck %s --check-prefix=TORN < %t
// RUN: moec-opt %s --split-input-file --moe-permute-experts="score=random seed=1" | FileCheck %s --check-prefix=RANDOM
// RUN: not moec-opt %s --split-input-file --moe-permute-experts="order=7" 2>&1 | FileCheck %s --check-prefix=NOSUCH
// RUN: not moec-opt %s --split-input-file --moe-permute-experts="order=1,1" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not moec-opt %s --split-input-file --moe-permute-experts="score=size" 2>&1 | FileCheck %s --check-prefix=SCORE
// RUN: not moec-opt %s --split-input-file --moe-permute-experts="layers=nowhere" 2>&1 | FileCheck %s --check-prefix=NOWHERE

// NOSUCH: error: permute-experts: 'order' of 'experts' names 7, expected 0 to 2
// TWICE: error: permute-experts: 'order' of 'experts' names 1 twice
// SCORE: error: permute-experts: 'score' is 'size', expected norm or random
// NOWHERE: error: permute-experts: 'layers': no layer is called 'nowhere'

// CHECK-LABEL: module
// CHECK-SAME: options = {order = array<i64: 2, 0, 1>}
// CHECK-SAME: pass = "permute-experts"
// CHECK-SAME: verdict = "done"
// CHECK: %[[ROUTER:.*]] = onnx.constant dense<{{\[\[}}2.000000e+00, 1.000000e+00, 0.000000e+00], [2.000000e+00, 0.000000e+00, 1.000000e+00]]> : tensor<2x3xf32>
// CHECK: %[[L:.*]] = moe.linear %arg0, %[[ROUTER]] : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
// CHECK: moe.route %[[L]] {{.*}} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
// CHECK: %[[UP:.*]] = onnx.constant dense<{{\[\[\[}}5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00]], {{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]], {{\[\[}}0.000000e+00, 5.000000e-01], [5.000000e-01, 0.000000e+00]]]> : tensor<3x2x2xf32>
// CHECK: moe.experts %arg0 to %{{.*}} parameters(%[[UP]] : tensor<3x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 1>}
// CHECK: moe.yield
// REMARK: remark: permute-experts: 3 of 3 experts moved, the largest by norm first
// NAMED-LABEL: module
// NAMED-SAME: options = {order = array<i64: 2, 0, 1>}
// RANDOM-LABEL: module
// RANDOM-SAME: options = {order = array<i64: {{[0-2], [0-2], [0-2]}}>}
module {
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %router = onnx.constant dense<[[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]> : tensor<2x3xf32>
    %up = onnx.constant dense<[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.5], [0.5, 0.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<3x2x2xf32>
    %l = moe.linear %x, %router : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
    %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
    %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32> {
    ^bb0(%t: tensor<?x2xf32>, %u: tensor<2x2xf32>):
      %0 = moe.linear %t, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
      moe.yield %0 : tensor<?x2xf32>
    }
    return %y : tensor<?x2xf32>
  }
}

// -----

// Matrices of their own change places; nothing is written. The logits are an input: they are put in order as the model runs, and so is
// what else has an entry for each expert.
// NAMED-LABEL: func.func @own_matrices
// NAMED: %[[L:.*]] = onnx.node "Gather"(%arg1, %{{.*}}) version 13 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<3xi64>) -> tensor<?x3xf32>
// NAMED: %[[B:.*]] = onnx.constant dense<[3.000000e+00, 1.000000e+00, 2.000000e+00]> : tensor<3xf32>
// NAMED: %[[A:.*]] = onnx.node "Gather"(%{{.*}}, %{{.*}}) version 13 {axis = 0 : i64} : (tensor<3xi1>, tensor<3xi64>) -> tensor<3xi1>
// NAMED: moe.route %[[L]] bias %[[B]] alive %[[A]]
// NAMED: moe.experts %arg0 to %{{.*}} parameters(%arg4, %arg2, %arg3 : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 3>}
func.func @own_matrices(%x: tensor<?x2xf32>, %l: tensor<?x3xf32>, %a: tensor<1x2x2xf32>, %b: tensor<1x2x2xf32>, %c: tensor<1x2x2xf32>) -> tensor<?x2xf32> {
  %bias = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %alive = onnx.constant dense<[true, true, false]> : tensor<3xi1>
  %w, %e = moe.route %l bias %bias alive %alive {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>, tensor<3xf32>, tensor<3xi1>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%a, %b, %c : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 3>} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32> {
  ^bb0(%t: tensor<?x2xf32>, %u: tensor<2x2xf32>):
    %0 = moe.linear %t, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    moe.yield %0 : tensor<?x2xf32>
  }
  return %y : tensor<?x2xf32>
}

// -----

// A stack that is no weight of the model cannot be put in order: a table says where its rows are. Experts 1 and 2 share a row.
// NAMED-LABEL: func.func @rows_that_stay
// NAMED: moe.experts %arg0 to %{{.*}} parameters(%arg2 : tensor<2x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 1>, tables = [array<i64: 0, 1, 0, 0, 0, 1>]}
func.func @rows_that_stay(%x: tensor<?x2xf32>, %l: tensor<?x3xf32>, %a: tensor<2x2x2xf32>) -> tensor<?x2xf32> {
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%a : tensor<2x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 1>, tables = [array<i64: 0, 0, 0, 1, 0, 1>]} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32> {
  ^bb0(%t: tensor<?x2xf32>, %u: tensor<2x2xf32>):
    %0 = moe.linear %t, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    moe.yield %0 : tensor<?x2xf32>
  }
  return %y : tensor<?x2xf32>
}

// -----

// Two groups of two: by norm each is in order by itself. An order that tears them apart is refused.
// CHECK: options = {order = array<i64: 1, 0, 3, 2>}
// CHECK-LABEL: func.func @groups
// CHECK: onnx.constant dense<{{\[\[\[}}2.000000e+00]], {{\[\[}}1.000000e+00]], {{\[\[}}4.000000e+00]], {{\[\[}}3.000000e+00]]]> : tensor<4x1x1xf32>
// TORN: remark: permute-experts leaves 'experts' as it is: its router chooses among groups of 2 experts, which the order tears apart
// NAMED-LABEL: func.func @groups
// NAMED: moe.route %arg1 {
func.func @groups(%x: tensor<?x1xf32>, %l: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %w, %e = moe.route %l {k = 1 : i64, groups = 2 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x4xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<4x1x1xf32>) {num_experts = 4 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// REMARK: remark: permute-experts leaves 'experts' as it is: its experts are in that order
func.func @left_alone_in_order(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[3.0]], [[2.0]], [[2.0]]]> : tensor<3x1x1xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// The numbers of experts are an output as well: it stays what it was. A copy of another shape is for the experts.
// CHECK-LABEL: func.func @other_uses
// CHECK: %[[W:.*]], %[[E:.*]] = moe.route
// CHECK: %[[COLUMN:.*]] = onnx.node "Reshape"(%[[E]], %arg2)
// CHECK: moe.experts %arg0 to %[[COLUMN]]
// CHECK: %[[TABLE:.*]] = onnx.constant dense<[2, 1, 0, -1]> : tensor<4xi64>
// CHECK: %[[OLD:.*]] = onnx.node "Gather"(%[[TABLE]], %[[E]]) version 13 : (tensor<4xi64>, tensor<?x1xi64>) -> tensor<?x1xi64>
// CHECK: return %{{.*}}, %[[OLD]]
func.func @other_uses(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>, %s: tensor<2xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>) {
  %up = onnx.constant dense<[[[1.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %column = onnx.node "Reshape"(%e, %s) version 21 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %y = moe.experts %x to %column weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y, %e : tensor<?x1xf32>, tensor<?x1xi64>
}

// -----

// What is read behind a choice may be anything.
// REMARK: remark: permute-experts leaves 'experts' as it is: the numbers of its experts are used elsewhere, behind a choice or in a type that is no index
// CHECK-LABEL: func.func @left_alone_behind_a_choice
// CHECK: moe.route %arg1 {
func.func @left_alone_behind_a_choice(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>, %c: tensor<?x1xi1>) -> (tensor<?x1xf32>, tensor<?x1xi64>) {
  %up = onnx.constant dense<[[[1.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %none = onnx.constant dense<-2> : tensor<i64>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %some = onnx.node "Where"(%c, %e, %none) version 16 : (tensor<?x1xi1>, tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi64>
  %y = moe.experts %x to %some weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y, %some : tensor<?x1xf32>, tensor<?x1xi64>
}

// -----

// REMARK: remark: permute-experts leaves 'experts' as it is: its router is not known
func.func @left_alone_chosen_outside(%x: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[1.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %y = moe.experts %x to %e parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}
