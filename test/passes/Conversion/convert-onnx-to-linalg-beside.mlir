// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize | FileCheck %s

// Weights side by side are packed so, whichever way round; a vector of them is one panel.

moe.weight_file @file0 "weights" size 65536
moe.weight_data @a in @file0[0, 512] : tensor<16x8xf32>
moe.weight_data @b in @file0[512, 256] : tensor<4x16xf32>
moe.weight_data @c in @file0[1024, 32] : tensor<8xf32>
moe.weight_data @d in @file0[1056, 16] : tensor<4xf32>
moe.weight_data @gates in @file0[2048, 2048] : tensor<4x8x16xf32>
moe.weight_data @ups in @file0[4096, 1024] : tensor<4x4x16xf32>
moe.weight_data @codes in @file0[8192, 128] : tensor<16x8xi8>
moe.weight_data @more_codes in @file0[8320, 64] : tensor<16x4xi8>

// CHECK-DAG: kernel.packed @[[$C:.*]] from @codes, @more_codes offset {{.*}} size {{[0-9]+}} layout #kernel.panels<count = 1, depth = 16, columns = 8, {{.*}}>, #kernel.panels<count = 1, depth = 16, columns = 4, {{.*}}> {beside = 2 : i64}
// CHECK-DAG: kernel.packed @[[$W:.*]] from @a, @b offset {{.*}} size {{[0-9]+}} layout #kernel.panels<count = 1, depth = 16, columns = 8, offset = 0, strides = [0, 8, 1], panel = {{[0-9]+}}>, #kernel.panels<count = 1, depth = 16, columns = 4, offset = 0, strides = [0, 1, 16], panel = {{[0-9]+}}> {beside = 2 : i64}
// CHECK-DAG: kernel.packed @[[$B:.*]] from @c, @d offset {{.*}} size 48 layout #kernel.panels<count = 1, depth = 1, columns = 8, {{.*}}, panel = 12>, #kernel.panels<count = 1, depth = 1, columns = 4, {{.*}}, panel = 12> {beside = 2 : i64}
// CHECK-DAG: kernel.packed @[[$E:.*]] from @gates, @ups offset {{.*}} size {{[0-9]+}} layout #kernel.panels<count = 4, depth = 16, columns = 8, offset = 0, strides = [128, 1, 16], panel = {{[0-9]+}}>, #kernel.panels<count = 4, depth = 16, columns = 4, offset = 0, strides = [64, 1, 16], panel = {{[0-9]+}}> {beside = 2 : i64}

// CHECK-LABEL: func.func @product(
func.func @product(%x: tensor<?x16xf32> {onnx.dims = ["t", ""]}) -> tensor<?x12xf32> {
  // CHECK:      %[[W1:.*]] = kernel.weight @[[$W]] : tensor<1x{{[0-9]+x16x[0-9]+}}xf32>
  // CHECK-NOT:  tensor.insert_slice
  // CHECK:      kernel.call @matmul_packed_{{[0-9]+}}_f32 ins({{.*}}, %[[W1]] :
  // CHECK:      %[[B1:.*]] = kernel.weight @[[$B]] : tensor<1x1x1x12xf32>
  // CHECK:      %[[B2:.*]] = tensor.collapse_shape %[[B1]] {{.*}} into tensor<12xf32>
  // CHECK:      linalg.generic {{.*}} ins({{.*}}%[[B2]]
  %a = moe.weight @a : tensor<16x8xf32>
  %b0 = moe.weight @b : tensor<4x16xf32>
  %b = onnx.node "Transpose"(%b0) version 13 {perm = array<i64: 1, 0>} : (tensor<4x16xf32>) -> tensor<16x4xf32>
  %w = onnx.node "Concat"(%a, %b) version 13 {axis = 1 : i64} : (tensor<16x8xf32>, tensor<16x4xf32>) -> tensor<16x12xf32>
  %c = moe.weight @c : tensor<8xf32>
  %d = moe.weight @d : tensor<4xf32>
  %bias = onnx.node "Concat"(%c, %d) version 13 {axis = 0 : i64} : (tensor<8xf32>, tensor<4xf32>) -> tensor<12xf32>
  %0 = onnx.node "MatMul"(%x, %w) version 13 : (tensor<?x16xf32>, tensor<16x12xf32>) -> tensor<?x12xf32>
  %1 = onnx.node "Add"(%0, %bias) version 14 : (tensor<?x12xf32>, tensor<12xf32>) -> tensor<?x12xf32>
  return %1 : tensor<?x12xf32>
}

// CHECK-LABEL: func.func @grouped(
func.func @grouped(%x: tensor<?x16xf32> {onnx.dims = ["t", ""]}, %o: tensor<5xi64>) -> tensor<?x12xf32> {
  // CHECK-NOT:  tensor.insert_slice
  // CHECK:      %[[E1:.*]] = kernel.weight @[[$E]] : tensor<4x{{[0-9]+x16x[0-9]+}}xf32>
  // CHECK:      kernel.call @matmul_grouped_packed_{{[0-9]+}}_f32 ins({{.*}}, %[[E1]],
  %g = moe.weight @gates : tensor<4x8x16xf32>
  %u = moe.weight @ups : tensor<4x4x16xf32>
  %w = onnx.node "Concat"(%g, %u) version 13 {axis = 1 : i64} : (tensor<4x8x16xf32>, tensor<4x4x16xf32>) -> tensor<4x12x16xf32>
  %0 = moe.grouped_linear %x by %o, %w transposed : (tensor<?x16xf32>, tensor<5xi64>, tensor<4x12x16xf32>) -> tensor<?x12xf32>
  return %0 : tensor<?x12xf32>
}

// Codes, too; their scales are constants side by side in panels of four columns.
// CHECK-LABEL: func.func @coded(
func.func @coded(%x: tensor<?x16xf32> {onnx.dims = ["t", ""]}) -> tensor<?x12xf32> {
  // CHECK-DAG:  %[[SCALES:.*]] = arith.constant dense<{{\[\[\[\[}}5.000000e-01, {{.*}}2.500000e-01]]]]> : tensor<1x{{[0-9]+x1x[0-9]+}}xf32>
  // CHECK-DAG:  %[[C1:.*]] = kernel.weight @[[$C]] :
  // CHECK-NOT:  tensor.insert_slice
  // CHECK:      kernel.call @matmul_coded_i8_none_f32_{{[0-9]+}}_f32 ins(%{{.*}}, %[[C1]], %[[SCALES]],
  %a = moe.weight @codes : tensor<16x8xi8>
  %b = moe.weight @more_codes : tensor<16x4xi8>
  %s = onnx.constant dense<[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.5]> : tensor<8xf32>
  %t = onnx.constant dense<[0.25, 0.25, 0.75, 0.25]> : tensor<4xf32>
  %0 = onnx.node "DequantizeLinear"(%a, %s) version 21 {axis = 1 : i64} : (tensor<16x8xi8>, tensor<8xf32>) -> tensor<16x8xf32>
  %1 = onnx.node "DequantizeLinear"(%b, %t) version 21 {axis = 1 : i64} : (tensor<16x4xi8>, tensor<4xf32>) -> tensor<16x4xf32>
  %w = onnx.node "Concat"(%0, %1) version 13 {axis = 1 : i64} : (tensor<16x8xf32>, tensor<16x4xf32>) -> tensor<16x12xf32>
  %2 = onnx.node "MatMul"(%x, %w) version 13 : (tensor<?x16xf32>, tensor<16x12xf32>) -> tensor<?x12xf32>
  return %2 : tensor<?x12xf32>
}
