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

// -----

// A softmax is one loop over rows: they have the same number of rows by the values that the
// allocations are made with. The maximum of a row is loaded once, and freed after the loop.
// CHECK-LABEL: func.func @softmax(
// CHECK-SAME:    %[[ROWS:.*]]: index, %[[N:.*]]: index)
func.func @softmax(%rows: index, %n: index) -> memref<?x?xf32> {
  // CHECK:      %[[X:.*]] = memref.alloc(%[[ROWS]], %[[N]])
  // CHECK:      %[[MAX:.*]] = memref.alloc(%[[ROWS]])
  // CHECK:      par.for
  // CHECK:        scf.for %[[I:.*]] =
  // CHECK:          memref.store %{{.*}}, %[[MAX]][%[[I]]]
  // CHECK:          scf.for %{{.*}} iter_args
  // CHECK:            arith.maximumf
  // CHECK:          memref.store %{{.*}}, %[[MAX]][%[[I]]]
  // CHECK:          %[[M:.*]] = memref.load %[[MAX]][%[[I]]]
  // CHECK:          scf.for %[[J:.*]] =
  // CHECK-NEXT:       %[[V:.*]] = memref.load %[[X]][%[[I]], %[[J]]]
  // CHECK-NEXT:       %[[D:.*]] = arith.subf %[[V]], %[[M]]
  // CHECK-NEXT:       %[[E:.*]] = math.exp %[[D]]
  // CHECK-NEXT:       memref.store %[[E]], %[[X]][%[[I]], %[[J]]]
  // CHECK:          arith.divf
  // CHECK-NOT:  par.for
  // CHECK:      memref.dealloc %[[MAX]]
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %x = memref.alloc(%rows, %n) : memref<?x?xf32>
  call @produce(%x) : (memref<?x?xf32>) -> ()
  %max = memref.alloc(%rows) : memref<?xf32>
  linalg.fill ins(%lowest : f32) outs(%max : memref<?xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%max : memref<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.maximumf %in, %out : f32
      linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%max : memref<?xf32>) outs(%x : memref<?x?xf32>) {
    ^bb0(%m: f32, %out: f32):
      %0 = arith.subf %out, %m : f32
      %1 = math.exp %0 : f32
      linalg.yield %1 : f32
  }
  memref.dealloc %max : memref<?xf32>
  %sum = memref.alloc(%rows) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%sum : memref<?xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%sum : memref<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%sum : memref<?xf32>) outs(%x : memref<?x?xf32>) {
    ^bb0(%s: f32, %out: f32):
      %0 = arith.divf %out, %s : f32
      linalg.yield %0 : f32
  }
  memref.dealloc %sum : memref<?xf32>
  return %x : memref<?x?xf32>
}
func.func private @produce(memref<?x?xf32>)

// -----

// The second one's rows are the first one's columns.
// CHECK-LABEL: func.func @left_apart_transposed(
func.func @left_apart_transposed(%x: memref<8x8xf32>, %y: memref<8xf32>) {
  // CHECK-COUNT-2: par.for
  %t = memref.alloc() : memref<8x8xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j, i)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<8x8xf32>) outs(%t : memref<8x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%t : memref<8x8xf32>) outs(%y : memref<8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  memref.dealloc %t : memref<8x8xf32>
  return
}

// -----

// Nothing says that there are as many rows in the one as in the other; nor, in @left_apart_arguments,
// that %y is not %x from another row on; in @left_apart_read, the load wants all sums.
#rows = affine_map<(i, j) -> (i, j)>
#sums = affine_map<(i, j) -> (i)>
// CHECK-LABEL: func.func @left_apart_sizes(
func.func @left_apart_sizes(%x: memref<?x8xf32>, %z: memref<?x8xf32>, %n: index, %m: index) {
  // CHECK-COUNT-2: par.for
  %a = memref.alloc(%n) : memref<?xf32>
  %b = memref.alloc(%m) : memref<?xf32>
  linalg.generic {indexing_maps = [#rows, #sums], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x8xf32>) outs(%a : memref<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#rows, #sums], iterator_types = ["parallel", "reduction"]}
      ins(%z : memref<?x8xf32>) outs(%b : memref<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  return
}
// CHECK-LABEL: func.func @left_apart_arguments(
func.func @left_apart_arguments(%x: memref<9x8xf32>, %y: memref<9x8xf32>) {
  // CHECK-COUNT-2: par.for
  %a = memref.alloc() : memref<9xf32>
  linalg.generic {indexing_maps = [#rows, #sums], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<9x8xf32>) outs(%a : memref<9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#sums, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<9xf32>) outs(%y : memref<9x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
  }
  return
}
// CHECK-LABEL: func.func @left_apart_read(
func.func @left_apart_read(%x: memref<9x8xf32>, %i: index) -> f32 {
  // CHECK:      par.for
  // CHECK:      memref.load
  // CHECK:      par.for
  %a = memref.alloc() : memref<9xf32>
  %b = memref.alloc() : memref<9xf32>
  linalg.generic {indexing_maps = [#rows, #sums], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<9x8xf32>) outs(%a : memref<9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  %v = memref.load %a[%i] : memref<9xf32>
  linalg.generic {indexing_maps = [#rows, #sums], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<9x8xf32>) outs(%b : memref<9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.mulf %in, %v : f32
      %1 = arith.addf %0, %out : f32
      linalg.yield %1 : f32
  }
  return %v : f32
}

// -----

// Elements of few rows are faster one by one.
// CHECK-LABEL: func.func @left_apart_elementwise(
func.func @left_apart_elementwise(%x: memref<2x?xf32>, %n: index) {
  // CHECK-COUNT-2: par.for
  %a = memref.alloc(%n) : memref<2x?xf32>
  %b = memref.alloc(%n) : memref<2x?xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<2x?xf32>) outs(%b : memref<2x?xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%b : memref<2x?xf32>) outs(%a : memref<2x?xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
  }
  return
}

// -----

// The second reads what the first one writes wherever it wants to, in its body.
// CHECK-LABEL: func.func @left_apart_gather(
func.func @left_apart_gather(%x: memref<9x8xf32>, %i: index) {
  // CHECK-COUNT-2: par.for
  %a = memref.alloc() : memref<9xf32>
  %b = memref.alloc() : memref<9xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<9x8xf32>) outs(%a : memref<9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%b : memref<9xf32>) {
    ^bb0(%out: f32):
      %0 = memref.load %a[%i] : memref<9xf32>
      linalg.yield %0 : f32
  }
  return
}

// -----

// The third has rows of two loops, of which the second has more: it stands apart, and all of %b is written.
// CHECK-LABEL: func.func @left_apart_shorter_rows(
func.func @left_apart_shorter_rows(%x: memref<8x1xf32>, %y: memref<8x4xf32>, %z: memref<8x1x16xf32>)
    -> (memref<8x1xf32>, memref<8x4xf32>, memref<8x1xf32>) {
  // CHECK-COUNT-3: par.for
  %a = memref.alloc() : memref<8x1xf32>
  %b = memref.alloc() : memref<8x4xf32>
  %c = memref.alloc() : memref<8x1xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<8x1xf32>) outs(%a : memref<8x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %in : f32
      linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<8x4xf32>) outs(%b : memref<8x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %in : f32
      linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i, j)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%z : memref<8x1x16xf32>) outs(%c : memref<8x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.addf %in, %out : f32
      linalg.yield %0 : f32
  }
  return %a, %b, %c : memref<8x1xf32>, memref<8x4xf32>, memref<8x1xf32>
}
