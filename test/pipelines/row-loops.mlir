// Rows that several operations walk are one parallel loop, whatever they were made of: every loop
// that a call has more is one more time for all threads to meet.
//
// RUN: moec-opt %s --moec-lower-pipeline --moec-bufferize-pipeline --split-input-file | FileCheck %s

// Five loops: mask, maximum, exponentials, sum, quotient.
// CHECK-LABEL: func.func @masked_softmax(
// CHECK-COUNT-1: par.launch
// CHECK-NOT:     par.launch
// CHECK:         return
func.func @masked_softmax(%x: tensor<?x4x?x?xf32> {onnx.dims = ["b", "", "q", "k"]},
                          %mask: tensor<?x1x?x?xf32> {onnx.dims = ["b", "", "q", "k"]})
    -> tensor<?x4x?x?xf32> {
  %s = onnx.node "Add"(%x, %mask) version 14 : (tensor<?x4x?x?xf32>, tensor<?x1x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y = onnx.node "Softmax"(%s) version 13 {axis = -1 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return %y : tensor<?x4x?x?xf32>
}

// -----

// CHECK-LABEL: func.func @layer_norm(
// CHECK-COUNT-1: par.launch
// CHECK-NOT:     par.launch
// CHECK:         return
func.func @layer_norm(%x: tensor<?x?x256xf32>, %scale: tensor<256xf32>, %bias: tensor<256xf32>)
    -> tensor<?x?x256xf32> {
  %y = onnx.node "LayerNormalization"(%x, %scale, %bias) version 17 : (tensor<?x?x256xf32>, tensor<256xf32>, tensor<256xf32>) -> tensor<?x?x256xf32>
  return %y : tensor<?x?x256xf32>
}

// -----

// As exporters write it.
// CHECK-LABEL: func.func @rms_norm(
// CHECK-COUNT-1: par.launch
// CHECK-NOT:     par.launch
// CHECK:         return
func.func @rms_norm(%x: tensor<?x?x256xf32>, %scale: tensor<256xf32>) -> tensor<?x?x256xf32> {
  %two = onnx.constant dense<2.0> : tensor<f32>
  %epsilon = onnx.constant dense<1.0e-06> : tensor<f32>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %axes = onnx.constant dense<-1> : tensor<1xi64>
  %a = onnx.node "Pow"(%x, %two) version 15 : (tensor<?x?x256xf32>, tensor<f32>) -> tensor<?x?x256xf32>
  %b = onnx.node "ReduceMean"(%a, %axes) version 18 {keepdims = 1 : i64} : (tensor<?x?x256xf32>, tensor<1xi64>) -> tensor<?x?x1xf32>
  %c = onnx.node "Add"(%b, %epsilon) version 14 : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %d = onnx.node "Sqrt"(%c) version 13 : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %e = onnx.node "Reciprocal"(%d) version 13 : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %f = onnx.node "Mul"(%x, %e) version 14 : (tensor<?x?x256xf32>, tensor<?x?x1xf32>) -> tensor<?x?x256xf32>
  %g = onnx.node "Mul"(%scale, %f) version 14 : (tensor<256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %g : tensor<?x?x256xf32>
}
