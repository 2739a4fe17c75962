// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize | FileCheck %s

// The function takes the number of rows and the state's memory, and writes the new rows into it. What
// is read are slices, without a copy.
// CHECK:       states = [{axis = 2 : i64, capacity = 16 : i64, dims = ["b", "", "p", ""], name = "past.k", output = "present.k", type = tensor<?x2x?x4xf32>}]
// CHECK-NOT:   moe.state
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<?x2x?x4xf32>, %[[LENGTH:.*]]: index, %[[STATE:.*]]: tensor<?x2x?x4xf32> {moec.state = "past.k"})
moe.state @past.k axis 2 capacity 16 present "present.k" : tensor<?x2x?x4xf32>
func.func @main(%x: tensor<?x2x?x4xf32> {onnx.name = "x", onnx.dims = ["b", "", "s", ""]},
                %past: tensor<?x2x?x4xf32> {moe.state = @past.k, onnx.name = "past.k", onnx.dims = ["b", "", "p", ""]})
    -> (tensor<?x2x?x?xf32> {onnx.name = "y"}) {
  // CHECK-DAG:   %[[C2:.*]] = arith.constant 2 : index
  // CHECK-DAG:   %[[N:.*]] = tensor.dim %[[X]], %[[C2]]
  // CHECK-DAG:   kernel.append_state %[[N]]
  // CHECK-DAG:   %[[MEMORY:.*]] = tensor.collapse_shape %[[STATE]] {{\[}}[0, 1], [2], [3]]
  // CHECK:       %[[UPDATED:.*]] = tensor.insert_slice %{{.*}} into %[[MEMORY]][0, %[[LENGTH]], 0]
  // CHECK:       %[[ALL:.*]] = tensor.extract_slice %[[UPDATED]][0, 0, 0]
  // CHECK:       kernel.call @matmul_nt_f32 ins(%{{.*}}, %[[ALL]] :
  // CHECK:       return %{{.*}}, %[[UPDATED]]
  %all = moe.cache_append %x to %past in @past.k : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32> -> tensor<?x2x?x4xf32>
  %keys = onnx.node "Transpose"(%all) version 13 {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x2x?x4xf32>) -> tensor<?x2x4x?xf32>
  %y = onnx.node "MatMul"(%x, %keys) version 13 : (tensor<?x2x?x4xf32>, tensor<?x2x4x?xf32>) -> tensor<?x2x?x?xf32>
  return %y : tensor<?x2x?x?xf32>
}
