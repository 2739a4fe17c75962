// RUN: moec-opt %s --moe-fuse-horizontal --split-input-file --verify-diagnostics | FileCheck %s

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 512] : tensor<16x8xf32>
moe.weight_data @b in @file0[512, 512] : tensor<16x8xf32>

// CHECK-LABEL: func.func @left_alone_other_input(
func.func @left_alone_other_input(%x: tensor<?x16xf32>, %z: tensor<?x16xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-COUNT-2: moe.linear
  // CHECK-NOT:     Split
  %a = moe.weight @a : tensor<16x8xf32>
  %b = moe.weight @b : tensor<16x8xf32>
  %0 = moe.linear %x, %a : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %1 = moe.linear %z, %b : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 512] : tensor<16x8xf32>
moe.weight_data @b in @file0[512, 512] : tensor<16x8xf32>

// A head that is the embedding, too: fused, the artifact would hold it twice.
// CHECK-LABEL: func.func @left_alone_used_elsewhere(
func.func @left_alone_used_elsewhere(%x: tensor<?x16xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<16x8xf32>) {
  // CHECK-NOT: Split
  %a = moe.weight @a : tensor<16x8xf32>
  %b = moe.weight @b : tensor<16x8xf32>
  // expected-remark@+1 {{stays apart from the linear layers of the same input: its weight is used elsewhere, too}}
  %0 = moe.linear %x, %a : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{no other is stored in the same way}}
  %1 = moe.linear %x, %b : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  return %0, %1, %a : tensor<?x8xf32>, tensor<?x8xf32>, tensor<16x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @both in @file0[0, 1024] : tensor<16x16xf32>

// Parts of one weight.
// CHECK-LABEL: func.func @left_alone_parts_of_one(
func.func @left_alone_parts_of_one(%x: tensor<?x16xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = moe.weight @both : tensor<16x16xf32>
  // CHECK: onnx.node "Split"
  // CHECK-NOT: Split
  %s:2 = onnx.node "Split"(%w) version 18 {axis = 1 : i64, num_outputs = 2 : i64} : (tensor<16x16xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>)
  // expected-remark@+1 {{stays apart from the linear layers of the same input: its weight is used elsewhere, too}}
  %0 = moe.linear %x, %s#0 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{its weight is used elsewhere, too}}
  %1 = moe.linear %x, %s#1 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 512] : tensor<16x8xf32>
moe.weight_data @b in @file0[512, 512] : tensor<16x8xf32>
moe.weight_data @codes in @file0[1024, 128] : tensor<16x8xi8>
moe.weight_data @turned in @file0[2048, 512] : tensor<8x16xf32>

// CHECK-LABEL: func.func @left_alone_other_kinds(
func.func @left_alone_other_kinds(%x: tensor<?x16xf32>, %w: tensor<16x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NOT: Split
  %a = moe.weight @a : tensor<16x8xf32>
  %b = moe.weight @b : tensor<16x8xf32>
  %t = moe.weight @turned : tensor<8x16xf32>
  %codes = moe.weight @codes : tensor<16x8xi8>
  %bias = onnx.constant dense<1.0> : tensor<8xf32>
  %scale = onnx.constant dense<0.5> : tensor<f32>
  %q = moe.dequantize %codes scales %scale : (tensor<16x8xi8>, tensor<f32>) -> tensor<16x8xf32>
  // expected-remark@+1 {{no other is stored in the same way, and has or lacks a bias as it does}}
  %0 = moe.linear %x, %a : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{has or lacks a bias as it does}}
  %1 = moe.linear %x, %b bias %bias : (tensor<?x16xf32>, tensor<16x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{no other is stored in the same way}}
  %2 = moe.linear %x, %q : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{its weight is not stored in the model as it is}}
  %3 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{no other is stored in the same way}}
  %4 = moe.linear %x, %t transposed : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return %0, %1, %2, %3, %4 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 512] : tensor<16x8xf32>
moe.weight_data @b in @file0[512, 512] : tensor<16x8xf32>
moe.weight_data @c in @file0[1024, 1024] : tensor<16x16xf32>

