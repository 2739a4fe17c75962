// RUN: moec-opt %s --split-input-file --moe-raise-fused-experts --canonicalize 2>/dev/null | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]], %[[E:.*]] = moe.route %arg1 {k = 1 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
// CHECK: moe.experts %arg0 to %[[E]] weights %[[W]] parameters(%arg2, %arg3 : tensor<2x8x4xf32>, tensor<2x4x8xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x4xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x4xf32> {
// CHECK: ^bb0(%[[T:.*]]: tensor<?x4xf32>, %[[U:.*]]: tensor<8x4xf32>, %[[D:.*]]: tensor<4x8xf32>):
// CHECK: %[[L:.*]] = moe.linear %[[T]], %[[U]] transposed : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
// CHECK: %[[A:.*]] = moe.activation <relu> %[[L]] : tensor<?x8xf32>
// CHECK: moe.linear %[[A]], %[[D]] transposed : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
// CHECK: moe.yield %{{.*}} : tensor<?x4xf32>
func.func @main(%x: tensor<?x4xf32>, %l: tensor<?x2xf32>, %a: tensor<2x8x4xf32>, %b: tensor<2x4x8xf32>) -> tensor<?x4xf32> {
  %none = onnx.none
  %0 = onnx.node "com.microsoft::MoE"(%x, %l, %a, %none, %b) version 1 {k = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<2x8x4xf32>, none, tensor<2x4x8xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// GPT-OSS as onnxruntime-genai writes it: gate and up interleaved, biases, a limit; batch and sequence.

// CHECK-LABEL: func.func @interleaved
// CHECK: onnx.node "Reshape"(%arg0, %{{.*}}) version 21 : (tensor<?x?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
// CHECK: weight = #moe.route_weight<renormalized>
// CHECK: moe.experts
// CHECK: onnx.node "Slice"
// CHECK: onnx.node "Slice"
// CHECK: moe.glu <silu> %{{.*}}, %{{.*}} {alpha = 1.702000e+00 : f32, limit = 7.000000e+00 : f32, offset = 1.000000e+00 : f32} : tensor<?x8xf32>
// CHECK: onnx.node "Reshape"(%{{.*}}, %{{.*}}) version 21 {allowzero = 1 : i64} : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
func.func @interleaved(%x: tensor<?x?x4xf32>, %l: tensor<?x2xf32>, %a: tensor<2x16x4xf32>, %ab: tensor<2x16xf32>, %b: tensor<2x4x8xf32>, %bb: tensor<2x4xf32>) -> tensor<?x?x4xf32> {
  %0 = onnx.node "com.microsoft::MoE"(%x, %l, %a, %ab, %b, %bb) version 1 {k = 2 : i64, activation_type = "swiglu", swiglu_fusion = 1 : i64, activation_alpha = 1.702 : f32, activation_beta = 1.0 : f32, swiglu_limit = 7.0 : f32, normalize_routing_weights = 1 : i64} : (tensor<?x?x4xf32>, tensor<?x2xf32>, tensor<2x16x4xf32>, tensor<2x16xf32>, tensor<2x4x8xf32>, tensor<2x4xf32>) -> tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// -----

// Left alone: more choices than experts; weights of another width.

// CHECK-LABEL: func.func @others
// CHECK-NOT: moe.experts
func.func @others(%x: tensor<?x4xf32>, %l: tensor<?x2xf32>, %a: tensor<2x8x4xf32>, %b: tensor<2x4x8xf32>, %c: tensor<2x5x8xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %none = onnx.none
  %0 = onnx.node "com.microsoft::MoE"(%x, %l, %a, %none, %b) version 1 {k = 3 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<2x8x4xf32>, none, tensor<2x4x8xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "com.microsoft::MoE"(%x, %l, %a, %none, %c) version 1 {k = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<2x8x4xf32>, none, tensor<2x5x8xf32>) -> tensor<?x4xf32>
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Operands that are not there, or of other shapes: no crash.
// CHECK-LABEL: func.func @left_alone_operands
// CHECK-NOT: moe.experts
func.func @left_alone_operands(%x: tensor<?x4xf32>, %s: tensor<f32>, %l: tensor<?x2xf32>, %a: tensor<2x8x4xf32>, %b: tensor<2x4x8xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<f32>) {
  %none = onnx.none
  %0 = onnx.node "com.microsoft::MoE"(%x) version 1 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "com.microsoft::MoE"(%x, %none, %a, %none, %b) version 1 : (tensor<?x4xf32>, none, tensor<2x8x4xf32>, none, tensor<2x4x8xf32>) -> tensor<?x4xf32>
  %2 = onnx.node "com.microsoft::MoE"(%x, %l, %a, %s, %b, %none, %s) version 1 : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<2x8x4xf32>, tensor<f32>, tensor<2x4x8xf32>, none, tensor<f32>) -> tensor<?x4xf32>
  %3 = onnx.node "com.microsoft::MoE"(%s, %l, %a, %none, %b) version 1 : (tensor<f32>, tensor<?x2xf32>, tensor<2x8x4xf32>, none, tensor<2x4x8xf32>) -> tensor<f32>
  return %0, %1, %2, %3 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<f32>
}
