// RUN: moec-opt %s --split-input-file --moe-factorize-linear="ratio=0.75" | FileCheck %s
// RUN: moec-opt %s --split-input-file --moe-factorize-linear="form=blockdense blocks=2 ratio=0.75" | FileCheck %s --check-prefix=DENSE
// RUN: moec-opt %s --split-input-file --moe-factorize-linear="form=monarch blocks=2 ratio=1 rank=1" | FileCheck %s --check-prefix=MONARCH
// RUN: moec-opt %s --split-input-file --moe-factorize-linear="ratio=0.75" 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: moec-opt %s --split-input-file --moe-factorize-linear="ratio=0.75 kinds=router" | FileCheck %s --check-prefix=ROUTER
// RUN: moec-opt %s --split-input-file --moe-factorize-linear="form=monarch blocks=3" 2>&1 | FileCheck %s --check-prefix=BLOCKS
// RUN: not moec-opt %s --moe-factorize-linear="form=tucker" 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not moec-opt %s --moe-factorize-linear="ratio=0" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not moec-opt %s --moe-factorize-linear="kinds=embedding" 2>&1 | FileCheck %s --check-prefix=KIND
// RUN: not moec-opt %s --moe-factorize-linear="layers=nowhere" 2>&1 | FileCheck %s --check-prefix=NOWHERE
// FORM: error: factorize-linear: 'form' is 'tucker', expected lowrank, blockdense or monarch
// RATIO: error: factorize-linear: 'ratio' is 0.00, expected more than 0, up to 1
// KIND: error: factorize-linear: 'kinds' has 'embedding', expected experts, attention, router, head or ffn
// NOWHERE: error: factorize-linear: 'layers': no layer is called 'nowhere'; nearest of 10 are 'linear', 'linear#2', 'linear#3'

// Four equal rows are a product of rank 1, and their four blocks are, too.
// CHECK-LABEL: module
// CHECK-SAME: moec.decisions = [{bytes = array<i64: 64, 32>, flops_per_token = array<i64: 32, 16>, layer = "linear", options = {form = "lowrank", kinds = "ffn", rank = 1 : i64}, parameters = array<i64: 16, 8>, pass = "factorize-linear"
// CHECK-SAME: verdict = "done"
// CHECK: %[[FIRST:.*]] = onnx.constant dense<1.000000e+00> : tensor<4x1xf32>
// CHECK: %[[SECOND:.*]] = onnx.constant dense<1.000000e+00> : tensor<1x4xf32>
// CHECK: %[[U:.*]] = moe.linear %arg0, %[[FIRST]] : (tensor<?x4xf32>, tensor<4x1xf32>) -> tensor<?x1xf32>
// CHECK: %[[Y:.*]] = moe.linear %[[U]], %[[SECOND]] : (tensor<?x1xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
// CHECK: moe.activation <relu> %[[Y]]
// CHECK: return
// REMARK: remark: factorize-linear: 'linear', 4 x 4, is lowrank of rank 1, 0.500 of its parameters, with a relative error of 0.0000
// DENSE-LABEL: module
// DENSE: %[[FIRST:.*]] = onnx.constant dense<{{.*}}> : tensor<2x2x1xf32>
// DENSE: %[[SECOND:.*]] = onnx.constant dense<{{.*}}> : tensor<2x4xf32>
// DENSE: %[[U:.*]] = moe.block_linear %arg0, %[[FIRST]] : (tensor<?x4xf32>, tensor<2x2x1xf32>) -> tensor<?x2xf32>
// DENSE: moe.linear %[[U]], %[[SECOND]] : (tensor<?x2xf32>, tensor<2x4xf32>) -> tensor<?x4xf32>
// MONARCH-LABEL: module
// MONARCH: %[[U:.*]] = moe.block_linear %arg0, %{{.*}} shuffle [0, 2, 1, 3] : (tensor<?x4xf32>, tensor<2x2x2xf32>) -> tensor<?x4xf32>
// MONARCH: moe.block_linear %[[U]], %{{.*}} : (tensor<?x4xf32>, tensor<2x2x2xf32>) -> tensor<?x4xf32>
// BLOCKS: remark: factorize-linear leaves 'linear' as it is: its 4 x 4 weight has no 3 x 3 blocks of one size
module {
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %w = onnx.constant dense<1.0> : tensor<4x4xf32>
    %y = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %z = moe.activation <relu> %y : tensor<?x4xf32>
    return %z : tensor<?x4xf32>
  }
}

// -----

