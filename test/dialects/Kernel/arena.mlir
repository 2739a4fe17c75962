// RUN: moec-opt %s | moec-opt | FileCheck %s
// RUN: moec-opt %s --emit-bytecode | moec-opt | FileCheck %s

// CHECK-LABEL: func.func @arena(
func.func @arena(%a: index, %b: index) {
  // CHECK:      %[[MEMORY:.*]], %[[OFFSETS:.*]] = kernel.arena sizes(%{{.*}}, %{{.*}}) entries [0 in 3 to 7, ? in 5 to 8, 1 in 7 to end] : memref<?xi8>, memref<3xindex>
  %memory, %offsets = kernel.arena sizes(%a, %b) entries [0 in 3 to 7, ? in 5 to 8, 1 in 7 to end]
      : memref<?xi8>, memref<3xindex>
  // CHECK:      kernel.place 1 in %[[MEMORY]] bytes %{{.*}} : memref<?xi8>
  %m = kernel.place 1 in %memory bytes %a : memref<?xi8>
  memref.dealloc %m : memref<?xi8>
  return
}
