// RUN: moec-opt %s --split-input-file --convert-moe-to-onnx | FileCheck %s

// What an expert gives for tokens that are not its own is dropped, not multiplied by 0.

// CHECK-LABEL: func.func @experts
// CHECK: onnx.node "Where"
// CHECK: %[[OWN:.*]] = onnx.node "Cast"(%{{.*}}) version 21 {to = 9 : i64}
// CHECK: onnx.node "Mul"
// CHECK: onnx.node "Mul"
// CHECK: onnx.node "Where"
// CHECK-NOT: moe.
func.func @experts(%x: tensor<?x4xf32>, %e: tensor<?x1xi64>, %w: tensor<?x1xf32>, %v: tensor<1x4xf32>) -> tensor<?x4xf32> {
  %y = moe.experts %x to %e weights %w parameters(%v : tensor<1x4xf32>)
      {num_experts = 2 : i64, segments = array<i64: 1>, tables = [array<i64: 0, 0, -1, -1>]}
      : (tensor<?x4xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>, %pv: tensor<4xf32>):
    %0 = onnx.node "Mul"(%t, %pv) version 14 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    moe.yield %0 : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
