// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(moec-lower-expand-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @split(
// CHECK-SAME:      %[[X:.*]]: memref<?xf32>, %[[M:.*]]: index, %[[N:.*]]: index)
// CHECK:         %[[BASE:.*]], %[[OFFSET:.*]], %[[SIZE:.*]], %[[STRIDE:.*]] = memref.extract_strided_metadata %[[X]] : memref<?xf32> -> memref<f32>, index, index, index
// CHECK:         %[[R:.*]] = memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[M]], %[[N]]], strides: [%[[N]], 1] : memref<f32> to memref<?x?xf32>
// CHECK:         return %[[R]] : memref<?x?xf32>
func.func @split(%x: memref<?xf32>, %m: index, %n: index) -> memref<?x?xf32> {
  %0 = memref.expand_shape %x [[0, 1]] output_shape [%m, %n] : memref<?xf32> into memref<?x?xf32>
  return %0 : memref<?x?xf32>
}

// The strides of a view stay: rows lie apart.
// CHECK-LABEL: func.func @strided(
// CHECK-SAME:      %[[X:.*]]: memref<?x8xf32, strided<[?, 1], offset: ?>>, %[[M:.*]]: index, %[[N:.*]]: index)
// CHECK:         %[[BASE:.*]], %[[OFFSET:.*]], %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[X]]
// CHECK:         %[[OUTER:.*]] = arith.muli %[[STRIDES]]#0, %[[N]] : index
// CHECK:         memref.reinterpret_cast %[[BASE]] to offset: [%[[OFFSET]]], sizes: [%[[M]], %[[N]], 2, 4], strides: [%[[OUTER]], %[[STRIDES]]#0, 4, 1]
func.func @strided(%x: memref<?x8xf32, strided<[?, 1], offset: ?>>, %m: index, %n: index)
    -> memref<?x?x2x4xf32, strided<[?, ?, 4, 1], offset: ?>> {
  %0 = memref.expand_shape %x [[0, 1], [2, 3]] output_shape [%m, %n, 2, 4]
      : memref<?x8xf32, strided<[?, 1], offset: ?>>
      into memref<?x?x2x4xf32, strided<[?, ?, 4, 1], offset: ?>>
  return %0 : memref<?x?x2x4xf32, strided<[?, ?, 4, 1], offset: ?>>
}

// CHECK-LABEL: func.func @left_alone_static(
// CHECK:         memref.expand_shape
func.func @left_alone_static(%x: memref<6xf32>) -> memref<2x3xf32> {
  %0 = memref.expand_shape %x [[0, 1]] output_shape [2, 3] : memref<6xf32> into memref<2x3xf32>
  return %0 : memref<2x3xf32>
}
