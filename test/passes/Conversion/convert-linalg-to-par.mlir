// RUN: moec-opt %s --convert-linalg-to-par --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @neg(
// CHECK-SAME:    %[[X:.*]]: memref<?x8xf32>, %[[Y:.*]]: memref<?x8xf32>)
func.func @neg(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  // CHECK-DAG:  %[[A:.*]] = memref.collapse_shape %[[X]] {{.*}} into memref<?xf32>
  // CHECK-DAG:  %[[B:.*]] = memref.collapse_shape %[[Y]] {{.*}} into memref<?xf32>
  // CHECK:      par.for %[[BEGIN:.*]], %[[END:.*]] in %{{.*}} grain %{{.*}} {
  // CHECK-NEXT:   arith.constant 1
  // CHECK-NEXT:   scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]]
  // CHECK-NEXT:     %[[V:.*]] = memref.load %[[A]][%[[I]]]
  // CHECK-NEXT:     %[[N:.*]] = arith.negf %[[V]]
  // CHECK-NEXT:     memref.store %[[N]], %[[B]][%[[I]]]
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.negf %in : f32
      linalg.yield %0 : f32
  }
  return
}

// -----

// A sum along the last dimension is carried in a register.
// CHECK-LABEL: func.func @sum_of_rows(
// CHECK-SAME:    %[[X:.*]]: memref<?x?xf32>, %[[Y:.*]]: memref<?xf32>)
func.func @sum_of_rows(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  // CHECK:      par.for
  // CHECK:        scf.for %[[I:.*]] =
  // CHECK:          %[[INIT:.*]] = memref.load %[[Y]][%[[I]]]
  // CHECK:          %[[SUM:.*]] = scf.for %[[J:.*]] = {{.*}} iter_args(%[[S:.*]] = %[[INIT]])
  // CHECK-NEXT:       %[[V:.*]] = memref.load %[[X]][%[[I]], %[[J]]]
  // CHECK-NEXT:       %[[A:.*]] = arith.addf %[[V]], %[[S]]
  // CHECK-NEXT:       scf.yield %[[A]]
  // CHECK:          memref.store %[[SUM]], %[[Y]][%[[I]]]
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  return
}

// -----

// A sum along the first dimension: the contiguous loop stays innermost.
// CHECK-LABEL: func.func @sum_of_columns(
// CHECK-SAME:    %[[X:.*]]: memref<?x?xf32>, %[[Y:.*]]: memref<?xf32>)
func.func @sum_of_columns(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  // CHECK-NOT:  iter_args
  // CHECK:      scf.for %[[I:.*]] =
  // CHECK:        scf.for %[[J:.*]] =
  // CHECK:          memref.load %[[X]][%[[I]], %[[J]]]
  // CHECK:          memref.store %{{.*}}, %[[Y]][%[[J]]]
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
                  iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  return
}

// -----

// CHECK-LABEL: func.func @left_apart_strided(
func.func @left_apart_strided(%x: memref<?x8xf32, strided<[16, 1]>>, %y: memref<?x8xf32>) {
  // CHECK-NOT:  memref.collapse_shape
  // CHECK-NOT:  memref.copy
  // CHECK:      par.for
  // CHECK:        memref.load %{{.*}}[%{{.*}}, %{{.*}}]
  memref.copy %x, %y : memref<?x8xf32, strided<[16, 1]>> to memref<?x8xf32>
  return
}

// -----

// CHECK-LABEL: func.func @left_alone_dense_copy(
func.func @left_alone_dense_copy(%x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  // CHECK: memref.copy
  memref.copy %x, %y : memref<?x8xf32> to memref<?x8xf32>
  return
}
