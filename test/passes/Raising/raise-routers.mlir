// RUN: moec-opt %s --split-input-file --moe-raise-routers | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %{{.*}} {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<renormalized>} : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
// CHECK-NEXT: return %[[W]], %[[I]]
func.func @main(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
  %k = onnx.constant dense<2> : tensor<1xi64>
  %axis = onnx.constant dense<-1> : tensor<1xi64>
  %p = onnx.node "Softmax"(%l) version 13 {axis = -1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.node "TopK"(%p, %k) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %s = onnx.node "ReduceSum"(%v, %axis) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %w = onnx.node "Div"(%v, %s) version 14 : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi64>
}

// -----

// Softmax of the chosen, in f32 for logits in f16; a factor.

// CHECK-LABEL: func.func @softmax_of_chosen
// CHECK: moe.route %arg0 {k = 2 : i64, scale = 5.000000e-01 : f32, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x8xf16>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
// CHECK-NEXT: return
func.func @softmax_of_chosen(%l: tensor<?x8xf16>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
  %k = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<0.5> : tensor<f32>
  %v, %i = onnx.node "TopK"(%l, %k) version 11 : (tensor<?x8xf16>, tensor<1xi64>) -> (tensor<?x2xf16>, tensor<?x2xi64>)
  %c = onnx.node "Cast"(%v) version 13 {to = 1 : i64} : (tensor<?x2xf16>) -> tensor<?x2xf32>
  %p = onnx.node "Softmax"(%c) version 13 {axis = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %w = onnx.node "Mul"(%half, %p) version 14 : (tensor<f32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi64>
}

// -----

// DeepSeek-V3: sigmoid, a bias for the choice, groups by the sum of their best two, weights without the bias.

// CHECK-LABEL: func.func @groups
// CHECK: moe.route %arg0 bias %arg1 {epsilon = 9.99999968E-21 : f32, excluded = 0.000000e+00 : f32, group_top = 2 : i64, groups = 4 : i64, k = 2 : i64, scale = 2.500000e+00 : f32, score = #moe.score_function<sigmoid>, top_groups = 2 : i64, weight = #moe.route_weight<renormalized>}
// CHECK-NEXT: return
func.func @groups(%l: tensor<?x8xf32>, %b: tensor<1x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %cut = onnx.constant dense<[-1, 4, 2]> : tensor<3xi64>
  %flat = onnx.constant dense<[-1, 8]> : tensor<2xi64>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %eps = onnx.constant dense<1.0e-20> : tensor<f32>
  %factor = onnx.constant dense<2.5> : tensor<f32>
  %p = onnx.node "Sigmoid"(%l) version 13 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %q = onnx.node "Add"(%p, %b) version 14 : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
  %g = onnx.node "Reshape"(%q, %cut) version 14 : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %gv, %gi = onnx.node "TopK"(%g, %two) version 11 : (tensor<?x4x2xf32>, tensor<1xi64>) -> (tensor<?x4x2xf32>, tensor<?x4x2xi64>)
  %worth = onnx.node "ReduceSum"(%gv, %last) version 13 {keepdims = 0 : i64} : (tensor<?x4x2xf32>, tensor<1xi64>) -> tensor<?x4xf32>
  %bv, %bi = onnx.node "TopK"(%worth, %two) version 11 {sorted = 0 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ws = onnx.node "Shape"(%worth) version 15 : (tensor<?x4xf32>) -> tensor<2xi64>
  %zeros = onnx.node "ConstantOfShape"(%ws) version 9 : (tensor<2xi64>) -> tensor<?x4xf32>
  %bs = onnx.node "Shape"(%bi) version 15 : (tensor<?x2xi64>) -> tensor<2xi64>
  %ones = onnx.node "Expand"(%one, %bs) version 13 : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %m = onnx.node "ScatterElements"(%zeros, %bi, %ones) version 18 {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %mu = onnx.node "Unsqueeze"(%m, %last) version 13 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x4x1xf32>
  %wide = onnx.constant dense<[1, 4, 2]> : tensor<3xi64>
  %me = onnx.node "Expand"(%mu, %wide) version 13 : (tensor<?x4x1xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %mf = onnx.node "Reshape"(%me, %flat) version 14 : (tensor<?x4x2xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %mb = onnx.node "Cast"(%mf) version 13 {to = 9 : i64} : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %mn = onnx.node "Not"(%mb) version 1 : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %sel = onnx.node "Where"(%mn, %zero, %q) version 16 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.node "TopK"(%sel, %two) version 11 {sorted = 0 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %t = onnx.node "GatherElements"(%p, %i) version 13 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>) -> tensor<?x2xf32>
  %s = onnx.node "ReduceSum"(%t, %last) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %se = onnx.node "Add"(%s, %eps) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %d = onnx.node "Div"(%t, %se) version 14 : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %w = onnx.node "Mul"(%d, %factor) version 14 : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi64>
}

// -----

// Llama4: the sigmoid of logits spread into -inf is the spread of the sigmoid into 0.

// CHECK-LABEL: func.func @spread
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %arg0 {k = 1 : i64, score = #moe.score_function<sigmoid>, select_logits, weight = #moe.route_weight<score>}
// CHECK: %[[Z:.*]] = onnx.node "ConstantOfShape"(%{{.*}}) version 21 {value = dense<0.000000e+00>
// CHECK: onnx.node "ScatterElements"(%[[Z]], %[[I]], %[[W]])
func.func @spread(%l: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %k = onnx.constant dense<1> : tensor<1xi64>
  %v, %i = onnx.node "TopK"(%l, %k) version 11 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %s = onnx.node "Shape"(%l) version 15 : (tensor<?x8xf32>) -> tensor<2xi64>
  %f = onnx.node "ConstantOfShape"(%s) version 9 {value = dense<0xFF800000> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x8xf32>
  %r = onnx.node "ScatterElements"(%f, %i, %v) version 18 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %p = onnx.node "Sigmoid"(%r) version 13 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %p : tensor<?x8xf32>
}

// -----

// Top-1 as ArgMax beside the maximum, over leading axes of any number.

// CHECK-LABEL: func.func @argmax
// CHECK: %[[L:.*]] = onnx.node "Reshape"(%arg0, %{{.*}}) version 21 : (tensor<?x?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %[[L]] {k = 1 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
// CHECK: %[[J:.*]] = onnx.node "Reshape"(%[[I]], %{{.*}}) version 21 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x?xi64>
// CHECK: %[[V:.*]] = onnx.node "Reshape"(%[[W]], %{{.*}}) version 21 : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<?x?xf32>
// CHECK: return %[[V]], %[[J]]
func.func @argmax(%l: tensor<?x?x4xf32>) -> (tensor<?x?xf32>, tensor<?x?xi64>) {
  %axis = onnx.constant dense<-1> : tensor<1xi64>
  %p = onnx.node "Softmax"(%l) version 13 {axis = -1 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %i = onnx.node "ArgMax"(%p) version 13 {axis = -1 : i64, keepdims = 0 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?xi64>
  %w = onnx.node "ReduceMax"(%p, %axis) version 20 {keepdims = 0 : i64} : (tensor<?x?x4xf32>, tensor<1xi64>) -> tensor<?x?xf32>
  return %w, %i : tensor<?x?xf32>, tensor<?x?xi64>
}

// -----

// Left alone: the smallest, another axis, a k known at run time only, the arg-max of logits alone.

// CHECK-LABEL: func.func @others
// CHECK-NOT: moe.route
func.func @others(%l: tensor<?x8xf32>, %k: tensor<1xi64>) -> (tensor<?x2xi64>, tensor<1x8xi64>, tensor<?x?xi64>, tensor<?xi64>) {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %v, %i = onnx.node "TopK"(%l, %two) version 11 {largest = 0 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %w, %j = onnx.node "TopK"(%l, %one) version 11 {axis = 0 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<1x8xf32>, tensor<1x8xi64>)
  %x, %n = onnx.node "TopK"(%l, %k) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
  %m = onnx.node "ArgMax"(%l) version 13 {axis = -1 : i64, keepdims = 0 : i64} : (tensor<?x8xf32>) -> tensor<?xi64>
  return %i, %j, %n, %m : tensor<?x2xi64>, tensor<1x8xi64>, tensor<?x?xi64>, tensor<?xi64>
}

// -----

// A mask that gives expert e the flag of group e mod 4 is none of runs of experts: the choice is one of masked
// values.
// CHECK-LABEL: func.func @left_alone_interleaved_groups
// CHECK: onnx.node "Where"
// CHECK: moe.route
// CHECK-NOT: groups
func.func @left_alone_interleaved_groups(%l: tensor<?x8xf32>, %b: tensor<1x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %cut = onnx.constant dense<[-1, 4, 2]> : tensor<3xi64>
  %flat = onnx.constant dense<[-1, 8]> : tensor<2xi64>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %eps = onnx.constant dense<1.0e-20> : tensor<f32>
  %factor = onnx.constant dense<2.5> : tensor<f32>
  %p = onnx.node "Sigmoid"(%l) version 13 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %q = onnx.node "Add"(%p, %b) version 14 : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
  %g = onnx.node "Reshape"(%q, %cut) version 14 : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %gv, %gi = onnx.node "TopK"(%g, %two) version 11 : (tensor<?x4x2xf32>, tensor<1xi64>) -> (tensor<?x4x2xf32>, tensor<?x4x2xi64>)
  %worth = onnx.node "ReduceSum"(%gv, %last) version 13 {keepdims = 0 : i64} : (tensor<?x4x2xf32>, tensor<1xi64>) -> tensor<?x4xf32>
  %bv, %bi = onnx.node "TopK"(%worth, %two) version 11 {sorted = 0 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ws = onnx.node "Shape"(%worth) version 15 : (tensor<?x4xf32>) -> tensor<2xi64>
  %zeros = onnx.node "ConstantOfShape"(%ws) version 9 : (tensor<2xi64>) -> tensor<?x4xf32>
  %bs = onnx.node "Shape"(%bi) version 15 : (tensor<?x2xi64>) -> tensor<2xi64>
  %ones = onnx.node "Expand"(%one, %bs) version 13 : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %m = onnx.node "ScatterElements"(%zeros, %bi, %ones) version 18 {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %middle = onnx.constant dense<1> : tensor<1xi64>
  %mu = onnx.node "Unsqueeze"(%m, %middle) version 13 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1x4xf32>
  %wide = onnx.constant dense<[1, 2, 4]> : tensor<3xi64>
  %me = onnx.node "Expand"(%mu, %wide) version 13 : (tensor<?x1x4xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %mf = onnx.node "Reshape"(%me, %flat) version 14 : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %mb = onnx.node "Cast"(%mf) version 13 {to = 9 : i64} : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %mn = onnx.node "Not"(%mb) version 1 : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %sel = onnx.node "Where"(%mn, %zero, %q) version 16 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.node "TopK"(%sel, %two) version 11 {sorted = 0 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %t = onnx.node "GatherElements"(%p, %i) version 13 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>) -> tensor<?x2xf32>
  %s = onnx.node "ReduceSum"(%t, %last) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %se = onnx.node "Add"(%s, %eps) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %d = onnx.node "Div"(%t, %se) version 14 : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %w = onnx.node "Mul"(%d, %factor) version 14 : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi64>
}


// -----

// What is gathered by the choice are numbers of something: no weights.
// CHECK-LABEL: func.func @left_alone_integers
// CHECK: moe.route %arg0 {k = 2 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<score>}
// CHECK: onnx.node "GatherElements"
func.func @left_alone_integers(%l: tensor<?x8xf32>, %n: tensor<?x8xi64>) -> (tensor<?x2xi64>, tensor<?x2xi64>) {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %v, %i = onnx.node "TopK"(%l, %two) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %g = onnx.node "GatherElements"(%n, %i) version 13 {axis = 1 : i64} : (tensor<?x8xi64>, tensor<?x2xi64>) -> tensor<?x2xi64>
  return %g, %i : tensor<?x2xi64>, tensor<?x2xi64>
}

// -----

// An operator that chooses by itself, made to follow another choice: one route, and no factor behind it.

// CHECK-LABEL: func.func @route_among_chosen
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %arg1 bias %arg2 {epsilon = 9.99999997E-7 : f32, k = 2 : i64, scale = 1.500000e+00 : f32, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<renormalized>}
// CHECK-NOT: moe.route
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weights %[[W]]
// CHECK: return %[[Y]]
func.func @route_among_chosen(%x: tensor<?x4xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %b: tensor<8xf32>) -> tensor<?x4xf32> {
  %two = onnx.constant dense<2> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %eps = onnx.constant dense<1.0e-6> : tensor<f32>
  %least = onnx.constant dense<1.0e-30> : tensor<f32>
  %factor = onnx.constant dense<1.5> : tensor<f32>
  %n = onnx.node "Neg"(%l) version 13 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %e = onnx.node "Exp"(%n) version 13 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %e1 = onnx.node "Add"(%one, %e) version 14 : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = onnx.node "Reciprocal"(%e1) version 13 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %q = onnx.node "Add"(%p, %b) version 14 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.node "TopK"(%q, %two) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %t = onnx.node "GatherElements"(%p, %i) version 13 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>) -> tensor<?x2xf32>
  %s = onnx.node "ReduceSum"(%t, %last) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %se = onnx.node "Add"(%s, %eps) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %d = onnx.node "Div"(%s, %se) version 14 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %f = onnx.node "Mul"(%d, %factor) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %c = onnx.node "Clip"(%t, %least) version 13 : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %log = onnx.node "Log"(%c) version 13 : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %sizes = onnx.node "Shape"(%l) version 15 : (tensor<?x8xf32>) -> tensor<2xi64>
  %far = onnx.node "ConstantOfShape"(%sizes) version 9 {value = dense<-1.0e4> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.node "ScatterElements"(%far, %i, %log) version 18 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %w, %g = moe.route %m {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<renormalized>} : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %y = moe.experts %x to %g weights %w {num_experts = 8 : i64, segments = array<i64>} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32> {
  ^bb0(%r: tensor<?x4xf32>):
    moe.yield %r : tensor<?x4xf32>
  }
  %z = onnx.node "Mul"(%y, %f) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

// DeepSeek-V2: scores outside of the best groups are 0, and the weights are what is left of the scores.

// CHECK-LABEL: func.func @zero_outside
// CHECK: moe.route %arg0 {groups = 2 : i64, k = 3 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
// CHECK-NEXT: return
func.func @zero_outside(%l: tensor<?x8xf32>) -> (tensor<?x3xf32>, tensor<?x3xi64>) {
  %k = onnx.constant dense<3> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %cut = onnx.constant dense<[-1, 2, 4]> : tensor<3xi64>
  %flat = onnx.constant dense<[-1, 8]> : tensor<2xi64>
  %wide = onnx.constant dense<[1, 2, 4]> : tensor<3xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %unit = onnx.constant dense<1.0> : tensor<f32>
  %p = onnx.node "Softmax"(%l) version 13 {axis = -1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = onnx.node "Reshape"(%p, %cut) version 14 : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %worth = onnx.node "ReduceMax"(%g, %last) version 18 {keepdims = 0 : i64} : (tensor<?x2x4xf32>, tensor<1xi64>) -> tensor<?x2xf32>
  %bv, %bi = onnx.node "TopK"(%worth, %one) version 11 : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %ws = onnx.node "Shape"(%worth) version 15 : (tensor<?x2xf32>) -> tensor<2xi64>
  %zeros = onnx.node "ConstantOfShape"(%ws) version 9 : (tensor<2xi64>) -> tensor<?x2xf32>
  %bs = onnx.node "Shape"(%bi) version 15 : (tensor<?x1xi64>) -> tensor<2xi64>
  %ones = onnx.node "Expand"(%unit, %bs) version 13 : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %m = onnx.node "ScatterElements"(%zeros, %bi, %ones) version 18 {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %mu = onnx.node "Unsqueeze"(%m, %last) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x2x1xf32>
  %me = onnx.node "Expand"(%mu, %wide) version 13 : (tensor<?x2x1xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %mf = onnx.node "Reshape"(%me, %flat) version 14 : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %mb = onnx.node "Cast"(%mf) version 13 {to = 9 : i64} : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %mn = onnx.node "Not"(%mb) version 1 : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %sel = onnx.node "Where"(%mn, %zero, %p) version 16 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.node "TopK"(%sel, %k) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  return %v, %i : tensor<?x3xf32>, tensor<?x3xi64>
}

// -----

// More are chosen than the best group has: outside of it a weight is 0, and no score.

// CHECK-LABEL: func.func @more_than_inside
// CHECK: moe.route %arg0 {excluded = 0.000000e+00 : f32, groups = 2 : i64, k = 5 : i64
// CHECK: "TopK"
func.func @more_than_inside(%l: tensor<?x8xf32>) -> (tensor<?x5xf32>, tensor<?x5xi64>) {
  %k = onnx.constant dense<5> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %cut = onnx.constant dense<[-1, 2, 4]> : tensor<3xi64>
  %flat = onnx.constant dense<[-1, 8]> : tensor<2xi64>
  %wide = onnx.constant dense<[1, 2, 4]> : tensor<3xi64>
  %zero = onnx.constant dense<0.0> : tensor<f32>
  %unit = onnx.constant dense<1.0> : tensor<f32>
  %p = onnx.node "Softmax"(%l) version 13 {axis = -1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = onnx.node "Reshape"(%p, %cut) version 14 : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %worth = onnx.node "ReduceMax"(%g, %last) version 18 {keepdims = 0 : i64} : (tensor<?x2x4xf32>, tensor<1xi64>) -> tensor<?x2xf32>
  %bv, %bi = onnx.node "TopK"(%worth, %one) version 11 : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %ws = onnx.node "Shape"(%worth) version 15 : (tensor<?x2xf32>) -> tensor<2xi64>
  %zeros = onnx.node "ConstantOfShape"(%ws) version 9 : (tensor<2xi64>) -> tensor<?x2xf32>
  %bs = onnx.node "Shape"(%bi) version 15 : (tensor<?x1xi64>) -> tensor<2xi64>
  %ones = onnx.node "Expand"(%unit, %bs) version 13 : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %m = onnx.node "ScatterElements"(%zeros, %bi, %ones) version 18 {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %mu = onnx.node "Unsqueeze"(%m, %last) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x2x1xf32>
  %me = onnx.node "Expand"(%mu, %wide) version 13 : (tensor<?x2x1xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %mf = onnx.node "Reshape"(%me, %flat) version 14 : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %mb = onnx.node "Cast"(%mf) version 13 {to = 9 : i64} : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %mn = onnx.node "Not"(%mb) version 1 : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %sel = onnx.node "Where"(%mn, %zero, %p) version 16 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.node "TopK"(%sel, %k) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x5xf32>, tensor<?x5xi64>)
  return %v, %i : tensor<?x5xf32>, tensor<?x5xi64>
}
