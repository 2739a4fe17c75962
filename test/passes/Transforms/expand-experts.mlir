// RUN: moec-opt %s --split-input-file --moe-expand-experts --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: %[[R:.*]], %[[O:.*]], %[[F:.*]] = moe.dispatch %{{.*}} to %{{.*}} experts 8 : (tensor<?x4xf32>, tensor<?x2xi64>) -> (tensor<?x4xf32>, tensor<?xi64>, tensor<9xi64>)
// CHECK: %[[U:.*]] = moe.grouped_linear %[[R]] by %[[F]], %{{.*}} : (tensor<?x4xf32>, tensor<9xi64>, tensor<8x4x6xf32>) -> tensor<?x6xf32>
// CHECK: %[[A:.*]] = onnx.node "Relu"(%[[U]])
// CHECK: %[[D:.*]] = moe.grouped_linear %[[A]] by %[[F]], %{{.*}} : (tensor<?x6xf32>, tensor<9xi64>, tensor<8x6x4xf32>) -> tensor<?x4xf32>
// CHECK: %[[Y:.*]] = moe.combine %[[D]], %[[O]] by %[[F]] weights %{{.*}}
// CHECK: return %[[Y]]
func.func @main(%x: tensor<?x4xf32>, %e: tensor<?x2xi64>, %w: tensor<?x2xf32>, %u: tensor<8x4x6xf32>, %d: tensor<8x6x4xf32>) -> tensor<?x4xf32> {
  %y = moe.experts %x to %e weights %w parameters(%u, %d : tensor<8x4x6xf32>, tensor<8x6x4xf32>)
      {num_experts = 8 : i64, segments = array<i64: 1, 1>}
      : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pu: tensor<4x6xf32>, %pd: tensor<6x4xf32>):
    %0 = moe.linear %t, %pu : (tensor<?x4xf32>, tensor<4x6xf32>) -> tensor<?x6xf32>
    %1 = onnx.node "Relu"(%0) version 14 : (tensor<?x6xf32>) -> tensor<?x6xf32>
    %2 = moe.linear %1, %pd : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x4xf32>
    moe.yield %2 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// A matrix and a bias a segment; experts 0 and 2 are one, expert 1 is null.

