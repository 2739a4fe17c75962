// Gates stay where they are where they are not asked for, as the pipeline leaves them.
// RUN: moec-opt %s --pass-pipeline='builtin.module(func.func(moe-fuse-horizontal{gates=false},moe-fuse-epilogues{gates=false}))' --split-input-file --verify-diagnostics | FileCheck %s

moe.weight_file @file0 "weights" size 16384
moe.weight_data @gate in @file0[0, 4096] : tensor<16x64xf32>
moe.weight_data @up in @file0[4096, 4096] : tensor<16x64xf32>
moe.weight_data @both in @file0[8192, 8192] : tensor<16x128xf32>

// CHECK-LABEL: func.func @apart(
func.func @apart(%x: tensor<?x16xf32>) -> tensor<?x64xf32> {
  // CHECK-COUNT-2: moe.linear
  // CHECK-NOT: epilogue
  // CHECK: moe.glu
  %g = moe.weight @gate : tensor<16x64xf32>
  %u = moe.weight @up : tensor<16x64xf32>
  // expected-remark@+1 {{together they have 128 columns}}
  %0 = moe.linear %x, %g : (tensor<?x16xf32>, tensor<16x64xf32>) -> tensor<?x64xf32>
  // expected-remark@+1 {{together they have 128 columns}}
  %1 = moe.linear %x, %u : (tensor<?x16xf32>, tensor<16x64xf32>) -> tensor<?x64xf32>
  %2 = moe.glu <silu> %0, %1 : tensor<?x64xf32>
  return %2 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @halves(
func.func @halves(%x: tensor<?x16xf32>) -> tensor<?x64xf32> {
  // CHECK: moe.linear
  // CHECK-NOT: epilogue
  // CHECK: moe.glu
  %w = moe.weight @both : tensor<16x128xf32>
  %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x128xf32>) -> tensor<?x128xf32>
  %1 = onnx.constant dense<64> : tensor<2xi64>
  %2:2 = onnx.node "Split"(%0, %1) version 18 {axis = -1 : i64} : (tensor<?x128xf32>, tensor<2xi64>) -> (tensor<?x64xf32>, tensor<?x64xf32>)
  // expected-remark@+1 {{for few rows, to read gate and up in turns costs more than not to write them and read them again}}
  %3 = moe.glu <silu> %2#0, %2#1 : tensor<?x64xf32>
  return %3 : tensor<?x64xf32>
}
