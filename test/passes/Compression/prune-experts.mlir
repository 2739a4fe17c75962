// RUN: moec-opt %s --split-input-file --moe-prune-experts="ratio=0.34 score=norm" | FileCheck %s
// RUN: moec-opt %s --split-input-file --moe-prune-experts="remove=0" | FileCheck %s --check-prefix=NAMED
// RUN: moec-opt %s --split-input-file --moe-prune-experts="exact" | FileCheck %s --check-prefix=EXACT
// RUN: moec-opt %s --split-input-file --moe-prune-experts="remove=0 denominator=drop" | FileCheck %s --check-prefix=DROP
// RUN: moec-opt %s --split-input-file --moe-prune-experts="ratio=0.34" 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: not moec-opt %s --split-input-file --moe-prune-experts="remove=7" 2>&1 | FileCheck %s --check-prefix=NOSUCH
// RUN: not moec-opt %s --split-input-file --moe-prune-experts="ratio=1.5" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not moec-opt %s --split-input-file --moe-prune-experts="ratio=0.5 layers=nowhere" 2>&1 | FileCheck %s --check-prefix=NOWHERE

// NOSUCH: error: prune-experts: 'remove' names expert 7, but 'experts' has 3
// RATIO: error: prune-experts: 'ratio' is 1.5{{0*}}, expected 0 to 1
// NOWHERE: error: prune-experts: 'layers': no layer is called 'nowhere'; there is only 'experts'

// CHECK-LABEL: module
// CHECK-SAME: moec.decisions = [{bytes = array<i64: 48, 32>
// CHECK-SAME: options = {remove = array<i64: 1>}
// CHECK-SAME: pass = "prune-experts"
// CHECK-SAME: verdict = "done"
// CHECK: %[[ROUTER:.*]] = onnx.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [0.000000e+00, 2.000000e+00]]> : tensor<2x2xf32>
// CHECK: %[[L:.*]] = moe.linear %arg0, %[[ROUTER]] : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
// CHECK: moe.route %[[L]] {{.*}} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
// CHECK: %[[UP:.*]] = onnx.constant dense<{{\[\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]], {{\[\[}}5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00]]]> : tensor<2x2x2xf32>
// CHECK: moe.experts %arg0 to %{{.*}} parameters(%[[UP]] : tensor<2x2x2xf32>) {num_experts = 2 : i64
// CHECK: moe.yield
// REMARK: remark: prune-experts: 1 of 3 experts removed, the smallest by norm
// NAMED-LABEL: module
// NAMED: onnx.constant dense<{{\[\[\[}}0.000000e+00, 5.000000e-01]
// NAMED: num_experts = 2 : i64
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

// A softmax that is not renormalised: the router keeps its columns, and the removed expert's logit its share. Parameters that are
// matrices of their own are not copied.
// NAMED-LABEL: func.func @shared_denominator
// NAMED: %[[ALIVE:.*]] = onnx.constant dense<[false, true, true]> : tensor<3xi1>
// NAMED: moe.route %{{.*}} alive %[[ALIVE]]
// NAMED: moe.experts %arg0 to %{{.*}} parameters(%arg3, %arg4 : tensor<1x2x2xf32>, tensor<1x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 2>, tables = [array<i64: -1, -1, 0, 0, 1, 0>]}
// DROP-LABEL: func.func @shared_denominator
// DROP-NOT: alive
// DROP: %[[L:.*]] = onnx.node "Gather"(%arg1, %{{.*}}) version 13 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<?x2xf32>
// DROP: moe.route %[[L]]
// DROP: parameters(%arg3, %arg4 : tensor<1x2x2xf32>, tensor<1x2x2xf32>) {num_experts = 2 : i64, segments = array<i64: 2>}
func.func @shared_denominator(%x: tensor<?x2xf32>, %l: tensor<?x3xf32>, %a: tensor<1x2x2xf32>, %b: tensor<1x2x2xf32>, %c: tensor<1x2x2xf32>) -> tensor<?x2xf32> {
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%a, %b, %c : tensor<1x2x2xf32>, tensor<1x2x2xf32>, tensor<1x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 3>} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32> {
  ^bb0(%t: tensor<?x2xf32>, %u: tensor<2x2xf32>):
    %0 = moe.linear %t, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    moe.yield %0 : tensor<?x2xf32>
  }
  return %y : tensor<?x2xf32>
}

// -----

