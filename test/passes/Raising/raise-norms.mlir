// RUN: moec-opt %s --split-input-file --moe-raise-norms --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[Y:.*]] = moe.norm <rms> %arg0 scale %arg1 {epsilon = 9.99999997E-7 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<?x4xf32>, %w: tensor<4xf32>) -> tensor<?x4xf32> {
  %two = onnx.constant dense<2.0> : tensor<f32>
  %eps = onnx.constant dense<1.0e-6> : tensor<f32>
  %axis = onnx.constant dense<-1> : tensor<1xi64>
  %0 = onnx.node "Pow"(%x, %two) version 15 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %1 = onnx.node "ReduceMean"(%0, %axis) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.node "Add"(%1, %eps) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.node "Sqrt"(%2) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.node "Reciprocal"(%3) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %5 = onnx.node "Mul"(%x, %4) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %6 = onnx.node "Mul"(%w, %5) version 14 : (tensor<4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %6 : tensor<?x4xf32>
}

// -----

// Half precision computed in single; 1 / x; the square as a product.

// CHECK-LABEL: func.func @half
// CHECK-NEXT: %[[Y:.*]] = moe.norm <rms> %arg0 scale %arg1 {{.*}} : (tensor<?x4xf16>, tensor<4xf16>) -> tensor<?x4xf16>
// CHECK-NEXT: return %[[Y]]
func.func @half(%x: tensor<?x4xf16>, %w: tensor<4xf16>) -> tensor<?x4xf16> {
  %one = onnx.constant dense<1.0> : tensor<f32>
  %eps = onnx.constant dense<1.0e-5> : tensor<f32>
  %axis = onnx.constant dense<-1> : tensor<1xi64>
  %c = onnx.node "Cast"(%x) version 19 {to = 1 : i64} : (tensor<?x4xf16>) -> tensor<?x4xf32>
  %0 = onnx.node "Mul"(%c, %c) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = onnx.node "ReduceMean"(%0, %axis) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.node "Add"(%eps, %1) version 14 : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %3 = onnx.node "Sqrt"(%2) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.node "Div"(%one, %3) version 14 : (tensor<f32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %5 = onnx.node "Mul"(%4, %c) version 14 : (tensor<?x1xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = onnx.node "Cast"(%5) version 19 {to = 10 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf16>
  %7 = onnx.node "Mul"(%6, %w) version 14 : (tensor<?x4xf16>, tensor<4xf16>) -> tensor<?x4xf16>
  return %7 : tensor<?x4xf16>
}

// -----

// A layer norm from its parts, and as an operator.

// CHECK-LABEL: func.func @layer
// CHECK: moe.norm <layer> %arg0 scale %arg1 bias %arg2
// CHECK: moe.norm <layer> %arg0 scale %arg1 bias %arg2
func.func @layer(%x: tensor<?x4xf32>, %w: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %two = onnx.constant dense<2.0> : tensor<f32>
  %eps = onnx.constant dense<1.0e-6> : tensor<f32>
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %m = onnx.node "ReduceMean"(%x, %axis) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %c = onnx.node "Sub"(%x, %m) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %0 = onnx.node "Pow"(%c, %two) version 15 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %1 = onnx.node "ReduceMean"(%0, %axis) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.node "Add"(%1, %eps) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.node "Sqrt"(%2) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.node "Div"(%c, %3) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %5 = onnx.node "Mul"(%4, %w) version 14 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %6 = onnx.node "Add"(%5, %b) version 14 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %7 = onnx.node "LayerNormalization"(%x, %w, %b) version 17 {axis = -1 : i64} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %6, %7 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Left alone: the mean of another value, over another axis, a deviation that is a result.

// CHECK-LABEL: func.func @others
// CHECK-NOT: moe.norm
func.func @others(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %w: tensor<4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xf32>) {
  %two = onnx.constant dense<2.0> : tensor<f32>
  %eps = onnx.constant dense<1.0e-6> : tensor<f32>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %first = onnx.constant dense<0> : tensor<1xi64>
  %0 = onnx.node "Pow"(%x, %two) version 15 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %1 = onnx.node "ReduceMean"(%0, %last) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.node "Add"(%1, %eps) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = onnx.node "Sqrt"(%2) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %4 = onnx.node "Div"(%y, %3) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  %5 = onnx.node "ReduceMean"(%0, %first) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
  %6 = onnx.node "Add"(%5, %eps) version 14 : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xf32>
  %7 = onnx.node "Sqrt"(%6) version 13 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %8 = onnx.node "Div"(%x, %7) version 14 : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  %9, %m = onnx.node "LayerNormalization"(%x, %w) version 17 {axis = -1 : i64} : (tensor<?x4xf32>, tensor<4xf32>) -> (tensor<?x4xf32>, tensor<?x1xf32>)
  return %4, %8, %9, %m : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1xf32>
}

// -----

// An epsilon of more axes than the input has gives the result more; a negative one makes no norm.
// CHECK-LABEL: func.func @left_alone_epsilon
// CHECK-NOT: moe.norm
func.func @left_alone_epsilon(%x: tensor<?x4xf32>) -> (tensor<1x?x4xf32>, tensor<?x4xf32>) {
  %two = onnx.constant dense<2.0> : tensor<f32>
  %wide = onnx.constant dense<1.0e-6> : tensor<1x1x1xf32>
  %negative = onnx.constant dense<-1.0> : tensor<f32>
  %last = onnx.constant dense<-1> : tensor<1xi64>
  %0 = onnx.node "Pow"(%x, %two) version 15 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %1 = onnx.node "ReduceMean"(%0, %last) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %2 = onnx.node "Add"(%1, %wide) version 14 : (tensor<?x1xf32>, tensor<1x1x1xf32>) -> tensor<1x?x1xf32>
  %3 = onnx.node "Sqrt"(%2) version 13 : (tensor<1x?x1xf32>) -> tensor<1x?x1xf32>
  %4 = onnx.node "Div"(%x, %3) version 14 : (tensor<?x4xf32>, tensor<1x?x1xf32>) -> tensor<1x?x4xf32>
  %5 = onnx.node "Add"(%1, %negative) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %6 = onnx.node "Sqrt"(%5) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %7 = onnx.node "Div"(%x, %6) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  return %4, %7 : tensor<1x?x4xf32>, tensor<?x4xf32>
}
