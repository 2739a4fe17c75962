// RUN: moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.34 multiple=1" 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.34 multiple=1 scope=layer" | FileCheck %s --check-prefix=RAGGED
// RUN: not moec-opt %s --split-input-file --moe-prune-neurons="remove=0:3" 2>&1 | FileCheck %s --check-prefix=NOSUCH
// RUN: not moec-opt %s --split-input-file --moe-prune-neurons="remove=0:0,0:1,0:2" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.5 scope=model" 2>&1 | FileCheck %s --check-prefix=SCOPE
// RUN: not moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.5 kinds=attention" 2>&1 | FileCheck %s --check-prefix=KINDS
// RUN: moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.34 multiple=1 kinds=experts" | FileCheck %s --check-prefix=EXPERTS
// RUN: moec-opt %s --split-input-file --moe-prune-neurons="ratio=0.34 multiple=1 kinds=ffn" | FileCheck %s --check-prefix=DENSE

// NOSUCH: error: prune-neurons: 'remove' names '0:3', expected EXPERT:UNIT; 'experts' has 2 experts of 3 units
// NONE: error: prune-neurons: 'remove' leaves expert 0 of 'experts' without units: remove the expert
// KINDS: error: prune-neurons: 'kinds' has 'attention', expected experts or ffn
// EXPERTS: moe.experts {{.*}} : tensor<2x1x2xf32>, tensor<2x2x1xf32>)
// EXPERTS-LABEL: func.func @dense
// EXPERTS: tensor<1x6xf32>
// DENSE: moe.experts {{.*}} : tensor<2x1x3xf32>, tensor<2x3x1xf32>)
// DENSE-LABEL: func.func @dense
// DENSE-NOT: tensor<1x6xf32>
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

// -----

