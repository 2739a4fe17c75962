// RUN: moec-opt %s --split-input-file --moe-merge-factors="tokens=1" | FileCheck %s
// RUN: moec-opt %s --split-input-file --moe-merge-factors="tokens=1" 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: moec-opt %s --split-input-file --moe-merge-factors="tokens=4096 launch=0 balance=1" 2>&1 | FileCheck %s --check-prefix=MANY
// RUN: not moec-opt %s --moe-merge-factors="tokens=0" 2>&1 | FileCheck %s --check-prefix=TOKENS
// TOKENS: error: merge-factors: 'tokens' is 0, expected 1 or more

// CHECK-LABEL: module
// CHECK-SAME: layer = "linear#2", options = {balance = 8 : i64, launch = 32768 : i64, tokens = 1 : i64}, parameters = array<i64: 4, 4>, pass = "merge-factors"
// CHECK: %[[W:.*]] = onnx.constant dense<{{\[\[}}3.000000e+00, 4.000000e+00], [6.000000e+00, 8.000000e+00]]> : tensor<2x2xf32>
// CHECK: moe.linear %arg0, %[[W]] : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
// CHECK-NOT: moe.linear
// CHECK: return
// REMARK: remark: merge-factors: 'linear#2' is one linear layer of 2 x 2 again: for 1 tokens two products with 4 parameters cost 65576, one with 4 costs 32800
module {
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %first = onnx.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
    %second = onnx.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
    %u = moe.linear %x, %first : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
    %y = moe.linear %u, %second : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// Three in a row are one; the last bias stays.
// CHECK-LABEL: func.func @chain
// CHECK: %[[W:.*]] = onnx.constant dense<2.400000e+01> : tensor<4x2xf32>
// CHECK: moe.linear %arg0, %[[W]] bias %{{.*}} : (tensor<?x4xf32>, tensor<4x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
// CHECK-NEXT: return
func.func @chain(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %a = onnx.constant dense<1.0> : tensor<2x4xf32>
  %b = onnx.constant dense<2.0> : tensor<2x3xf32>
  %c = onnx.constant dense<2.0> : tensor<3x2xf32>
  %d = onnx.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = moe.linear %x, %a transposed : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %1 = moe.linear %0, %b : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %2 = moe.linear %1, %c bias %d : (tensor<?x3xf32>, tensor<3x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// -----

// Blocks with a shuffle: output 1 of the first layer is its second block's.
// CHECK-LABEL: func.func @blocks
// CHECK: %[[W:.*]] = onnx.constant dense<{{\[\[}}1.000000e+01, 2.000000e+01], [2.000000e+00, 0.000000e+00], [3.000000e+01, 3.000000e+00], [0.000000e+00, 4.000000e+00]]> : tensor<4x2xf32>
// CHECK: moe.linear %arg0, %[[W]] : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
// CHECK-NEXT: return
func.func @blocks(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %a = onnx.constant dense<[[[1.0, 1.0], [0.2, 0.0]], [[3.0, 1.5], [0.0, 2.0]]]> : tensor<2x2x2xf32>
  %b = onnx.constant dense<[[[10.0], [10.0]], [[20.0], [2.0]]]> : tensor<2x2x1xf32>
  %0 = moe.block_linear %x, %a shuffle [0, 2, 1, 3] : (tensor<?x4xf32>, tensor<2x2x2xf32>) -> tensor<?x4xf32>
  %1 = moe.block_linear %0, %b : (tensor<?x4xf32>, tensor<2x2x1xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// The factors of a stack of experts are one stack. With many tokens they stay: a third of the multiplications.
// CHECK-LABEL: func.func @experts
// CHECK: %[[W:.*]] = onnx.constant dense<{{.*}}> : tensor<2x8x8xf32>
// CHECK: moe.experts %arg0 to %arg1 parameters(%[[W]] : tensor<2x8x8xf32>) {num_experts = 2 : i64, segments = array<i64: 1>
// CHECK: ^bb0(%[[T:.*]]: tensor<?x8xf32>, %[[A:.*]]: tensor<8x8xf32>):
// CHECK-NEXT: moe.linear %[[T]], %[[A]] : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
// CHECK-NEXT: moe.yield
// MANY: remark: merge-factors leaves 'experts' as it is: for 4096 tokens two products with 16 parameters cost 295040, one with 64 costs 524288
func.func @experts(%x: tensor<?x8xf32>, %e: tensor<?x1xi64>) -> tensor<?x8xf32> {
  %a = onnx.constant dense<2.0> : tensor<2x8x1xf32>
  %b = onnx.constant dense<3.0> : tensor<2x1x8xf32>
  %y = moe.experts %x to %e parameters(%a, %b : tensor<2x8x1xf32>, tensor<2x1x8xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x8xf32>, %u: tensor<8x1xf32>, %d: tensor<1x8xf32>):
    %0 = moe.linear %t, %u : (tensor<?x8xf32>, tensor<8x1xf32>) -> tensor<?x1xf32>
    %1 = moe.linear %0, %d : (tensor<?x1xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
    moe.yield %1 : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_between
// CHECK-COUNT-2: moe.linear
func.func @left_alone_between(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %a = onnx.constant dense<1.0> : tensor<2x2xf32>
  %b = onnx.constant dense<2.0> : tensor<2x2xf32>
  %0 = moe.linear %x, %a : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %1 = moe.activation <relu> %0 : tensor<?x2xf32>
  %2 = moe.linear %1, %b : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_used_twice
// CHECK-COUNT-2: moe.linear
func.func @left_alone_used_twice(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = onnx.constant dense<1.0> : tensor<2x2xf32>
  %b = onnx.constant dense<2.0> : tensor<2x2xf32>
  %0 = moe.linear %x, %a : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %2 = moe.linear %0, %b : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %2, %0 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// A bias of the first layer goes through the second, whose own is added: 2·1 + 3·2 + 1 and 2·0 + 3·4 + 10.
// CHECK-LABEL: func.func @bias
// CHECK-DAG: %[[W:.*]] = onnx.constant dense<{{\[\[}}1.000000e+00, 0.000000e+00], [4.000000e+00, 8.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: %[[B:.*]] = onnx.constant dense<[9.000000e+00, 2.200000e+01]> : tensor<2xf32>
// CHECK: moe.linear %arg0, %[[W]] bias %[[B]]
// CHECK-NEXT: return
func.func @bias(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %a = onnx.constant dense<[[1.0, 0.0], [0.0, 2.0]]> : tensor<2x2xf32>
  %b = onnx.constant dense<[[1.0, 0.0], [2.0, 4.0]]> : tensor<2x2xf32>
  %c = onnx.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %d = onnx.constant dense<[1.0, 10.0]> : tensor<2xf32>
  %0 = moe.linear %x, %a bias %c : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %2 = moe.linear %0, %b bias %d : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// -----

// One number for all outputs, and none behind the second layer, which is a shuffle of two blocks.
// CHECK-LABEL: func.func @bias_of_one_number
// CHECK-DAG: %[[B:.*]] = onnx.constant dense<[6.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK: moe.linear %arg0, %{{.*}} bias %[[B]]
func.func @bias_of_one_number(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %a = onnx.constant dense<1.0> : tensor<2x2xf32>
  %b = onnx.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %c = onnx.constant dense<2.0> : tensor<1xf32>
  %0 = moe.linear %x, %a bias %c : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<1xf32>) -> tensor<?x2xf32>
  %2 = moe.block_linear %0, %b shuffle [1, 0] : (tensor<?x2xf32>, tensor<2x1x1xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// -----

// Each expert's bias goes through its own matrix.
// CHECK-LABEL: func.func @bias_of_experts
// CHECK-DAG: %[[W:.*]] = onnx.constant dense<{{.*}}2.000000e+00{{.*}}1.500000e+01{{.*}}> : tensor<2x1x1xf32>
// CHECK-DAG: %[[B:.*]] = onnx.constant dense<{{\[\[}}1.000000e+01], [2.100000e+01]]> : tensor<2x1xf32>
// CHECK: moe.experts %arg0 to %arg1 parameters(%[[W]], %[[B]] : tensor<2x1x1xf32>, tensor<2x1xf32>)
// CHECK: ^bb0(%[[T:.*]]: tensor<?x1xf32>, %[[M:.*]]: tensor<1x1xf32>, %[[V:.*]]: tensor<1xf32>):
// CHECK-NEXT: moe.linear %[[T]], %[[M]] bias %[[V]]
// CHECK-NEXT: moe.yield
func.func @bias_of_experts(%x: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
  %a = onnx.constant dense<[[[1.0]], [[5.0]]]> : tensor<2x1x1xf32>
  %b = onnx.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %c = onnx.constant dense<[[4.0], [6.0]]> : tensor<2x1xf32>
  %d = onnx.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %y = moe.experts %x to %e parameters(%a, %c, %b, %d : tensor<2x1x1xf32>, tensor<2x1xf32>, tensor<2x1x1xf32>, tensor<2x1xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1, 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>) -> tensor<?x1xf32> {
  ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x1xf32>, %v: tensor<1xf32>, %w: tensor<1x1xf32>, %z: tensor<1xf32>):
    %0 = moe.linear %t, %u bias %v : (tensor<?x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
    %1 = moe.linear %0, %w bias %z : (tensor<?x1xf32>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<?x1xf32>
    moe.yield %1 : tensor<?x1xf32>
  }
  return %y : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_bias_of_the_call
// CHECK-COUNT-2: moe.linear
// REMARK: remark: merge-factors leaves 'linear#2' as it is: not the same in every run: an input or computed value
func.func @left_alone_bias_of_the_call(%x: tensor<?x2xf32>, %c: tensor<2xf32>) -> tensor<?x2xf32> {
  %a = onnx.constant dense<1.0> : tensor<2x2xf32>
  %b = onnx.constant dense<2.0> : tensor<2x2xf32>
  %0 = moe.linear %x, %a bias %c : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %2 = moe.linear %0, %b : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}
