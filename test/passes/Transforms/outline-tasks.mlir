// RUN: moec-opt %s --par-outline-tasks --split-input-file | FileCheck %s

// CHECK-LABEL: func.func private @fill_task(
// CHECK-SAME:    %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[V:.*]]: f32, %[[OUT:.*]]: memref<?xf32>)
// CHECK-NEXT:    %[[C1:.*]] = arith.constant 1 : index
// CHECK-NEXT:    scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]] step %[[C1]]
// CHECK-NEXT:      memref.store %[[V]], %[[OUT]][%[[I]]]
// CHECK-LABEL: func.func @fill(
// CHECK-SAME:    %[[N:.*]]: index, %[[GRAIN:.*]]: index, %[[OUT:.*]]: memref<?xf32>, %[[V:.*]]: f32)
// CHECK-NEXT:    par.launch @fill_task in %[[N]] grain %[[GRAIN]] args(%[[V]], %[[OUT]] : f32, memref<?xf32>)
func.func @fill(%n: index, %grain: index, %out: memref<?xf32>, %v: f32) {
  par.for %begin, %end in %n grain %grain {
    %c1 = arith.constant 1 : index
    scf.for %i = %begin to %end step %c1 {
      memref.store %v, %out[%i] : memref<?xf32>
    }
  }
  return
}

// -----

// Equal bodies become one task; constants from outside go into it.
// CHECK:      func.func private @twice_task(
// CHECK-DAG:    arith.constant 1 : index
// CHECK-DAG:    arith.constant 0.0{{.*}} : f32
// CHECK-NOT:  func.func private
// CHECK:      func.func @twice(
// CHECK:        par.launch @twice_task in %{{.*}} grain %{{.*}} args(%[[A:.*]] : memref<?xf32>)
// CHECK:        par.launch @twice_task in %{{.*}} grain %{{.*}} args(%[[B:.*]] : memref<?xf32>)
func.func @twice(%n: index, %a: memref<?xf32>, %b: memref<?xf32>) {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  par.for %begin, %end in %n grain %c1 {
    scf.for %i = %begin to %end step %c1 {
      memref.store %zero, %a[%i] : memref<?xf32>
    }
  }
  par.for %begin, %end in %n grain %c1 {
    scf.for %i = %begin to %end step %c1 {
      memref.store %zero, %b[%i] : memref<?xf32>
    }
  }
  return
}

// -----

// Bodies that differ stay apart.
// CHECK-COUNT-2: func.func private @differ_task
func.func @differ(%n: index, %a: memref<?xf32>) {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  par.for %begin, %end in %n grain %c1 {
    memref.store %zero, %a[%begin] : memref<?xf32>
  }
  par.for %begin, %end in %n grain %c1 {
    memref.store %one, %a[%begin] : memref<?xf32>
  }
  return
}

// -----

// A task has the name of its node, which a profiler shows.
// CHECK:      func.func private @task__layers.0_mlp_Mul_1(
// CHECK:      func.func @named(
// CHECK:        par.launch @task__layers.0_mlp_Mul_1 in
func.func @named(%n: index, %a: memref<?xf32>, %v: f32) {
  par.for %begin, %end in %n grain %n {
    memref.store %v, %a[%begin] : memref<?xf32>
  } loc("/layers.0/mlp/Mul:1")
  return
}
