// RUN: moec-opt %s --moe-introduce-state='pairs=a:b:c' --split-input-file --verify-diagnostics

// A name may hold a colon. Names that were given must be a pair.
// expected-error@+1 {{'a:b' cannot be kept as state: the output is not Concat of the input and what is new}}
func.func @main(%x: tensor<2x?xf32> {onnx.name = "a:b"}) -> (tensor<2x?xf32> {onnx.name = "c"}) {
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// -----

// expected-error@+1 {{'a:b:c' is not an input and an output of the model, expected INPUT:OUTPUT}}
func.func @main(%x: tensor<2x?xf32> {onnx.name = "a"}) -> (tensor<2x?xf32> {onnx.name = "c"}) {
  return %x : tensor<2x?xf32>
}
