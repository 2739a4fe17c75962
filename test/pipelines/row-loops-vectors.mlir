// The loops of a softmax become vectors: the maximum (which has to heed NaN), the exponentials, the
// sum, the quotient.
//
// RUN: moec-opt %s --moec-lower-pipeline --moec-bufferize-pipeline --moec-llvm-pipeline \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -O3 -mtriple=x86_64-linux-gnu -mcpu=x86-64-v3 -S \
// RUN:   | FileCheck %s

// CHECK-LABEL: @softmax_task
// CHECK:         call {{.*}}<8 x float> @llvm.maximum.v8f32
// CHECK:         call {{.*}}float @llvm.vector.reduce.fmaximum.v8f32
// CHECK:         shl {{.*}}<8 x i32>
// CHECK:         fadd reassoc <8 x float>
// CHECK:         call {{.*}}float @llvm.vector.reduce.fadd.v8f32
// CHECK:         fdiv <8 x float>
func.func @softmax(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = onnx.node "Softmax"(%x) version 13 {axis = -1 : i64} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
