// RUN: moec-opt %s --moe-raise-dequantize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-DAG:     %[[Q:.*]] = onnx.constant dense<{{.*}}> : tensor<4x2xui4>
// CHECK-DAG:     %[[S:.*]] = onnx.constant dense<{{.*}}> : tensor<2x2xf32>
// CHECK:         %[[W:.*]] = moe.dequantize %[[Q]] scales %[[S]] {axis = 0 : i64, block = 2 : i64, zero = 8 : i64} : (tensor<4x2xui4>, tensor<2x2xf32>) -> tensor<4x2xf32>
// CHECK:         return %[[W]]
func.func @main() -> tensor<4x2xf32> {
  %q = onnx.constant dense<[[1, 2], [3, 4], [5, 6], [7, 15]]> : tensor<4x2xui4>
  %s = onnx.constant dense<[[5.0e-01, 2.5e-01], [1.0, 2.0]]> : tensor<2x2xf32>
  %z = onnx.constant dense<8> : tensor<2x2xui4>
  %0 = onnx.node "DequantizeLinear"(%q, %s, %z) version 21 {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xui4>, tensor<2x2xf32>, tensor<2x2xui4>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// Zero points that differ stay an operand; codes may be cut from a weight.
// CHECK-LABEL: func.func @cut_weight(
// CHECK:         %[[PART:.*]] = onnx.node "Slice"
// CHECK:         %[[Z:.*]] = onnx.constant dense<[1, -2]> : tensor<2xi8>
// CHECK:         moe.dequantize %[[PART]] scales %{{.*}} zero_points %[[Z]] {axis = 1 : i64}
moe.weight_file @file0 "/weights" size 128
moe.weight_data @w in @file0[0, 128] : tensor<64x2xi8>
func.func @cut_weight(%s: tensor<2xf32>) -> tensor<8x2xf32> {
  %w = moe.weight @w : tensor<64x2xi8>
  %b = onnx.constant dense<0> : tensor<1xi64>
  %e = onnx.constant dense<8> : tensor<1xi64>
  %0 = onnx.node "Slice"(%w, %b, %e) version 13 : (tensor<64x2xi8>, tensor<1xi64>, tensor<1xi64>) -> tensor<8x2xi8>
  %z = onnx.constant dense<[1, -2]> : tensor<2xi8>
  %1 = onnx.node "DequantizeLinear"(%0, %s, %z) version 21 : (tensor<8x2xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<8x2xf32>
  return %1 : tensor<8x2xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_activations(
// CHECK:         "DequantizeLinear"
func.func @left_alone_activations(%q: tensor<4x2xi8>, %s: tensor<f32>) -> tensor<4x2xf32> {
  %0 = onnx.node "DequantizeLinear"(%q, %s) version 21 : (tensor<4x2xi8>, tensor<f32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_other_result_type(
// CHECK:         "DequantizeLinear"
func.func @left_alone_other_result_type() -> tensor<2xf16> {
  %q = onnx.constant dense<[1, 2]> : tensor<2xi8>
  %s = onnx.constant dense<0.5> : tensor<f32>
  %0 = onnx.node "DequantizeLinear"(%q, %s) version 23 {output_dtype = 10 : i64} : (tensor<2xi8>, tensor<f32>) -> tensor<2xf16>
  return %0 : tensor<2xf16>
}
