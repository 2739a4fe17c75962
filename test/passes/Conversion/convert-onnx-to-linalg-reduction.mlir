// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-LABEL: @mean
// CHECK: linalg.generic {indexing_maps = [#[[$ID]], #[[$ROW]]], iterator_types = ["parallel", "reduction"]}
// CHECK: arith.addf %{{.*}} fastmath<reassoc> : f32
// CHECK: linalg.generic {indexing_maps = [#[[$ID]], #[[$ID]]], iterator_types = ["parallel", "parallel"]}
// CHECK: arith.divf
func.func @mean(%x: tensor<?x?xf32>) -> tensor<?x1xf32> {
  %0 = onnx.node "ReduceMean"(%x) version 13 {axes = array<i64: -1>}
      : (tensor<?x?xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// -----

// All axes, none kept; f16 is summed in f32.

// CHECK-LABEL: @sum
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "reduction"]
// CHECK: arith.extf
// CHECK: arith.addf %{{.*}} fastmath<reassoc> : f32
// CHECK: arith.truncf
// CHECK: tensor.collapse_shape %{{.*}} [] : tensor<1x1xf16> into tensor<f16>
func.func @sum(%x: tensor<?x?xf16>) -> tensor<f16> {
  %0 = onnx.node "ReduceSum"(%x) version 13 {keepdims = 0 : i64} : (tensor<?x?xf16>) -> tensor<f16>
  return %0 : tensor<f16>
}

// -----

// CHECK-LABEL: @unsigned_maximum
// CHECK: arith.maxui
func.func @unsigned_maximum(%x: tensor<?x8xui8>) -> tensor<1x8xui8> {
  %axes = onnx.constant dense<0> : tensor<1xi64>
  %0 = onnx.node "ReduceMax"(%x, %axes) version 20
      : (tensor<?x8xui8>, tensor<1xi64>) -> tensor<1x8xui8>
  return %0 : tensor<1x8xui8>
}

// -----

// No axes, which here means none.

// CHECK-LABEL: @no_axes
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK: arith.mulf
func.func @no_axes(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = onnx.node "ReduceSumSquare"(%x) version 18 {noop_with_empty_axes = 1 : i64}
      : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @softmax
// CHECK: arith.maximumf
// CHECK: arith.subf
// CHECK-NEXT: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.node "Softmax"(%x) version 13 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// Version 11 normalises over all axes from the second on.

// CHECK-LABEL: @flat_softmax
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "reduction"]
// CHECK: arith.maximumf
func.func @flat_softmax(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = onnx.node "Softmax"(%x) version 11 : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: @layer_normalization
// CHECK: arith.addf %{{.*}} fastmath<reassoc>
// CHECK: arith.subf
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: arith.addf %{{.*}} fastmath<reassoc>
// CHECK: math.sqrt
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?x1xf32>, tensor<?x1xf32>
func.func @layer_normalization(%x: tensor<?x8xf32>, %scale: tensor<8xf32>, %bias: tensor<8xf32>)
    -> (tensor<?x8xf32>, tensor<?x1xf32>, tensor<?x1xf32>) {
  %0:3 = onnx.node "LayerNormalization"(%x, %scale, %bias) version 17
      : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>)
      -> (tensor<?x8xf32>, tensor<?x1xf32>, tensor<?x1xf32>)
  return %0#0, %0#1, %0#2 : tensor<?x8xf32>, tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// CHECK-LABEL: @rms_normalization
// CHECK-NOT: arith.subf
// CHECK: arith.mulf
// CHECK-NEXT: arith.addf %{{.*}} fastmath<reassoc>
// CHECK: math.sqrt
func.func @rms_normalization(%x: tensor<?x8xf32>, %scale: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.node "RMSNormalization"(%x, %scale) version 23
      : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
