// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Groups of sizes with provably equal products are views.
// CHECK-LABEL: func.func @reshape_heads(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x?x64xf32>
// CHECK-NOT:     kernel.check
// CHECK:         %[[R:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] output_shape [%{{.*}}, %{{.*}}, 4, 16]
// CHECK:         return %[[R]]
func.func @reshape_heads(%x: tensor<?x?x64xf32>) -> tensor<?x?x4x16xf32> {
  %shape = onnx.constant dense<[0, -1, 4, 16]> : tensor<4xi64>
  %0 = onnx.node "Reshape"(%x, %shape) version 14 : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x4x16xf32>
  return %0 : tensor<?x?x4x16xf32>
}

// -----

// Sizes of 1 join a neighbour, in both shapes.
// CHECK-LABEL: func.func @reshape_units(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<1x?x4xf32>
// CHECK:         %[[FLAT:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<1x?x4xf32> into tensor<?x4xf32>
// CHECK:         tensor.expand_shape %[[FLAT]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 4, 1]
func.func @reshape_units(%x: tensor<1x?x4xf32>) -> tensor<?x4x1xf32> {
  %shape = onnx.constant dense<[-1, 4, 1]> : tensor<3xi64>
  %0 = onnx.node "Reshape"(%x, %shape) version 14 : (tensor<1x?x4xf32>, tensor<3xi64>) -> tensor<?x4x1xf32>
  return %0 : tensor<?x4x1xf32>
}

// -----

