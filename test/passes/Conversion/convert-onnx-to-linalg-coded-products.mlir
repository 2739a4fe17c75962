// RUN: moec-opt %s --convert-onnx-to-linalg='vector-bytes=64 vector-registers=32' --split-input-file | FileCheck %s

// Products with dequantised weights read codes, scales and zero points where they are stored: no matrix of
// floats is made.

// Rows of codes of four bits, two a byte, blocks along a row: panels of columns whose bytes hold two
// neighbours of a column. Scales are packed like a matrix of their own. The zero point is the same for all.
// CHECK:       kernel.packed @[[$CODES:.*]] from @w {{.*}} size 15360 layout #kernel.panels<count = 1, depth = 128, columns = 200, offset = 0, strides = [0, 1, 128], panel = 48, perByte = 2>
// CHECK:       kernel.packed @[[$SCALES:.*]] from @s {{.*}} size 1920 layout #kernel.panels<count = 1, depth = 4, columns = 200, offset = 0, strides = [0, 1, 4], panel = 48>
// CHECK-LABEL: func.func @rows_of_nibbles(
// CHECK-SAME:      %[[X:.*]]: tensor<?x128xf32>
// CHECK-DAG:     %[[S:.*]] = kernel.weight @[[$SCALES]] : tensor<1x5x4x48xf16>
// CHECK-DAG:     %[[W:.*]] = kernel.weight @[[$CODES]] : tensor<1x5x64x48xi8>
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 8 : i32
// CHECK-DAG:     %[[GROUP:.*]] = arith.constant 32 : index
// CHECK-NOT:     tensor<200x128xf32>
// CHECK:         kernel.call @matmul_coded_ui4_uniform_f16_48_f32 ins(%{{.*}}, %[[W]], %[[S]], %[[ZERO]], %[[GROUP]] :
module {
  moe.weight_file @file0 "/weights" size 14400
  moe.weight_data @w in @file0[0, 12800] : tensor<200x128xui4>
  moe.weight_data @s in @file0[12800, 1600] : tensor<200x4xf16>
  func.func @rows_of_nibbles(%x: tensor<?x128xf32>) -> tensor<?x200xf32> {
    %w = moe.weight @w : tensor<200x128xui4>
    %s = moe.weight @s : tensor<200x4xf16>
    %z = onnx.constant dense<8> : tensor<200x4xui4>
    %0 = onnx.node "DequantizeLinear"(%w, %s, %z) version 23 {axis = 1 : i64, block_size = 32 : i64, output_dtype = 1 : i64}
        : (tensor<200x128xui4>, tensor<200x4xf16>, tensor<200x4xui4>) -> tensor<200x128xf32>
    %1 = onnx.node "Transpose"(%0) version 13 {perm = [1, 0]} : (tensor<200x128xf32>) -> tensor<128x200xf32>
    %2 = onnx.node "MatMul"(%x, %1) version 13 : (tensor<?x128xf32>, tensor<128x200xf32>) -> tensor<?x200xf32>
    return %2 : tensor<?x200xf32>
  }
}

// -----

// One scale a column, a small constant, which is packed here. A group is all of the depth.
// CHECK:       kernel.packed @[[$CODES:.*]] from @w {{.*}} size 1536 layout #kernel.panels<count = 1, depth = 96, columns = 16, offset = 0, strides = [0, 16, 1], panel = 16>
// CHECK-LABEL: func.func @columns_of_bytes(
// CHECK-DAG:     %[[S:.*]] = arith.constant dense<{{.*}}> : tensor<1x1x1x16xf32>
// CHECK-DAG:     %[[GROUP:.*]] = arith.constant 96 : index
// CHECK:         kernel.call @matmul_coded_i8_none_f32_16_f32
module {
  moe.weight_file @file0 "/weights" size 1536
  moe.weight_data @w in @file0[0, 1536] : tensor<96x16xi8>
  func.func @columns_of_bytes(%x: tensor<?x96xf32>) -> tensor<?x16xf32> {
    %w = moe.weight @w : tensor<96x16xi8>
    %s = onnx.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : tensor<16xf32>
    %0 = onnx.node "DequantizeLinear"(%w, %s) version 21 {axis = 1 : i64} : (tensor<96x16xi8>, tensor<16xf32>) -> tensor<96x16xf32>
    %1 = onnx.node "MatMul"(%x, %0) version 13 : (tensor<?x96xf32>, tensor<96x16xf32>) -> tensor<?x16xf32>
    return %1 : tensor<?x16xf32>
  }
}

