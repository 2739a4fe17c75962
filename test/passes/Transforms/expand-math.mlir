// RUN: moec-opt %s --moec-expand-math --split-input-file | FileCheck %s

// CHECK-LABEL: @f
// CHECK: %[[ONE:.*]] = arith.constant 1.0
// CHECK: %[[ROOT:.*]] = math.sqrt
// CHECK: %[[RESULT:.*]] = arith.divf %[[ONE]], %[[ROOT]] : f32
// CHECK: return %[[RESULT]]
func.func @f(%x: f32) -> f32 {
  %0 = math.rsqrt %x : f32
  return %0 : f32
}

// -----

// CHECK-LABEL: @vectors
// CHECK-NOT: math.exp
// CHECK: arith.bitcast %{{.*}} : vector<8xf32> to vector<8xi32>
func.func @vectors(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.exp %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// -----

// CHECK-LABEL: @half
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK-NOT: math.tanh
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half(%x: f16) -> f16 {
  %0 = math.tanh %x : f16
  return %0 : f16
}

// -----

// No branches, no calls.

// CHECK-LABEL: @power
// CHECK-NOT: math.powf
// CHECK-NOT: scf.
// CHECK-NOT: call
// CHECK: return
func.func @power(%x: f64, %y: f64) -> f64 {
  %0 = math.powf %x, %y : f64
  return %0 : f64
}

// -----

// CHECK-LABEL: @left_alone_without_table
// CHECK: math.sin
// CHECK: math.floor
func.func @left_alone_without_table(%x: f64) -> (f64, f64) {
  %0 = math.sin %x : f64
  %1 = math.floor %x : f64
  return %0, %1 : f64, f64
}
