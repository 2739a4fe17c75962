// RUN: moec-opt %s | moec-opt | FileCheck %s
// RUN: moec-opt %s --emit-bytecode | moec-opt | FileCheck %s

// CHECK-LABEL: func.func @arena(
func.func @arena(%a: index, %b: index) {
  // CHECK:      %[[MEMORY:.*]], %[[OFFSETS:.*]] = kernel.arena sizes(%{{.*}}, %{{.*}}) entries [0 in 3 to 7, ? in 5 to 8, 1 in 7 to end] : memref<?xi8>, memref<3xindex>
  %memory, %offsets = kernel.arena sizes(%a, %b) entries [0 in 3 to 7, ? in 5 to 8, 1 in 7 to end]
      : memref<?xi8>, memref<3xindex>
  // CHECK:      %[[C1:.*]] = arith.constant 1 : index
  // CHECK:      kernel.place %[[C1]] in %[[MEMORY]] bytes %{{.*}} : memref<?xi8>
  %c1 = arith.constant 1 : index
  %m = kernel.place %c1 in %memory bytes %a : memref<?xi8>
  memref.dealloc %m : memref<?xi8>
  return
}

// CHECK-LABEL: func.func private @callee(
// CHECK-SAME:      %[[MEMORY:.*]]: memref<?xi8>, %[[I:.*]]: index,
func.func private @callee(%memory: memref<?xi8>, %i: index, %a: index) {
  // CHECK:      kernel.place %[[I]] in %[[MEMORY]] bytes %{{.*}} : memref<?xi8>
  %m = kernel.place %i in %memory bytes %a : memref<?xi8>
  memref.dealloc %m : memref<?xi8>
  return
}
