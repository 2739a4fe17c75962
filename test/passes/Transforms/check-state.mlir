// RUN: moec-opt %s --moec-check-state | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    {moec.state = "past"}) -> memref<2x1x4xf32> {
func.func @main(%x: memref<2x1x4xf32>, %n: index, %s: memref<2x?x4xf32> {moec.state = "past"})
    -> (memref<2x1x4xf32>, memref<2x?x4xf32>) {
  // CHECK: memref.alloc
  %y = memref.alloc() : memref<2x1x4xf32>
  // CHECK: memref.subview
  %row = memref.subview %s[0, %n, 0] [2, 1, 4] [1, 1, 1]
      : memref<2x?x4xf32> to memref<2x1x4xf32, strided<[?, 4, 1], offset: ?>>
  // CHECK: memref.copy
  memref.copy %x, %row : memref<2x1x4xf32> to memref<2x1x4xf32, strided<[?, 4, 1], offset: ?>>
  // CHECK: return %{{.*}} : memref<2x1x4xf32>
  return %y, %s : memref<2x1x4xf32>, memref<2x?x4xf32>
}

// CHECK-LABEL: func.func @left_alone_stateless(
// CHECK-SAME:    -> memref<4xf32> {
func.func @left_alone_stateless(%x: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}