// A stack of experts is two stacks; a bias stays behind; a transposed weight's factors are not. Experts that share rows share factors.
// The router is no business of this unless it is asked for.
// CHECK-LABEL: func.func @experts
// CHECK: moe.linear %arg0, %{{.*}} : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
// CHECK-DAG: %[[FIRST:.*]] = onnx.constant dense<{{.*}}> : tensor<2x4x2xf32>
// CHECK-DAG: %[[SECOND:.*]] = onnx.constant dense<{{.*}}> : tensor<2x2x8xf32>
// CHECK: moe.experts %arg0 to %{{.*}} weights %{{.*}} parameters(%[[FIRST]], %[[SECOND]], %{{.*}} : tensor<2x4x2xf32>, tensor<2x2x8xf32>, tensor<3x8xf32>)
// CHECK-SAME: num_experts = 3 : i64, segments = array<i64: 1, 1, 1>, tables = [array<i64: 0, 1, 0, 0, 0, 1>, array<i64: 0, 1, 0, 0, 0, 1>, array<i64>]
// CHECK: ^bb0(%[[T:.*]]: tensor<?x4xf32>, %[[A:.*]]: tensor<4x2xf32>, %[[B:.*]]: tensor<2x8xf32>, %[[C:.*]]: tensor<8xf32>):
// CHECK: %[[U:.*]] = moe.linear %[[T]], %[[A]] : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
// CHECK: %[[Y:.*]] = moe.linear %[[U]], %[[B]] bias %[[C]] : (tensor<?x2xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
// CHECK: moe.yield %[[Y]]
// REMARK: remark: factorize-linear: 'experts/linear', 4 x 8, is lowrank of rank 2, 0.750 of its parameters, with a relative error of 0.
// DENSE-LABEL: func.func @experts
// DENSE: moe.experts
// DENSE: moe.block_linear %{{.*}} : (tensor<?x4xf32>, tensor<2x2x1xf32>) -> tensor<?x2xf32>
// DENSE: moe.linear %{{.*}} : (tensor<?x2xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
// MONARCH-LABEL: func.func @experts
// MONARCH: moe.experts
// MONARCH: moe.block_linear %{{.*}} shuffle [0, 2, 1, 3] : (tensor<?x4xf32>, tensor<2x2x2xf32>) -> tensor<?x4xf32>
// MONARCH: moe.block_linear %{{.*}} bias %{{.*}} : (tensor<?x4xf32>, tensor<2x2x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
// ROUTER-LABEL: func.func @experts
// ROUTER: moe.linear %{{.*}} : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
// ROUTER: moe.yield
func.func @experts(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  %router = onnx.constant dense<[[1.0, 0.0, 2.0], [0.0, 1.0, 2.0], [0.5, 1.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<4x3xf32>
  %up = onnx.constant dense<[[[1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], [1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 0.0, 2.0], [3.0, 1.0, 4.0, 1.0], [5.0, 9.0, 2.0, 6.0], [5.0, 3.0, 5.0, 8.0], [9.0, 7.0, 9.0, 3.0]], [[2.0, 3.0, 8.0, 4.0], [6.0, 2.0, 6.0, 4.0], [3.0, 3.0, 8.0, 3.0], [2.0, 7.0, 9.0, 5.0], [0.0, 2.0, 8.0, 8.0], [4.0, 1.0, 9.0, 7.0], [1.0, 6.0, 9.0, 3.0], [9.0, 9.0, 3.0, 7.0]]]> : tensor<2x8x4xf32>
  %bias = onnx.constant dense<0.5> : tensor<3x8xf32>
  %l = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %y = moe.experts %x to %e weights %w parameters(%up, %bias : tensor<2x8x4xf32>, tensor<3x8xf32>) {num_experts = 3 : i64, segments = array<i64: 1, 1>, tables = [array<i64: 0, 1, 0, 0, 0, 1>, array<i64>]} : (tensor<?x4xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x4xf32>, %u: tensor<8x4xf32>, %b: tensor<8xf32>):
    %0 = moe.linear %t, %u transposed bias %b : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    moe.yield %0 : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

// Factors of rank 1 would be as large as the weight.
// CHECK-LABEL: func.func @left_alone_narrow
// CHECK: moe.linear %arg0, %{{.*}} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
// REMARK: remark: factorize-linear leaves 'linear' as it is: factors of rank 1 already have 4 parameters, its 2 x 2 weight 4
func.func @left_alone_narrow(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = onnx.constant dense<1.0> : tensor<2x2xf32>
  %y = moe.linear %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %z = moe.activation <relu> %y : tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}

// -----

// Codes of 8 bits are smaller than factors of 32.
// CHECK-LABEL: func.func @left_alone_quantized
// CHECK: moe.linear %arg0, %{{.*}} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
// REMARK: remark: factorize-linear leaves 'linear' as it is: nothing would be saved: factors of rank 1 have 32 bytes, the 4 x 4 weight has 20
func.func @left_alone_quantized(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c = onnx.constant dense<1> : tensor<4x4xi8>
  %s = onnx.constant dense<1.0> : tensor<f32>
  %w = moe.dequantize %c scales %s : (tensor<4x4xi8>, tensor<f32>) -> tensor<4x4xf32>
  %y = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %z = moe.activation <relu> %y : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_computed
// CHECK: moe.linear %arg0, %arg1
// REMARK: remark: factorize-linear leaves 'linear' as it is: its weight cannot be read: not the same in every run
func.func @left_alone_computed(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %y = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %z = moe.activation <relu> %y : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

// Layers that share a weight share its factors.
// CHECK-LABEL: func.func @shared
// CHECK-COUNT-2: tensor<4x1xf32>) -> tensor<?x1xf32>
// REMARK: remark: factorize-linear: 'linear', 4 x 4, is lowrank of rank 1
// REMARK: remark: factorize-linear: 'linear#2', 4 x 4, is lowrank of rank 1
func.func @shared(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = onnx.constant dense<1.0> : tensor<4x4xf32>
  %y = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %a = moe.activation <relu> %y : tensor<?x4xf32>
  %z = moe.linear %a, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %b = moe.activation <relu> %z : tensor<?x4xf32>
  return %b : tensor<?x4xf32>
}

// -----

// Who reads the weight otherwise keeps it.
// CHECK-LABEL: func.func @left_alone_shared
// CHECK: moe.linear %arg0, %[[W:.*]] :
// CHECK: moe.linear %{{.*}}, %[[W]] transposed :
// REMARK: remark: factorize-linear leaves 'linear' as it is: its weight has other uses
// REMARK: remark: factorize-linear leaves 'linear#2' as it is: its weight has other uses
func.func @left_alone_shared(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = onnx.constant dense<1.0> : tensor<4x4xf32>
  %y = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %a = moe.activation <relu> %y : tensor<?x4xf32>
  %z = moe.linear %a, %w transposed : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %b = moe.activation <relu> %z : tensor<?x4xf32>
  return %b : tensor<?x4xf32>
}

