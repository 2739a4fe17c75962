// RUN: moec-opt %s --split-input-file --moe-raise-experts 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.err

// Parameters gathered for each slot.

// CHECK-LABEL: func.func @main
// CHECK: %[[U:.*]] = onnx.constant {{.*}} : tensor<2x4x4xf32>
// CHECK: %[[W:.*]], %[[E:.*]] = moe.route
// CHECK: %[[Y:.*]] = moe.experts %{{.*}} to %[[E]] weights %[[W]] parameters(%[[U]] : tensor<2x4x4xf32>) {num_experts = 2 : i64, segments = array<i64: 1>}
// CHECK-NEXT: ^bb0(%[[T:.*]]: tensor<?x4xf32>, %[[P:.*]]: tensor<4x4xf32>):
// CHECK-NEXT: %[[L:.*]] = moe.linear %[[T]], %[[P]] : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
// CHECK-NEXT: moe.yield %[[L]]
// CHECK: return %[[Y]]
// REMARK: experts: 2, 2 for each token, 1 parameters
func.func @main(%x: tensor<?x4xf32>, %router: tensor<4x2xf32>) -> tensor<?x4xf32> {
  %u = onnx.constant dense<2.0> : tensor<2x4x4xf32>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %flat = onnx.constant dense<-1> : tensor<1xi64>
  %column = onnx.constant dense<[-1, 1]> : tensor<2xi64>
  %row = onnx.constant dense<[-1, 1, 4]> : tensor<3xi64>
  %spread = onnx.constant dense<[1, 2, 1]> : tensor<3xi64>
  %slots = onnx.constant dense<[-1, 2, 4]> : tensor<3xi64>
  %l = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %0 = onnx.node "Unsqueeze"(%x, %one) version 13 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1x4xf32>
  %1 = onnx.node "Expand"(%0, %spread) version 13 : (tensor<?x1x4xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %2 = onnx.node "Reshape"(%1, %row) version 13 : (tensor<?x2x4xf32>, tensor<3xi64>) -> tensor<?x1x4xf32>
  %3 = onnx.node "Reshape"(%e, %flat) version 13 : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %4 = onnx.node "Gather"(%u, %3) version 13 {axis = 0 : i64} : (tensor<2x4x4xf32>, tensor<?xi64>) -> tensor<?x4x4xf32>
  %5 = onnx.node "MatMul"(%2, %4) version 13 : (tensor<?x1x4xf32>, tensor<?x4x4xf32>) -> tensor<?x1x4xf32>
  %6 = onnx.node "Squeeze"(%5, %one) version 13 : (tensor<?x1x4xf32>, tensor<1xi64>) -> tensor<?x4xf32>
  %7 = onnx.node "Reshape"(%w, %column) version 13 : (tensor<?x2xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %8 = onnx.node "Mul"(%6, %7) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %9 = onnx.node "Reshape"(%8, %slots) version 13 : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %10 = onnx.node "ReduceSum"(%9, %one) version 13 {keepdims = 0 : i64} : (tensor<?x2x4xf32>, tensor<1xi64>) -> tensor<?x4xf32>
  return %10 : tensor<?x4xf32>
}

// -----

// Every expert on all tokens with a mask; added in another order than that of the experts, operands in either
// order, to something else.

// CHECK-LABEL: func.func @masked
// CHECK: %[[W:.*]], %[[E:.*]] = moe.route
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[E]] weights %[[W]] parameters(%{{.*}}, %{{.*}} : tensor<1x4x4xf32>, tensor<1x4x4xf32>) {num_experts = 2 : i64, segments = array<i64: 2>}
// CHECK: moe.linear
// CHECK-NEXT: onnx.node "Relu"
// CHECK: onnx.node "Add"(%[[Y]], %arg1)
// REMARK: experts: 2, 1 for each token, 1 parameters
func.func @masked(%x: tensor<?x4xf32>, %rest: tensor<?x4xf32>, %router: tensor<4x2xf32>) -> tensor<?x4xf32> {
  %a = onnx.constant dense<2.0> : tensor<4x4xf32>
  %b = onnx.constant dense<3.0> : tensor<4x4xf32>
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %l = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %0 = moe.linear %x, %a : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "Relu"(%0) version 14 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = moe.linear %x, %b : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %3 = onnx.node "Relu"(%2) version 14 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %m0 = onnx.node "Equal"(%e, %zero) version 19 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %c0 = onnx.node "Cast"(%m0) version 19 {to = 1 : i64} : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %w0 = onnx.node "Mul"(%w, %c0) version 14 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %s0 = onnx.node "ReduceSum"(%w0, %last) version 13 {keepdims = 1 : i64} : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %m1 = onnx.node "Equal"(%one, %e) version 19 : (tensor<i64>, tensor<?x1xi64>) -> tensor<?x1xi1>
  %c1 = onnx.node "Cast"(%m1) version 19 {to = 1 : i64} : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %w1 = onnx.node "Mul"(%c1, %w) version 14 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %s1 = onnx.node "ReduceSum"(%w1, %last) version 13 {keepdims = 1 : i64} : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p1 = onnx.node "Mul"(%s1, %3) version 14 : (tensor<?x1xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %p0 = onnx.node "Mul"(%1, %s0) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %sum = onnx.node "Add"(%p1, %p0) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = onnx.node "Add"(%sum, %rest) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_expert_is_missing
// CHECK-NOT: moe.experts
// REMARK: experts are not raised: only 1 of 2 experts are present
func.func @left_alone_expert_is_missing(%x: tensor<?x4xf32>, %router: tensor<4x2xf32>) -> tensor<?x4xf32> {
  %a = onnx.constant dense<2.0> : tensor<4x4xf32>
  %zero = onnx.constant dense<0> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %l = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %0 = moe.linear %x, %a : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %m0 = onnx.node "Equal"(%e, %zero) version 19 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %c0 = onnx.node "Cast"(%m0) version 19 {to = 1 : i64} : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %w0 = onnx.node "Mul"(%w, %c0) version 14 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %s0 = onnx.node "ReduceSum"(%w0, %last) version 13 {keepdims = 1 : i64} : (tensor<?x1xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p0 = onnx.node "Mul"(%0, %s0) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %y = onnx.node "Add"(%x, %p0) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_experts_differ
// CHECK-NOT: moe.experts
// REMARK: experts are not raised: expert 1 differs from expert 0
func.func @left_alone_experts_differ(%x: tensor<?x4xf32>, %router: tensor<4x2xf32>) -> tensor<?x4xf32> {
  %a = onnx.constant dense<2.0> : tensor<4x4xf32>
  %b = onnx.constant dense<3.0> : tensor<4x4xf32>
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %l = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %0 = moe.linear %x, %a : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "Relu"(%0) version 14 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = moe.linear %x, %b : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %3 = onnx.node "Tanh"(%2) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %m0 = onnx.node "Equal"(%e, %zero) version 19 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %c0 = onnx.node "Cast"(%m0) version 19 {to = 1 : i64} : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %w0 = onnx.node "Mul"(%w, %c0) version 14 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %s0 = onnx.node "ReduceSum"(%w0, %last) version 13 {keepdims = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %m1 = onnx.node "Equal"(%e, %one) version 19 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %c1 = onnx.node "Cast"(%m1) version 19 {to = 1 : i64} : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %w1 = onnx.node "Mul"(%w, %c1) version 14 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %s1 = onnx.node "ReduceSum"(%w1, %last) version 13 {keepdims = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %p0 = onnx.node "Mul"(%1, %s0) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %p1 = onnx.node "Mul"(%3, %s1) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %y = onnx.node "Add"(%p0, %p1) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// Switch: each expert takes two tokens of a sequence, and has no part in the others.

// CHECK-LABEL: func.func @capacity
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route
// CHECK: %[[KEPT:.*]] = onnx.node "GatherElements"
// CHECK: %[[NONE:.*]] = onnx.constant dense<-1> : tensor<i64>
// CHECK: %[[E:.*]] = onnx.node "Where"(%{{.*}}, %[[I]], %[[NONE]])
// CHECK: moe.experts %{{.*}} to %[[E]] parameters
func.func @capacity(%x: tensor<?x?x4xf32> {onnx.dims = ["b", "s", ""]}, %l: tensor<?x2xf32>) -> tensor<?x?x4xf32> {
  %w0 = onnx.constant dense<2.0> : tensor<4x4xf32>
  %w1 = onnx.constant dense<3.0> : tensor<4x4xf32>
  %router = onnx.constant dense<1.0> : tensor<4x2xf32>
  %flat = onnx.constant dense<[-1, 4]> : tensor<2xi64>
  %two = onnx.constant dense<2> : tensor<i64>
  %hot = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %axis = onnx.constant dense<-2> : tensor<i64>
  %xf = onnx.node "Reshape"(%x, %flat) version 14 : (tensor<?x?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %lf = moe.linear %xf, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %w, %i = moe.route %lf {k = 1 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %lead = onnx.node "Shape"(%x) version 15 {end = 2 : i64, start = 0 : i64} : (tensor<?x?x4xf32>) -> tensor<2xi64>
  %sizes = onnx.node "Shape"(%x) version 15 : (tensor<?x?x4xf32>) -> tensor<3xi64>
  %zeros = onnx.node "ConstantOfShape"(%sizes) version 9 : (tensor<3xi64>) -> tensor<?x?x4xf32>
  %is = onnx.node "Reshape"(%i, %lead) version 14 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x?xi64>
  %o = onnx.node "OneHot"(%is, %two, %hot) version 11 {axis = -1 : i64} : (tensor<?x?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x?x2xi64>
  %count = onnx.node "CumSum"(%o, %axis) version 14 : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?x2xi64>
  %fits = onnx.node "LessOrEqual"(%count, %two) version 16 : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?x2xi1>
  %fit = onnx.node "Cast"(%fits) version 19 {to = 7 : i64} : (tensor<?x?x2xi1>) -> tensor<?x?x2xi64>
  %kept = onnx.node "Mul"(%o, %fit) version 14 : (tensor<?x?x2xi64>, tensor<?x?x2xi64>) -> tensor<?x?x2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %g0 = onnx.node "Gather"(%kept, %e0) version 13 {axis = 2 : i64} : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?xi64>
  %m0 = onnx.node "Cast"(%g0) version 19 {to = 9 : i64} : (tensor<?x?xi64>) -> tensor<?x?xi1>
  %n0 = onnx.node "NonZero"(%m0) version 13 : (tensor<?x?xi1>) -> tensor<2x?xi64>
  %t0 = onnx.node "Transpose"(%n0) version 13 {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %x0 = onnx.node "GatherND"(%x, %t0) version 13 : (tensor<?x?x4xf32>, tensor<?x2xi64>) -> tensor<?x4xf32>
  %y0 = moe.linear %x0, %w0 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %a0 = onnx.node "ScatterND"(%zeros, %t0, %y0) version 18 : (tensor<?x?x4xf32>, tensor<?x2xi64>, tensor<?x4xf32>) -> tensor<?x?x4xf32>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %g1 = onnx.node "Gather"(%kept, %e1) version 13 {axis = 2 : i64} : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?xi64>
  %m1 = onnx.node "Cast"(%g1) version 19 {to = 9 : i64} : (tensor<?x?xi64>) -> tensor<?x?xi1>
  %n1 = onnx.node "NonZero"(%m1) version 13 : (tensor<?x?xi1>) -> tensor<2x?xi64>
  %t1 = onnx.node "Transpose"(%n1) version 13 {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %x1 = onnx.node "GatherND"(%x, %t1) version 13 : (tensor<?x?x4xf32>, tensor<?x2xi64>) -> tensor<?x4xf32>
  %y1 = moe.linear %x1, %w1 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %a1 = onnx.node "ScatterND"(%a0, %t1, %y1) version 18 : (tensor<?x?x4xf32>, tensor<?x2xi64>, tensor<?x4xf32>) -> tensor<?x?x4xf32>
  return %a1 : tensor<?x?x4xf32>
}

// -----

// One expert takes all of its tokens: that is no capacity of the layer.

// CHECK-LABEL: func.func @left_alone_other_capacity
// CHECK-NOT: moe.experts
func.func @left_alone_other_capacity(%x: tensor<?x?x4xf32> {onnx.dims = ["b", "s", ""]}, %l: tensor<?x2xf32>) -> tensor<?x?x4xf32> {
  %w0 = onnx.constant dense<2.0> : tensor<4x4xf32>
  %w1 = onnx.constant dense<3.0> : tensor<4x4xf32>
  %router = onnx.constant dense<1.0> : tensor<4x2xf32>
  %flat = onnx.constant dense<[-1, 4]> : tensor<2xi64>
  %two = onnx.constant dense<2> : tensor<i64>
  %hot = onnx.constant dense<[0, 1]> : tensor<2xi64>
  %axis = onnx.constant dense<-2> : tensor<i64>
  %xf = onnx.node "Reshape"(%x, %flat) version 14 : (tensor<?x?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %lf = moe.linear %xf, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %w, %i = moe.route %lf {k = 1 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %lead = onnx.node "Shape"(%x) version 15 {end = 2 : i64, start = 0 : i64} : (tensor<?x?x4xf32>) -> tensor<2xi64>
  %sizes = onnx.node "Shape"(%x) version 15 : (tensor<?x?x4xf32>) -> tensor<3xi64>
  %zeros = onnx.node "ConstantOfShape"(%sizes) version 9 : (tensor<3xi64>) -> tensor<?x?x4xf32>
  %is = onnx.node "Reshape"(%i, %lead) version 14 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x?xi64>
  %o = onnx.node "OneHot"(%is, %two, %hot) version 11 {axis = -1 : i64} : (tensor<?x?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x?x2xi64>
  %count = onnx.node "CumSum"(%o, %axis) version 14 : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?x2xi64>
  %fits = onnx.node "LessOrEqual"(%count, %two) version 16 : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?x2xi1>
  %fit = onnx.node "Cast"(%fits) version 19 {to = 7 : i64} : (tensor<?x?x2xi1>) -> tensor<?x?x2xi64>
  %kept = onnx.node "Mul"(%o, %fit) version 14 : (tensor<?x?x2xi64>, tensor<?x?x2xi64>) -> tensor<?x?x2xi64>
  %e0 = onnx.constant dense<0> : tensor<i64>
  %g0 = onnx.node "Gather"(%kept, %e0) version 13 {axis = 2 : i64} : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?xi64>
  %m0 = onnx.node "Cast"(%g0) version 19 {to = 9 : i64} : (tensor<?x?xi64>) -> tensor<?x?xi1>
  %n0 = onnx.node "NonZero"(%m0) version 13 : (tensor<?x?xi1>) -> tensor<2x?xi64>
  %t0 = onnx.node "Transpose"(%n0) version 13 {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %x0 = onnx.node "GatherND"(%x, %t0) version 13 : (tensor<?x?x4xf32>, tensor<?x2xi64>) -> tensor<?x4xf32>
  %y0 = moe.linear %x0, %w0 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %a0 = onnx.node "ScatterND"(%zeros, %t0, %y0) version 18 : (tensor<?x?x4xf32>, tensor<?x2xi64>, tensor<?x4xf32>) -> tensor<?x?x4xf32>
  %e1 = onnx.constant dense<1> : tensor<i64>
  %g1 = onnx.node "Gather"(%o, %e1) version 13 {axis = 2 : i64} : (tensor<?x?x2xi64>, tensor<i64>) -> tensor<?x?xi64>
  %m1 = onnx.node "Cast"(%g1) version 19 {to = 9 : i64} : (tensor<?x?xi64>) -> tensor<?x?xi1>
  %n1 = onnx.node "NonZero"(%m1) version 13 : (tensor<?x?xi1>) -> tensor<2x?xi64>
  %t1 = onnx.node "Transpose"(%n1) version 13 {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %x1 = onnx.node "GatherND"(%x, %t1) version 13 : (tensor<?x?x4xf32>, tensor<?x2xi64>) -> tensor<?x4xf32>
  %y1 = moe.linear %x1, %w1 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %a1 = onnx.node "ScatterND"(%a0, %t1, %y1) version 18 : (tensor<?x?x4xf32>, tensor<?x2xi64>, tensor<?x4xf32>) -> tensor<?x?x4xf32>
  return %a1 : tensor<?x?x4xf32>
}

// -----

// All experts on all tokens by the names of axes; of their results those of the chosen.

// CHECK-LABEL: func.func @einsum
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route
// CHECK: moe.experts %arg0 to %[[I]] weights %[[W]] parameters(%{{.*}} : tensor<3x4x5xf32>)
// CHECK: moe.linear {{.*}} : (tensor<?x4xf32>, tensor<4x5xf32>) -> tensor<?x5xf32>
func.func @einsum(%x: tensor<?x4xf32>, %l: tensor<?x3xf32>) -> tensor<?x5xf32> {
  %u = onnx.constant dense<2.0> : tensor<3x4x5xf32>
  %router = onnx.constant dense<1.0> : tensor<4x3xf32>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %spread = onnx.constant dense<[1, 1, 5]> : tensor<3xi64>
  %lf = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %w, %e = moe.route %lf {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %y = onnx.node "Einsum"(%x, %u) version 12 {equation = "td,edf->tef"} : (tensor<?x4xf32>, tensor<3x4x5xf32>) -> tensor<?x3x5xf32>
  %eu = onnx.node "Unsqueeze"(%e, %last) version 13 : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?x2x1xi64>
  %ex = onnx.node "Expand"(%eu, %spread) version 13 : (tensor<?x2x1xi64>, tensor<3xi64>) -> tensor<?x2x5xi64>
  %g = onnx.node "GatherElements"(%y, %ex) version 13 {axis = 1 : i64} : (tensor<?x3x5xf32>, tensor<?x2x5xi64>) -> tensor<?x2x5xf32>
  %wu = onnx.node "Unsqueeze"(%w, %last) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x2x1xf32>
  %p = onnx.node "Mul"(%g, %wu) version 14 : (tensor<?x2x5xf32>, tensor<?x2x1xf32>) -> tensor<?x2x5xf32>
  %s = onnx.node "ReduceSum"(%p, %one) version 13 {keepdims = 0 : i64} : (tensor<?x2x5xf32>, tensor<1xi64>) -> tensor<?x5xf32>
  return %s : tensor<?x5xf32>
}

// -----

// A sum over all of an expert's features before the choice: an equation that is no product with matrices.

// CHECK-LABEL: func.func @left_alone_einsum_over_matrix
// CHECK-NOT: moe.experts
func.func @left_alone_einsum_over_matrix(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %u = onnx.constant dense<2.0> : tensor<3x4x5xf32>
  %router = onnx.constant dense<1.0> : tensor<4x3xf32>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %spread = onnx.constant dense<[1, 1, 4]> : tensor<3xi64>
  %lf = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %w, %e = moe.route %lf {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x3xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %y = onnx.node "Einsum"(%x, %u) version 12 {equation = "td,edf->ted"} : (tensor<?x4xf32>, tensor<3x4x5xf32>) -> tensor<?x3x4xf32>
  %eu = onnx.node "Unsqueeze"(%e, %last) version 13 : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?x2x1xi64>
  %ex = onnx.node "Expand"(%eu, %spread) version 13 : (tensor<?x2x1xi64>, tensor<3xi64>) -> tensor<?x2x4xi64>
  %g = onnx.node "GatherElements"(%y, %ex) version 13 {axis = 1 : i64} : (tensor<?x3x4xf32>, tensor<?x2x4xi64>) -> tensor<?x2x4xf32>
  %wu = onnx.node "Unsqueeze"(%w, %last) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x2x1xf32>
  %p = onnx.node "Mul"(%g, %wu) version 14 : (tensor<?x2x4xf32>, tensor<?x2x1xf32>) -> tensor<?x2x4xf32>
  %s = onnx.node "ReduceSum"(%p, %one) version 13 {keepdims = 0 : i64} : (tensor<?x2x4xf32>, tensor<1xi64>) -> tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}
