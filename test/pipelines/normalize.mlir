// RUN: moec-opt %s --moec-normalize-pipeline --split-input-file | FileCheck %s

// As exporters write it: repeat_kv by shape arithmetic, done twice, with the idiom that guards -1.
// CHECK-LABEL: func.func @repeat(
// CHECK-SAME:      %[[X:.*]]: tensor<?x2x?x32xf32>{{.*}}) -> tensor<?x4x?x32xf32>
// CHECK-NOT:     "Equal"
// CHECK-NOT:     "Where"
// CHECK:         %[[WIDE:.*]] = onnx.node "Expand"{{.*}} -> tensor<?x2x2x?x32xf32>
// CHECK:         %[[Y:.*]] = onnx.node "Reshape"(%[[WIDE]]{{.*}} -> tensor<?x4x?x32xf32>
// CHECK:         %[[SUM:.*]] = onnx.node "Add"(%[[Y]], %[[Y]])
// CHECK-NOT:     onnx.node
// CHECK:         return %[[SUM]]
func.func @repeat(%x: tensor<?x2x?x32xf32> {onnx.dims = ["batch", "", "seq", ""]})
    -> tensor<*x!onnx.unknown> {
  %i0 = onnx.constant dense<0> : tensor<i64>
  %i2 = onnx.constant dense<2> : tensor<i64>
  %axis = onnx.constant dense<0> : tensor<1xi64>
  %axis2 = onnx.constant dense<2> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %four = onnx.constant dense<4> : tensor<1xi64>
  %d = onnx.constant dense<32> : tensor<1xi64>
  %minus = onnx.constant dense<-1> : tensor<i64>
  %u = onnx.node "Unsqueeze"(%x, %axis2) version 13 : (tensor<?x2x?x32xf32>, tensor<1xi64>) -> tensor<*x!onnx.unknown>
  %s = onnx.node "Shape"(%x) version 15 : (tensor<?x2x?x32xf32>) -> tensor<*x!onnx.unknown>
  %b = onnx.node "Gather"(%s, %i0) version 13 : (tensor<*x!onnx.unknown>, tensor<i64>) -> tensor<*x!onnx.unknown>
  %n = onnx.node "Gather"(%s, %i2) version 13 : (tensor<*x!onnx.unknown>, tensor<i64>) -> tensor<*x!onnx.unknown>
  %b1 = onnx.node "Unsqueeze"(%b, %axis) version 13 : (tensor<*x!onnx.unknown>, tensor<1xi64>) -> tensor<*x!onnx.unknown>
  %n1 = onnx.node "Unsqueeze"(%n, %axis) version 13 : (tensor<*x!onnx.unknown>, tensor<1xi64>) -> tensor<*x!onnx.unknown>
  %wide = onnx.node "Concat"(%b1, %two, %two, %n1, %d) version 13 {axis = 0 : i64} : (tensor<*x!onnx.unknown>, tensor<1xi64>, tensor<1xi64>, tensor<*x!onnx.unknown>, tensor<1xi64>) -> tensor<*x!onnx.unknown>
  %rank = onnx.node "Shape"(%wide) version 15 : (tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %ones = onnx.node "ConstantOfShape"(%rank) version 9 {value = dense<1> : tensor<1xi64>} : (tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %mask = onnx.node "Mul"(%ones, %minus) version 14 : (tensor<*x!onnx.unknown>, tensor<i64>) -> tensor<*x!onnx.unknown>
  %is = onnx.node "Equal"(%wide, %mask) version 13 : (tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %sizes = onnx.node "Where"(%is, %ones, %wide) version 16 : (tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %e = onnx.node "Expand"(%u, %sizes) version 13 : (tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %flat = onnx.node "Concat"(%b1, %four, %n1, %d) version 13 {axis = 0 : i64} : (tensor<*x!onnx.unknown>, tensor<1xi64>, tensor<*x!onnx.unknown>, tensor<1xi64>) -> tensor<*x!onnx.unknown>
  %y = onnx.node "Reshape"(%e, %flat) version 14 : (tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %e2 = onnx.node "Expand"(%u, %wide) version 13 : (tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %y2 = onnx.node "Reshape"(%e2, %flat) version 14 : (tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  %sum = onnx.node "Add"(%y, %y2) version 14 : (tensor<*x!onnx.unknown>, tensor<*x!onnx.unknown>) -> tensor<*x!onnx.unknown>
  return %sum : tensor<*x!onnx.unknown>
}
