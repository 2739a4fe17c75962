// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Rows are copied by a kernel, after a check of all indices; negative ones count from the end.
// CHECK-LABEL: func.func @gather_rows(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x64xf32>{{.*}}, %[[I:[a-z0-9]+]]: tensor<?xi64>
// CHECK:         %[[ALL:.*]] = linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[I]] : tensor<?xi64>)
// CHECK:           %[[INDEX:.*]] = arith.index_cast
// CHECK:           %[[NEGATIVE:.*]] = arith.cmpi slt, %[[INDEX]], %c0
// CHECK:           %[[WRAPPED:.*]] = arith.addi %[[INDEX]], %[[N:.*]] : index
// CHECK:           %[[AT:.*]] = arith.select %[[NEGATIVE]], %[[WRAPPED]], %[[INDEX]]
// CHECK:           arith.cmpi ult, %[[AT]], %[[N]]
// CHECK:         %[[OK:.*]] = tensor.extract %[[ALL]][]
// CHECK:         kernel.check %[[OK]], "an index lies outside of its axis"
// CHECK:         kernel.call @gather_f32 ins(%{{.*}}, %{{.*}} : tensor<1x?x64xf32>, tensor<1x?xindex>)
func.func @gather_rows(%x: tensor<?x64xf32>, %i: tensor<?xi64>) -> tensor<?x64xf32> {
  %0 = onnx.node "Gather"(%x, %i) version 13 : (tensor<?x64xf32>, tensor<?xi64>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// -----

// One known position is a slice.
// CHECK-LABEL: func.func @gather_one(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<?x8x4xf32>
// CHECK-NOT:     kernel
// CHECK:         %[[ROW:.*]] = tensor.extract_slice %[[X]][0, 7, 0] [%{{.*}}, 1, 4] [1, 1, 1]
// CHECK:         tensor.collapse_shape %[[ROW]] {{\[\[}}0], [1, 2]]
func.func @gather_one(%x: tensor<?x8x4xf32>) -> tensor<?x4xf32> {
  %i = onnx.constant dense<-1> : tensor<i64>
  %0 = onnx.node "Gather"(%x, %i) version 13 {axis = 1 : i64} : (tensor<?x8x4xf32>, tensor<i64>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Single elements are read in a loop that fuses.
// CHECK-LABEL: func.func @gather_elements_of_vector(
// CHECK-NOT:     kernel.call
// CHECK:         linalg.generic
// CHECK:           tensor.extract
func.func @gather_elements_of_vector(%x: tensor<?xf32>, %i: tensor<?xi64>) -> tensor<?xf32> {
  %0 = onnx.node "Gather"(%x, %i) version 13 : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @gather_nd_rows(
// CHECK:         kernel.check %{{.*}}, "an index lies outside of its axis"
// CHECK:         kernel.call @gather_i1 ins(%{{.*}} : tensor<1x?x8xi1>, tensor<1x?xindex>)
func.func @gather_nd_rows(%x: tensor<?x?x8xi1>, %i: tensor<?x2xi64>) -> tensor<?x8xi1> {
  %0 = onnx.node "GatherND"(%x, %i) version 13 : (tensor<?x?x8xi1>, tensor<?x2xi64>) -> tensor<?x8xi1>
  return %0 : tensor<?x8xi1>
}

// -----

// CHECK-LABEL: func.func @gather_elements(
// CHECK:         kernel.check %{{.*}}, "the indices are larger than the data"
// CHECK:         kernel.check %{{.*}}, "an index lies outside of its axis"
// CHECK:         linalg.generic
// CHECK:           tensor.extract
func.func @gather_elements(%x: tensor<?x?xf32>, %i: tensor<?x?xi64>) -> tensor<?x?xf32> {
  %0 = onnx.node "GatherElements"(%x, %i) version 13 {axis = 1 : i64} : (tensor<?x?xf32>, tensor<?x?xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// The data is the kernel's destination; every element is a row of its own.
// CHECK-LABEL: func.func @scatter_elements(
// CHECK-SAME:      %[[X:[a-z0-9]+]]: tensor<8xi64>
// CHECK:         %[[DATA:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0, 1]] output_shape [8, 1]
// CHECK:         kernel.call @scatter_add_i64 ins(%{{.*}}, %{{.*}} : tensor<?xindex>, tensor<?x1xi64>) outs(%[[DATA]] : tensor<8x1xi64>)
func.func @scatter_elements(%x: tensor<8xi64>, %i: tensor<?xi64>, %u: tensor<?xi64>) -> tensor<8xi64> {
  %0 = onnx.node "ScatterElements"(%x, %i, %u) version 18 {reduction = "add"} : (tensor<8xi64>, tensor<?xi64>, tensor<?xi64>) -> tensor<8xi64>
  return %0 : tensor<8xi64>
}

// -----

// CHECK-LABEL: func.func @scatter_nd_unsigned(
// CHECK:         kernel.call @scatter_max_ui8 ins(%{{.*}}, %{{.*}} : tensor<?xindex>, tensor<?x16xi8>) outs(%{{.*}} : tensor<?x16xi8>)
func.func @scatter_nd_unsigned(%x: tensor<?x16xui8>, %i: tensor<?x1xi64>, %u: tensor<?x16xui8>) -> tensor<?x16xui8> {
  %0 = onnx.node "ScatterND"(%x, %i, %u) version 18 {reduction = "max"} : (tensor<?x16xui8>, tensor<?x1xi64>, tensor<?x16xui8>) -> tensor<?x16xui8>
  return %0 : tensor<?x16xui8>
}

// -----

// CHECK-LABEL: func.func @one_hot(
// CHECK:         linalg.generic
// CHECK:           %[[HERE:.*]] = linalg.index 1
// CHECK:           %[[HOT:.*]] = arith.cmpi eq, %{{.*}}, %[[HERE]]
// CHECK:           arith.select %[[HOT]]
func.func @one_hot(%i: tensor<?xi64>, %values: tensor<2xf32>) -> tensor<?x8xf32> {
  %depth = onnx.constant dense<8> : tensor<i64>
  %0 = onnx.node "OneHot"(%i, %depth, %values) version 11 : (tensor<?xi64>, tensor<i64>, tensor<2xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
