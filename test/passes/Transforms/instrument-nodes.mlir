// RUN: moec-opt %s --moec-instrument-nodes --canonicalize --cse --split-input-file | FileCheck %s

// 2 · M · N · K operations for the product; the bytes of all three matrices.
// CHECK: module attributes {moec.profile = [{fused = [], node = "up", operator = "MatMul"}]}
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: memref<?x4xf32>, %{{.*}}: memref<4x8xf32>, %[[Y:.*]]: memref<?x8xf32>)
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG:     %[[C128:.*]] = arith.constant 128 : index
// CHECK-DAG:     %[[C16:.*]] = arith.constant 16 : index
// CHECK:         kernel.profile_start 1
// CHECK-NEXT:    kernel.profile_begin 0
// CHECK:         %[[M:.*]] = memref.dim %[[X]]
// CHECK:         %[[XBYTES:.*]] = arith.muli %[[M]], %[[C16]]
// CHECK:         %[[PART:.*]] = arith.addi %[[XBYTES]], %[[C128]]
// CHECK:         %[[ROWS:.*]] = memref.dim %[[Y]]
// CHECK:         %[[YBYTES:.*]] = arith.muli %[[ROWS]], %[[C32]]
// CHECK:         %[[BYTES:.*]] = arith.addi %[[PART]], %[[YBYTES]]
// CHECK:         %[[FLOPS:.*]] = arith.muli %[[ROWS]], %[[C64]]
// CHECK:         call @product(
// CHECK-NEXT:    kernel.profile_end 0 flops %[[FLOPS]] bytes %[[BYTES]]
// CHECK-NEXT:    return
func.func @main(%x: memref<?x4xf32>, %w: memref<4x8xf32>, %y: memref<?x8xf32>) {
  call @product(%x, %w, %y) : (memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>) -> () loc(fused<"MatMul">["up"])
  return
}
func.func private @product(memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>)
    attributes {kernel.multiply_adds = array<i64: 2, 0, 2, 1, 0, 1>}

// -----

#id = affine_map<(d0) -> (d0)>
#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Operations of one node are one stretch, whatever stands between; nodes fused into it are named. A loop
// nest that multiplies matrices counts, elementwise work and sums do not.
// CHECK:       moec.profile = [{fused = ["mul"], node = "add", operator = "Add"},
// CHECK-SAME:    {fused = [], node = "half", operator = "MatMul"}, {fused = [], node = "", operator = ""}]
// CHECK-LABEL: func.func @main(
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C48:.*]] = arith.constant 48 : index
// CHECK-DAG:     %[[C160:.*]] = arith.constant 160 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[C100:.*]] = arith.constant 100 : index
// CHECK:         kernel.profile_start 3
// CHECK-NEXT:    kernel.profile_begin 0
// CHECK-NEXT:    linalg.fill
// CHECK-NOT:     kernel.profile
// CHECK:         linalg.generic
// CHECK:         kernel.profile_end 0 flops %[[C0]] bytes %[[C64]]
// CHECK-NEXT:    kernel.profile_begin 1
// CHECK:         linalg.generic
// CHECK:         kernel.profile_end 1 flops %[[C48]] bytes %[[C100]]
// CHECK-NEXT:    kernel.profile_begin 2
// CHECK-NEXT:    memref.copy
// CHECK-NEXT:    kernel.profile_end 2 flops %[[C0]] bytes %[[C160]]
func.func @main(%x: memref<4xf32>, %h: memref<2x3xf16>, %g: memref<3x4xf16>, %y: memref<2x4xf32>,
                %from: memref<20xf32>, %to: memref<20xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%x : memref<4xf32>) loc(fused<"Add">["add"])
  %c1 = arith.constant 1 : index
  %row = memref.subview %y[0, 0] [1, 4] [1, 1] : memref<2x4xf32> to memref<4xf32, strided<[1]>>
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%x, %row : memref<4xf32>, memref<4xf32, strided<[1]>>) outs(%x : memref<4xf32>) {
    ^bb0(%p: f32, %q: f32, %out: f32):
      %0 = arith.mulf %p, %q : f32 loc(fused<"Mul">["mul"])
      %1 = arith.addf %0, %q : f32 loc(fused<"Add">["add"])
      linalg.yield %1 : f32
  } loc(fused<"Add">["add"])
  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%h, %g : memref<2x3xf16>, memref<3x4xf16>) outs(%y : memref<2x4xf32>) {
    ^bb0(%p: f16, %q: f16, %sum: f32):
      %0 = arith.extf %p : f16 to f32
      %1 = arith.extf %q : f16 to f32
      %2 = arith.mulf %0, %1 : f32
      %3 = arith.addf %sum, %2 : f32
      linalg.yield %3 : f32
  } loc(fused<"MatMul">["half"])
  memref.copy %from, %to : memref<20xf32> to memref<20xf32>
  return
}

