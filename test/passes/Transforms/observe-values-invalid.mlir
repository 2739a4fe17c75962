// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(onnx-observe-values{values=inner}))' --verify-diagnostics

// expected-error @below {{no node gives a value 'inner'}}
func.func @main(%x: tensor<4xf32>) {
  %0 = onnx.node "Neg"(%x) version 13 attributes {onnx.values = ["other"]} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
