// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(moec-separate-destinations))' | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:      %{{.*}}: tensor<4xf32>, %[[F:.*]]: f32)
// CHECK:         %[[E0:.*]] = tensor.empty() : tensor<f32>
// CHECK:         %[[Z0:.*]] = linalg.fill ins(%[[F]] : f32) outs(%[[E0]] : tensor<f32>) -> tensor<f32>
// CHECK:         linalg.reduce { arith.addf } {{.*}} outs(%[[Z0]] : tensor<f32>)
// CHECK:         %[[E1:.*]] = tensor.empty() : tensor<f32>
// CHECK:         %[[Z1:.*]] = linalg.fill ins(%[[F]] : f32) outs(%[[E1]] : tensor<f32>) -> tensor<f32>
// CHECK:         linalg.reduce { arith.mulf } {{.*}} outs(%[[Z1]] : tensor<f32>)
func.func @main(%x: tensor<4xf32>, %f: f32) -> (tensor<f32>, tensor<f32>) {
  %e = tensor.empty() : tensor<f32>
  %z = linalg.fill ins(%f : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %a = linalg.reduce { arith.addf } ins(%x : tensor<4xf32>) outs(%z : tensor<f32>) dimensions = [0]
  %b = linalg.reduce { arith.mulf } ins(%x : tensor<4xf32>) outs(%z : tensor<f32>) dimensions = [0]
  return %a, %b : tensor<f32>, tensor<f32>
}

// The sizes of an empty tensor stay where they are.
// CHECK-LABEL: func.func @dynamic_sizes(
// CHECK-SAME:      %{{.*}}: tensor<?xf32>, %[[N:.*]]: index)
// CHECK:         %[[E0:.*]] = tensor.empty(%[[N]])
// CHECK:         linalg.exp {{.*}} outs(%[[E0]]
// CHECK:         %[[E1:.*]] = tensor.empty(%[[N]])
// CHECK:         linalg.log {{.*}} outs(%[[E1]]
func.func @dynamic_sizes(%x: tensor<?xf32>, %n: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %e = tensor.empty(%n) : tensor<?xf32>
  %a = linalg.exp ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %b = linalg.log ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  return %a, %b : tensor<?xf32>, tensor<?xf32>
}

// CHECK-LABEL: func.func @left_alone_read(
// CHECK:         linalg.fill
// CHECK-NOT:     linalg.fill
func.func @left_alone_read(%x: tensor<4xf32>, %f: f32) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %d = tensor.empty() : tensor<4xf32>
  %z = linalg.fill ins(%f : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %a = linalg.add ins(%x, %z : tensor<4xf32>, tensor<4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
  %b = linalg.mul ins(%a, %z : tensor<4xf32>, tensor<4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
