// RUN: moec-opt %s --moec-keep-weights=output=%t.mlir | FileCheck %s
// RUN: not ls %t.mlir.weights

// Nothing was made, so nothing is kept; the file without a name stays as it is.
// CHECK: moe.weight_file @file0 "" size 2048
// CHECK: moe.weight_data @w in @file0[0, 2048] : tensor<512xf32>
moe.weight_file @file0 "" size 2048
moe.weight_data @w in @file0[0, 2048] : tensor<512xf32>
