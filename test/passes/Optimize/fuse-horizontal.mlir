// RUN: moec-opt %s --moe-fuse-horizontal --split-input-file | FileCheck %s
// RUN: moec-opt %s --moe-fuse-horizontal --split-input-file -o %t.mlir 2>&1 | FileCheck %s --check-prefix=REMARK

// The example of the description.
// CHECK: moe.weight_file @file0
// CHECK: moe.weight_data @gate in @file0
moe.weight_file @file0 "weights" size 1024
moe.weight_data @gate in @file0[0, 512] : tensor<16x8xf32>
moe.weight_data @up in @file0[512, 512] : tensor<16x8xf32>

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<?x16xf32>)
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  // CHECK:      %[[W:.*]] = onnx.node "Concat"
  // CHECK:      moe.linear %[[X]], %[[W]] : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  // CHECK:      %[[S:.*]]:2 = onnx.node "Split"
  // CHECK:      moe.glu <silu> %[[S]]#0, %[[S]]#1
  %g = moe.weight @gate : tensor<16x8xf32>
  %u = moe.weight @up : tensor<16x8xf32>
  %0 = moe.linear %x, %g : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %1 = moe.linear %x, %u : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %2 = moe.glu <silu> %0, %1 : tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @q in @file0[0, 1024] : tensor<16x16xf32>
moe.weight_data @k in @file0[1024, 512] : tensor<16x8xf32>
moe.weight_data @v in @file0[1536, 512] : tensor<8x16xf32>
moe.weight_data @codes in @file0[3072, 128] : tensor<8x16xi8>
moe.weight_data @more_codes in @file0[3200, 64] : tensor<4x16xi8>
moe.weight_data @gates in @file0[4096, 2048] : tensor<4x16x8xf32>
moe.weight_data @ups in @file0[8192, 2048] : tensor<4x16x8xf32>

// The weight of the values lies the other way round in its file; it is moved to where it is needed.
// CHECK-LABEL: func.func @attention(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>)
func.func @attention(%x: tensor<?x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  // CHECK:      %[[Q:.*]] = moe.weight @q
  // CHECK:      %[[K:.*]] = moe.weight @k
  // CHECK:      %[[V0:.*]] = moe.weight @v
  // CHECK:      %[[V:.*]] = onnx.node "Transpose"(%[[V0]])
  // CHECK:      %[[W:.*]] = onnx.node "Concat"(%[[Q]], %[[K]], %[[V]]) version 13 {axis = 1 : i64} : {{.*}} -> tensor<16x32xf32>
  // CHECK:      %[[B:.*]] = onnx.node "Concat"({{.*}}) version 13 {axis = 0 : i64} : {{.*}} -> tensor<32xf32>
  // CHECK:      %[[Y:.*]] = moe.linear %[[X]], %[[W]] bias %[[B]] : {{.*}} -> tensor<?x?x32xf32>
  // CHECK:      %[[SIZES:.*]] = onnx.constant dense<[16, 8, 8]>
  // CHECK:      %[[S:.*]]:3 = onnx.node "Split"(%[[Y]], %[[SIZES]]) version 18 {axis = -1 : i64}
  // CHECK:      %[[A:.*]] = moe.norm <rms> %[[S]]#0
  // CHECK:      return %[[A]], %[[S]]#1, %[[S]]#2
  // REMARK: remark: 3 linear layers of one input are one of 16 + 8 + 8 columns: 64 bytes of each row are read once instead of 3 times, and 2 products fewer are started and waited for
  %q = moe.weight @q : tensor<16x16xf32>
  %qb = onnx.constant dense<1.0> : tensor<16xf32>
  %kb = onnx.constant dense<2.0> : tensor<8xf32>
  %0 = moe.linear %x, %q bias %qb : (tensor<?x?x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<?x?x16xf32>
  %k = moe.weight @k : tensor<16x8xf32>
  %1 = moe.linear %x, %k bias %kb : (tensor<?x?x16xf32>, tensor<16x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %v0 = moe.weight @v : tensor<8x16xf32>
  %v = onnx.node "Transpose"(%v0) version 13 {perm = array<i64: 1, 0>} : (tensor<8x16xf32>) -> tensor<16x8xf32>
  %2 = moe.linear %x, %v bias %kb : (tensor<?x?x16xf32>, tensor<16x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %3 = moe.norm <rms> %0 {epsilon = 1.0e-6 : f32} : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %3, %1, %2 : tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[X:.*]]: tensor<?x16xf32>, %[[O:.*]]: tensor<5xi64>)
func.func @grouped(%x: tensor<?x16xf32>, %o: tensor<5xi64>) -> tensor<?x8xf32> {
  // CHECK:      %[[W:.*]] = onnx.node "Concat"({{.*}}) version 13 {axis = 2 : i64} : (tensor<4x16x8xf32>, tensor<4x16x8xf32>) -> tensor<4x16x16xf32>
  // CHECK:      %[[Y:.*]] = moe.grouped_linear %[[X]] by %[[O]], %[[W]] : {{.*}} -> tensor<?x16xf32>
  // CHECK:      %[[S:.*]]:2 = onnx.node "Split"(%[[Y]],
  // CHECK:      moe.glu <silu> %[[S]]#0, %[[S]]#1
  %g = moe.weight @gates : tensor<4x16x8xf32>
  %u = moe.weight @ups : tensor<4x16x8xf32>
  %0 = moe.grouped_linear %x by %o, %g : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x8xf32>) -> tensor<?x8xf32>
  %1 = moe.grouped_linear %x by %o, %u : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x8xf32>) -> tensor<?x8xf32>
  %2 = moe.glu <silu> %0, %1 : tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// Codes of one grid; each weight keeps its scales.
// CHECK-LABEL: func.func @quantised(
func.func @quantised(%x: tensor<?x16xf32>) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  // CHECK:      %[[A:.*]] = moe.dequantize
  // CHECK:      %[[B:.*]] = moe.dequantize
  // CHECK:      %[[W:.*]] = onnx.node "Concat"(%[[A]], %[[B]]) version 13 {axis = 0 : i64} : {{.*}} -> tensor<12x16xf32>
  // CHECK:      moe.linear %{{.*}}, %[[W]] transposed
  %a = moe.weight @codes : tensor<8x16xi8>
  %b = moe.weight @more_codes : tensor<4x16xi8>
  %s = onnx.constant dense<0.5> : tensor<8xf32>
  %t = onnx.constant dense<0.25> : tensor<4xf32>
  %0 = moe.dequantize %a scales %s {axis = 0 : i64} : (tensor<8x16xi8>, tensor<8xf32>) -> tensor<8x16xf32>
  %1 = moe.dequantize %b scales %t {axis = 0 : i64} : (tensor<4x16xi8>, tensor<4xf32>) -> tensor<4x16xf32>
  %2 = moe.linear %x, %0 transposed : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %3 = moe.linear %x, %1 transposed : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %2, %3 : tensor<?x8xf32>, tensor<?x4xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 8192] : tensor<4x16x32xf32>
