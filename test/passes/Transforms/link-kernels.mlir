// RUN: moec-opt %s --moec-link-kernels --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<4x8xf32>)
func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
  // CHECK-DAG:  %[[A:.*]] = memref.cast %[[X]] : memref<4x8xf32> to memref<?x?xf32>
  // CHECK-DAG:  %[[B:.*]] = memref.cast %[[Y]] : memref<4x8xf32> to memref<?x?xf32>
  // CHECK:      call @twice(%[[A]], %[[B]]) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  kernel.call @twice ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>)
  return
}
func.func private @twice(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  return
}

// -----

// From the generator: one function, however often it is called, with what it calls.
// CHECK-LABEL: func.func @generated(
func.func @generated(%a: memref<1x?x?xf32>, %b: memref<1x?x?xf32>, %c: memref<1x?x?xf32>) {
  // CHECK-COUNT-2: call @matmul_f32(
  kernel.call @matmul_f32 ins(%a, %b : memref<1x?x?xf32>, memref<1x?x?xf32>) outs(%c : memref<1x?x?xf32>)
  kernel.call @matmul_f32 ins(%a, %b : memref<1x?x?xf32>, memref<1x?x?xf32>) outs(%c : memref<1x?x?xf32>)
  return
}
// CHECK:     func.func private @matmul_f32(
// CHECK-NOT: func.func private @matmul_f32(

// -----

// A view is copied: a cast to a dense buffer would lose its offset. Outputs are copied back.
// CHECK-LABEL: func.func @views(
// CHECK-SAME:    %[[X:.*]]: memref<4x8xf32, strided<[16, 1], offset: ?>>, %[[Y:.*]]: memref<4x8xf32, strided<[16, 1]>>)
func.func @views(%x: memref<4x8xf32, strided<[16, 1], offset: ?>>, %y: memref<4x8xf32, strided<[16, 1]>>) {
  // CHECK:      %[[A:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
  // CHECK:      memref.copy %[[X]], %[[A]]
  // CHECK:      %[[B:.*]] = memref.alloc() {{.*}} : memref<4x8xf32>
  // CHECK:      call @twice(
  // CHECK:      memref.copy %[[B]], %[[Y]]
  kernel.call @twice ins(%x : memref<4x8xf32, strided<[16, 1], offset: ?>>)
      outs(%y : memref<4x8xf32, strided<[16, 1]>>)
  return
}
func.func private @twice(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  return
}

// -----

// The second matrices of a product may have any strides: a part of a buffer is read in place.
// CHECK-LABEL: func.func @second_matrices(
func.func @second_matrices(%a: memref<2x?x8xf32>, %b: memref<2x?x8xf32, strided<[512, 8, 1], offset: ?>>,
                           %c: memref<2x?x?xf32>) {
  // CHECK-NOT:  memref.copy
  // CHECK:      call @matmul_nt_f32(
  kernel.call @matmul_nt_f32 ins(%a, %b : memref<2x?x8xf32>, memref<2x?x8xf32, strided<[512, 8, 1], offset: ?>>)
      outs(%c : memref<2x?x?xf32>)
  return
}
