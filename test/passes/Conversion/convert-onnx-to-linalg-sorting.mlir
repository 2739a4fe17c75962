// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @topk(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK:         kernel.call @topk_f32 ins(%[[X]], %true : tensor<?x8xf32>, i1) outs(%{{.*}}, %{{.*}} : tensor<?x2xf32>, tensor<?x2xi64>)
func.func @topk(%x: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
  %k = onnx.constant dense<2> : tensor<1xi64>
  %0:2 = onnx.node "TopK"(%x, %k) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi64>
}

// -----

// A count that comes at run time is checked; another axis is brought to the end and back.
// CHECK-LABEL: func.func @topk_computed(
// CHECK-DAG:     kernel.check %{{.*}}, "'K' is negative"
// CHECK-DAG:     kernel.check %{{.*}}, "'K' is larger than the axis"
// CHECK:         %[[MOVED:.*]] = linalg.transpose
// CHECK:         kernel.call @topk_i64 ins(%[[MOVED]], %false
// CHECK:         linalg.transpose
// CHECK:         linalg.transpose
func.func @topk_computed(%x: tensor<8x?xi64>, %k: tensor<1xi64>) -> (tensor<?x?xi64>, tensor<?x?xi64>) {
  %0:2 = onnx.node "TopK"(%x, %k) version 11 {axis = 0 : i64, largest = 0 : i64} : (tensor<8x?xi64>, tensor<1xi64>) -> (tensor<?x?xi64>, tensor<?x?xi64>)
  return %0#0, %0#1 : tensor<?x?xi64>, tensor<?x?xi64>
}

// -----

// CHECK-LABEL: func.func @argmax(
// CHECK:         kernel.check %{{.*}}, "an empty axis has no largest element"
// CHECK:         kernel.call @argmax_f32 ins(%{{.*}}, %false : tensor<1x?x4xf32>, i1) outs(%{{.*}} : tensor<1x4xi64>)
func.func @argmax(%x: tensor<?x4xf32>) -> tensor<1x4xi64> {
  %0 = onnx.node "ArgMax"(%x) version 13 : (tensor<?x4xf32>) -> tensor<1x4xi64>
  return %0 : tensor<1x4xi64>
}

// -----

// CHECK-LABEL: func.func @cumsum(
// CHECK:         kernel.call @cumsum_f32 ins(%{{.*}}, %true, %false : tensor<?x?x1xf32>, i1, i1)
func.func @cumsum(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %axis = onnx.constant dense<-1> : tensor<i64>
  %0 = onnx.node "CumSum"(%x, %axis) version 14 {exclusive = 1 : i64} : (tensor<?x?xf32>, tensor<i64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// The elements are counted first, which is the size of the result.
// CHECK-LABEL: func.func @nonzero(
// CHECK:         %[[COUNTED:.*]] = linalg.generic {{.*}} iterator_types = ["reduction"]}
// CHECK:         %[[COUNT:.*]] = tensor.extract %[[COUNTED]][] : tensor<index>
// CHECK:         %[[LIST:.*]] = tensor.empty(%[[COUNT]]) : tensor<?xindex>
// CHECK:         kernel.call @nonzero_i1 ins(%{{.*}} : tensor<?xi1>) outs(%[[LIST]] : tensor<?xindex>)
// CHECK:         tensor.empty(%[[COUNT]]) : tensor<2x?xi64>
func.func @nonzero(%x: tensor<?x?xi1>) -> tensor<2x?xi64> {
  %0 = onnx.node "NonZero"(%x) version 13 : (tensor<?x?xi1>) -> tensor<2x?xi64>
  return %0 : tensor<2x?xi64>
}

// -----

// CHECK-LABEL: func.func @range(
// CHECK:         linalg.generic
// CHECK:           linalg.index 0
func.func @range(%n: tensor<i64>) -> tensor<?xi64> {
  %zero = onnx.constant dense<0> : tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64>
  %0 = onnx.node "Range"(%zero, %n, %one) version 11 : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

// CHECK-LABEL: func.func @constant_of_shape(
// CHECK:         kernel.check %{{.*}}, "a size is negative or too large"
// CHECK:         linalg.fill ins(%{{.*}} : f32)
func.func @constant_of_shape(%shape: tensor<1xi64>) -> tensor<?xf32> {
  %0 = onnx.node "ConstantOfShape"(%shape) version 23 {value = dense<2.5> : tensor<1xf32>} : (tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