// CHECK-LABEL: func.func @shared_and_null
// CHECK: onnx.constant dense<[0, -1, 0]>
// CHECK: %{{.*}}, %{{.*}}, %[[F:.*]] = moe.dispatch %{{.*}} to %{{.*}} experts 1
// CHECK: moe.grouped_linear %{{.*}} by %[[F]], %{{.*}} transposed bias %{{.*}} : (tensor<?x4xf32>, tensor<2xi64>, tensor<1x4x4xf32>, tensor<1x4xf32>)
func.func @shared_and_null(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %w: tensor<1x4x4xf32>, %b: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %y = moe.experts %x to %e parameters(%w, %b : tensor<1x4x4xf32>, tensor<1x4xf32>)
      {num_experts = 3 : i64, segments = array<i64: 1, 1>, tables = [array<i64: 0, 0, -1, -1, 0, 0>, array<i64: 0, 0, 0, 0, 0, 0>]}
      : (tensor<?x4xf32>, tensor<?x1xi64>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pw: tensor<4x4xf32>, %pb: tensor<4xf32>):
    %0 = moe.linear %t, %pw transposed bias %pb : (tensor<?x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    moe.yield %0 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// A vector of each expert's beside its rows; the weight multiplies the token.

// CHECK-LABEL: func.func @vector_weigh_inputs
// CHECK: %[[R:.*]], %[[O:.*]], %{{.*}} = moe.dispatch
// CHECK: %[[W:.*]] = onnx.node "Gather"(%{{.*}}, %[[O]])
// CHECK: %[[C:.*]] = onnx.node "Unsqueeze"(%[[W]]
// CHECK: %[[X:.*]] = onnx.node "Mul"(%[[R]], %[[C]])
// CHECK: %[[V:.*]] = onnx.node "Gather"(%{{.*}}, %{{.*}}) version 13 {axis = 0 : i64} : (tensor<3x4xf32>
// CHECK: onnx.node "Mul"(%[[X]], %[[V]])
// CHECK: moe.combine
func.func @vector_weigh_inputs(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %w: tensor<?x1xf32>, %v: tensor<3x4xf32>) -> tensor<?x4xf32> {
  %y = moe.experts %x to %e weights %w parameters(%v : tensor<3x4xf32>)
      {num_experts = 3 : i64, segments = array<i64: 1>, weigh_inputs}
      : (tensor<?x4xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pv: tensor<4xf32>):
    %0 = onnx.node "Mul"(%t, %pv) version 14 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    moe.yield %0 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_other_use
// CHECK: moe.experts
// CHECK-NOT: moe.dispatch
func.func @left_alone_other_use(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %w: tensor<3x4x4xf32>) -> tensor<?x4xf32> {
  // expected-remark @+1 {{every expert is computed for every token: a parameter of the body is used by 'onnx.node'}}
  %y = moe.experts %x to %e parameters(%w : tensor<3x4x4xf32>)
      {num_experts = 3 : i64, segments = array<i64: 1>}
      : (tensor<?x4xf32>, tensor<?x1xi64>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pw: tensor<4x4xf32>):
    %0 = onnx.node "Relu"(%pw) version 14 : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = moe.linear %t, %0 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    moe.yield %1 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// Experts of two widths: rows are as wide as the wider one's, and each is multiplied with what its expert has. The bias of the
// narrower one goes on as it likes; expert 1 is null, expert 3 is expert 0.

// CHECK-LABEL: func.func @ragged
// CHECK: onnx.constant dense<[0, -1, 1, 0]>
// CHECK: %[[R:.*]], %[[O:.*]], %[[F:.*]] = moe.dispatch %{{.*}} to %{{.*}} experts 2
// CHECK: %[[B:.*]] = onnx.node "Pad"(%arg4, %{{.*}}) version 13 : (tensor<1x2xf32>, tensor<4xi64>) -> tensor<1x6xf32>
// CHECK: %[[C:.*]] = onnx.node "Concat"(%arg5, %[[B]]) version 13 {axis = 0 : i64} : (tensor<1x6xf32>, tensor<1x6xf32>) -> tensor<2x6xf32>
// CHECK: %[[U:.*]] = moe.grouped_linear %[[R]] by %[[F]], %arg3, %arg2 bias %[[C]] : (tensor<?x4xf32>, tensor<3xi64>, tensor<1x4x6xf32>, tensor<1x4x2xf32>, tensor<2x6xf32>) -> tensor<?x6xf32>
// CHECK: %[[A:.*]] = moe.activation <relu> %[[U]] : tensor<?x6xf32>
// CHECK: %[[D:.*]] = moe.grouped_linear %[[A]] by %[[F]], %arg7, %arg6 : (tensor<?x6xf32>, tensor<3xi64>, tensor<1x6x4xf32>, tensor<1x2x4xf32>) -> tensor<?x4xf32>
// CHECK: moe.combine %[[D]], %[[O]] by %[[F]]
func.func @ragged(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %u: tensor<1x4x2xf32>, %v: tensor<1x4x6xf32>, %a: tensor<1x2xf32>, %b: tensor<1x6xf32>, %d: tensor<1x2x4xf32>, %f: tensor<1x6x4xf32>) -> tensor<?x4xf32> {
  %y = moe.experts %x to %e parameters(%u, %v, %a, %b, %d, %f : tensor<1x4x2xf32>, tensor<1x4x6xf32>, tensor<1x2xf32>, tensor<1x6xf32>, tensor<1x2x4xf32>, tensor<1x6x4xf32>)
      {num_experts = 4 : i64, segments = array<i64: 2, 2, 2>, tables = [array<i64: 1, 0, -1, -1, 0, 0, 1, 0>, array<i64: 1, 0, -1, -1, 0, 0, 1, 0>, array<i64: 1, 0, -1, -1, 0, 0, 1, 0>]}
      : (tensor<?x4xf32>, tensor<?x1xi64>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pu: tensor<4x?xf32>, %pa: tensor<?xf32>, %pd: tensor<?x4xf32>):
    %0 = moe.linear %t, %pu bias %pa : (tensor<?x4xf32>, tensor<4x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
    %1 = moe.activation <relu> %0 : tensor<?x?xf32>
    %2 = moe.linear %1, %pd : (tensor<?x?xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %2 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// A sum over the units would take those that a narrower expert does not have.

// CHECK-LABEL: func.func @left_alone_ragged_rows
// CHECK: moe.experts
func.func @left_alone_ragged_rows(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %u: tensor<1x4x2xf32>, %v: tensor<1x4x6xf32>, %d: tensor<1x2x4xf32>, %f: tensor<1x6x4xf32>) -> tensor<?x4xf32> {
  // expected-remark @+1 {{every expert is computed for every token: its experts differ in size, and 'onnx.node' in its body takes their rows as a whole}}
  %y = moe.experts %x to %e parameters(%u, %v, %d, %f : tensor<1x4x2xf32>, tensor<1x4x6xf32>, tensor<1x2x4xf32>, tensor<1x6x4xf32>)
      {num_experts = 2 : i64, segments = array<i64: 2, 2>}
      : (tensor<?x4xf32>, tensor<?x1xi64>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pu: tensor<4x?xf32>, %pd: tensor<?x4xf32>):
    %0 = moe.linear %t, %pu : (tensor<?x4xf32>, tensor<4x?xf32>) -> tensor<?x?xf32>
    %1 = onnx.node "Softmax"(%0) version 13 : (tensor<?x?xf32>) -> tensor<?x?xf32>
    %2 = moe.linear %1, %pd : (tensor<?x?xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %2 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// Expert 0 has six columns of the first matrix, but two rows of the second.

// CHECK-LABEL: func.func @left_alone_ragged_misfit
// CHECK: moe.experts
func.func @left_alone_ragged_misfit(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %u: tensor<1x4x6xf32>, %v: tensor<1x4x2xf32>, %d: tensor<1x2x4xf32>, %f: tensor<1x6x4xf32>) -> tensor<?x4xf32> {
  // expected-remark @+1 {{every expert is computed for every token: the sizes of its experts' matrices do not fit}}
  %y = moe.experts %x to %e parameters(%u, %v, %d, %f : tensor<1x4x6xf32>, tensor<1x4x2xf32>, tensor<1x2x4xf32>, tensor<1x6x4xf32>)
      {num_experts = 2 : i64, segments = array<i64: 2, 2>}
      : (tensor<?x4xf32>, tensor<?x1xi64>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pu: tensor<4x?xf32>, %pd: tensor<?x4xf32>):
    %0 = moe.linear %t, %pu : (tensor<?x4xf32>, tensor<4x?xf32>) -> tensor<?x?xf32>
    %1 = moe.linear %0, %pd : (tensor<?x?xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    moe.yield %1 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// Block-diagonal layers of experts: a stack of blocks for each. A shuffle that swaps the axes of a grid is a transposition, and the
// bias comes behind it.

// CHECK-LABEL: func.func @blocks
// CHECK: %[[R:.*]], %{{.*}}, %[[F:.*]] = moe.dispatch
// CHECK: %[[A:.*]] = onnx.node "Reshape"(%arg2, %{{.*}}) version 21 : (tensor<8x2x3x4xf32>, tensor<3xi64>) -> tensor<16x3x4xf32>
// CHECK: %[[U:.*]] = moe.grouped_linear %[[R]] by %[[F]], %[[A]] {blocks = 2 : i64} : (tensor<?x6xf32>, tensor<9xi64>, tensor<16x3x4xf32>) -> tensor<?x8xf32>
// CHECK: %[[G:.*]] = onnx.node "Reshape"(%[[U]]
// CHECK: %[[S:.*]] = onnx.node "Transpose"(%[[G]]) version {{[0-9]+}} {perm = array<i64: 0, 2, 1, 3>}
// CHECK: %[[Z:.*]] = onnx.node "Reshape"(%[[S]]
// CHECK: %[[C:.*]] = onnx.node "Add"(%[[Z]]
// CHECK: moe.grouped_linear %[[C]] by %[[F]], %{{.*}} bias %{{.*}} {blocks = 2 : i64} : (tensor<?x8xf32>, tensor<9xi64>, tensor<16x4x3xf32>, tensor<8x6xf32>) -> tensor<?x6xf32>
func.func @blocks(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %u: tensor<8x2x3x4xf32>, %a: tensor<8x8xf32>, %d: tensor<8x2x4x3xf32>, %b: tensor<8x6xf32>) -> tensor<?x6xf32> {
  %y = moe.experts %x to %e parameters(%u, %a, %d, %b : tensor<8x2x3x4xf32>, tensor<8x8xf32>, tensor<8x2x4x3xf32>, tensor<8x6xf32>)
      {num_experts = 8 : i64, segments = array<i64: 1, 1, 1, 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x6xf32> {
  ^bb0(%t: tensor<?x6xf32>, %pu: tensor<2x3x4xf32>, %pa: tensor<8xf32>, %pd: tensor<2x4x3xf32>, %pb: tensor<6xf32>):
    %0 = moe.block_linear %t, %pu bias %pa shuffle [0, 1, 4, 5, 2, 3, 6, 7] : (tensor<?x6xf32>, tensor<2x3x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    %1 = moe.block_linear %0, %pd bias %pb : (tensor<?x8xf32>, tensor<2x4x3xf32>, tensor<6xf32>) -> tensor<?x6xf32>
    moe.yield %1 : tensor<?x6xf32>
  }
  return %y : tensor<?x6xf32>
}

// -----

// Outside of experts one has all rows. This shuffle is no transposition.

// CHECK-LABEL: func.func @block_linear
// CHECK: %[[R:.*]] = onnx.node "Reshape"(%arg0
// CHECK: %[[F:.*]] = onnx.node "Concat"
// CHECK: %[[U:.*]] = moe.grouped_linear %[[R]] by %[[F]], %arg1 {blocks = 2 : i64} : (tensor<?x6xf32>, tensor<2xi64>, tensor<2x3x2xf32>) -> tensor<?x4xf32>
// CHECK: %[[S:.*]] = onnx.node "Gather"(%[[U]], %{{.*}}) version 13 {axis = 1 : i64}
// CHECK: onnx.node "Reshape"(%[[S]]
func.func @block_linear(%x: tensor<?x?x6xf32>, %w: tensor<2x3x2xf32>) -> tensor<?x?x4xf32> {
  %y = moe.block_linear %x, %w shuffle [3, 2, 0, 1] : (tensor<?x?x6xf32>, tensor<2x3x2xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
