// RUN: moec-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s
// RUN: moec-opt %s --moec-lower-pipeline --split-input-file | FileCheck %s --check-prefix=FUSED

// Codes of four bits stay two to a byte, and are taken apart and scaled in the loop that reads them. The
// node is lowered where its result is needed.
// CHECK:       kernel.packed @{{.*}} from @w offset 0 size 2048
// CHECK-LABEL: func.func @packed_weight(
// CHECK:         %[[BYTES:.*]] = kernel.weight @{{.*}} : tensor<2048xi8>
// CHECK:         linalg.generic {{.*}} ins(%[[BYTES]] : tensor<2048xi8>) outs(%{{.*}} : tensor<64x64xi8>)
// CHECK:           arith.shrui
// CHECK:           arith.andi
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<64x64xf32>)
// FUSED-LABEL: func.func @packed_weight(
// FUSED:         %[[BYTES:.*]] = kernel.weight @{{.*}} : tensor<2048xi8>
// FUSED-NOT:     tensor<64x64xi8>
// FUSED:         linalg.generic {{.*}} ins(%{{.*}}, %[[BYTES]] : tensor<64x64xf32>, tensor<2048xi8>) outs(%{{.*}} : tensor<64x64xf32>)
module {
  moe.weight_file @file0 "/weights" size 2048
  moe.weight_data @w in @file0[0, 2048] : tensor<64x64xui4>
  func.func @packed_weight(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
    %w = moe.weight @w : tensor<64x64xui4>
    %s = onnx.constant dense<0.5> : tensor<2x64xf32>
    %z = onnx.constant dense<8> : tensor<2x64xui4>
    %0 = onnx.node "DequantizeLinear"(%w, %s, %z) version 21 {axis = 0 : i64, block_size = 32 : i64} : (tensor<64x64xui4>, tensor<2x64xf32>, tensor<2x64xui4>) -> tensor<64x64xf32>
    %1 = onnx.node "Add"(%x, %0) version 14 : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    return %1 : tensor<64x64xf32>
  }
}

// -----

// Signed codes are sign-extended; the interface has them so.
// CHECK-LABEL: func.func @signed_codes(
// CHECK-SAME:      %{{.*}}: tensor<?xi8>
// CHECK:         arith.extsi {{.*}} : i8 to i32
// CHECK:         arith.subi
// CHECK:         arith.sitofp {{.*}} : i32 to f32
// CHECK:         arith.mulf
// CHECK:         return %{{.*}}, %{{.*}} : tensor<?xf32>, tensor<2xi8>
func.func @signed_codes(%x: tensor<?xi4>, %s: tensor<f32>, %z: tensor<i4>) -> (tensor<?xf32>, tensor<2xi4>) {
  %c = onnx.constant dense<[-8, 7]> : tensor<2xi4>
  %0 = onnx.node "DequantizeLinear"(%x, %s, %z) version 21 : (tensor<?xi4>, tensor<f32>, tensor<i4>) -> tensor<?xf32>
  %1 = onnx.node "Identity"(%c) version 21 : (tensor<2xi4>) -> tensor<2xi4>
  return %0, %1 : tensor<?xf32>, tensor<2xi4>
}

// -----

// Sums in i32 of differences from the zero points, the loop over columns innermost.
// CHECK-LABEL: func.func @integer_product(
// CHECK:         linalg.generic {indexing_maps = {{.*}}, iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
// CHECK:           arith.muli {{.*}} : i32
func.func @integer_product(%a: tensor<?x8xui8>, %b: tensor<8x4xi8>, %z: tensor<ui8>) -> tensor<?x4xi32> {
  %none = onnx.none
  %0 = onnx.node "MatMulInteger"(%a, %b, %z) version 10 : (tensor<?x8xui8>, tensor<8x4xi8>, tensor<ui8>) -> tensor<?x4xi32>
  return %0 : tensor<?x4xi32>
}
