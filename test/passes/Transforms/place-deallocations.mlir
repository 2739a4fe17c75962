// RUN: moec-opt %s --moec-place-deallocations --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @f(
// CHECK-SAME:    %[[X:.*]]: memref<4xf32>)
func.func @f(%x: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>) {
  // CHECK:      %[[A:.*]] = memref.alloc()
  %a = memref.alloc() : memref<4xf32>
  memref.copy %x, %a : memref<4xf32> to memref<4xf32>
  // CHECK:      %[[B:.*]] = memref.alloc()
  %b = memref.alloc() : memref<4xf32>
  // CHECK:      memref.copy %[[A]], %[[B]]
  // CHECK-NEXT: memref.dealloc %[[A]]
  memref.copy %a, %b : memref<4xf32> to memref<4xf32>
  // CHECK-NEXT: %[[C:.*]] = memref.alloc()
  // CHECK-NEXT: memref.copy %[[X]], %[[C]]
  // CHECK-NEXT: return %[[B]], %[[C]]
  return %b, %x : memref<4xf32>, memref<4xf32>
}

// -----

// A use of a view is a use of the buffer; one in a loop lasts until the loop ends.
// CHECK-LABEL: func.func @views(
func.func @views(%n: index, %x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK:      %[[A:.*]] = memref.alloc()
  %a = memref.alloc() : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  // CHECK:      scf.for
  scf.for %i = %c0 to %n step %c1 {
    %e = memref.load %v[%c0, %c1] : memref<2x4xf32>
    memref.store %e, %x[%c0] : memref<8xf32>
  }
  // CHECK:      }
  // CHECK-NEXT: memref.dealloc %[[A]]
  return
}

// -----

// What is returned twice, or in part, is copied.
// CHECK-LABEL: func.func @shared(
func.func @shared() -> (memref<4xf32>, memref<4xf32>, memref<2xf32, strided<[1], offset: 2>>) {
  // CHECK:      %[[A:.*]] = memref.alloc()
  %a = memref.alloc() : memref<4xf32>
  // CHECK:      memref.subview
  %s = memref.subview %a[2] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: 2>>
  // CHECK:      %[[B:.*]] = memref.alloc()
  // CHECK-NEXT: memref.copy %[[A]], %[[B]]
  // CHECK:      %[[C:.*]] = memref.alloc()
  // CHECK-NEXT: memref.copy %{{.*}}, %[[C]]
  // CHECK-NEXT: return %[[A]], %[[B]], %[[C]]
  return %a, %a, %s : memref<4xf32>, memref<4xf32>, memref<2xf32, strided<[1], offset: 2>>
}

// -----

// The buffer leaves its block: the runtime frees it.
// CHECK-LABEL: func.func @left_alone_yielded(
func.func @left_alone_yielded(%c: i1, %x: memref<4xf32>) {
  // CHECK-NOT: memref.dealloc
  %r = scf.if %c -> memref<4xf32> {
    %a = memref.alloc() : memref<4xf32>
    scf.yield %a : memref<4xf32>
  } else {
    scf.yield %x : memref<4xf32>
  }
  memref.copy %r, %x : memref<4xf32> to memref<4xf32>
  return
}
