// RUN: moec-opt %s --moe-fuse-epilogues --split-input-file --verify-diagnostics | FileCheck %s

// The example of the description.
// CHECK: moe.weight_file @file0
// CHECK: moe.weight_data @w in @file0
moe.weight_file @file0 "weights" size 1024
moe.weight_data @w in @file0[0, 1024] : tensor<16x16xf32>
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<?x16xf32>)
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  // CHECK:     %[[W:.*]] = moe.weight @w
  // CHECK:     onnx.constant dense<8>
  // CHECK:     %[[Y:.*]] = moe.linear %[[X]], %[[W]] epilogue <silu, gated = true> : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x8xf32>
  // CHECK-NOT: moe.glu
  // CHECK:     return %[[Y]]
  %w = moe.weight @w : tensor<16x16xf32>
  // expected-remark@+1 {{the product's kernel does gate: 64 bytes of each row are not written and read again, and no loop over them is started}}
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %1 = onnx.constant dense<8> : tensor<2xi64>
  %2:2 = onnx.node "Split"(%0, %1) version 18 {axis = -1 : i64} : (tensor<?x16xf32>, tensor<2xi64>) -> (tensor<?x8xf32>, tensor<?x8xf32>)
  %3 = moe.glu <silu> %2#0, %2#1 : tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @w in @file0[0, 1024] : tensor<16x16xf32>
moe.weight_data @v in @file0[1024, 1024] : tensor<16x16xf32>
moe.weight_data @codes8 in @file0[2048, 256] : tensor<16x16xi8>

// A chain of layers; the residual of the second is the result of the first.
// CHECK-LABEL: func.func @chain(
func.func @chain(%x: tensor<?x16xf32>, %b: tensor<16xf32>) -> tensor<?x16xf32> {
  // CHECK: %[[A:.*]] = moe.linear %arg0, %{{.*}} bias %arg1 residual %arg0 epilogue <silu, alpha = 1.702000e+00 : f32> : (tensor<?x16xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  // CHECK: %[[B:.*]] = moe.linear %[[A]], %{{.*}} transposed residual %[[A]] epilogue <identity>
  // CHECK: return %[[B]]
  %w = moe.weight @w : tensor<16x16xf32>
  %v = moe.weight @v : tensor<16x16xf32>
  // expected-remark@+1 {{the product's kernel does bias and activation and residual}}
  %0 = moe.linear %x, %w bias %b : (tensor<?x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %1 = moe.activation <silu> %0 {alpha = 1.702 : f32} : tensor<?x16xf32>
  %2 = onnx.node "Add"(%x, %1) version 14 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{does residual}}
  %3 = moe.linear %2, %v transposed : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %4 = onnx.node "Add"(%3, %2) version 14 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %4 : tensor<?x16xf32>
}

