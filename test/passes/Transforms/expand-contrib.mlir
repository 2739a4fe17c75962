// RUN: moec-opt %s --onnx-expand-contrib --split-input-file | FileCheck %s

// The bytes of the weight get a second name.
// CHECK:       moe.weight_file @file0
// CHECK:       moe.weight_data @w in @file0[0, 2048] : tensor<64x2x16xui8>
// CHECK:       moe.weight_data @w.codes in @file0[0, 2048] : tensor<64x64xui4>
// CHECK-LABEL: func.func @main(
// CHECK-SAME:      %[[X:[^:]*]]: tensor<?x64xf32>, %[[S:[^:]*]]: tensor<64x2xf32>
// CHECK-DAG:     %[[W:.*]] = moe.weight @w.codes : tensor<64x64xui4>
// CHECK-DAG:     %[[ZERO:.*]] = onnx.constant dense<8> : tensor<64x2xui4>
// CHECK:         %[[D:.*]] = onnx.node "DequantizeLinear"(%[[W]], %[[S]], %[[ZERO]]) version 21 {axis = 1 : i64, block_size = 32 : i64}
// CHECK:         %[[T:.*]] = onnx.node "Transpose"(%[[D]]) version 21 {perm = array<i64: 1, 0>}
// CHECK:         %[[Y:.*]] = onnx.node "MatMul"(%[[X]], %[[T]]) version 13
// CHECK:         return %[[Y]]
module {
  moe.weight_file @file0 "/weights" size 2048
  moe.weight_data @w in @file0[0, 2048] : tensor<64x2x16xui8>
  func.func @main(%x: tensor<?x64xf32>, %s: tensor<64x2xf32>) -> tensor<?x64xf32> {
    %w = moe.weight @w : tensor<64x2x16xui8>
    %0 = onnx.node "com.microsoft::MatMulNBits"(%x, %w, %s) version 1 {K = 64 : i64, N = 64 : i64, bits = 4 : i64, block_size = 32 : i64} : (tensor<?x64xf32>, tensor<64x2x16xui8>, tensor<64x2xf32>) -> tensor<?x64xf32>
    return %0 : tensor<?x64xf32>
  }
}

// -----