// A shape that comes at run time is checked, then taken through one dimension.
// CHECK-LABEL: func.func @reshape_computed(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x?xf32>
// CHECK:         kernel.check %{{.*}}, "a size is negative or too large"
// CHECK:         kernel.check %{{.*}}, "a size is negative or too large"
// CHECK:         %[[SAME:.*]] = arith.cmpi eq
// CHECK:         kernel.check %[[SAME]], "the new shape has another number of elements"
// CHECK:         %[[LINE:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1]]
// CHECK:         tensor.expand_shape %[[LINE]] {{\[\[}}0, 1]]
func.func @reshape_computed(%x: tensor<?x?xf32>, %shape: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = onnx.node "Reshape"(%x, %shape) version 14 : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @transpose(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x3x?xf32>
// CHECK:         linalg.transpose ins(%[[X]] : tensor<?x3x?xf32>) {{.*}} permutation = [2, 0, 1]
func.func @transpose(%x: tensor<?x3x?xf32>) -> tensor<?x?x3xf32> {
  %0 = onnx.node "Transpose"(%x) version 13 {perm = array<i64: 2, 0, 1>} : (tensor<?x3x?xf32>) -> tensor<?x?x3xf32>
  return %0 : tensor<?x?x3xf32>
}

// -----

// Only a dimension of size 1 moves: nothing is copied.
// CHECK-LABEL: func.func @transpose_unit(
// CHECK-NOT:     linalg
// CHECK:         tensor.collapse_shape
// CHECK:         tensor.expand_shape
func.func @transpose_unit(%x: tensor<?x1x4xf32>) -> tensor<1x?x4xf32> {
  %0 = onnx.node "Transpose"(%x) version 13 {perm = array<i64: 1, 0, 2>} : (tensor<?x1x4xf32>) -> tensor<1x?x4xf32>
  return %0 : tensor<1x?x4xf32>
}

// -----

// CHECK-DAG:   #[[$ROW:.*]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-LABEL: func.func @expand(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x1xf32>
// CHECK:         %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1]]
// CHECK:         linalg.generic {indexing_maps = [#[[$ROW]], {{.*}}ins(%[[ROWS]] : tensor<?xf32>)
func.func @expand(%x: tensor<?x1xf32>) -> tensor<2x?x4xf32> {
  %shape = onnx.constant dense<[2, 1, 4]> : tensor<3xi64>
  %0 = onnx.node "Expand"(%x, %shape) version 13 : (tensor<?x1xf32>, tensor<3xi64>) -> tensor<2x?x4xf32>
  return %0 : tensor<2x?x4xf32>
}

// -----

// Whether a size is 1 shows at run time: its index is selected.
// CHECK-LABEL: func.func @expand_computed(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?xf32>
// CHECK:         kernel.check %{{.*}}, "a size is neither 1 nor the size that it is broadcast to"
// CHECK:         linalg.generic
// CHECK:           %[[I:.*]] = linalg.index 0
// CHECK:           %[[AT:.*]] = arith.select %{{.*}}, %c0, %[[I]]
// CHECK:           tensor.extract %[[X]][%[[AT]]]
func.func @expand_computed(%x: tensor<?xf32>, %shape: tensor<1xi64>) -> tensor<?xf32> {
  %0 = onnx.node "Expand"(%x, %shape) version 13 : (tensor<?xf32>, tensor<1xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-DAG:   #[[$MAP:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @tile(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x3xf32>
// CHECK:         %[[SPLIT:.*]] = linalg.generic {indexing_maps = [#[[$MAP]], {{.*}}ins(%[[X]] : tensor<?x3xf32>) outs(%{{.*}} : tensor<?x2x3xf32>)
// CHECK:         tensor.collapse_shape %[[SPLIT]] {{\[\[}}0], [1, 2]]
func.func @tile(%x: tensor<?x3xf32>) -> tensor<?x6xf32> {
  %repeats = onnx.constant dense<[1, 2]> : tensor<2xi64>
  %0 = onnx.node "Tile"(%x, %repeats) version 13 : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}

// -----

// CHECK-LABEL: func.func @concat(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<2x?xf32>{{.*}}, %[[Y:[a-z0-9]+]]: tensor<2x?xf32>
// CHECK:         %[[N:.*]] = tensor.dim %[[X]], %c1
// CHECK:         %[[M:.*]] = tensor.dim %[[Y]], %c1
// CHECK:         %[[SIZE:.*]] = arith.addi %[[N]], %[[M]]
// CHECK:         %[[INIT:.*]] = tensor.empty(%[[SIZE]]) : tensor<2x?xf32>
// CHECK:         %[[ONE:.*]] = tensor.insert_slice %[[X]] into %[[INIT]][0, 0] [2, %[[N]]] [1, 1]
// CHECK:         tensor.insert_slice %[[Y]] into %[[ONE]][0, %[[N]]] [2, %[[M]]] [1, 1]
func.func @concat(%x: tensor<2x?xf32>, %y: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %0 = onnx.node "Concat"(%x, %y) version 13 {axis = 1 : i64} : (tensor<2x?xf32>, tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// -----

// CHECK-LABEL: func.func @slice(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x64xf32>
// CHECK:         tensor.extract_slice %[[X]][0, 32] [%{{.*}}, 32] [1, 1]
func.func @slice(%x: tensor<?x64xf32>) -> tensor<?x32xf32> {
  %start = onnx.constant dense<32> : tensor<1xi64>
  %end = onnx.constant dense<9223372036854775807> : tensor<1xi64>
  %axis = onnx.constant dense<-1> : tensor<1xi64>
  %0 = onnx.node "Slice"(%x, %start, %end, %axis) version 13 : (tensor<?x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// -----

// CHECK-LABEL: func.func @slice_reverse(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<8xf32>
// CHECK:         linalg.generic
// CHECK:           %[[I:.*]] = linalg.index 0
// CHECK:           %[[AT:.*]] = arith.subi %c7, %[[I]]
// CHECK:           tensor.extract %[[X]][%[[AT]]]
func.func @slice_reverse(%x: tensor<8xf32>) -> tensor<8xf32> {
  %start = onnx.constant dense<-1> : tensor<1xi64>
  %end = onnx.constant dense<-9223372036854775808> : tensor<1xi64>
  %axis = onnx.constant dense<0> : tensor<1xi64>
  %step = onnx.constant dense<-1> : tensor<1xi64>
  %0 = onnx.node "Slice"(%x, %start, %end, %axis, %step) version 13 : (tensor<8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// CHECK-LABEL: func.func @split_computed(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK:         kernel.check %{{.*}}, "a size is negative or too large"
// CHECK:         kernel.check %{{.*}}, "a size is negative or too large"
// CHECK:         kernel.check %{{.*}}, "the split sizes do not add up to the axis"
// CHECK:         tensor.extract_slice %[[X]][0, 0] [%[[N:.*]], 4] [1, 1]
// CHECK:         tensor.extract_slice %[[X]][%[[N]], 0] [%{{.*}}, 4] [1, 1]
func.func @split_computed(%x: tensor<?x4xf32>, %sizes: tensor<2xi64>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %0:2 = onnx.node "Split"(%x, %sizes) version 18 {axis = 0 : i64} : (tensor<?x4xf32>, tensor<2xi64>) -> (tensor<?x4xf32>, tensor<?x4xf32>)
  return %0#0, %0#1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @pad(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK:         %[[FILLED:.*]] = linalg.fill
// CHECK:         tensor.insert_slice %[[X]] into %[[FILLED]][0, 1] [%{{.*}}, 4] [1, 1]
func.func @pad(%x: tensor<?x4xf32>) -> tensor<?x7xf32> {
  %pads = onnx.constant dense<[0, 1, 0, 2]> : tensor<4xi64>
  %0 = onnx.node "Pad"(%x, %pads) version 24 : (tensor<?x4xf32>, tensor<4xi64>) -> tensor<?x7xf32>
  return %0 : tensor<?x7xf32>
}

// -----

// CHECK-LABEL: func.func @trilu(
// CHECK:         linalg.generic
// CHECK-DAG:       %[[I:.*]] = linalg.index 0
// CHECK-DAG:       %[[J:.*]] = linalg.index 1
// CHECK:           %[[KEEPS:.*]] = arith.cmpi sge, %[[J]], %[[I]]
// CHECK:           arith.select %[[KEEPS]]
func.func @trilu(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %0 = onnx.node "Trilu"(%x) version 14 : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
