// RUN: rm -f %t.mlir*
// RUN: moec-opt %s --split-input-file --moe-quantize-weights=format=int8 -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: od -A n -t d1 -N 4 %t.mlir.weights | FileCheck %s --check-prefix=FIRST
// RUN: od -A n -t d1 -N 4 %t.mlir.split2.weights | FileCheck %s --check-prefix=SECOND
// RUN: moec-opt %t.mlir --split-input-file --moe-factorize-linear="kinds=head ratio=0.5" 2>&1 | FileCheck %s --check-prefix=AGAIN

// Weights that a pass makes of one module stay apart from those of the next.
// CHECK: moe.weight_file @file0 "{{.*}}.mlir.weights" size 4096
// CHECK: moe.weight_file @file0 "{{.*}}.mlir.split2.weights" size 4096
// FIRST: 127 127 127 127
// SECOND: -127 -127 -127 -127
// AGAIN-COUNT-2: factorize-linear leaves 'linear' as it is: nothing would be saved
func.func @main(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = onnx.constant dense<127.0> : tensor<64x64xf32>
  %y = moe.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

func.func @main(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = onnx.constant dense<-254.0> : tensor<64x64xf32>
  %y = moe.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
