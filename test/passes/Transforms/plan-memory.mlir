// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(moec-plan-memory),canonicalize,cse)' --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: memref<?x8xf32>)
func.func @main(%x: memref<?x8xf32>) -> memref<?x8xf32> {
  // CHECK-DAG:  %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG:  %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG:  %[[C32:.*]] = arith.constant 32 : index
  // CHECK:      %[[N:.*]] = memref.dim %[[X]], %[[C0]] : memref<?x8xf32>
  // CHECK:      %[[BYTES:.*]] = arith.muli %[[N]], %[[C32]] : index
  // CHECK:      %[[MEMORY:.*]], %[[OFFSETS:.*]] = kernel.arena sizes(%[[BYTES]]) entries [0 in 3 to 5, 0 in 5 to end] : memref<?xi8>, memref<2xindex>
  // CHECK-NEXT: %[[START:.*]] = memref.load %[[OFFSETS]][%[[C0]]] : memref<2xindex>
  // CHECK-NEXT: %[[A:.*]] = memref.view %[[MEMORY]][%[[START]]][%[[N]]] : memref<?xi8> to memref<?x8xf32>
  // CHECK-NEXT: memref.copy %[[X]], %[[A]]
  // CHECK-NEXT: memref.load %[[OFFSETS]][%[[C1]]]
  // CHECK-NEXT: %[[B:.*]] = memref.view %[[MEMORY]]
  // CHECK-NEXT: memref.copy %[[A]], %[[B]]
  // CHECK-NEXT: return %[[B]]
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%n) : memref<?x8xf32>
  memref.copy %x, %a : memref<?x8xf32> to memref<?x8xf32>
  %b = memref.alloc(%n) : memref<?x8xf32>
  memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
  memref.dealloc %a : memref<?x8xf32>
  return %b : memref<?x8xf32>
}

// -----

// Sizes are followed through views; equal products are one size, in whatever order they are written.
// CHECK-LABEL: func.func @sizes(
// CHECK-SAME:    %[[X:.*]]: memref<?x?xf32>)
func.func @sizes(%x: memref<?x?xf32>) {
  // CHECK-DAG:  %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG:  %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG:  %[[C4:.*]] = arith.constant 4 : index
  // CHECK-DAG:  %[[M:.*]] = memref.dim %[[X]], %[[C0]] : memref<?x?xf32>
  // CHECK-DAG:  %[[N:.*]] = memref.dim %[[X]], %[[C1]] : memref<?x?xf32>
  // CHECK:      %[[ROWS:.*]] = arith.muli %[[M]], %[[C4]] : index
  // CHECK:      %[[ALL:.*]] = arith.muli %[[ROWS]], %[[N]] : index
  // CHECK:      kernel.arena sizes(%[[ALL]]) entries [0 in 6 to 6, 0 in 10 to 10]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = call @make(%x) : (memref<?x?xf32>) -> memref<?x?xf32>
  %flat = memref.collapse_shape %x [[0, 1]] : memref<?x?xf32> into memref<?xf32>
  %all = memref.dim %flat, %c0 : memref<?xf32>
  %b = memref.alloc(%all) : memref<?xf32>
  memref.copy %flat, %b : memref<?xf32> to memref<?xf32>
  %n = memref.dim %x, %c1 : memref<?x?xf32>
  %m = memref.dim %x, %c0 : memref<?x?xf32>
  %c = memref.alloc(%n, %m) : memref<?x?xf32>
  call @use(%c) : (memref<?x?xf32>) -> ()
  return
}
func.func private @make(memref<?x?xf32>) -> memref<?x?xf32>
func.func private @use(memref<?x?xf32>)

// -----

// A size that depends on data is known when it is reached. What it makes is still freed: it may
// have memory of its own.
// CHECK-LABEL: func.func @data(
func.func @data(%x: memref<1xindex>, %y: memref<?xf32>) -> memref<?xf32> {
  // CHECK:      %[[MEMORY:.*]], %{{.*}} = kernel.arena sizes() entries [? in 3 to 3, ? in 6 to end]
  // CHECK:      %[[N:.*]] = memref.load %{{.*}} : memref<1xindex>
  // CHECK:      %[[BYTES:.*]] = arith.muli %[[N]], %{{.*}} : index
  // CHECK:      %[[P:.*]] = kernel.place %{{.*}} in %[[MEMORY]] bytes %[[BYTES]]
  // CHECK:      %[[A:.*]] = memref.view %[[P]][%{{.*}}][%[[N]]]
  // CHECK-NEXT: call @use(%[[A]])
  // CHECK-NEXT: memref.dealloc %[[P]]
  // CHECK:      kernel.place %{{.*}} in %[[MEMORY]]
  %c0 = arith.constant 0 : index
  %n = memref.load %x[%c0] : memref<1xindex>
  %a = memref.alloc(%n) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  memref.dealloc %a : memref<?xf32>
  %b = memref.alloc(%n) : memref<?xf32>
  call @use(%b) : (memref<?xf32>) -> ()
  return %b : memref<?xf32>
}
func.func private @use(memref<?xf32>)

// -----

// A check of sizes fails before memory of a size that makes no sense is asked for. What the check
// guards may divide by 0 now.
// CHECK-LABEL: func.func @checks(
func.func @checks(%x: memref<?xf32>, %y: memref<?xf32>) {
  // CHECK-DAG:  %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG:  %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG:  %[[D:.*]] = memref.dim %{{.*}}, %[[C0]] : memref<?xf32>
  // CHECK-DAG:  %[[NONZERO:.*]] = arith.cmpi ne, %[[D]], %[[C0]] : index
  // CHECK:      kernel.check %[[NONZERO]], "divides by 0"
  // CHECK:      %[[ISZERO:.*]] = arith.cmpi eq, %[[D]], %[[C0]] : index
  // CHECK:      %[[SAFE:.*]] = arith.select %[[ISZERO]], %[[C1]], %[[D]] : index
  // CHECK:      arith.divsi %{{.*}}, %[[SAFE]] : index
  // CHECK:      kernel.arena
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %d = memref.dim %y, %c0 : memref<?xf32>
  call @use(%x) : (memref<?xf32>) -> ()
  %ok = arith.cmpi ne, %d, %c0 : index
  kernel.check %ok, "divides by 0"
  %size = arith.divsi %n, %d : index
  %a = memref.alloc(%size) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  return
}
func.func private @use(memref<?xf32>)

// -----

// Allocations in regions, and those that leave one, stay; functions that are called as well.
// CHECK-LABEL: func.func @left_alone_regions(
func.func @left_alone_regions(%n: index, %c: i1) {
  // CHECK-NOT:  kernel.arena
  // CHECK:      memref.alloc
  // CHECK:      scf.if
  // CHECK:      memref.alloc
  %a = memref.alloc(%n) : memref<?xf32>
  %r = scf.if %c -> memref<?xf32> {
    scf.yield %a : memref<?xf32>
  } else {
    %b = memref.alloc(%n) : memref<?xf32>
    scf.yield %b : memref<?xf32>
  }
  call @use(%r) : (memref<?xf32>) -> ()
  return
}
// CHECK-LABEL: func.func private @left_alone_private(
func.func private @left_alone_private(%n: index) {
  // CHECK-NOT:  kernel.arena
  %a = memref.alloc(%n) : memref<?xf32>
  call @use(%a) : (memref<?xf32>) -> ()
  return
}
func.func private @use(memref<?xf32>)
