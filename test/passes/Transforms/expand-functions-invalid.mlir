// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(onnx-expand-functions{max-nodes=3}))' \
// RUN:   --verify-diagnostics

func.func @limit(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@+1 {{expanding operators into their definitions makes more than 3 nodes}}
  %0 = onnx.node "MeanVarianceNormalization"(%x) version 13 {axes = array<i64: 0>} : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