moe.weight_data @b in @file0[8192, 8192] : tensor<4x16x32xf32>
moe.weight_data @c in @file0[16384, 8192] : tensor<4x16x32xf32>
moe.weight_data @x0 in @file0[32768, 256] : tensor<2x32xf32>
moe.weight_data @x1 in @file0[33024, 256] : tensor<2x32xf32>

// A gate and what it lets through, apart from others, however wide; biases of several segments.
// CHECK-LABEL: func.func @gate(
func.func @gate(%x: tensor<?x16xf32>, %o: tensor<5xi64>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: moe.grouped_linear %{{.*}} -> tensor<?x32xf32>
  // CHECK: moe.grouped_linear %{{.*}} -> tensor<?x64xf32>
  // CHECK: %[[S:.*]]:2 = onnx.node "Split"
  // CHECK: moe.glu <silu> %[[S]]#0, %[[S]]#1
  %a = moe.weight @a : tensor<4x16x32xf32>
  %b = moe.weight @b : tensor<4x16x32xf32>
  %c = moe.weight @c : tensor<4x16x32xf32>
  %0 = moe.weight @x0 : tensor<2x32xf32>
  %1 = moe.weight @x1 : tensor<2x32xf32>
  %bias = onnx.node "Concat"(%0, %1) version 13 {axis = 0 : i64} : (tensor<2x32xf32>, tensor<2x32xf32>) -> tensor<4x32xf32>
  %2 = moe.grouped_linear %x by %o, %c bias %bias : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x32xf32>, tensor<4x32xf32>) -> tensor<?x32xf32>
  %3 = moe.grouped_linear %x by %o, %a bias %bias : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x32xf32>, tensor<4x32xf32>) -> tensor<?x32xf32>
  %4 = moe.grouped_linear %x by %o, %b bias %bias : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x32xf32>, tensor<4x32xf32>) -> tensor<?x32xf32>
  %5 = moe.glu <silu> %4, %3 : tensor<?x32xf32>
  return %2, %5 : tensor<?x32xf32>, tensor<?x32xf32>
}