// A dense layer of gate and up side by side, with a bias and a vector of the units: each is cut, and gate and up become two.
// CHECK-LABEL: func.func @dense
// CHECK-DAG: %[[G:.*]] = onnx.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG: %[[U:.*]] = onnx.constant dense<{{\[\[}}4.000000e+00, 6.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG: %[[GB:.*]] = onnx.constant dense<[1.000000e-01, 3.000000e-01]> : tensor<2xf32>
// CHECK-DAG: %[[UB:.*]] = onnx.constant dense<[4.000000e-01, 6.000000e-01]> : tensor<2xf32>
// CHECK-DAG: %[[V:.*]] = onnx.constant dense<[7.000000e+00, 9.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[D:.*]] = onnx.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG: %[[A:.*]] = moe.linear %arg0, %[[G]] bias %[[GB]] : (tensor<?x?x1xf32>, tensor<1x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
// CHECK-DAG: %[[B:.*]] = moe.linear %arg0, %[[U]] bias %[[UB]]
// CHECK: %[[S:.*]] = onnx.node "Sigmoid"(%[[A]])
// CHECK: onnx.node "Mul"(%[[B]], %[[S]])
// CHECK: %[[I:.*]] = onnx.node "Mul"(%{{.*}}, %[[V]]) version 14 : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
// CHECK: moe.linear %[[I]], %[[D]] transposed : (tensor<?x?x2xf32>, tensor<1x2xf32>) -> tensor<?x?x1xf32>
// REMARK: remark: prune-neurons: 1 of 3 inner units removed
func.func @dense(%x: tensor<?x?x1xf32>) -> tensor<?x?x1xf32> {
  %w = onnx.constant dense<[[1.0, 0.5, 3.0, 4.0, 5.0, 6.0]]> : tensor<1x6xf32>
  %b = onnx.constant dense<[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]> : tensor<6xf32>
  %v = onnx.constant dense<[7.0, 8.0, 9.0]> : tensor<3xf32>
  %d = onnx.constant dense<[[1.0, 0.25, 3.0]]> : tensor<1x3xf32>
  %three = onnx.constant dense<3> : tensor<2xi64>
  %0 = moe.linear %x, %w bias %b : (tensor<?x?x1xf32>, tensor<1x6xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
  %1:2 = onnx.node "Split"(%0, %three) version 18 {axis = -1 : i64} : (tensor<?x?x6xf32>, tensor<2xi64>) -> (tensor<?x?x3xf32>, tensor<?x?x3xf32>)
  %2 = onnx.node "Sigmoid"(%1#0) version 13 : (tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %3 = onnx.node "Mul"(%1#1, %2) version 14 : (tensor<?x?x3xf32>, tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %4 = onnx.node "Mul"(%3, %v) version 14 : (tensor<?x?x3xf32>, tensor<3xf32>) -> tensor<?x?x3xf32>
  %5 = moe.linear %4, %d transposed : (tensor<?x?x3xf32>, tensor<1x3xf32>) -> tensor<?x?x1xf32>
  return %5 : tensor<?x?x1xf32>
}

// -----

// Three layers in a row: units are those between each two of them.
// CHECK-LABEL: func.func @dense_chain
// CHECK: moe.linear %arg0, %{{.*}} : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
// CHECK: moe.linear %{{.*}}, %{{.*}} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
// CHECK: moe.linear %{{.*}}, %{{.*}} : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
func.func @dense_chain(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %a = onnx.constant dense<[[1.0, 0.5, 3.0]]> : tensor<1x3xf32>
  %b = onnx.constant dense<[[1.0, 0.5, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]> : tensor<3x3xf32>
  %c = onnx.constant dense<[[1.0], [0.25], [3.0]]> : tensor<3x1xf32>
  %0 = moe.linear %x, %a : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %1 = moe.activation <relu> %0 : tensor<?x3xf32>
  %2 = moe.linear %1, %b : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>
  %3 = moe.activation <relu> %2 : tensor<?x3xf32>
  %4 = moe.linear %3, %c : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
  return %4 : tensor<?x1xf32>
}

// -----

// REMARK: remark: prune-neurons leaves 'linear#2' as it is: 'func.return' reads the values of its units, too
// CHECK-LABEL: func.func @left_alone_dense_other_use
// CHECK: moe.linear %arg0, %{{.*}} -> tensor<?x3xf32>
func.func @left_alone_dense_other_use(%x: tensor<?x1xf32>) -> (tensor<?x1xf32>, tensor<?x3xf32>) {
  %a = onnx.constant dense<[[1.0, 0.5, 3.0]]> : tensor<1x3xf32>
  %c = onnx.constant dense<[[1.0], [0.25], [3.0]]> : tensor<3x1xf32>
  %0 = moe.linear %x, %a : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %1 = moe.activation <relu> %0 : tensor<?x3xf32>
  %2 = moe.linear %1, %c : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
  return %2, %0 : tensor<?x1xf32>, tensor<?x3xf32>
}

// -----

// A weight that is given, one that two layers have, and two factors.
// REMARK: remark: prune-neurons leaves 'linear#2' as it is: a weight of it is not stored in the model
// REMARK: remark: prune-neurons leaves 'linear#4' as it is: a weight of it has other uses
// REMARK: remark: prune-neurons leaves 'linear#6' as it is: no function lies between its linear layers
// CHECK-LABEL: func.func @left_alone_dense_weights
// CHECK-COUNT-3: -> tensor<?x3xf32>
func.func @left_alone_dense_weights(%x: tensor<?x1xf32>, %g: tensor<1x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>) {
  %a = onnx.constant dense<[[1.0, 0.5, 3.0]]> : tensor<1x3xf32>
  %b = onnx.constant dense<[[2.0, 0.5, 3.0]]> : tensor<1x3xf32>
  %c = onnx.constant dense<[[1.0], [0.25], [3.0]]> : tensor<3x1xf32>
  %d = onnx.constant dense<[[2.0], [0.25], [3.0]]> : tensor<3x1xf32>
  %0 = moe.linear %x, %g : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %1 = moe.activation <relu> %0 : tensor<?x3xf32>
  %2 = moe.linear %1, %d : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
  %3 = moe.linear %x, %a : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %4 = moe.activation <relu> %3 : tensor<?x3xf32>
  %5 = moe.linear %4, %c : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
  %6 = moe.linear %x, %b : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %7 = moe.linear %6, %c : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
  return %2, %5, %7 : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// REMARK: remark: prune-neurons leaves 'linear#2' as it is: 'onnx.node' in it mixes units, as far as is known
func.func @left_alone_dense_softmax(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %a = onnx.constant dense<[[1.0, 0.5, 3.0]]> : tensor<1x3xf32>
  %c = onnx.constant dense<[[1.0], [0.25], [3.0]]> : tensor<3x1xf32>
  %0 = moe.linear %x, %a : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %1 = onnx.node "Softmax"(%0) version 13 : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %2 = onnx.node "Mul"(%0, %1) version 14 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %3 = moe.linear %2, %c : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
  return %3 : tensor<?x1xf32>
}

// -----

// Rows that are counted in another way are still rows of units.
// CHECK-LABEL: func.func @dense_regrouped
// CHECK: %[[A:.*]] = moe.linear %arg0, %{{.*}} -> tensor<?x2xf32>
// CHECK: %[[L:.*]] = onnx.node "Slice"(%arg1
// CHECK: %[[S:.*]] = onnx.node "Concat"(%[[L]], %{{.*}}) version 13 {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
// CHECK: %[[R:.*]] = onnx.node "Reshape"(%[[A]], %[[S]]) version 13 : (tensor<?x2xf32>, tensor<3xi64>) -> tensor<?x?x2xf32>
// CHECK: %[[B:.*]] = moe.activation <relu> %[[R]] : tensor<?x?x2xf32>
// CHECK: moe.linear %[[B]], %{{.*}} : (tensor<?x?x2xf32>, tensor<2x1xf32>) -> tensor<?x?x1xf32>
func.func @dense_regrouped(%x: tensor<?x1xf32>, %s: tensor<3xi64>) -> tensor<?x?x1xf32> {
  %a = onnx.constant dense<[[1.0, 0.5, 3.0]]> : tensor<1x3xf32>
  %c = onnx.constant dense<[[1.0], [0.25], [3.0]]> : tensor<3x1xf32>
  %0 = moe.linear %x, %a : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %1 = onnx.node "Reshape"(%0, %s) version 13 : (tensor<?x3xf32>, tensor<3xi64>) -> tensor<?x?x3xf32>
  %2 = moe.activation <relu> %1 : tensor<?x?x3xf32>
  %3 = moe.linear %2, %c : (tensor<?x?x3xf32>, tensor<3x1xf32>) -> tensor<?x?x1xf32>
  return %3 : tensor<?x?x1xf32>
}