// -----

// Experts: the segments of a grouped product are dequantised one by one; the second one is a part of a
// larger tensor, and its zero points are its own.
// CHECK-DAG:   from @w, @v {{.*}} layout #kernel.panels<count = 2, depth = 64, columns = 32, offset = 0, strides = [2048, 1, 64], panel = 32>, #kernel.panels<count = 1, depth = 64, columns = 32, offset = 4096, strides = [0, 1, 64], panel = 32>
// CHECK-DAG:   from @s, @t {{.*}} layout #kernel.panels<count = 2, depth = 4, columns = 32, offset = 0, strides = [128, 1, 4], panel = 32>, #kernel.panels<count = 1, depth = 4, columns = 32, offset = 256, strides = [0, 1, 4], panel = 32>
// CHECK-DAG:   from @y, @z {{.*}} layout #kernel.panels<count = 2, depth = 4, columns = 32, offset = 0, strides = [128, 1, 4], panel = 32>, #kernel.panels<count = 1, depth = 4, columns = 32, offset = 256, strides = [0, 1, 4], panel = 32>
// CHECK-LABEL: func.func @experts(
// CHECK:         kernel.call @matmul_grouped_coded_ui8_each_f32_32_f32
module {
  moe.weight_file @file0 "/weights" size 12800
  moe.weight_data @w in @file0[0, 4096] : tensor<2x32x64xui8>
  moe.weight_data @v in @file0[4096, 6144] : tensor<3x32x64xui8>
  moe.weight_data @s in @file0[0, 1024] : tensor<2x32x4xf32>
  moe.weight_data @t in @file0[0, 1536] : tensor<3x32x4xf32>
  moe.weight_data @y in @file0[0, 256] : tensor<2x32x4xui8>
  moe.weight_data @z in @file0[0, 384] : tensor<3x32x4xui8>
  func.func @experts(%x: tensor<?x64xf32>, %o: tensor<4xi64>) -> tensor<?x32xf32> {
    %w = moe.weight @w : tensor<2x32x64xui8>
    %v = moe.weight @v : tensor<3x32x64xui8>
    %s = moe.weight @s : tensor<2x32x4xf32>
    %t = moe.weight @t : tensor<3x32x4xf32>
    %y = moe.weight @y : tensor<2x32x4xui8>
    %z = moe.weight @z : tensor<3x32x4xui8>
    %0 = onnx.node "DequantizeLinear"(%w, %s, %y) version 21 {axis = 2 : i64, block_size = 16 : i64} : (tensor<2x32x64xui8>, tensor<2x32x4xf32>, tensor<2x32x4xui8>) -> tensor<2x32x64xf32>
    %1 = onnx.node "DequantizeLinear"(%v, %t, %z) version 21 {axis = 2 : i64, block_size = 16 : i64} : (tensor<3x32x64xui8>, tensor<3x32x4xf32>, tensor<3x32x4xui8>) -> tensor<3x32x64xf32>
    %first = onnx.constant dense<2> : tensor<1xi64>
    %last = onnx.constant dense<3> : tensor<1xi64>
    %axis = onnx.constant dense<0> : tensor<1xi64>
    %2 = onnx.node "Slice"(%1, %first, %last, %axis) version 13 : (tensor<3x32x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x32x64xf32>
    %3 = moe.grouped_linear %x by %o, %0, %2 transposed : (tensor<?x64xf32>, tensor<4xi64>, tensor<2x32x64xf32>, tensor<1x32x64xf32>) -> tensor<?x32xf32>
    return %3 : tensor<?x32xf32>
  }
}

// -----

// Left alone, and multiplied as matrices of floats: codes that come with the call, scales along the columns
// of B, groups that are no power of two.
// CHECK-LABEL: func.func @left_alone_given_codes(
// CHECK:         kernel.call @matmul_f32
func.func @left_alone_given_codes(%x: tensor<?x64xf32>, %w: tensor<64x16xi8>) -> tensor<?x16xf32> {
  %s = onnx.constant dense<1.0> : tensor<f32>
  %0 = onnx.node "DequantizeLinear"(%w, %s) version 21 : (tensor<64x16xi8>, tensor<f32>) -> tensor<64x16xf32>
  %1 = onnx.node "MatMul"(%x, %0) version 13 : (tensor<?x64xf32>, tensor<64x16xf32>) -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}

// -----

module {
  moe.weight_file @file0 "/weights" size 4096
  moe.weight_data @w in @file0[0, 2304] : tensor<48x48xi8>
  moe.weight_data @s in @file0[2304, 576] : tensor<48x3xf32>
  // CHECK-LABEL: func.func @left_alone_blocks_of_columns(
  // CHECK:         kernel.call @matmul_f32
  func.func @left_alone_blocks_of_columns(%x: tensor<?x48xf32>) -> tensor<?x48xf32> {
    %w = moe.weight @w : tensor<48x48xi8>
    %s = moe.weight @s : tensor<48x3xf32>
    %0 = onnx.node "DequantizeLinear"(%w, %s) version 21 {axis = 1 : i64, block_size = 16 : i64} : (tensor<48x48xi8>, tensor<48x3xf32>) -> tensor<48x48xf32>
    %1 = onnx.node "MatMul"(%x, %0) version 13 : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
    return %1 : tensor<?x48xf32>
  }
  // CHECK-LABEL: func.func @left_alone_groups_of_24(
  // CHECK:         kernel.call @matmul_f32
  func.func @left_alone_groups_of_24(%x: tensor<?x48xf32>) -> tensor<?x48xf32> {
    %w = moe.weight @w : tensor<48x48xi8>
    %s = onnx.constant dense<0.5> : tensor<2x48xf32>
    %0 = onnx.node "DequantizeLinear"(%w, %s) version 21 {axis = 0 : i64, block_size = 24 : i64} : (tensor<48x48xi8>, tensor<2x48xf32>) -> tensor<48x48xf32>
    %1 = onnx.node "MatMul"(%x, %0) version 13 : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
    return %1 : tensor<?x48xf32>
  }
}

// -----

// Zero points of which some are weights and some constants are not packed together: then nothing is, not
// even the scales, or they would be in the artifact for nobody.
module {
  moe.weight_file @file0 "/weights" size 8192
  moe.weight_data @w in @file0[0, 2048] : tensor<1x32x64xui8>
  moe.weight_data @s in @file0[2048, 512] : tensor<1x32x4xf32>
  moe.weight_data @z in @file0[2560, 128] : tensor<1x32x4xui8>
  // CHECK-NOT:   #kernel.panels
  // CHECK-LABEL: func.func @left_alone_mixed_zero_points(
  // CHECK-NOT:     grouped_coded
  // CHECK:         return
  func.func @left_alone_mixed_zero_points(%x: tensor<?x64xf32>, %o: tensor<3xi64>) -> tensor<?x32xf32> {
    %w = moe.weight @w : tensor<1x32x64xui8>
    %s = moe.weight @s : tensor<1x32x4xf32>
    %y = moe.weight @z : tensor<1x32x4xui8>
    %z = onnx.constant dense<[[[1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4], [5, 6, 7, 8]]]> : tensor<1x32x4xui8>
    %0 = onnx.node "DequantizeLinear"(%w, %s, %y) version 21 {axis = 2 : i64, block_size = 16 : i64} : (tensor<1x32x64xui8>, tensor<1x32x4xf32>, tensor<1x32x4xui8>) -> tensor<1x32x64xf32>
    %1 = onnx.node "DequantizeLinear"(%w, %s, %z) version 21 {axis = 2 : i64, block_size = 16 : i64} : (tensor<1x32x64xui8>, tensor<1x32x4xf32>, tensor<1x32x4xui8>) -> tensor<1x32x64xf32>
    %2 = moe.grouped_linear %x by %o, %0, %1 transposed : (tensor<?x64xf32>, tensor<3xi64>, tensor<1x32x64xf32>, tensor<1x32x64xf32>) -> tensor<?x32xf32>
    return %2 : tensor<?x32xf32>
  }
}
