// RUN: moec-opt %s --onnx-check-support --split-input-file --verify-diagnostics

// expected-error@+1 {{1 operator (1 node) is not supported}}
func.func @main(%x: tensor<?xf32>) {
  // expected-note@+1 {{'my::Op' version 1: 1 node ((no name)), the first with operands (tensor<?xf32>)}}
  %0 = onnx.node "my::Op"(%x) version 1 : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

// One error lists everything.
// expected-error@+1 {{2 operators (5 nodes) are not supported}}
func.func @many(%x: tensor<?xf32>) {
  // expected-note@+1 {{'my::A' version 2: 4 nodes ((no name), (no name), (no name), …), the first with operands (tensor<?xf32>, tensor<?xf32>)}}
  %0 = onnx.node "my::A"(%x, %x) version 2 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  // expected-note@+1 {{'my::B' version 1: 1 node}}
  %1 = onnx.node "my::B"(%0) version 1 : (tensor<?xf32>) -> tensor<?xf32>
  %2 = onnx.node "my::A"(%1) version 2 : (tensor<?xf32>) -> tensor<?xf32>
  %3 = onnx.node "my::A"(%2) version 2 : (tensor<?xf32>) -> tensor<?xf32>
  %4 = onnx.node "my::A"(%3) version 2 : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

// expected-error@+1 {{types of results are not known}}
func.func @unknown_types(%x: tensor<*xf32>, %y: tensor<*x!onnx.unknown>) {
  // expected-note@+1 {{the rank of a result is not known: 1 node}}
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<*xf32>) -> tensor<*xf32>
  // expected-note@+1 {{the element type of a result is not known: 1 node}}
  %1 = onnx.node "Neg"(%y) version 13 : (tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  return
}
