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

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 2048] : tensor<16x32xf32>
moe.weight_data @b in @file0[2048, 2112] : tensor<16x33xf32>
moe.weight_data @c in @file0[8192, 60] : tensor<15x8xi4>
moe.weight_data @d in @file0[8256, 60] : tensor<15x8xi4>
moe.weight_data @e in @file0[8320, 768] : tensor<96x8xi8>
moe.weight_data @f in @file0[9088, 768] : tensor<96x8xi8>

// More than a panel of columns, which nothing behind takes.
// CHECK-LABEL: func.func @left_alone_wide(
func.func @left_alone_wide(%x: tensor<?x16xf32>) -> (tensor<?x32xf32>, tensor<?x33xf32>) {
  // CHECK-NOT: Split
  %a = moe.weight @a : tensor<16x32xf32>
  %b = moe.weight @b : tensor<16x33xf32>
  // expected-remark@+1 {{together they have 65 columns, and of more than 64 the input is read as often as of layers apart}}
  %0 = moe.linear %x, %a : (tensor<?x16xf32>, tensor<16x32xf32>) -> tensor<?x32xf32>
  // expected-remark@+1 {{together they have 65 columns}}
  %1 = moe.linear %x, %b : (tensor<?x16xf32>, tensor<16x33xf32>) -> tensor<?x33xf32>
  %2 = moe.norm <rms> %0 {epsilon = 1.0e-6 : f32} : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %3 = moe.norm <rms> %1 {epsilon = 1.0e-6 : f32} : (tensor<?x33xf32>) -> tensor<?x33xf32>
  return %2, %3 : tensor<?x32xf32>, tensor<?x33xf32>
}

// An odd number of codes of 4 bits, groups of 48.
// CHECK-LABEL: func.func @left_alone_groups(
func.func @left_alone_groups(%x: tensor<?x15xf32>, %y: tensor<?x96xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NOT: Split
  %c = moe.weight @c : tensor<15x8xi4>
  %d = moe.weight @d : tensor<15x8xi4>
  %e = moe.weight @e : tensor<96x8xi8>
  %f = moe.weight @f : tensor<96x8xi8>
  %s = onnx.constant dense<0.5> : tensor<8xf32>
  %t = onnx.constant dense<0.5> : tensor<2x8xf32>
  %0 = moe.dequantize %c scales %s {axis = 1 : i64} : (tensor<15x8xi4>, tensor<8xf32>) -> tensor<15x8xf32>
  %1 = moe.dequantize %d scales %s {axis = 1 : i64} : (tensor<15x8xi4>, tensor<8xf32>) -> tensor<15x8xf32>
  %2 = moe.dequantize %e scales %t {axis = 0 : i64, block = 48 : i64} : (tensor<96x8xi8>, tensor<2x8xf32>) -> tensor<96x8xf32>
  %3 = moe.dequantize %f scales %t {axis = 0 : i64, block = 48 : i64} : (tensor<96x8xi8>, tensor<2x8xf32>) -> tensor<96x8xf32>
  // expected-remark@+1 {{kernels do not read its kind of codes}}
  %4 = moe.linear %x, %0 : (tensor<?x15xf32>, tensor<15x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{kernels do not read its kind of codes}}
  %5 = moe.linear %x, %1 : (tensor<?x15xf32>, tensor<15x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{kernels do not read its kind of codes}}
  %6 = moe.linear %y, %2 : (tensor<?x96xf32>, tensor<96x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{kernels do not read its kind of codes}}
  %7 = moe.linear %y, %3 : (tensor<?x96xf32>, tensor<96x8xf32>) -> tensor<?x8xf32>
  return %4, %5, %6, %7 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 512] : tensor<16x8xf32>
moe.weight_data @b in @file0[512, 512] : tensor<16x8xf32>

// Kernels of their own do the functions behind.
// CHECK-LABEL: func.func @left_alone_activation(
func.func @left_alone_activation(%x: tensor<?x16xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NOT: Split
  %a = moe.weight @a : tensor<16x8xf32>
  %b = moe.weight @b : tensor<16x8xf32>
  // expected-remark@+1 {{its kernel does the activation behind it}}
  %0 = moe.linear %x, %a : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  // expected-remark@+1 {{no other is stored in the same way}}
  %1 = moe.linear %x, %b : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %2 = moe.activation <relu> %0 : tensor<?x8xf32>
  return %1, %2 : tensor<?x8xf32>, tensor<?x8xf32>
}
