// RUN: moec-opt %s --split-input-file --moec-outline-repeats --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func private @main_part(
// CHECK-SAME:      %[[X:.*]]: memref<8xf32>, %[[I:.*]]: index, %[[Y:.*]]: memref<8xf32>) attributes {kernel.outlined, no_inline}
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK:         %[[J:.*]] = arith.addi %[[I]], %[[C1]] : index
// CHECK:         %[[A0:.*]] = memref.load %[[X]][%[[I]]] : memref<8xf32>
// CHECK:         %[[A1:.*]] = arith.negf %[[A0]] : f32
// CHECK:         %[[A2:.*]] = math.exp %[[A1]] : f32
// CHECK:         %[[A3:.*]] = arith.addf %[[A2]], %[[ONE]] : f32
// CHECK:         %[[A4:.*]] = arith.divf %[[ONE]], %[[A3]] : f32
// CHECK:         %[[A5:.*]] = arith.mulf %[[A0]], %[[A4]] : f32
// CHECK:         memref.store %[[A5]], %[[Y]][%[[I]]] : memref<8xf32>
// CHECK:         memref.store %[[A4]], %[[Y]][%[[J]]] : memref<8xf32>
// CHECK:         return
// CHECK-LABEL: func.func @main(
// CHECK-SAME:      %[[X:.*]]: memref<8xf32>, %[[Y:.*]]: memref<8xf32>)
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK:         call @main_part(%[[X]], %[[C0]], %[[Y]])
// CHECK-NEXT:    call @main_part(%[[X]], %[[C4]], %[[Y]])
// CHECK-NEXT:    return
func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  // expected-remark @+1 {{8 operations, which stand in 2 places, become 'main_part' with 3 arguments and 0 results}}
  %a0 = memref.load %x[%c0] : memref<8xf32>
  %a1 = arith.negf %a0 : f32
  %a2 = math.exp %a1 : f32
  %a3 = arith.addf %a2, %one : f32
  %a4 = arith.divf %one, %a3 : f32
  %a5 = arith.mulf %a0, %a4 : f32
  memref.store %a5, %y[%c0] : memref<8xf32>
  memref.store %a4, %y[%c1] : memref<8xf32>
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %b0 = memref.load %x[%c4] : memref<8xf32>
  %b1 = arith.negf %b0 : f32
  %b2 = math.exp %b1 : f32
  %b3 = arith.addf %b2, %one : f32
  %b4 = arith.divf %one, %b3 : f32
  %b5 = arith.mulf %b0, %b4 : f32
  memref.store %b5, %y[%c4] : memref<8xf32>
  memref.store %b4, %y[%c5] : memref<8xf32>
  return
}

// -----

// Results that are used later are returned; weights, places in the arena and the nodes that checks name
// are passed.
// CHECK-LABEL: func.func private @passed_part(
// CHECK-SAME:      %[[N:.*]]: index, %[[NODE:.*]]: index, %[[MEMORY:.*]]: memref<?xi8>, %[[PLACE:.*]]: index, %{{.*}}: memref<?xf32>, %[[W:.*]]: memref<4xf32>) -> f32
// CHECK:         kernel.check %{{.*}}, "too short" node %[[NODE]]
// CHECK:         kernel.place %[[PLACE]] in %[[MEMORY]]
// CHECK:         memref.load %[[W]]
// CHECK:         %[[R:.*]] = arith.mulf
// CHECK:         memref.dealloc
// CHECK:         return %[[R]] : f32
// CHECK-LABEL: func.func @passed(
// CHECK-DAG:     %[[NODE0:.*]] = kernel.node_name "first"
// CHECK-DAG:     %[[NODE1:.*]] = kernel.node_name "second"
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[W0:.*]] = kernel.weight @w0
// CHECK-DAG:     %[[W1:.*]] = kernel.weight @w1
// CHECK:         %[[MEMORY:.*]], %{{.*}} = kernel.arena
// CHECK:         %[[R0:.*]] = call @passed_part(%{{.*}}, %[[NODE0]], %[[MEMORY]], %[[C0]], %{{.*}}, %[[W0]])
// CHECK:         %[[R1:.*]] = call @passed_part(%{{.*}}, %[[NODE1]], %[[MEMORY]], %[[C1]], %{{.*}}, %[[W1]])
// CHECK:         arith.addf %[[R0]], %[[R1]]
kernel.packed @w0 from @a offset 0 size 16
kernel.packed @w1 from @b offset 64 size 16
moe.weight_file @f "f" size 100
moe.weight_data @a in @f[0, 16] : tensor<4xf32>
moe.weight_data @b in @f[16, 16] : tensor<4xf32>
func.func @passed(%n: index, %x: memref<?xf32>) -> f32 {
  %memory, %offsets = kernel.arena sizes(%n) entries [? in 3 to 7, ? in 5 to 9] : memref<?xi8>, memref<2xindex>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %w0 = kernel.weight @w0 : memref<4xf32>
  // expected-remark @+1 {{10 operations, which stand in 2 places, become 'passed_part' with 6 arguments and 1 results}}
  %ok0 = arith.cmpi ult, %c4, %n : index
  kernel.check %ok0, "too short" loc("first")
  %b0 = arith.muli %n, %c4 : index
  %m0 = kernel.place %c0 in %memory bytes %b0 : memref<?xi8>
  %v0 = memref.view %m0[%c0][%n] : memref<?xi8> to memref<?xf32>
  memref.copy %x, %v0 : memref<?xf32> to memref<?xf32>
  %p0 = memref.load %v0[%c1] : memref<?xf32>
  %q0 = memref.load %w0[%c1] : memref<4xf32>
  %r0 = arith.mulf %p0, %q0 : f32
  memref.dealloc %m0 : memref<?xi8>
  %w1 = kernel.weight @w1 : memref<4xf32>
  %ok1 = arith.cmpi ult, %c4, %n : index
  kernel.check %ok1, "too short" loc("second")
  %b1 = arith.muli %n, %c4 : index
  %m1 = kernel.place %c1 in %memory bytes %b1 : memref<?xi8>
  %v1 = memref.view %m1[%c0][%n] : memref<?xi8> to memref<?xf32>
  memref.copy %x, %v1 : memref<?xf32> to memref<?xf32>
  %p1 = memref.load %v1[%c1] : memref<?xf32>
  %q1 = memref.load %w1[%c1] : memref<4xf32>
  %r1 = arith.mulf %p1, %q1 : f32
  memref.dealloc %m1 : memref<?xi8>
  %sum = arith.addf %r0, %r1 : f32
  return %sum : f32
}

