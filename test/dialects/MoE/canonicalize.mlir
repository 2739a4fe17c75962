// RUN: moec-opt %s --split-input-file --canonicalize | FileCheck %s

// Biases of zeros are none; other ones stay.

// CHECK-LABEL: func.func @zero_bias
// CHECK: moe.linear %{{[^ ]*}}, %{{[^ ]*}} : (tensor<?x4xf32>, tensor<4x2xf32>)
// CHECK: moe.linear %{{[^ ]*}}, %{{[^ ]*}} bias
// CHECK: moe.block_linear %{{[^ ]*}}, %{{[^ ]*}} : (tensor<?x4xf32>, tensor<2x2x1xf32>)
// CHECK: moe.grouped_linear %{{[^ ]*}} by %{{[^ ]*}}, %{{[^ ]*}} : (tensor<?x4xf32>, tensor<3xi64>, tensor<2x4x2xf32>)
func.func @zero_bias(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>, %b: tensor<2x2x1xf32>, %e: tensor<2x4x2xf32>, %o: tensor<3xi64>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %zero = onnx.constant dense<0.0> : tensor<2xf32>
  %one = onnx.constant dense<1.0> : tensor<2xf32>
  %zeros = onnx.constant dense<0.0> : tensor<2x2xf32>
  %0 = moe.linear %x, %w bias %zero : (tensor<?x4xf32>, tensor<4x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %1 = moe.linear %x, %w bias %one : (tensor<?x4xf32>, tensor<4x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %2 = moe.block_linear %x, %b bias %zero : (tensor<?x4xf32>, tensor<2x2x1xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %3 = moe.grouped_linear %x by %o, %e bias %zeros : (tensor<?x4xf32>, tensor<3xi64>, tensor<2x4x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %0, %1, %2, %3 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// A shuffle that leaves everything in place.

// CHECK-LABEL: func.func @shuffle
// CHECK-NOT: shuffle
// CHECK: moe.block_linear
// CHECK: moe.block_linear {{.*}} shuffle [1, 0]
func.func @shuffle(%x: tensor<?x4xf32>, %b: tensor<2x2x1xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %0 = moe.block_linear %x, %b shuffle [0, 1] : (tensor<?x4xf32>, tensor<2x2x1xf32>) -> tensor<?x2xf32>
  %1 = moe.block_linear %x, %b shuffle [1, 0] : (tensor<?x4xf32>, tensor<2x2x1xf32>) -> tensor<?x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Zero points that are all the same are an attribute, of either sign.

// CHECK-LABEL: func.func @zero_points
// CHECK: moe.dequantize %{{[^ ]*}} scales %{{[^ ]*}} {zero = 200 : i64}
// CHECK: moe.dequantize %{{[^ ]*}} scales %{{[^ ]*}} {zero = -3 : i64}
// CHECK: moe.dequantize %{{[^ ]*}} scales %{{[^ ]*}} zero_points
func.func @zero_points(%u: tensor<3x2xui8>, %i: tensor<3x2xi8>, %s: tensor<2xf32>)
    -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %p = onnx.constant dense<200> : tensor<2xui8>
  %n = onnx.constant dense<-3> : tensor<2xi8>
  %m = onnx.constant dense<[1, 2]> : tensor<2xi8>
  %0 = moe.dequantize %u scales %s zero_points %p : (tensor<3x2xui8>, tensor<2xf32>, tensor<2xui8>) -> tensor<3x2xf32>
  %1 = moe.dequantize %i scales %s zero_points %n : (tensor<3x2xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<3x2xf32>
  %2 = moe.dequantize %i scales %s zero_points %m : (tensor<3x2xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<3x2xf32>
  return %0, %1, %2 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func.func @norm
// CHECK: moe.norm <layer> %{{[^ ]*}} {epsilon
// CHECK: moe.norm <rms> %{{[^ ]*}} scale %{{[^ ]*}} {epsilon
func.func @norm(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %zero = onnx.constant dense<0.0> : tensor<2xf32>
  %one = onnx.constant dense<1.0> : tensor<2xf32>
  %0 = moe.norm <layer> %x scale %one bias %zero {epsilon = 1.0e-6 : f32} : (tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %1 = moe.norm <rms> %x scale %zero {epsilon = 1.0e-6 : f32} : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func.func @activations
// CHECK: %[[R:.*]] = moe.activation <relu_squared>
// CHECK-NOT: moe.activation <relu> %[[R]]
// CHECK: %[[S:.*]] = moe.activation <silu>
// CHECK: %[[P:.*]] = moe.activation <relu> %[[S]]
// CHECK: return %[[R]], %[[P]], %arg0
func.func @activations(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %0 = moe.activation <relu_squared> %x : tensor<?x2xf32>
  %1 = moe.activation <relu> %0 : tensor<?x2xf32>
  %2 = moe.activation <silu> %x : tensor<?x2xf32>
  %3 = moe.activation <relu> %2 : tensor<?x2xf32>
  %4 = moe.activation <identity> %x : tensor<?x2xf32>
  return %1, %3, %4 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func.func @limit
// CHECK-NOT: limit
// CHECK: moe.glu <silu>
// CHECK: limit = 7.0
func.func @limit(%g: tensor<?x2xf32>, %u: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %0 = moe.glu <silu> %g, %u {limit = 0x7F800000 : f32} : tensor<?x2xf32>
  %1 = moe.glu <silu> %g, %u {limit = 7.0 : f32} : tensor<?x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Masks that hide nothing; a window of as many tokens as there are keys.

// CHECK-LABEL: func.func @attention
// CHECK: moe.attention %arg0, %arg1, %arg2 {causal, scale
// CHECK: moe.attention %arg0, %arg1, %arg2 {scale
// CHECK: moe.attention %arg0, %arg1, %arg2 mask %{{.*}} window = 7
func.func @attention(%q: tensor<?x2x?x4xf32>, %k: tensor<?x2x8x4xf32>, %v: tensor<?x2x8x4xf32>)
    -> (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) {
  %true = onnx.constant dense<true> : tensor<1x1x1x8xi1>
  %zero = onnx.constant dense<0.0> : tensor<1x1x1x8xf32>
  %one = onnx.constant dense<1.0> : tensor<1x1x1x8xf32>
  %0 = moe.attention %q, %k, %v mask %true {causal, scale = 0.5 : f32, window = 8 : i64} : (tensor<?x2x?x4xf32>, tensor<?x2x8x4xf32>, tensor<?x2x8x4xf32>, tensor<1x1x1x8xi1>) -> tensor<?x2x?x4xf32>
  %1 = moe.attention %q, %k, %v mask %zero {scale = 0.5 : f32} : (tensor<?x2x?x4xf32>, tensor<?x2x8x4xf32>, tensor<?x2x8x4xf32>, tensor<1x1x1x8xf32>) -> tensor<?x2x?x4xf32>
  %2 = moe.attention %q, %k, %v mask %one {scale = 0.5 : f32, window = 7 : i64} : (tensor<?x2x?x4xf32>, tensor<?x2x8x4xf32>, tensor<?x2x8x4xf32>, tensor<1x1x1x8xf32>) -> tensor<?x2x?x4xf32>
  return %0, %1, %2 : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>
}

// -----

// CHECK-LABEL: func.func @linear_attention
// CHECK: moe.linear_attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} {causal}
func.func @linear_attention(%q: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %one = onnx.constant dense<1.0> : tensor<1x2x3xf32>
  %zero = onnx.constant dense<0.0> : tensor<1x2x4x4xf32>
  %0, %1 = moe.linear_attention %q, %q, %q decay %one state %zero {causal} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3xf32>, tensor<1x2x4x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<1x2x4x4xf32>)
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// Nothing is added, nobody is dead, all groups are among the best.

// CHECK-LABEL: func.func @route
// CHECK: moe.route %arg0 {k = 2 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>}
// CHECK: moe.route %arg0 bias {{.*}}groups = 4 : i64
func.func @route(%l: tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xi64>) {
  %zero = onnx.constant dense<0.0> : tensor<8xf32>
  %one = onnx.constant dense<1.0> : tensor<8xf32>
  %true = onnx.constant dense<true> : tensor<8xi1>
  %0, %1 = moe.route %l bias %zero alive %true {k = 2 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>, select_logits, groups = 4 : i64, top_groups = 4 : i64, group_top = 2 : i64} : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xi1>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %2, %3 = moe.route %l bias %one {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, groups = 4 : i64, top_groups = 2 : i64} : (tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return %1, %3 : tensor<?x2xi64>, tensor<?x2xi64>
}

// -----

// Weights of one, tables that say nothing, parameters that nothing uses.

// CHECK-LABEL: func.func @experts
// CHECK: moe.experts %arg0 to %arg1 parameters(%arg2 : tensor<2x4x4xf32>) {num_experts = 2 : i64, segments = array<i64: 1>}
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x4xf32>, %{{.*}}: tensor<4x4xf32>):
func.func @experts(%x: tensor<?x4xf32>, %e: tensor<3x1xi64>, %w: tensor<2x4x4xf32>, %u: tensor<1x4xf32>, %v: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %one = onnx.constant dense<1.0> : tensor<3x1xf32>
  %0 = moe.experts %x to %e weights %one parameters(%u, %v, %w : tensor<1x4xf32>, tensor<1x4xf32>, tensor<2x4x4xf32>)
      {num_experts = 2 : i64, segments = array<i64: 2, 1>, tables = [array<i64: 0, 0, 1, 0>, array<i64: 0, 0, 0, 1>], weigh_inputs}
      : (tensor<?x4xf32>, tensor<3x1xi64>, tensor<3x1xf32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %p: tensor<4xf32>, %q: tensor<4x4xf32>):
    %1 = moe.linear %t, %q : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    moe.yield %1 : tensor<?x4xf32>
  }
  return %0 : tensor<?x4xf32>
}

// -----

// A table that makes an expert null stays, also where its parameter is not used; so does another order.

// CHECK-LABEL: func.func @null_expert
// CHECK: segments = array<i64: 1, 1>, tables = [array<i64: 0, 0, -1, -1>, array<i64: 0, 1, 0, 0>]
func.func @null_expert(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %w: tensor<2x4x4xf32>, %u: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %0 = moe.experts %x to %e parameters(%u, %w : tensor<1x4xf32>, tensor<2x4x4xf32>)
      {num_experts = 2 : i64, segments = array<i64: 1, 1>, tables = [array<i64: 0, 0, -1, -1>, array<i64: 0, 1, 0, 0>]}
      : (tensor<?x4xf32>, tensor<?x1xi64>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %p: tensor<4xf32>, %q: tensor<4x4xf32>):
    %1 = moe.linear %t, %q : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    moe.yield %1 : tensor<?x4xf32>
  }
  return %0 : tensor<?x4xf32>
}

// -----

// One region, or one that all take.

// CHECK-LABEL: func.func @select
// CHECK-NEXT: %[[A:.*]] = moe.activation <relu> %arg1
// CHECK-NEXT: %[[B:.*]] = moe.activation <tanh> %arg1
// CHECK-NEXT: return %[[A]], %[[B]]
func.func @select(%which: tensor<?xi64>, %x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = moe.select %which (%x : tensor<?x4xf32>) : tensor<?xi64> -> tensor<?x4xf32> {
  ^bb0(%a: tensor<?x4xf32>):
    %2 = moe.activation <relu> %a : tensor<?x4xf32>
    moe.yield %2 : tensor<?x4xf32>
  }
  %ones = onnx.constant dense<1> : tensor<3xi64>
  %1 = moe.select %ones (%x : tensor<?x4xf32>) : tensor<3xi64> -> tensor<?x4xf32> {
  ^bb0(%a: tensor<?x4xf32>):
    moe.yield %a : tensor<?x4xf32>
  }, {
  ^bb0(%a: tensor<?x4xf32>):
    %2 = moe.activation <tanh> %a : tensor<?x4xf32>
    moe.yield %2 : tensor<?x4xf32>
  }
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// No row, no change, all rows. Regions whose types are others stay.

// CHECK-LABEL: func.func @subset
// CHECK: %[[A:.*]] = moe.activation <relu> %arg0
// CHECK: %[[B:.*]] = moe.subset %arg0 where
// CHECK: return %arg0, %arg0, %[[A]], %[[B]]
func.func @subset(%x: tensor<3x4xf32>, %m: tensor<3xi1>) -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %false = onnx.constant dense<false> : tensor<3xi1>
  %true = onnx.constant dense<true> : tensor<3xi1>
  %0 = moe.subset %x where %false : (tensor<3x4xf32>, tensor<3xi1>) -> tensor<3x4xf32> {
  ^bb0(%a: tensor<?x4xf32>):
    %4 = moe.activation <relu> %a : tensor<?x4xf32>
    moe.yield %4 : tensor<?x4xf32>
  }
  %1 = moe.subset %x where %m : (tensor<3x4xf32>, tensor<3xi1>) -> tensor<3x4xf32> {
  ^bb0(%a: tensor<?x4xf32>):
    moe.yield %a : tensor<?x4xf32>
  }
  %2 = moe.subset %x where %true : (tensor<3x4xf32>, tensor<3xi1>) -> tensor<3x4xf32> {
  ^bb0(%a: tensor<3x4xf32>):
    %4 = moe.activation <relu> %a : tensor<3x4xf32>
    moe.yield %4 : tensor<3x4xf32>
  }
  %3 = moe.subset %x where %true : (tensor<3x4xf32>, tensor<3xi1>) -> tensor<3x4xf32> {
  ^bb0(%a: tensor<?x4xf32>):
    %4 = moe.activation <relu> %a : tensor<?x4xf32>
    moe.yield %4 : tensor<?x4xf32>
  }
  return %0, %1, %2, %3 : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}
