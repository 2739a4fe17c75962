// RUN: moec-opt %s --convert-moec-to-llvm --split-input-file | FileCheck %s

// CHECK-DAG: llvm.func @moec_rt_alloc(!llvm.ptr, i64) -> !llvm.ptr

// CHECK:      llvm.func internal @main(%[[CONTEXT:[a-z0-9]*]]: !llvm.ptr,
// CHECK:        llvm.call @moec_rt_alloc(%[[CONTEXT]], %{{.*}}) : (!llvm.ptr, i64) -> !llvm.ptr
// CHECK:      llvm.func hidden @moec_entry(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK:        llvm.call @main(
// CHECK:        llvm.store
func.func @main(%n: memref<1xf32>) -> memref<1xf32> {
  %y = memref.alloc() : memref<1xf32>
  memref.copy %n, %y : memref<1xf32> to memref<1xf32>
  return %y : memref<1xf32>
}

// -----

// The context is handed on; a task's arguments travel in a structure.

// CHECK:      llvm.func internal @main(%[[CONTEXT:[a-z0-9]*]]: !llvm.ptr,
// CHECK:        %[[PACKED:.*]] = llvm.alloca
// CHECK:        %[[TASK:.*]] = llvm.mlir.addressof @task_launch
// CHECK:        llvm.call @moec_rt_parallel(%[[CONTEXT]], %[[TASK]], %[[PACKED]], %{{.*}}, %{{.*}})
func.func @main(%x: memref<?xf32>) {
  %n = arith.constant 100 : index
  %grain = arith.constant 10 : index
  par.launch @task in %n grain %grain args(%x : memref<?xf32>)
  return
}
// CHECK:      llvm.func @task(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr,
// CHECK:      llvm.func internal @task_launch(%[[OWN:.*]]: !llvm.ptr, %[[ARGS:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %{{.*}}: i64)
// CHECK:        llvm.load %[[ARGS]]
// CHECK:        llvm.call @task(%[[OWN]], %[[BEGIN]], %[[END]],
func.func private @task(%begin: index, %end: index, %x: memref<?xf32>) {
  return
}

// -----

// A weight is a place in the packed weights; a check leaves the call with the name of its node.

// CHECK-DAG:  llvm.mlir.global external hidden @moec_rt_weights() {{.*}} : !llvm.ptr
// CHECK-DAG:  llvm.mlir.global internal constant @[[NODE:.*]]("the_node\00")
// CHECK-DAG:  llvm.mlir.global internal constant @[[TEXT:.*]]("is wrong\00")
moe.weight_file @file "weights" size 1024
moe.weight_data @weight in @file[0, 1024] : tensor<256xf32>
kernel.packed @w0 from @weight offset 4096 size 1024
// CHECK:      llvm.func internal @main
func.func @main(%flag: memref<1xi1>) -> memref<1xf32> {
  %c0 = arith.constant 0 : index
  %ok = memref.load %flag[%c0] : memref<1xi1>
  // CHECK:      %[[BASE:.*]] = llvm.load %{{.*}} invariant : !llvm.ptr -> !llvm.ptr
  // CHECK:      %[[OFFSET:.*]] = llvm.mlir.constant(4096 : i64)
  // CHECK:      llvm.getelementptr %[[BASE]][%[[OFFSET]]]
  %w = kernel.weight @w0 : memref<256xf32>
  // CHECK:      llvm.call @moec_rt_fail(%{{.*}}, %{{.*}}, %{{.*}})
  // CHECK-NEXT: llvm.unreachable
  kernel.check %ok, "is wrong" loc("the_node")
  %y = memref.alloc() : memref<1xf32>
  %v = memref.load %w[%c0] : memref<256xf32>
  memref.store %v, %y[%c0] : memref<1xf32>
  // CHECK-NOT:  llvm.call @moec_rt_free
  return %y : memref<1xf32>
}

// -----

// The node that a check speaks of may be the caller's to say.

// CHECK-DAG:  llvm.mlir.global internal constant @[[NODE:.*]]("its_node\00")
// CHECK:      llvm.func @part(%{{.*}}: !llvm.ptr, %[[OK:.*]]: i1, %[[NAME:.*]]: i64)
// CHECK:        %[[POINTER:.*]] = llvm.inttoptr %[[NAME]] : i64 to !llvm.ptr
// CHECK:        llvm.call @moec_rt_fail(%{{.*}}, %[[POINTER]], %{{.*}})
func.func private @part(%ok: i1, %node: index) {
  kernel.check %ok, "is wrong" node %node loc("the_first")
  return
}
// CHECK:      llvm.func internal @main
// CHECK:        %[[TEXT:.*]] = llvm.mlir.addressof @[[NODE]]
// CHECK:        %[[NAME:.*]] = llvm.ptrtoint %[[TEXT]] : !llvm.ptr to i64
// CHECK:        llvm.call @part(%{{.*}}, %{{.*}}, %[[NAME]])
func.func @main(%flag: memref<1xi1>) {
  %c0 = arith.constant 0 : index
  %ok = memref.load %flag[%c0] : memref<1xi1>
  %node = kernel.node_name "its_node"
  call @part(%ok, %node) : (i1, index) -> ()
  return
}

// -----

// Maxima stay what LLVM makes vectors of; division that rounds up does not exist there.

// CHECK:      llvm.func internal @main
// CHECK:        llvm.intr.maximum
// CHECK:        llvm.sdiv
func.func @main(%x: memref<2xf32>, %n: memref<1xi64>) {
  %c0 = arith.constant 0 : index
  %a = memref.load %x[%c0] : memref<2xf32>
  %c1 = arith.constant 1 : index
  %b = memref.load %x[%c1] : memref<2xf32>
  %c = arith.maximumf %a, %b : f32
  memref.store %c, %x[%c0] : memref<2xf32>
  %i = memref.load %n[%c0] : memref<1xi64>
  %j = arith.ceildivsi %i, %i : i64
  memref.store %j, %n[%c0] : memref<1xi64>
  return
}

// -----

// State comes behind the inputs: the number of rows in the shape of a buffer of its own, and memory.

// CHECK:      llvm.func internal @main(%[[CONTEXT:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr
// CHECK:        llvm.call @moec_rt_append_state(%[[CONTEXT]], %{{.*}}) : (!llvm.ptr, i64) -> ()
// CHECK:      llvm.func hidden @moec_entry(%{{.*}}: !llvm.ptr, %[[INPUTS:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK:        %[[ROWS:.*]] = llvm.getelementptr %[[INPUTS]][0, 1, 0]
// CHECK:        llvm.load %[[ROWS]] : !llvm.ptr -> i64
func.func @main(%length: index, %state: memref<?x4xf32> {moec.state = "past"}) {
  %c1 = arith.constant 1 : index
  %c0 = arith.constant 0 : index
  kernel.append_state %c1
  %value = memref.load %state[%c0, %c0] : memref<?x4xf32>
  memref.store %value, %state[%length, %c0] : memref<?x4xf32>
  return
}