// -----

// Work inside loops and tasks adds up in memory as it runs; tasks run at the same time.
// CHECK-LABEL: func.func @experts(
// CHECK:         %[[SUMS:.*]] = memref.alloca() : memref<2xi64>
// CHECK:         kernel.profile_begin 0
// CHECK-DAG:     memref.store %{{.*}}, %[[SUMS]][%c0]
// CHECK-DAG:     memref.store %{{.*}}, %[[SUMS]][%c1]
// CHECK:         scf.for %[[I:.*]] = %c0
// CHECK:           linalg.copy
// CHECK:           %[[FLOPS:.*]] = arith.muli %[[I]], %c64
// CHECK:           %[[MORE:.*]] = arith.index_cast %[[FLOPS]] : index to i64
// CHECK:           %[[OLD:.*]] = memref.load %[[SUMS]][%c0]
// CHECK:           %[[NEW:.*]] = arith.addi %[[OLD]], %[[MORE]]
// CHECK:           memref.store %[[NEW]], %[[SUMS]][%c0]
// CHECK:           func.call @product
// CHECK:         }
// CHECK:         %[[ALL:.*]] = memref.load %[[SUMS]][%c0]
// CHECK:         %[[SUM:.*]] = arith.index_cast %[[ALL]] : i64 to index
// CHECK:         kernel.profile_end 0 flops %[[SUM]] bytes
// CHECK:         kernel.profile_begin 1
// CHECK:         par.for
// CHECK:           memref.atomic_rmw addi %{{.*}}, %[[SUMS]][%c0]
// CHECK:           func.call @product
// CHECK:         }
// CHECK:         kernel.profile_end 1
func.func @experts(%e: index, %x: memref<?x4xf32>, %w: memref<4x8xf32>, %y: memref<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %e step %c1 {
    %rows = memref.subview %x[%i, 0] [%i, 4] [1, 1] : memref<?x4xf32> to memref<?x4xf32, strided<[4, 1], offset: ?>>
    %part = memref.alloc(%i) : memref<?x4xf32>
    memref.copy %rows, %part : memref<?x4xf32, strided<[4, 1], offset: ?>> to memref<?x4xf32>
    func.call @product(%part, %w, %y) : (memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>) -> ()
  } loc(fused<"moe.experts">["experts"])
  par.for %begin, %end in %e grain %c1 {
    func.call @product(%x, %w, %y) : (memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>) -> ()
  } loc(fused<"moe.experts">["parallel"])
  return
}
func.func private @product(memref<?x4xf32>, memref<4x8xf32>, memref<?x8xf32>)
    attributes {kernel.multiply_adds = array<i64: 0, 0, 2, 1, 0, 1>}

// -----

// A loop that works by elements counts as the buffers it takes, once. Functions that are called have
// no stretches of their own.
// CHECK-LABEL: func.func @elements(
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C72:.*]] = arith.constant 72 : index
// CHECK:         kernel.profile_begin 0
// CHECK:         scf.for
// CHECK:         kernel.profile_end 0 flops %[[C0]] bytes %[[C72]]
// CHECK-LABEL: func.func private @left_alone
// CHECK-NOT:     kernel.profile
func.func @elements(%x: memref<8xf64>, %y: memref<1xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %true = arith.constant 1 : i64
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %x[%i] : memref<8xf64>
    memref.store %true, %y[%c0] : memref<1xi64>
  } loc(fused<"NonZero">["where"])
  return
}
func.func private @left_alone(%x: memref<8xf64>, %y: memref<8xf64>) {
  memref.copy %x, %y : memref<8xf64> to memref<8xf64>
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Operations of several nodes that will share a loop over rows are one stretch, of the last of them.
// CHECK:       moec.profile = [{fused = ["scale"], node = "sum", operator = "ReduceSum"}]
// CHECK-LABEL: func.func @rows(
// CHECK:         kernel.profile_begin 0
// CHECK:         linalg.generic
// CHECK-NOT:     kernel.profile
// CHECK:         linalg.generic
// CHECK:         kernel.profile_end 0
func.func @rows(%x: memref<?x8xf32>) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %y = memref.alloc(%n) : memref<?x8xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
    ^bb0(%p: f32, %out: f32):
      %0 = arith.mulf %p, %p : f32
      linalg.yield %0 : f32
  } loc(fused<"Mul">["scale"])
  %sum = memref.alloc(%n) : memref<?xf32>
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%y : memref<?x8xf32>) outs(%sum : memref<?xf32>) {
    ^bb0(%p: f32, %out: f32):
      %0 = arith.addf %p, %out : f32
      linalg.yield %0 : f32
  } loc(fused<"ReduceSum">["sum"])
  return %sum : memref<?xf32>
}
