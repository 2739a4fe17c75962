// RUN: moec-opt %s --moec-reuse-buffers --split-input-file | FileCheck %s

#id = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @main(
func.func @main(%x: memref<4xf32>, %f: f32) -> memref<4xf32> {
  // CHECK:      %[[A:.*]] = memref.alloc()
  // CHECK-NEXT: linalg.fill
  // CHECK-NEXT: linalg.generic {{.*}} ins(%[[A]], %{{.*}}) outs(%[[A]] : memref<4xf32>)
  // CHECK-NEXT:   ^bb0
  // CHECK-NEXT:   arith.addf
  // CHECK-NEXT:   linalg.yield
  // CHECK:      return %[[A]]
  %a = memref.alloc() : memref<4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<4xf32>)
  %b = memref.alloc() : memref<4xf32>
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%a, %x : memref<4xf32>, memref<4xf32>) outs(%b : memref<4xf32>) {
    ^bb0(%p: f32, %q: f32, %out: f32):
      %0 = arith.addf %p, %q : f32
      linalg.yield %0 : f32
  }
  return %b : memref<4xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
// Another shape of the same elements, whose sizes are known better: one value for both.
// CHECK-LABEL: func.func @views(
func.func @views(%n: index, %f: f32) -> memref<1x?xf32> {
  // CHECK:      %[[A:.*]] = memref.alloc
  // CHECK:      %[[V:.*]] = memref.expand_shape %[[A]]
  // CHECK-NEXT: %[[CAST:.*]] = memref.cast %[[V]] : memref<?x?xf32> to memref<1x?xf32>
  // CHECK-NEXT: linalg.generic {{.*}} ins(%[[CAST]] : memref<1x?xf32>) outs(%[[CAST]] : memref<1x?xf32>)
  // CHECK:      return %[[CAST]]
  %c1 = arith.constant 1 : index
  %a = memref.alloc(%n) : memref<?xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<?xf32>)
  %v = memref.expand_shape %a [[0, 1]] output_shape [%c1, %n] : memref<?xf32> into memref<?x?xf32>
  %b = memref.alloc(%n) : memref<1x?xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v : memref<?x?xf32>) outs(%b : memref<1x?xf32>) {
    ^bb0(%p: f32, %out: f32):
      %0 = arith.negf %p : f32
      linalg.yield %0 : f32
  }
  return %b : memref<1x?xf32>
}

// -----

// CHECK-LABEL: func.func @copy(
func.func @copy(%f: f32) -> memref<4xf32> {
  // CHECK:      %[[A:.*]] = memref.alloc()
  // CHECK-NEXT: linalg.fill ins(%{{.*}}) outs(%[[A]] :
  // CHECK-NEXT: memref.store %{{.*}}, %[[A]]
  // CHECK-NEXT: return %[[A]]
  %c0 = arith.constant 0 : index
  %a = memref.alloc() : memref<4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<4xf32>)
  %b = memref.alloc() : memref<4xf32>
  memref.copy %a, %b : memref<4xf32> to memref<4xf32>
  memref.store %f, %b[%c0] : memref<4xf32>
  return %b : memref<4xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_read_later(
func.func @left_alone_read_later(%f: f32) -> (memref<4xf32>, f32) {
  // CHECK-COUNT-2: memref.alloc
  // CHECK:      memref.copy
  %c0 = arith.constant 0 : index
  %a = memref.alloc() : memref<4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<4xf32>)
  %b = memref.alloc() : memref<4xf32>
  memref.copy %a, %b : memref<4xf32> to memref<4xf32>
  memref.store %f, %b[%c0] : memref<4xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  %0 = memref.load %v[%c0, %c0] : memref<2x2xf32>
  return %b, %0 : memref<4xf32>, f32
}

// -----

