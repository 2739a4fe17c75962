// RUN: moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.34 multiple=1" 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.34 multiple=1 scope=layer" | FileCheck %s --check-prefix=RAGGED
// RUN: not moec-opt %s --split-input-file --moe-prune-neurons="remove=0:3" 2>&1 | FileCheck %s --check-prefix=NOSUCH
// RUN: not moec-opt %s --split-input-file --moe-prune-neurons="remove=0:0,0:1,0:2" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.5 scope=model" 2>&1 | FileCheck %s --check-prefix=SCOPE

// NOSUCH: error: prune-neurons: 'remove' names '0:3', expected EXPERT:UNIT; 'experts' has 2 experts of 3 units
// NONE: error: prune-neurons: 'remove' leaves expert 0 of 'experts' without units: remove the expert
// SCOPE: error: prune-neurons: 'scope' is 'model', expected expert or layer

// CHECK-LABEL: module
// CHECK-SAME: parameters = array<i64: 12, 8>
// CHECK-DAG: %[[UP:.*]] = onnx.constant dense<{{\[\[\[}}1.000000e+00, 3.000000e+00]], {{\[\[}}4.000000e+00, 5.000000e+00]]]> : tensor<2x1x2xf32>
// CHECK-DAG: %[[DOWN:.*]] = onnx.constant dense<{{\[\[\[}}1.000000e+00], [3.000000e+00]], {{\[\[}}4.000000e+00], [5.000000e+00]]]> : tensor<2x2x1xf32>
// CHECK: moe.experts %arg0 to %arg2 weights %arg1 parameters(%[[UP]], %[[DOWN]] : tensor<2x1x2xf32>, tensor<2x2x1xf32>)
// CHECK: moe.linear %{{.*}} : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
// CHECK: moe.activation <relu> %{{.*}} : tensor<?x2xf32>
// CHECK: moe.linear %{{.*}} : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
// CHECK: moe.yield
// REMARK: remark: prune-neurons: 2 of 6 inner units removed

// The two smallest of all six are both of expert 0.
// RAGGED-LABEL: func.func @main
// RAGGED: moe.experts {{.*}} : tensor<1x1x1xf32>, tensor<1x1x3xf32>, tensor<1x1x1xf32>, tensor<1x3x1xf32>) {num_experts = 2 : i64, segments = array<i64: 2, 2>, tables = [array<i64: 0, 0, 1, 0>, array<i64: 0, 0, 1, 0>]}
// RAGGED: ^bb0(%{{.*}}: tensor<?x1xf32>, %{{.*}}: tensor<1x?xf32>, %{{.*}}: tensor<?x1xf32>):
// RAGGED: moe.activation <relu> %{{.*}} : tensor<?x?xf32>
module {
  func.func @main(%x: tensor<?x1xf32>, %w: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
    %up = onnx.constant dense<[[[1.0, 0.5, 3.0]], [[4.0, 5.0, 0.5]]]> : tensor<2x1x3xf32>
    %down = onnx.constant dense<[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]> : tensor<2x3x1xf32>
    %y = moe.experts %x to %e weights %w parameters(%up, %down : tensor<2x1x3xf32>, tensor<2x3x1xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
    ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x3xf32>, %d: tensor<3x1xf32>):
      %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
      %1 = moe.activation <relu> %0 : tensor<?x3xf32>
      %2 = moe.linear %1, %d : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
      moe.yield %2 : tensor<?x1xf32>
    }
    return %y : tensor<?x1xf32>
  }
}

// -----

// Gate and up interleaved in one matrix, with a bias, become two: columns 0, 2, … and 1, 3, …
// CHECK-LABEL: func.func @interleaved
// CHECK-DAG: onnx.constant dense<{{\[\[\[}}1.000000e+01, 3.000000e+01]]]> : tensor<1x1x2xf32>
// CHECK-DAG: onnx.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG: onnx.constant dense<{{\[\[\[}}1.100000e+01, 3.100000e+01]]]> : tensor<1x1x2xf32>
// CHECK-DAG: onnx.constant dense<{{\[\[}}1.500000e+00, 3.500000e+00]]> : tensor<1x2xf32>
// CHECK: %[[A:.*]] = moe.linear
// CHECK: %[[B:.*]] = onnx.node "Add"(%[[A]], %{{.*}}) version 14 : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK: %[[C:.*]] = moe.linear
// CHECK: %[[D:.*]] = onnx.node "Add"(%[[C]]
// CHECK: moe.glu <silu> %[[B]], %[[D]] : tensor<?x2xf32>
// CHECK-NOT: Slice
func.func @interleaved(%x: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[10.0, 11.0, 1.0, 2.0, 30.0, 31.0]]]> : tensor<1x1x6xf32>
  %bias = onnx.constant dense<[[1.0, 1.5, 2.0, 2.5, 3.0, 3.5]]> : tensor<1x6xf32>
  %down = onnx.constant dense<[[[1.0], [2.0], [3.0]]]> : tensor<1x3x1xf32>
  %zero = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %end = onnx.constant dense<9223372036854775807> : tensor<1xi64>
  %y = moe.experts %x to %e parameters(%up, %bias, %down : tensor<1x1x6xf32>, tensor<1x6xf32>, tensor<1x3x1xf32>) {num_experts = 1 : i64, segments = array<i64: 1, 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x6xf32>, %b: tensor<6xf32>, %d: tensor<3x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x6xf32>) -> tensor<?x6xf32>
    %1 = onnx.node "Add"(%0, %b) version 14 : (tensor<?x6xf32>, tensor<6xf32>) -> tensor<?x6xf32>
    %2 = onnx.node "Slice"(%1, %zero, %end, %one, %two) version 13 : (tensor<?x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
    %3 = onnx.node "Slice"(%1, %one, %end, %one, %two) version 13 : (tensor<?x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
    %4 = moe.glu <silu> %2, %3 : tensor<?x3xf32>
    %5 = moe.linear %4, %d : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    moe.yield %5 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// A norm over the units.
// REMARK: remark: prune-neurons leaves 'experts' as it is: 'moe.norm' in its body mixes units, as far as is known
// CHECK-LABEL: func.func @left_alone_mixed_units
// CHECK: tensor<1x3x1xf32>) {num_experts = 1
func.func @left_alone_mixed_units(%x: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
  %up = onnx.constant dense<[[[1.0, 0.5, 3.0]]]> : tensor<1x1x3xf32>
  %down = onnx.constant dense<[[[1.0], [2.0], [3.0]]]> : tensor<1x3x1xf32>
  %y = moe.experts %x to %e parameters(%up, %down : tensor<1x1x3xf32>, tensor<1x3x1xf32>) {num_experts = 1 : i64, segments = array<i64: 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x3xf32>, %d: tensor<3x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
    %1 = moe.norm <rms> %0 {epsilon = 1.0e-6 : f32} : (tensor<?x3xf32>) -> tensor<?x3xf32>
    %2 = moe.linear %1, %d : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
    moe.yield %2 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// REMARK: remark: prune-neurons leaves 'experts' as it is: its experts are one linear layer, without inner units
func.func @left_alone_one_layer(%x: tensor<?x2xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
  %w = onnx.constant dense<[[[1.0], [3.0]]]> : tensor<1x2x1xf32>
  %y = moe.experts %x to %e parameters(%w : tensor<1x2x1xf32>) {num_experts = 1 : i64, segments = array<i64: 1>} : (tensor<?x2xf32>, tensor<?x1xi64>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x2xf32>, %u: tensor<2x1xf32>):
    %0 = moe.linear %t, %u : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    moe.yield %0 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}
