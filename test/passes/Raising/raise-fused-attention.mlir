// RUN: moec-opt %s --split-input-file --moe-raise-fused-attention | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: %[[Y:.*]] = moe.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 2.500000e-01 : f32} : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32>
// CHECK: return %[[Y]]
func.func @main(%q: tensor<?x4x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32> {
  %y = onnx.node "Attention"(%q, %k, %v) version 24 {scale = 2.500000e-01 : f32} : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %y : tensor<?x4x?x16xf32>
}

// -----

// Heads side by side, a past, and a mask that may be shorter than the keys.

// CHECK-LABEL: func.func @past
// CHECK: %[[K:.*]] = onnx.node "Concat"(%arg4, %{{[0-9]+}}) version 13
// CHECK: %[[V:.*]] = onnx.node "Concat"(%arg5, %{{.*}})
// CHECK: %[[MASK:.*]] = onnx.node "Pad"(%arg3
// CHECK: %[[Y:.*]] = moe.attention %{{.*}}, %[[K]], %[[V]] mask %[[MASK]] {causal, scale = 0.353553385 : f32, softcap = 5.000000e+01 : f32}
// CHECK: %[[ROWS:.*]] = onnx.node "Transpose"(%[[Y]])
// CHECK: %[[FLAT:.*]] = onnx.node "Reshape"(%[[ROWS]]
// CHECK: return %[[FLAT]], %[[K]], %[[V]]
func.func @past(%q: tensor<2x3x32xf32>, %k: tensor<2x3x16xf32>, %v: tensor<2x3x16xf32>, %mask: tensor<3x?xi1>,
                %pk: tensor<2x2x?x8xf32>, %pv: tensor<2x2x?x8xf32>)
    -> (tensor<2x3x32xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>) {
  %y:3 = onnx.node "Attention"(%q, %k, %v, %mask, %pk, %pv) version 24 {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64, softcap = 50.0 : f32}
      : (tensor<2x3x32xf32>, tensor<2x3x16xf32>, tensor<2x3x16xf32>, tensor<3x?xi1>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>)
      -> (tensor<2x3x32xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>)
  return %y#0, %y#1, %y#2 : tensor<2x3x32xf32>, tensor<2x2x?x8xf32>, tensor<2x2x?x8xf32>
}

// -----

// Queries, keys and values in one, rotated inside, with a shared buffer.

// CHECK-LABEL: func.func @group_query
// CHECK: %[[Q:.*]] = moe.rotary %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x4x?x8xf32>
// CHECK: %[[K:.*]] = moe.rotary %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x2x?x8xf32>
// CHECK: %[[PRESENT:.*]] = onnx.node "TensorScatter"(%{{.*}}, %[[K]], %{{.*}})
// CHECK: %[[USED:.*]] = onnx.node "Slice"(%[[PRESENT]]
// CHECK: moe.attention %[[Q]], %[[USED]], %{{.*}} sinks %{{.*}} lengths %{{.*}} {causal, scale = 2.500000e-01 : f32, window = 4 : i64}
func.func @group_query(%qkv: tensor<?x?x64xf32>, %pk: tensor<?x2x?x8xf32>, %pv: tensor<?x2x?x8xf32>, %last: tensor<?xi32>,
                       %total: tensor<i32>, %cos: tensor<20x4xf32>, %sin: tensor<20x4xf32>, %sinks: tensor<4xf32>)
    -> (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) {
  %none = onnx.none
  %y:3 = onnx.node "com.microsoft::GroupQueryAttention"(%qkv, %none, %none, %pk, %pv, %last, %total, %cos, %sin, %none, %none, %sinks) version 1 {do_rotary = 1 : i64, kv_num_heads = 2 : i64, local_window_size = 4 : i64, num_heads = 4 : i64, scale = 2.500000e-01 : f32}
      : (tensor<?x?x64xf32>, none, none, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?xi32>, tensor<i32>, tensor<20x4xf32>, tensor<20x4xf32>, none, none, tensor<4xf32>)
      -> (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
  return %y#0, %y#1, %y#2 : tensor<?x?x32xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
}

// -----

// Left alone: a causal mask from the first key on, where there are other numbers of queries and keys.

// CHECK-LABEL: func.func @left_alone_causal_cross
// CHECK: onnx.node "Attention"
// CHECK-NOT: moe.
func.func @left_alone_causal_cross(%q: tensor<?x4x2x16xf32>, %k: tensor<?x2x3x16xf32>, %v: tensor<?x2x3x16xf32>) -> tensor<?x4x2x16xf32> {
  %y = onnx.node "Attention"(%q, %k, %v) version 24 {is_causal = 1 : i64} : (tensor<?x4x2x16xf32>, tensor<?x2x3x16xf32>, tensor<?x2x3x16xf32>) -> tensor<?x4x2x16xf32>
  return %y : tensor<?x4x2x16xf32>
}

// -----

// Left alone: quantised caches.

// CHECK-LABEL: func.func @left_alone_quantised
// CHECK: GroupQueryAttention
// CHECK-NOT: moe.
func.func @left_alone_quantised(%q: tensor<?x?x32xf32>, %k: tensor<?x?x16xf32>, %pk: tensor<?x2x?x8xi8>, %last: tensor<?xi32>, %total: tensor<i32>) -> tensor<?x?x32xf32> {
  %y = onnx.node "com.microsoft::GroupQueryAttention"(%q, %k, %k, %pk, %pk, %last, %total) version 1 {k_quant_type = "PER_TENSOR", kv_num_heads = 2 : i64, num_heads = 4 : i64}
      : (tensor<?x?x32xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x2x?x8xi8>, tensor<?x2x?x8xi8>, tensor<?xi32>, tensor<i32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// -----

// Keys and values that were repeated for the heads of their group are taken as they were, also where the heads were merged again; and the
// mask is seen to hide what comes after the query.
// CHECK-LABEL: func.func @repeated_heads
// CHECK: moe.attention %{{.*}}, %arg1, %arg2 mask %{{.*}} {hidden = {causal}, scale = 2.500000e-01 : f32} : (tensor<?x4x3x16xf32>, tensor<?x2x3x16xf32>, tensor<?x2x3x16xf32>, tensor<3x3xf32>) -> tensor<?x4x3x16xf32>
func.func @repeated_heads(%q: tensor<?x3x64xf32>, %k: tensor<?x2x3x16xf32>, %v: tensor<?x2x3x16xf32>) -> tensor<?x3x64xf32> {
  %one = onnx.constant dense<1> : tensor<i64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %twice = onnx.constant dense<[1, 1, 2, 1, 1]> : tensor<5xi64>
  %heads = onnx.constant dense<[0, 4, 3, 16]> : tensor<4xi64>
  %flat = onnx.constant dense<[0, 3, 64]> : tensor<3xi64>
  %none = onnx.none
  %k1 = onnx.node "Unsqueeze"(%k, %two) version 13 : (tensor<?x2x3x16xf32>, tensor<1xi64>) -> tensor<?x2x1x3x16xf32>
  %k2 = onnx.node "Expand"(%k1, %twice) version 13 : (tensor<?x2x1x3x16xf32>, tensor<5xi64>) -> tensor<?x2x2x3x16xf32>
  %k3 = onnx.node "Reshape"(%k2, %heads) version 21 : (tensor<?x2x2x3x16xf32>, tensor<4xi64>) -> tensor<?x4x3x16xf32>
  %v1 = onnx.node "Unsqueeze"(%v, %two) version 13 : (tensor<?x2x3x16xf32>, tensor<1xi64>) -> tensor<?x2x1x3x16xf32>
  %v2 = onnx.node "Expand"(%v1, %twice) version 13 : (tensor<?x2x1x3x16xf32>, tensor<5xi64>) -> tensor<?x2x2x3x16xf32>
  %v3 = onnx.node "Reshape"(%v2, %heads) version 21 : (tensor<?x2x2x3x16xf32>, tensor<4xi64>) -> tensor<?x4x3x16xf32>
  %k4 = onnx.node "Transpose"(%k3) version 21 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x4x3x16xf32>) -> tensor<?x3x4x16xf32>
  %k5 = onnx.node "Reshape"(%k4, %flat) version 21 : (tensor<?x3x4x16xf32>, tensor<3xi64>) -> tensor<?x3x64xf32>
  %v4 = onnx.node "Transpose"(%v3) version 21 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x4x3x16xf32>) -> tensor<?x3x4x16xf32>
  %v5 = onnx.node "Reshape"(%v4, %flat) version 21 : (tensor<?x3x4x16xf32>, tensor<3xi64>) -> tensor<?x3x64xf32>
  %low = onnx.constant dense<-3.0e+38> : tensor<3x3xf32>
  %mask = onnx.node "Trilu"(%low, %one) version 14 {upper = 1 : i64} : (tensor<3x3xf32>, tensor<i64>) -> tensor<3x3xf32>
  %y = onnx.node "com.microsoft::MultiHeadAttention"(%q, %k5, %v5, %none, %none, %mask) version 1 {num_heads = 4 : i64} : (tensor<?x3x64xf32>, tensor<?x3x64xf32>, tensor<?x3x64xf32>, none, none, tensor<3x3xf32>) -> tensor<?x3x64xf32>
  return %y : tensor<?x3x64xf32>
}

// -----

// Head 1 has the keys of head 1 of two, and not of head 0: no group of neighbours shares them. The mask
// hides what comes before the query, which leaves a window of one key; what comes after is seen.
// CHECK-LABEL: func.func @left_alone_heads_in_turn
// CHECK: moe.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} {hidden = {window = 1 : i64}, scale = 2.500000e-01 : f32} : (tensor<?x4x3x16xf32>, tensor<?x4x3x16xf32>, tensor<?x4x3x16xf32>, tensor<3x3xf32>) -> tensor<?x4x3x16xf32>
func.func @left_alone_heads_in_turn(%q: tensor<?x3x64xf32>, %k: tensor<?x2x3x16xf32>, %v: tensor<?x2x3x16xf32>) -> tensor<?x3x64xf32> {
  %minus = onnx.constant dense<-1> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %twice = onnx.constant dense<[1, 2, 1, 1, 1]> : tensor<5xi64>
  %heads = onnx.constant dense<[0, 4, 3, 16]> : tensor<4xi64>
  %none = onnx.none
  %k1 = onnx.node "Unsqueeze"(%k, %one) version 13 : (tensor<?x2x3x16xf32>, tensor<1xi64>) -> tensor<?x1x2x3x16xf32>
  %k2 = onnx.node "Expand"(%k1, %twice) version 13 : (tensor<?x1x2x3x16xf32>, tensor<5xi64>) -> tensor<?x2x2x3x16xf32>
  %k3 = onnx.node "Reshape"(%k2, %heads) version 21 : (tensor<?x2x2x3x16xf32>, tensor<4xi64>) -> tensor<?x4x3x16xf32>
  %v1 = onnx.node "Unsqueeze"(%v, %one) version 13 : (tensor<?x2x3x16xf32>, tensor<1xi64>) -> tensor<?x1x2x3x16xf32>
  %v2 = onnx.node "Expand"(%v1, %twice) version 13 : (tensor<?x1x2x3x16xf32>, tensor<5xi64>) -> tensor<?x2x2x3x16xf32>
  %v3 = onnx.node "Reshape"(%v2, %heads) version 21 : (tensor<?x2x2x3x16xf32>, tensor<4xi64>) -> tensor<?x4x3x16xf32>
  %low = onnx.constant dense<-3.0e+38> : tensor<3x3xf32>
  %mask = onnx.node "Trilu"(%low, %minus) version 14 {upper = 0 : i64} : (tensor<3x3xf32>, tensor<i64>) -> tensor<3x3xf32>
  %y = onnx.node "com.microsoft::MultiHeadAttention"(%q, %k3, %v3, %none, %none, %mask) version 1 {num_heads = 4 : i64} : (tensor<?x3x64xf32>, tensor<?x4x3x16xf32>, tensor<?x4x3x16xf32>, none, none, tensor<3x3xf32>) -> tensor<?x3x64xf32>
  return %y : tensor<?x3x64xf32>
}