// Rows that end in the middle of a block are cut; small constants are unpacked here.
// CHECK-LABEL: func.func @part_of_a_block(
// CHECK-DAG:     %[[ZERO:.*]] = onnx.constant dense<{{\[\[}}5, 0]]> : tensor<1x2xui4>
// CHECK-DAG:     %[[CODES:.*]] = onnx.constant dense<{{\[\[}}1, 2, 1, 2
// CHECK:         onnx.node "Slice"
// CHECK:         onnx.node "DequantizeLinear"(%{{.*}}, %{{.*}}, %{{.*}}) {{.*}} -> tensor<1x20xf32>
// CHECK:         onnx.node "Add"
func.func @part_of_a_block(%x: tensor<?x20xf32>, %bias: tensor<1xf32>) -> tensor<?x1xf32> {
  %w = onnx.constant dense<33> : tensor<1x1x16xui8>
  %s = onnx.constant dense<0.5> : tensor<1xf32>
  %z = onnx.constant dense<5> : tensor<1x1xui8>
  %none = onnx.none
  %0 = onnx.node "com.microsoft::MatMulNBits"(%x, %w, %s, %z, %none, %bias) version 1
      {K = 20 : i64, N = 1 : i64, bits = 4 : i64, block_size = 32 : i64}
      : (tensor<?x20xf32>, tensor<1x1x16xui8>, tensor<1xf32>, tensor<1x1xui8>, none, tensor<1xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// -----

// ONNX has no such zero points.
// CHECK-LABEL: func.func @left_alone_float_zero_points(
// CHECK:         "com.microsoft::MatMulNBits"
func.func @left_alone_float_zero_points(%x: tensor<?x32xf32>) -> tensor<?x1xf32> {
  %w = onnx.constant dense<33> : tensor<1x1x16xui8>
  %s = onnx.constant dense<0.5> : tensor<1x1xf32>
  %0 = onnx.node "com.microsoft::MatMulNBits"(%x, %w, %s, %s) version 1
      {K = 32 : i64, N = 1 : i64, bits = 4 : i64, block_size = 32 : i64}
      : (tensor<?x32xf32>, tensor<1x1x16xui8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: func.func @rows_of_codes(
// CHECK-SAME:      %[[I:.*]]: tensor<?xi64>
// CHECK:         %[[ROWS:.*]] = onnx.node "Gather"(%{{.*}}, %[[I]]) {{.*}} -> tensor<?x32xui4>
// CHECK:         %[[SCALES:.*]] = onnx.node "Gather"(%{{.*}}, %[[I]]) {{.*}} -> tensor<?x2xf32>
// CHECK:         "DequantizeLinear"(%[[ROWS]], %[[SCALES]], %{{.*}}) {{.*}} {axis = -1 : i64, block_size = 16 : i64}
func.func @rows_of_codes(%i: tensor<?xi64>) -> tensor<?x32xf32> {
  %w = onnx.constant dense<33> : tensor<4x16xui8>
  %s = onnx.constant dense<0.5> : tensor<4x2xf32>
  %0 = onnx.node "com.microsoft::GatherBlockQuantized"(%w, %i, %s) version 1 {block_size = 16 : i64}
      : (tensor<4x16xui8>, tensor<?xi64>, tensor<4x2xf32>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// -----

// CHECK-LABEL: func.func @norm_of_a_sum(
// CHECK-SAME:      %[[X:[^:]*]]: tensor<?x8xf32>, %[[SKIP:[^:]*]]: tensor<?x8xf32>, %[[W:[^:]*]]: tensor<8xf32>
// CHECK:         %[[SUM:.*]] = onnx.node "Add"(%[[X]], %[[SKIP]]) version 14
// CHECK:         %[[Y:.*]] = onnx.node "RMSNormalization"(%[[SUM]], %[[W]]) version 23 {axis = -1 : i64, epsilon = 9.99999996E-13 : f32}
// CHECK:         return %[[Y]], %[[SUM]]
func.func @norm_of_a_sum(%x: tensor<?x8xf32>, %skip: tensor<?x8xf32>, %w: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %0:4 = onnx.node "com.microsoft::SkipSimplifiedLayerNormalization"(%x, %skip, %w) version 1
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, none, none, tensor<?x8xf32>)
  return %0#0, %0#3 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// RMSNormalization does not give the inverse deviation.
// CHECK-LABEL: func.func @left_alone_inverse_deviation(
// CHECK:         "SimplifiedLayerNormalization"
func.func @left_alone_inverse_deviation(%x: tensor<?x8xf32>, %w: tensor<8xf32>) -> tensor<?x1xf32> {
  %0:2 = onnx.node "SimplifiedLayerNormalization"(%x, %w) version 1
      : (tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x8xf32>, tensor<?x1xf32>)
  return %0#1 : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: func.func @transposed_product(
// CHECK-SAME:      %[[A:[^:]*]]: tensor<?x8xf32>, %[[B:[^:]*]]: tensor<4x8xf32>
// CHECK:         %[[T:.*]] = onnx.node "Transpose"(%[[B]])
// CHECK:         %[[P:.*]] = onnx.node "MatMul"(%[[A]], %[[T]])
// CHECK:         onnx.node "Mul"(%[[P]], %{{.*}})
func.func @transposed_product(%a: tensor<?x8xf32>, %b: tensor<4x8xf32>) -> tensor<?x4xf32> {
  %0 = onnx.node "com.microsoft::FusedMatMul"(%a, %b) version 1 {alpha = 5.0e-01 : f32, transB = 1 : i64}
      : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Positions are counted from the first; the width of the caches says how many heads there are.
// CHECK-LABEL: func.func @rotary_embedding(
// CHECK-SAME:      %[[X:[^:]*]]: tensor<?x?x32xf32>, %[[FIRST:[^:]*]]: tensor<1xi64>
// CHECK:         %[[RANGE:.*]] = onnx.node "Range"
// CHECK:         %[[SUM:.*]] = onnx.node "Add"(%[[RANGE]], %[[FIRST]])
// CHECK:         %[[POSITIONS:.*]] = onnx.node "Expand"(%[[SUM]], %{{.*}}) {{.*}} -> tensor<?x?xi64>
// CHECK:         onnx.node "RotaryEmbedding"(%[[X]], %{{.*}}, %{{.*}}, %[[POSITIONS]]) version 23 {interleaved = 0 : i64, num_heads = 4 : i64
func.func @rotary_embedding(%x: tensor<?x?x32xf32>, %p: tensor<1xi64>, %c: tensor<64x4xf32>, %s: tensor<64x4xf32>) -> tensor<?x?x32xf32> {
  %0 = onnx.node "com.microsoft::RotaryEmbedding"(%x, %p, %c, %s) version 1
      : (tensor<?x?x32xf32>, tensor<1xi64>, tensor<64x4xf32>, tensor<64x4xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// -----

// CHECK-LABEL: func.func @activations(
// CHECK:         onnx.node "Add"
// CHECK:         onnx.node "Gelu"(%{{.*}}) version 20 {approximate = "tanh"}
// CHECK:         onnx.node "Swish"(%{{.*}}) version 24 {alpha = 1.702000e+00 : f32}
func.func @activations(%x: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.node "com.microsoft::FastGelu"(%x, %b) version 1 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %1 = onnx.node "com.microsoft::QuickGelu"(%0) version 1 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// No rows of codes to gather from: left as it is, for lack of anything to read.
// CHECK-LABEL: func.func @left_alone_no_codes(
// CHECK:         onnx.node "com.microsoft::GatherBlockQuantized"
func.func @left_alone_no_codes(%i: tensor<3xi64>, %s: tensor<4x4xf32>) -> tensor<*xf32> {
  %w = onnx.constant dense<0> : tensor<0x32xui8>
  %0 = onnx.node "com.microsoft::GatherBlockQuantized"(%w, %i, %s) version 1 {block_size = 16 : i64, bits = 4 : i64}
      : (tensor<0x32xui8>, tensor<3xi64>, tensor<4x4xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}