// Expert 2 is expert 0; the bias of expert 1 lets two others win whatever their scores.
// EXACT-LABEL: func.func @equal_and_idle
// EXACT: moe.route %arg1 bias
// EXACT: %[[KEPT:.*]] = onnx.constant dense<{{\[\[\[}}1.000000e+00]], {{\[\[}}4.000000e+00]]]> : tensor<2x1x1xf32>
// EXACT: parameters(%[[KEPT]] : tensor<2x1x1xf32>) {num_experts = 4 : i64, segments = array<i64: 1>, tables = [array<i64: 0, 0, -1, -1, 0, 0, 0, 1>]}
func.func @equal_and_idle(%x: tensor<?x1xf32>, %l: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %bias = onnx.constant dense<[0.0, -1.5, 0.0, 0.0]> : tensor<4xf32>
  %up = onnx.constant dense<[[[1.0]], [[3.0]], [[1.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %w, %e = moe.route %l bias %bias {k = 2 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x4xf32>, tensor<4xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<4x1x1xf32>) {num_experts = 4 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// A bias that a score can make up for, and experts that differ in the last bit.
// EXACT-LABEL: func.func @left_alone_near_misses
// EXACT: moe.experts {{.*}} {num_experts = 3 : i64, segments = array<i64: 1>}
func.func @left_alone_near_misses(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>) -> tensor<?x1xf32> {
  %bias = onnx.constant dense<[0.0, -0.5, 0.0]> : tensor<3xf32>
  %up = onnx.constant dense<[[[1.0]], [[3.0]], [[1.00000012]]]> : tensor<3x1x1xf32>
  %w, %e = moe.route %l bias %bias {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>, tensor<3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// Weights that are inputs have no norm.
// REMARK: remark: prune-experts leaves 'experts' as it is: the norm of its weights is not known: not the same in every run: an input or computed value
// CHECK-LABEL: func.func @left_alone_unknown_weights
// CHECK: num_experts = 3 : i64
func.func @left_alone_unknown_weights(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>, %up: tensor<3x1x1xf32>) -> tensor<?x1xf32> {
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// A token takes all three.
// REMARK: remark: prune-experts leaves 'experts' as it is: it would have 2 experts, and a token takes 3
func.func @left_alone_all_needed(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[1.0]], [[3.0]], [[2.0]]]> : tensor<3x1x1xf32>
  %w, %e = moe.route %l {k = 3 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// A group of two experts is rated by both: one expert alone would never be chosen, so the whole group goes.
// REMARK: remark: prune-experts: 2 of 6 experts removed, the smallest by norm; the router keeps its columns
// NAMED-LABEL: func.func @whole_groups
// NAMED: moe.route {{.*}}groups = 3
// NAMED-SAME: : (tensor<?x6xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
// CHECK-LABEL: func.func @whole_groups
// CHECK: %[[ALIVE:.*]] = onnx.constant dense<[true, true, false, false, true, true]>
// CHECK: moe.route %{{.*}} alive %[[ALIVE]]
// CHECK: %[[UP:.*]] = onnx.constant dense<{{\[}}[{{\[}}3.000000e+00]], {{\[}}[4.000000e+00]], {{\[}}[5.000000e+00]], {{\[}}[6.000000e+00]]]>
// CHECK: moe.experts {{.*}} parameters(%[[UP]] : tensor<4x1x1xf32>) {num_experts = 6
func.func @whole_groups(%x: tensor<?x1xf32>, %l: tensor<?x6xf32>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[3.0]], [[4.0]], [[9.0]], [[1.0]], [[5.0]], [[6.0]]]> : tensor<6x1x1xf32>
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<renormalized>, groups = 3 : i64, top_groups = 2 : i64, group_top = 2 : i64} : (tensor<?x6xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<6x1x1xf32>) {num_experts = 6 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// Of two to remove one stays: each group needs the two that a token takes, and one has two already.
// REMARK: remark: prune-experts: 1 of 6 experts removed, the smallest by norm; its groups need the others
// CHECK-LABEL: func.func @group_too_small
// CHECK: onnx.constant dense<[false, true, true, true, true, false]>
// CHECK-NOT: And
func.func @group_too_small(%x: tensor<?x1xf32>, %l: tensor<?x6xf32>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[1.0]], [[4.0]], [[2.0]], [[5.0]], [[6.0]], [[7.0]]]> : tensor<6x1x1xf32>
  %alive = onnx.constant dense<[true, true, true, true, true, false]> : tensor<6xi1>
  %w, %e = moe.route %l alive %alive {k = 2 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<renormalized>, groups = 2 : i64, top_groups = 1 : i64} : (tensor<?x6xf32>, tensor<6xi1>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<6x1x1xf32>) {num_experts = 6 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// A sparse mixer's softmax is over the columns that are left.
// REMARK: remark: prune-experts: 1 of 3 experts removed, the smallest by norm; the softmax of its sparse mixer has no share of theirs any more
// CHECK-LABEL: func.func @sparse_mixer
// CHECK: onnx.constant dense<{{\[}}[1.000000e+00, 3.000000e+00]]>
// CHECK: moe.route %{{.*}} {jitter = {{.*}} (tensor<?x2xf32>)
func.func @sparse_mixer(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %router = onnx.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %up = onnx.constant dense<[[[3.0]], [[1.0]], [[9.0]]]> : tensor<3x1x1xf32>
  %l = moe.linear %x, %router : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sparsemixer>, weight = #moe.route_weight<score>, jitter = 0.01 : f32} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// Codes of all experts in one matrix, cut into experts after they are dequantised, as QMoE has them.
// NAMED-LABEL: func.func @codes_cut_later
// NAMED: %[[CODES:.*]] = onnx.constant dense<{{\[}}[3], [4], [5], [6]]> : tensor<4x1xi8>
// NAMED: %[[D:.*]] = moe.dequantize %[[CODES]]
// NAMED: %[[SHAPE:.*]] = onnx.constant dense<[2, 2, 1]>
// NAMED: %[[UP:.*]] = onnx.node "Reshape"(%[[D]], %[[SHAPE]]) {{.*}} -> tensor<2x2x1xf32>
// NAMED: moe.experts {{.*}} parameters(%[[UP]] : tensor<2x2x1xf32>) {num_experts = 2
func.func @codes_cut_later(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %codes = onnx.constant dense<[[1], [2], [3], [4], [5], [6]]> : tensor<6x1xi8>
  %scales = onnx.constant dense<0.5> : tensor<6x1xf32>
  %shape = onnx.constant dense<[3, 2, 1]> : tensor<3xi64>
  %d = moe.dequantize %codes scales %scales {axis = 1 : i64, block = 1 : i64} : (tensor<6x1xi8>, tensor<6x1xf32>) -> tensor<6x1xf32>
  %up = onnx.node "Reshape"(%d, %shape) version 21 : (tensor<6x1xf32>, tensor<3xi64>) -> tensor<3x2x1xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x2x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<2x1xf32>):
    %0 = moe.linear %t, %u transposed : (tensor<?x1xf32>, tensor<2x1xf32>) -> tensor<?x2xf32>
    moe.yield %0 : tensor<?x2xf32>
  }
  return %y : tensor<?x2xf32>
}

// -----

// A model without experts: said once, for all layers.
// REMARK: remark: prune-experts leaves '*' as it is: no layer of the model is of the kind that it changes
// CHECK: module attributes {moec.decisions = [{layer = "*"
// CHECK-LABEL: func.func @nothing_to_do
func.func @nothing_to_do(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %y = moe.activation <relu> %x : tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// The numbers of the chosen go to the experts behind a change of layout, and nowhere else: the columns go.
// CHECK-LABEL: func.func @numbers_moved
// CHECK: moe.route {{.*}} (tensor<?x2xf32>)
// CHECK: moe.experts {{.*}} {num_experts = 2
func.func @numbers_moved(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>, %shape: tensor<2xi64>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %up = onnx.constant dense<[[[3.0]], [[1.0]], [[9.0]]]> : tensor<3x1x1xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %f = onnx.node "Reshape"(%e, %shape) version 21 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %y = moe.experts %x to %f weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y, %w : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// The same numbers are a result of the model, too: they keep their meaning.
// CHECK-LABEL: func.func @numbers_shown
// CHECK: moe.route {{.*}} alive
// CHECK: moe.experts {{.*}} {num_experts = 3
func.func @numbers_shown(%x: tensor<?x1xf32>, %l: tensor<?x3xf32>, %shape: tensor<2xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>) {
  %up = onnx.constant dense<[[[3.0]], [[1.0]], [[9.0]]]> : tensor<3x1x1xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %f = onnx.node "Reshape"(%e, %shape) version 21 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x1xi64>
  %y = moe.experts %x to %f weights %w parameters(%up : tensor<3x1x1xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y, %f : tensor<?x1xf32>, tensor<?x1xi64>
}