// CHECK-LABEL: func.func @left_alone_argument(
func.func @left_alone_argument(%x: memref<4xf32>) -> memref<4xf32> {
  // CHECK:      memref.copy
  %b = memref.alloc() : memref<4xf32>
  memref.copy %x, %b : memref<4xf32> to memref<4xf32>
  return %b : memref<4xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#transposed = affine_map<(d0, d1) -> (d1, d0)>
// The element that is read is another one than the one written: by a transposed walk of the buffer,
// alone or beside the straight one, or by a load in the body.
// CHECK-LABEL: func.func @left_alone_other_elements(
func.func @left_alone_other_elements(%f: f32) -> (memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>) {
  // CHECK-COUNT-6: memref.alloc
  %a0 = memref.alloc() : memref<4x4xf32>
  linalg.fill ins(%f : f32) outs(%a0 : memref<4x4xf32>)
  %b0 = memref.alloc() : memref<4x4xf32>
  linalg.generic {indexing_maps = [#transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a0 : memref<4x4xf32>) outs(%b0 : memref<4x4xf32>) {
    ^bb0(%p: f32, %out: f32):
      linalg.yield %p : f32
  }
  %a1 = memref.alloc() : memref<4x4xf32>
  linalg.fill ins(%f : f32) outs(%a1 : memref<4x4xf32>)
  %b1 = memref.alloc() : memref<4x4xf32>
  linalg.generic {indexing_maps = [#id, #transposed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a1, %a1 : memref<4x4xf32>, memref<4x4xf32>) outs(%b1 : memref<4x4xf32>) {
    ^bb0(%p: f32, %q: f32, %out: f32):
      %0 = arith.addf %p, %q : f32
      linalg.yield %0 : f32
  }
  %a2 = memref.alloc() : memref<4x4xf32>
  linalg.fill ins(%f : f32) outs(%a2 : memref<4x4xf32>)
  %b2 = memref.alloc() : memref<4x4xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a2 : memref<4x4xf32>) outs(%b2 : memref<4x4xf32>) {
    ^bb0(%p: f32, %out: f32):
      %i = linalg.index 0 : index
      %0 = memref.load %a2[%i, %i] : memref<4x4xf32>
      %1 = arith.addf %p, %0 : f32
      linalg.yield %1 : f32
  }
  // CHECK:      return
  return %b0, %b1, %b2 : memref<4x4xf32>, memref<4x4xf32>, memref<4x4xf32>
}

// -----

#id = affine_map<(d0) -> (d0)>
// The second result cannot have the buffer too; one that is read before it is written has contents.
// CHECK-LABEL: func.func @left_alone_taken(
func.func @left_alone_taken(%f: f32) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>) {
  // CHECK:      %[[A:.*]] = memref.alloc()
  // CHECK-NEXT: linalg.fill
  // CHECK-NEXT: %[[C:.*]] = memref.alloc()
  // CHECK-NEXT: linalg.generic {{.*}} ins(%[[A]] : memref<4xf32>) outs(%[[A]], %[[C]] :
  %a = memref.alloc() : memref<4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<4xf32>)
  %b = memref.alloc() : memref<4xf32>
  %c = memref.alloc() : memref<4xf32>
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%a : memref<4xf32>) outs(%b, %c : memref<4xf32>, memref<4xf32>) {
    ^bb0(%p: f32, %out0: f32, %out1: f32):
      %0 = arith.negf %p : f32
      linalg.yield %0, %p : f32, f32
  }
  // CHECK:      %[[D:.*]] = memref.alloc()
  // CHECK:      %[[E:.*]] = memref.alloc()
  // CHECK:      linalg.generic {{.*}} ins(%[[D]] : memref<4xf32>) outs(%[[E]] :
  %d = memref.alloc() : memref<4xf32>
  linalg.fill ins(%f : f32) outs(%d : memref<4xf32>)
  %e = memref.alloc() : memref<4xf32>
  linalg.fill ins(%f : f32) outs(%e : memref<4xf32>)
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%d : memref<4xf32>) outs(%e : memref<4xf32>) {
    ^bb0(%p: f32, %out: f32):
      %0 = arith.addf %p, %out : f32
      linalg.yield %0 : f32
  }
  return %b, %c, %e : memref<4xf32>, memref<4xf32>, memref<4xf32>
}
