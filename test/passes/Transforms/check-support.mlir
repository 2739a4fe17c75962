// RUN: moec-opt %s --onnx-check-support --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @supported(
// CHECK:         onnx.node "Neg"
func.func @supported(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Arithmetic on sizes needs no handler, whatever the operator.
// CHECK-LABEL: func.func @sizes(
// CHECK:         onnx.node "Sign"
func.func @sizes(%x: tensor<?xf32>) -> tensor<1xi64> {
  %0 = onnx.node "Shape"(%x) version 15 : (tensor<?xf32>) -> tensor<1xi64>
  %1 = onnx.node "Sign"(%0) version 13 : (tensor<1xi64>) -> tensor<1xi64>
  return %1 : tensor<1xi64>
}
