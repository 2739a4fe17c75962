// RUN: moec-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-LABEL: @main
// CHECK: arith.constant 0 : index
// CHECK: tensor.dim
// CHECK: tensor.empty
// CHECK: linalg.generic
// CHECK: arith.negf
// CHECK: linalg.yield
// CHECK: return
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// Equal sizes are read by the same index, sizes of 1 at 0; a scalar constant is part of the body.

// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: @broadcast
// CHECK-NOT: kernel.check
// CHECK: linalg.generic {indexing_maps = [#[[$ID]], #[[$ROW]], #[[$ID]]]
// CHECK: arith.addf
// CHECK: linalg.generic {indexing_maps = [#[[$ID]], #[[$COLUMN]], #[[$ID]]]
// CHECK: arith.mulf
// CHECK: linalg.generic {indexing_maps = [#[[$ID]], #[[$ID]]]
// CHECK: arith.divf %{{.*}}, %cst
func.func @broadcast(%x: tensor<?x8xf32> {onnx.dims = ["n", ""]},
                     %row: tensor<?x1xf32> {onnx.dims = ["n", ""]},
                     %column: tensor<8xf32>) -> tensor<?x8xf32> {
  %three = onnx.constant dense<3.0> : tensor<f32>
  %0 = onnx.node "Add"(%x, %row) version 14
      : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %1 = onnx.node "Mul"(%0, %column) version 14 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %2 = onnx.node "Div"(%1, %three) version 14 : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// Sizes of different names may differ: one of them must be 1, which is checked and read around.

// CHECK-LABEL: @unequal_sizes
// CHECK: kernel.check %{{.*}}, "a size is neither 1 nor the size that it is broadcast to"
// CHECK: arith.select
// CHECK: tensor.extract
func.func @unequal_sizes(%x: tensor<?xf32> {onnx.dims = ["n"]},
                         %y: tensor<?xf32> {onnx.dims = ["m"]}) -> tensor<?xf32> {
  %0 = onnx.node "Sub"(%x, %y) version 14 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Constants are no operands of the structured operation, and keep their place in the formula.

// CHECK-LABEL: @where
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<1x4xi1>, tensor<3x1xf32>)
// CHECK-NEXT: ^bb0(%[[CONDITION:.*]]: i1, %[[X:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: arith.select %[[CONDITION]], %cst, %[[X]] : f32
func.func @where(%condition: tensor<1x4xi1>, %y: tensor<3x1xf32>) -> tensor<3x4xf32> {
  %seven = onnx.constant dense<7.0> : tensor<f32>
  %0 = onnx.node "Where"(%condition, %seven, %y) version 16
      : (tensor<1x4xi1>, tensor<f32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// Narrow floats are computed in f32 and rounded after every operator.

// CHECK-LABEL: @half
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.addf %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half(%x: tensor<4xf16>, %y: tensor<4xf16>) -> tensor<4xf16> {
  %0 = onnx.node "Add"(%x, %y) version 14 : (tensor<4xf16>, tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// Divisors that the hardware traps on are replaced; unsigned integers keep their meaning.

// CHECK-LABEL: @integers
// CHECK: %[[TRAPS:.*]] = arith.ori
// CHECK: arith.select %[[TRAPS]], %c1_i32
// CHECK: arith.divsi
// CHECK: arith.divui
// CHECK: arith.maxui
func.func @integers(%x: tensor<?xi32> {onnx.dims = ["n"]},
                    %y: tensor<?xi32> {onnx.dims = ["n"]}, %u: tensor<?xui8>)
    -> (tensor<?xi32>, tensor<?xui8>, tensor<?xui8>) {
  %0 = onnx.node "Div"(%x, %y) version 14 : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
  %1 = onnx.node "Div"(%u, %u) version 14 : (tensor<?xui8>, tensor<?xui8>) -> tensor<?xui8>
  %2 = onnx.node "Max"(%u, %1) version 13 : (tensor<?xui8>, tensor<?xui8>) -> tensor<?xui8>
  return %0, %1, %2 : tensor<?xi32>, tensor<?xui8>, tensor<?xui8>
}

// -----

// Powers that are products are products.

// CHECK-LABEL: @powers
// CHECK: arith.mulf
// CHECK: math.sqrt
// CHECK: math.powf
func.func @powers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %two = onnx.constant dense<2> : tensor<i64>
  %half = onnx.constant dense<0.5> : tensor<f32>
  %other = onnx.constant dense<1.7> : tensor<1xf32>
  %0 = onnx.node "Pow"(%x, %two) version 15 : (tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
  %1 = onnx.node "Pow"(%x, %half) version 15 : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = onnx.node "Pow"(%x, %other) version 15 : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: @clip_without_minimum
// CHECK: arith.cmpf olt
// CHECK-NEXT: arith.select
// CHECK-NEXT: linalg.yield
func.func @clip_without_minimum(%x: tensor<?xf32>, %high: tensor<f32>) -> tensor<?xf32> {
  %none = onnx.none
  %0 = onnx.node "Clip"(%x, %none, %high) version 13
      : (tensor<?xf32>, none, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CHECK-LABEL: @casts
// CHECK: arith.cmpf une
// CHECK: arith.fptosi %{{.*}} : f32 to i32
// CHECK-NEXT: arith.trunci %{{.*}} : i32 to i8
// CHECK: arith.uitofp %{{.*}} : i8 to f32
func.func @casts(%x: tensor<4xf32>) -> (tensor<4xi1>, tensor<4xf32>) {
  %0 = onnx.node "Cast"(%x) version 13 {to = 9 : i64} : (tensor<4xf32>) -> tensor<4xi1>
  %1 = onnx.node "Cast"(%x) version 13 {to = 2 : i64} : (tensor<4xf32>) -> tensor<?xui8>
  %2 = onnx.node "Cast"(%1) version 13 {to = 1 : i64} : (tensor<?xui8>) -> tensor<4xf32>
  return %0, %2 : tensor<4xi1>, tensor<4xf32>
}