// Two products meet in one addition: the first takes it.
// CHECK-LABEL: func.func @two(
func.func @two(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: %[[B:.*]] = moe.linear %arg0, %{{.*}} : (
  // CHECK: %[[A:.*]] = moe.linear %arg0, %{{.*}} residual %[[B]] epilogue <identity>
  // CHECK: return %[[A]]
  %w = moe.weight @w : tensor<16x16xf32>
  %v = moe.weight @v : tensor<16x16xf32>
  // expected-remark@+1 {{does residual}}
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %1 = moe.linear %x, %v : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %2 = onnx.node "Add"(%0, %1) version 14 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %2 : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @quantised(
func.func @quantised(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: moe.linear %{{.*}} epilogue <gelu>
  %c = moe.weight @codes8 : tensor<16x16xi8>
  %s = onnx.constant dense<0.5> : tensor<16xf32>
  %w = moe.dequantize %c scales %s {axis = 1 : i64} : (tensor<16x16xi8>, tensor<16xf32>) -> tensor<16x16xf32>
  // expected-remark@+1 {{does activation}}
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %1 = moe.activation <gelu> %0 : tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @w in @file0[0, 4096] : tensor<4x16x16xf32>

// CHECK-LABEL: func.func @grouped(
func.func @grouped(%x: tensor<?x16xf32>, %o: tensor<5xi64>, %b: tensor<4x16xf32>) -> tensor<?x8xf32> {
  // CHECK: moe.grouped_linear %arg0 by %arg1, %{{.*}} bias %arg2 epilogue <silu, gated = true, alpha = 1.702000e+00 : f32, offset = 1.000000e+00 : f32, limit = 7.000000e+00 : f32>
  %w = moe.weight @w : tensor<4x16x16xf32>
  // expected-remark@+1 {{does gate}}
  %0 = moe.grouped_linear %x by %o, %w bias %b : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x16xf32>, tensor<4x16xf32>) -> tensor<?x16xf32>
  %1 = onnx.constant dense<8> : tensor<2xi64>
  %2:2 = onnx.node "Split"(%0, %1) version 18 {axis = -1 : i64} : (tensor<?x16xf32>, tensor<2xi64>) -> (tensor<?x8xf32>, tensor<?x8xf32>)
  %3 = moe.glu <silu> %2#0, %2#1 {alpha = 1.702 : f32, limit = 7.0 : f32, offset = 1.0 : f32} : tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @left_alone_grouped(
func.func @left_alone_grouped(%x: tensor<?x16xf32>, %o: tensor<5xi64>) -> tensor<?x16xf32> {
  // CHECK-NOT: epilogue
  %w = moe.weight @w : tensor<4x16x16xf32>
  %0 = moe.grouped_linear %x by %o, %w : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x16x16xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{stays apart from the product before it: it makes another number of the zeros in rows of no expert}}
  %1 = moe.activation <sigmoid> %0 : tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @w in @file0[0, 1024] : tensor<16x16xf32>
moe.weight_data @half in @file0[1024, 512] : tensor<16x16xf16>
moe.weight_data @codes in @file0[2048, 120] : tensor<15x16xi4>

// CHECK-LABEL: func.func @left_alone_others_read(
func.func @left_alone_others_read(%x: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  // CHECK-NOT: epilogue
  %w = moe.weight @w : tensor<16x16xf32>
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{stays apart from the product before it: others read that, too}}
  %1 = moe.activation <relu> %0 : tensor<?x16xf32>
  return %0, %1 : tensor<?x16xf32>, tensor<?x16xf32>
}

// The two sizes are different ones: one may be 1.
// CHECK-LABEL: func.func @left_alone_broadcast(
func.func @left_alone_broadcast(%x: tensor<?x16xf32>, %r: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK-NOT: epilogue
  %w = moe.weight @w : tensor<16x16xf32>
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{what is added is not known to have the same shape}}
  %1 = onnx.node "Add"(%0, %r) version 14 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @left_alone_norm(
func.func @left_alone_norm(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK-NOT: epilogue
  %w = moe.weight @w : tensor<16x16xf32>
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{the norm behind it adds the residual as it reads its rows}}
  %1 = onnx.node "Add"(%0, %x) version 14 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %2 = moe.norm <rms> %1 {epsilon = 1.0e-6 : f32} : (tensor<?x16xf32>) -> tensor<?x16xf32>
  return %2 : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @left_alone_weights(
func.func @left_alone_weights(%x: tensor<?x16xf32>, %w: tensor<16x16xf32>, %y: tensor<?x16xf16>, %z: tensor<?x15xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf16>, tensor<?x16xf32>) {
  // CHECK-NOT: epilogue
  %h = moe.weight @half : tensor<16x16xf16>
  %c = moe.weight @codes : tensor<15x16xi4>
  %s = onnx.constant dense<0.5> : tensor<16xf32>
  %q = moe.dequantize %c scales %s {axis = 1 : i64} : (tensor<15x16xi4>, tensor<16xf32>) -> tensor<15x16xf32>
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{its weight is not stored in the model as it is}}
  %1 = moe.activation <relu> %0 : tensor<?x16xf32>
  %2 = moe.linear %y, %h : (tensor<?x16xf16>, tensor<16x16xf16>) -> tensor<?x16xf16>
  // expected-remark@+1 {{no kernel has its type}}
  %3 = moe.activation <relu> %2 : tensor<?x16xf16>
  %4 = moe.linear %z, %q : (tensor<?x15xf32>, tensor<15x16xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{kernels do not read its kind of codes}}
  %5 = moe.activation <relu> %4 : tensor<?x16xf32>
  return %1, %3, %5 : tensor<?x16xf32>, tensor<?x16xf16>, tensor<?x16xf32>
}

// -----

moe.weight_file @file0 "weights" size 65536
moe.weight_data @w in @file0[0, 2048] : tensor<2x16x16xf32>
moe.weight_data @v in @file0[2048, 512] : tensor<1x16x8xf32>

// CHECK-LABEL: func.func @left_alone_ragged(
func.func @left_alone_ragged(%x: tensor<?x16xf32>, %o: tensor<4xi64>) -> tensor<?x16xf32> {
  // CHECK-NOT: epilogue
  %w = moe.weight @w : tensor<2x16x16xf32>
  %v = moe.weight @v : tensor<1x16x8xf32>
  %0 = moe.grouped_linear %x by %o, %w, %v : (tensor<?x16xf32>, tensor<4xi64>, tensor<2x16x16xf32>, tensor<1x16x8xf32>) -> tensor<?x16xf32>
  // expected-remark@+1 {{stays apart from the product before it: its experts differ in size}}
  %1 = moe.activation <silu> %0 : tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}