// -----

// Layers of experts: functions inside a function.
// CHECK-LABEL: func.func private @nested_part(
// CHECK:         math.exp
// CHECK-NOT:     call
// CHECK-LABEL: func.func private @nested_part_0(
// CHECK-COUNT-3: call @nested_part(
// CHECK-NOT:     call @nested_part(
// CHECK-LABEL: func.func @nested(
// CHECK-COUNT-4: call @nested_part_0(
// CHECK-NOT:     call
// CHECK:         return
func.func @nested(%x: f32, %y: memref<16xf32>) {
  // expected-remark @+1 {{9 operations, which stand in 4 places, become 'nested_part_0' with 3 arguments and 1 results}}
  %l0 = math.log %x : f32
  %m0 = math.cos %l0 : f32
  %n0 = math.sin %m0 : f32
  %o0 = math.log2 %n0 : f32
  %p0 = math.log10 %o0 : f32
  %q0 = math.log1p %p0 : f32
  %c0 = arith.constant 0 : index
  // expected-remark @+1 {{10 operations, which stand in 12 places, become 'nested_part' with 3 arguments and 1 results}}
  %v0_0 = math.exp %q0 : f32
  %v0_1 = arith.negf %v0_0 : f32
  %v0_2 = math.sqrt %v0_1 : f32
  %v0_3 = math.absf %v0_2 : f32
  %v0_4 = math.tanh %v0_3 : f32
  %v0_5 = math.floor %v0_4 : f32
  %v0_6 = math.ceil %v0_5 : f32
  %v0_7 = math.rsqrt %v0_6 : f32
  %v0_8 = math.cbrt %v0_7 : f32
  memref.store %v0_8, %y[%c0] : memref<16xf32>
  %c1 = arith.constant 1 : index
  %v1_0 = math.exp %v0_8 : f32
  %v1_1 = arith.negf %v1_0 : f32
  %v1_2 = math.sqrt %v1_1 : f32
  %v1_3 = math.absf %v1_2 : f32
  %v1_4 = math.tanh %v1_3 : f32
  %v1_5 = math.floor %v1_4 : f32
  %v1_6 = math.ceil %v1_5 : f32
  %v1_7 = math.rsqrt %v1_6 : f32
  %v1_8 = math.cbrt %v1_7 : f32
  memref.store %v1_8, %y[%c1] : memref<16xf32>
  %c2 = arith.constant 2 : index
  %v2_0 = math.exp %v1_8 : f32
  %v2_1 = arith.negf %v2_0 : f32
  %v2_2 = math.sqrt %v2_1 : f32
  %v2_3 = math.absf %v2_2 : f32
  %v2_4 = math.tanh %v2_3 : f32
  %v2_5 = math.floor %v2_4 : f32
  %v2_6 = math.ceil %v2_5 : f32
  %v2_7 = math.rsqrt %v2_6 : f32
  %v2_8 = math.cbrt %v2_7 : f32
  memref.store %v2_8, %y[%c2] : memref<16xf32>
  %l1 = math.log %v2_8 : f32
  %m1 = math.cos %l1 : f32
  %n1 = math.sin %m1 : f32
  %o1 = math.log2 %n1 : f32
  %p1 = math.log10 %o1 : f32
  %q1 = math.log1p %p1 : f32
  %c3 = arith.constant 3 : index
  %v3_0 = math.exp %q1 : f32
  %v3_1 = arith.negf %v3_0 : f32
  %v3_2 = math.sqrt %v3_1 : f32
  %v3_3 = math.absf %v3_2 : f32
  %v3_4 = math.tanh %v3_3 : f32
  %v3_5 = math.floor %v3_4 : f32
  %v3_6 = math.ceil %v3_5 : f32
  %v3_7 = math.rsqrt %v3_6 : f32
  %v3_8 = math.cbrt %v3_7 : f32
  memref.store %v3_8, %y[%c3] : memref<16xf32>
  %c4 = arith.constant 4 : index
  %v4_0 = math.exp %v3_8 : f32
  %v4_1 = arith.negf %v4_0 : f32
  %v4_2 = math.sqrt %v4_1 : f32
  %v4_3 = math.absf %v4_2 : f32
  %v4_4 = math.tanh %v4_3 : f32
  %v4_5 = math.floor %v4_4 : f32
  %v4_6 = math.ceil %v4_5 : f32
  %v4_7 = math.rsqrt %v4_6 : f32
  %v4_8 = math.cbrt %v4_7 : f32
  memref.store %v4_8, %y[%c4] : memref<16xf32>
  %c5 = arith.constant 5 : index
  %v5_0 = math.exp %v4_8 : f32
  %v5_1 = arith.negf %v5_0 : f32
  %v5_2 = math.sqrt %v5_1 : f32
  %v5_3 = math.absf %v5_2 : f32
  %v5_4 = math.tanh %v5_3 : f32
  %v5_5 = math.floor %v5_4 : f32
  %v5_6 = math.ceil %v5_5 : f32
  %v5_7 = math.rsqrt %v5_6 : f32
  %v5_8 = math.cbrt %v5_7 : f32
  memref.store %v5_8, %y[%c5] : memref<16xf32>
  %l2 = math.log %v5_8 : f32
  %m2 = math.cos %l2 : f32
  %n2 = math.sin %m2 : f32
  %o2 = math.log2 %n2 : f32
  %p2 = math.log10 %o2 : f32
  %q2 = math.log1p %p2 : f32
  %c6 = arith.constant 6 : index
  %v6_0 = math.exp %q2 : f32
  %v6_1 = arith.negf %v6_0 : f32
  %v6_2 = math.sqrt %v6_1 : f32
  %v6_3 = math.absf %v6_2 : f32
  %v6_4 = math.tanh %v6_3 : f32
  %v6_5 = math.floor %v6_4 : f32
  %v6_6 = math.ceil %v6_5 : f32
  %v6_7 = math.rsqrt %v6_6 : f32
  %v6_8 = math.cbrt %v6_7 : f32
  memref.store %v6_8, %y[%c6] : memref<16xf32>
  %c7 = arith.constant 7 : index
  %v7_0 = math.exp %v6_8 : f32
  %v7_1 = arith.negf %v7_0 : f32
  %v7_2 = math.sqrt %v7_1 : f32
  %v7_3 = math.absf %v7_2 : f32
  %v7_4 = math.tanh %v7_3 : f32
  %v7_5 = math.floor %v7_4 : f32
  %v7_6 = math.ceil %v7_5 : f32
  %v7_7 = math.rsqrt %v7_6 : f32
  %v7_8 = math.cbrt %v7_7 : f32
  memref.store %v7_8, %y[%c7] : memref<16xf32>
  %c8 = arith.constant 8 : index
  %v8_0 = math.exp %v7_8 : f32
  %v8_1 = arith.negf %v8_0 : f32
  %v8_2 = math.sqrt %v8_1 : f32
  %v8_3 = math.absf %v8_2 : f32
  %v8_4 = math.tanh %v8_3 : f32
  %v8_5 = math.floor %v8_4 : f32
  %v8_6 = math.ceil %v8_5 : f32
  %v8_7 = math.rsqrt %v8_6 : f32
  %v8_8 = math.cbrt %v8_7 : f32
  memref.store %v8_8, %y[%c8] : memref<16xf32>
  %l3 = math.log %v8_8 : f32
  %m3 = math.cos %l3 : f32
  %n3 = math.sin %m3 : f32
  %o3 = math.log2 %n3 : f32
  %p3 = math.log10 %o3 : f32
  %q3 = math.log1p %p3 : f32
  %c9 = arith.constant 9 : index
  %v9_0 = math.exp %q3 : f32
  %v9_1 = arith.negf %v9_0 : f32
  %v9_2 = math.sqrt %v9_1 : f32
  %v9_3 = math.absf %v9_2 : f32
  %v9_4 = math.tanh %v9_3 : f32
  %v9_5 = math.floor %v9_4 : f32
  %v9_6 = math.ceil %v9_5 : f32
  %v9_7 = math.rsqrt %v9_6 : f32
  %v9_8 = math.cbrt %v9_7 : f32
  memref.store %v9_8, %y[%c9] : memref<16xf32>
  %c10 = arith.constant 10 : index
  %v10_0 = math.exp %v9_8 : f32
  %v10_1 = arith.negf %v10_0 : f32
  %v10_2 = math.sqrt %v10_1 : f32
  %v10_3 = math.absf %v10_2 : f32
  %v10_4 = math.tanh %v10_3 : f32
  %v10_5 = math.floor %v10_4 : f32
  %v10_6 = math.ceil %v10_5 : f32
  %v10_7 = math.rsqrt %v10_6 : f32
  %v10_8 = math.cbrt %v10_7 : f32
  memref.store %v10_8, %y[%c10] : memref<16xf32>
  %c11 = arith.constant 11 : index
  %v11_0 = math.exp %v10_8 : f32
  %v11_1 = arith.negf %v11_0 : f32
  %v11_2 = math.sqrt %v11_1 : f32
  %v11_3 = math.absf %v11_2 : f32
  %v11_4 = math.tanh %v11_3 : f32
  %v11_5 = math.floor %v11_4 : f32
  %v11_6 = math.ceil %v11_5 : f32
  %v11_7 = math.rsqrt %v11_6 : f32
  %v11_8 = math.cbrt %v11_7 : f32
  memref.store %v11_8, %y[%c11] : memref<16xf32>
  return
}

