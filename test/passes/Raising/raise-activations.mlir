// RUN: moec-opt %s --split-input-file --moe-raise-activations --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[Y:.*]] = moe.glu <silu> %arg0, %arg1 : tensor<?x4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @main(%g: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = onnx.node "Sigmoid"(%g) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "Mul"(%g, %0) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = onnx.node "Mul"(%1, %u) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// -----

// GPT-OSS: (clamp(u, −7, 7) + 1) · min(g, 7) · sigmoid(1.702 · min(g, 7)).

// CHECK-LABEL: func.func @clamped
// CHECK-NEXT: moe.glu <silu> %arg0, %arg1 {alpha = 1.702000e+00 : f32, limit = 7.000000e+00 : f32, offset = 1.000000e+00 : f32} : tensor<?x4xf32>
func.func @clamped(%g: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %none = onnx.none
  %l = onnx.constant dense<-7.0> : tensor<f32>
  %h = onnx.constant dense<7.0> : tensor<f32>
  %a = onnx.constant dense<1.702> : tensor<f32>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %0 = onnx.node "Clip"(%g, %none, %h) version 13 : (tensor<?x4xf32>, none, tensor<f32>) -> tensor<?x4xf32>
  %1 = onnx.node "Clip"(%u, %l, %h) version 13 : (tensor<?x4xf32>, tensor<f32>, tensor<f32>) -> tensor<?x4xf32>
  %2 = onnx.node "Mul"(%0, %a) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %3 = onnx.node "Sigmoid"(%2) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %4 = onnx.node "Mul"(%0, %3) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = onnx.node "Add"(%1, %one) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %6 = onnx.node "Mul"(%5, %4) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %6 : tensor<?x4xf32>
}

// -----

// GELU by erf and by tanh (GPT-2), in the order of their exporters.

// CHECK-LABEL: func.func @gelu
// CHECK: moe.activation <gelu> %arg0 : tensor<?x4xf32>
// CHECK: moe.activation <gelu_tanh> %arg0 : tensor<?x4xf32>
func.func @gelu(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %root = onnx.constant dense<1.41421354> : tensor<f32>
  %one = onnx.constant dense<1.0> : tensor<f32>
  %half = onnx.constant dense<0.5> : tensor<f32>
  %three = onnx.constant dense<3.0> : tensor<f32>
  %cubic = onnx.constant dense<0.044715> : tensor<f32>
  %factor = onnx.constant dense<0.797884583> : tensor<f32>
  %0 = onnx.node "Div"(%x, %root) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %1 = onnx.node "Erf"(%0) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = onnx.node "Add"(%1, %one) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %3 = onnx.node "Mul"(%x, %2) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %4 = onnx.node "Mul"(%3, %half) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %5 = onnx.node "Mul"(%x, %half) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %6 = onnx.node "Pow"(%x, %three) version 15 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %7 = onnx.node "Mul"(%6, %cubic) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %8 = onnx.node "Add"(%x, %7) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %9 = onnx.node "Mul"(%8, %factor) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %10 = onnx.node "Tanh"(%9) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %11 = onnx.node "Add"(%10, %one) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %12 = onnx.node "Mul"(%5, %11) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %4, %12 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// x / (1 + exp(−x)); squared ReLU; ReLU with a gate.

// CHECK-LABEL: func.func @more
// CHECK: moe.activation <silu> %arg0 : tensor<?x4xf32>
// CHECK: moe.activation <relu_squared> %arg0 : tensor<?x4xf32>
// CHECK: moe.glu <relu> %arg1, %arg0 : tensor<?x4xf32>
func.func @more(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %one = onnx.constant dense<1.0> : tensor<f32>
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "Exp"(%0) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = onnx.node "Add"(%1, %one) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %3 = onnx.node "Div"(%x, %2) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %4 = onnx.node "Relu"(%x) version 14 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = onnx.node "Mul"(%4, %4) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = onnx.node "Relu"(%y) version 14 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %7 = onnx.node "Mul"(%x, %6) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %3, %5, %7 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Left alone: the sigmoid of another value, a factor of two, a gate for rows.

// CHECK-LABEL: func.func @others
// CHECK-NOT: moe.activation
// CHECK-NOT: moe.glu
func.func @others(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %r: tensor<?x1xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %two = onnx.constant dense<2.0> : tensor<f32>
  %0 = onnx.node "Sigmoid"(%y) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "Mul"(%x, %0) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = onnx.node "Sigmoid"(%x) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %3 = onnx.node "Mul"(%2, %two) version 14 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %4 = onnx.node "Mul"(%3, %x) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = onnx.node "Sigmoid"(%r) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %6 = onnx.node "Mul"(%x, %5) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  return %1, %4, %6 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Integers have activations too, and values whose rank is not known.
// CHECK-LABEL: func.func @left_alone_no_floats
// CHECK-NOT: moe.activation
func.func @left_alone_no_floats(%i: tensor<?x4xi64>, %x: tensor<*xf32>) -> (tensor<?x4xi64>, tensor<*xf32>) {
  %0 = onnx.node "Relu"(%i) version 14 : (tensor<?x4xi64>) -> tensor<?x4xi64>
  %1 = onnx.node "Relu"(%x) version 14 : (tensor<*xf32>) -> tensor<*xf32>
  return %0, %1 : tensor<?x4xi64>, tensor<*xf32>
}

// -----

// A factor of one that spreads what it multiplies stays.
// CHECK-LABEL: func.func @left_alone_spread
// CHECK: %[[A:.*]] = moe.activation <silu> %arg0
// CHECK: onnx.node "Mul"(%[[A]], %{{.*}})
func.func @left_alone_spread(%x: tensor<?x4xf32>, %shape: tensor<2xi64>) -> tensor<?x4xf32> {
  %one = onnx.node "ConstantOfShape"(%shape) version 9 {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x4xf32>
  %0 = onnx.node "Sigmoid"(%x) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "Mul"(%x, %0) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = onnx.node "Mul"(%1, %one) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}