// What is read by another product has to lie in rows of its own.
// CHECK-LABEL: func.func @left_alone_would_be_copied(
func.func @left_alone_would_be_copied(%x: tensor<?x16xf32>, %w: tensor<16x4xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>) {
  // CHECK: moe.linear %{{.*}} -> tensor<?x16xf32>
  // CHECK: onnx.node "Split"
  // CHECK: moe.linear %{{.*}} -> tensor<?x16xf32>
  %a = moe.weight @a : tensor<16x8xf32>
  %b = moe.weight @b : tensor<16x8xf32>
  %c = moe.weight @c : tensor<16x16xf32>
  // expected-remark@+1 {{2 linear layers of one input are one of 8 + 8 columns}}
  %0 = moe.linear %x, %a : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %1 = moe.linear %x, %b : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{its result of 16 columns would have to be copied, which costs more than to read its 16 inputs}}
  %2 = moe.linear %x, %c : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %3 = moe.linear %2, %w : (tensor<?x16xf32>, tensor<16x4xf32>) -> tensor<?x4xf32>
  return %0, %1, %3 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 64] : tensor<16x4xui8>
moe.weight_data @b in @file0[512, 64] : tensor<16x4xui8>
moe.weight_data @c in @file0[1024, 128] : tensor<16x8xi8>
moe.weight_data @d in @file0[2048, 128] : tensor<16x8xi8>

// CHECK-LABEL: func.func @left_alone_other_codes(
func.func @left_alone_other_codes(%x: tensor<?x16xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NOT: Split
  %a = moe.weight @a : tensor<16x4xui8>
  %b = moe.weight @b : tensor<16x4xui8>
  %c = moe.weight @c : tensor<16x8xi8>
  %d = moe.weight @d : tensor<16x8xi8>
  %s = onnx.constant dense<0.5> : tensor<8xf32>
  %t = onnx.constant dense<0.5> : tensor<4x8xf32>
  %0 = moe.dequantize %a scales %s {axis = 1 : i64, packed = 4 : i64} : (tensor<16x4xui8>, tensor<8xf32>) -> tensor<16x8xf32>
  %1 = moe.dequantize %b scales %s {axis = 1 : i64, packed = 4 : i64} : (tensor<16x4xui8>, tensor<8xf32>) -> tensor<16x8xf32>
  %2 = moe.dequantize %c scales %s {axis = 1 : i64} : (tensor<16x8xi8>, tensor<8xf32>) -> tensor<16x8xf32>
  %3 = moe.dequantize %d scales %t {axis = 0 : i64, block = 4 : i64} : (tensor<16x8xi8>, tensor<4x8xf32>) -> tensor<16x8xf32>
  // expected-remark@+1 {{kernels do not read its kind of codes}}
  %4 = moe.linear %x, %0 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{kernels do not read its kind of codes}}
  %5 = moe.linear %x, %1 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{no other is stored in the same way}}
  %6 = moe.linear %x, %2 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{no other is stored in the same way}}
  %7 = moe.linear %x, %3 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  return %4, %5, %6, %7 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 1024
moe.weight_data @a in @file0[0, 512] : tensor<4x8x4xf32>
moe.weight_data @b in @file0[512, 512] : tensor<4x8x4xf32>

// Blocks beside blocks are not block-diagonal.
// CHECK-LABEL: func.func @blocks(
// CHECK-COUNT-2: moe.grouped_linear
// CHECK-NOT: onnx.node "Split"
// CHECK: return
func.func @blocks(%x: tensor<?x16xf32>, %f: tensor<3xi64>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %a = moe.weight @a : tensor<4x8x4xf32>
  %b = moe.weight @b : tensor<4x8x4xf32>
  %0 = moe.grouped_linear %x by %f, %a {blocks = 2 : i64} : (tensor<?x16xf32>, tensor<3xi64>, tensor<4x8x4xf32>) -> tensor<?x8xf32>
  %1 = moe.grouped_linear %x by %f, %b {blocks = 2 : i64} : (tensor<?x16xf32>, tensor<3xi64>, tensor<4x8x4xf32>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}