// -----

// In the second place the factor is another result.
// CHECK-LABEL: func.func @left_alone_other_uses(
// CHECK-COUNT-2: math.exp
// CHECK:         return
func.func @left_alone_other_uses(%x: memref<8xf32>, %y: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  // expected-remark @+1 {{8 operations from here stand in 2 places and stay there: they use each other's results differently}}
  %a0 = memref.load %x[%c0] : memref<8xf32>
  %a1 = arith.negf %a0 : f32
  %a2 = math.exp %a1 : f32
  %a3 = arith.addf %a2, %one : f32
  %a4 = arith.divf %one, %a3 : f32
  %a5 = arith.mulf %a0, %a4 : f32
  %a6 = math.sqrt %a5 : f32
  memref.store %a6, %y[%c0] : memref<8xf32>
  %b0 = memref.load %x[%c0] : memref<8xf32>
  %b1 = arith.negf %b0 : f32
  %b2 = math.exp %b1 : f32
  %b3 = arith.addf %b2, %one : f32
  %b4 = arith.divf %one, %b3 : f32
  %b5 = arith.mulf %b1, %b4 : f32
  %b6 = math.sqrt %b5 : f32
  memref.store %b6, %y[%c0] : memref<8xf32>
  return
}

// -----

// CHECK-LABEL: func.func @left_alone_not_worth_it(
// CHECK-COUNT-2: math.exp
// CHECK:         return
func.func @left_alone_not_worth_it(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %a9: f32, %a10: f32, %a11: f32, %a12: f32, %a13: f32, %a14: f32, %a15: f32)
    -> (f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32) {
  // expected-remark @+1 {{8 operations from here stand in 2 places and stay there: a function would take 8 arguments and return 8}}
  %b0 = math.exp %a0 : f32
  %b1 = arith.negf %a1 : f32
  %b2 = math.sqrt %a2 : f32
  %b3 = math.absf %a3 : f32
  %b4 = math.tanh %a4 : f32
  %b5 = math.floor %a5 : f32
  %b6 = math.ceil %a6 : f32
  %b7 = math.rsqrt %a7 : f32
  %b8 = math.exp %a8 : f32
  %b9 = arith.negf %a9 : f32
  %b10 = math.sqrt %a10 : f32
  %b11 = math.absf %a11 : f32
  %b12 = math.tanh %a12 : f32
  %b13 = math.floor %a13 : f32
  %b14 = math.ceil %a14 : f32
  %b15 = math.rsqrt %a15 : f32
  return %b0, %b1, %b2, %b3, %b4, %b5, %b6, %b7, %b8, %b9, %b10, %b11, %b12, %b13, %b14, %b15
      : f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32
}
