// RUN: moec-opt %s --split-input-file --moe-raise-rotary --canonicalize --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[C:.*]] = onnx.node "Cos"(%arg1)
// CHECK-NEXT: %[[S:.*]] = onnx.node "Sin"(%arg1)
// CHECK-NEXT: %[[Y:.*]] = moe.rotary %arg0, %[[C]], %[[S]] : (tensor<?x4x7x16xf32>, tensor<1x7x8xf32>, tensor<1x7x8xf32>) -> tensor<?x4x7x16xf32>
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<?x4x7x16xf32>, %f: tensor<1x7x8xf32>) -> tensor<?x4x7x16xf32> {
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %start = onnx.constant dense<0> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %ff = onnx.node "Concat"(%f, %f) version 13 {axis = -1 : i64} : (tensor<1x7x8xf32>, tensor<1x7x8xf32>) -> tensor<1x7x16xf32>
  %cc = onnx.node "Cos"(%ff) version 22 : (tensor<1x7x16xf32>) -> tensor<1x7x16xf32>
  %ss = onnx.node "Sin"(%ff) version 22 : (tensor<1x7x16xf32>) -> tensor<1x7x16xf32>
  %c = onnx.node "Unsqueeze"(%cc, %axis) version 21 : (tensor<1x7x16xf32>, tensor<1xi64>) -> tensor<1x1x7x16xf32>
  %s = onnx.node "Unsqueeze"(%ss, %axis) version 21 : (tensor<1x7x16xf32>, tensor<1xi64>) -> tensor<1x1x7x16xf32>
  %1 = onnx.node "Mul"(%x, %c) version 14 : (tensor<?x4x7x16xf32>, tensor<1x1x7x16xf32>) -> tensor<?x4x7x16xf32>
  %x1 = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x4x7x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x7x8xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x4x7x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x7x8xf32>
  %2 = onnx.node "Neg"(%x2) version 13 : (tensor<?x4x7x8xf32>) -> tensor<?x4x7x8xf32>
  %3 = onnx.node "Concat"(%2, %x1) version 13 {axis = -1 : i64} : (tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32>) -> tensor<?x4x7x16xf32>
  %4 = onnx.node "Mul"(%3, %s) version 14 : (tensor<?x4x7x16xf32>, tensor<1x1x7x16xf32>) -> tensor<?x4x7x16xf32>
  // expected-remark @below {{rotary embedding: 16 of 16 elements}}
  %5 = onnx.node "Add"(%1, %4) version 14 : (tensor<?x4x7x16xf32>, tensor<?x4x7x16xf32>) -> tensor<?x4x7x16xf32>
  return %5 : tensor<?x4x7x16xf32>
}

// -----

// Halves by themselves; angles of one for all heads.

// CHECK-LABEL: func.func @halves
// CHECK-DAG: %[[C:.*]] = onnx.node "Squeeze"(%arg1, {{.*}} -> tensor<?x?x8xf32>
// CHECK-DAG: %[[S:.*]] = onnx.node "Squeeze"(%arg2, {{.*}} -> tensor<?x?x8xf32>
// CHECK: %[[Y:.*]] = moe.rotary %arg0, %[[C]], %[[S]] :
// CHECK: return %[[Y]]
func.func @halves(%x: tensor<?x4x?x16xf32> {onnx.dims = ["b", "", "s", ""]}, %c: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}, %s: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}) -> tensor<?x4x?x16xf32> {
  %start = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %0 = onnx.node "Mul"(%x1, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %1 = onnx.node "Mul"(%x2, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %2 = onnx.node "Sub"(%0, %1) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %3 = onnx.node "Mul"(%x2, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %4 = onnx.node "Mul"(%x1, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %5 = onnx.node "Add"(%3, %4) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  // expected-remark @below {{rotary embedding: 16 of 16 elements}}
  %6 = onnx.node "Concat"(%2, %5) version 13 {axis = -1 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x16xf32>
  return %6 : tensor<?x4x?x16xf32>
}

// -----

// Pairs of neighbours, side by side again by an axis of two. The shape says nothing of the sizes that it keeps.

// CHECK-LABEL: func.func @neighbours
// CHECK: %[[Y:.*]] = moe.rotary %arg0, %{{.*}}, %{{.*}} interleaved :
// CHECK: return %[[Y]]
func.func @neighbours(%x: tensor<?x4x?x16xf32> {onnx.dims = ["b", "", "s", ""]}, %c: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}, %s: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}) -> tensor<?x4x?x16xf32> {
  %start = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %start, %end, %last, %two) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %x2 = onnx.node "Slice"(%x, %one, %end, %last, %two) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %0 = onnx.node "Mul"(%x1, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %1 = onnx.node "Mul"(%x2, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %2 = onnx.node "Sub"(%0, %1) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %3 = onnx.node "Mul"(%x2, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %4 = onnx.node "Mul"(%x1, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %5 = onnx.node "Add"(%3, %4) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %new = onnx.constant dense<-1> : tensor<1xi64>
  %shape = onnx.constant dense<[0, 0, 0, 16]> : tensor<4xi64>
  %6 = onnx.node "Unsqueeze"(%2, %new) version 13 : (tensor<?x4x?x8xf32>, tensor<1xi64>) -> tensor<?x4x?x8x1xf32>
  %7 = onnx.node "Unsqueeze"(%5, %new) version 13 : (tensor<?x4x?x8xf32>, tensor<1xi64>) -> tensor<?x4x?x8x1xf32>
  %8 = onnx.node "Concat"(%6, %7) version 13 {axis = -1 : i64} : (tensor<?x4x?x8x1xf32>, tensor<?x4x?x8x1xf32>) -> tensor<?x4x?x8x2xf32>
  // expected-remark @below {{rotary embedding: 16 of 16 elements, interleaved}}
  %9 = onnx.node "Reshape"(%8, %shape) version 14 : (tensor<?x4x?x8x2xf32>, tensor<4xi64>) -> tensor<?x4x?x16xf32>
  return %9 : tensor<?x4x?x16xf32>
}

// -----

// Two sums.

// CHECK-LABEL: func.func @left_alone_sum
// CHECK-NOT: moe.rotary
func.func @left_alone_sum(%x: tensor<?x4x?x16xf32> {onnx.dims = ["b", "", "s", ""]}, %c: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}, %s: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}) -> tensor<?x4x?x16xf32> {
  %start = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %0 = onnx.node "Mul"(%x1, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %1 = onnx.node "Mul"(%x2, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %2 = onnx.node "Add"(%0, %1) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %3 = onnx.node "Mul"(%x2, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %4 = onnx.node "Mul"(%x1, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %5 = onnx.node "Add"(%3, %4) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %6 = onnx.node "Concat"(%2, %5) version 13 {axis = -1 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x16xf32>
  return %6 : tensor<?x4x?x16xf32>
}

// -----

// Angles that the halves do not share.

// CHECK-LABEL: func.func @left_alone_sines_twice
// CHECK-NOT: moe.rotary
func.func @left_alone_sines_twice(%x: tensor<?x4x?x16xf32> {onnx.dims = ["b", "", "s", ""]}, %c: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}, %s: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}) -> tensor<?x4x?x16xf32> {
  %start = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %0 = onnx.node "Mul"(%x1, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %1 = onnx.node "Mul"(%x2, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %2 = onnx.node "Sub"(%0, %1) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %3 = onnx.node "Mul"(%x2, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %4 = onnx.node "Mul"(%x1, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %5 = onnx.node "Add"(%3, %4) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %6 = onnx.node "Concat"(%2, %5) version 13 {axis = -1 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x16xf32>
  return %6 : tensor<?x4x?x16xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_other_order
// CHECK-NOT: moe.rotary
func.func @left_alone_other_order(%x: tensor<?x4x?x16xf32> {onnx.dims = ["b", "", "s", ""]}, %c: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}, %s: tensor<?x1x?x8xf32> {onnx.dims = ["b", "", "s", ""]}) -> tensor<?x4x?x16xf32> {
  %start = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %start, %end, %last, %two) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %x2 = onnx.node "Slice"(%x, %one, %end, %last, %two) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %0 = onnx.node "Mul"(%x1, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %1 = onnx.node "Mul"(%x2, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %2 = onnx.node "Sub"(%0, %1) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %3 = onnx.node "Mul"(%x2, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %4 = onnx.node "Mul"(%x1, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %5 = onnx.node "Add"(%3, %4) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  // expected-remark @below {{looks like a rotary embedding and is not raised: pairs stand otherwise in its result than in its operand}}
  %6 = onnx.node "Concat"(%2, %5) version 13 {axis = -1 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x16xf32>
  return %6 : tensor<?x4x?x16xf32>
}

// -----

// Nothing says that there are as many angles as positions: one may be for all.

// CHECK-LABEL: func.func @left_alone_positions
// CHECK-NOT: moe.rotary
func.func @left_alone_positions(%x: tensor<?x4x?x16xf32> {onnx.dims = ["b", "", "s", ""]}, %c: tensor<?x1x?x8xf32>, %s: tensor<?x1x?x8xf32>) -> tensor<?x4x?x16xf32> {
  %start = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x?x8xf32>
  %0 = onnx.node "Mul"(%x1, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %1 = onnx.node "Mul"(%x2, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %2 = onnx.node "Sub"(%0, %1) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %3 = onnx.node "Mul"(%x2, %c) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %4 = onnx.node "Mul"(%x1, %s) version 14 : (tensor<?x4x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %5 = onnx.node "Add"(%3, %4) version 14 : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  // expected-remark @below {{looks like a rotary embedding and is not raised: its positions are not told apart from heads}}
  %6 = onnx.node "Concat"(%2, %5) version 13 {axis = -1 : i64} : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x16xf32>
  return %6 : tensor<?x4x?x16xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_angles_differ
// CHECK-NOT: moe.rotary
func.func @left_alone_angles_differ(%x: tensor<?x4x7x16xf32>, %f: tensor<1x7x8xf32>, %g: tensor<1x7x8xf32>) -> tensor<?x4x7x16xf32> {
  %axis = onnx.constant dense<1> : tensor<1xi64>
  %start = onnx.constant dense<0> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %ff = onnx.node "Concat"(%f, %g) version 13 {axis = -1 : i64} : (tensor<1x7x8xf32>, tensor<1x7x8xf32>) -> tensor<1x7x16xf32>
  %cc = onnx.node "Cos"(%ff) version 22 : (tensor<1x7x16xf32>) -> tensor<1x7x16xf32>
  %ss = onnx.node "Sin"(%ff) version 22 : (tensor<1x7x16xf32>) -> tensor<1x7x16xf32>
  %c = onnx.node "Unsqueeze"(%cc, %axis) version 21 : (tensor<1x7x16xf32>, tensor<1xi64>) -> tensor<1x1x7x16xf32>
  %s = onnx.node "Unsqueeze"(%ss, %axis) version 21 : (tensor<1x7x16xf32>, tensor<1xi64>) -> tensor<1x1x7x16xf32>
  %1 = onnx.node "Mul"(%x, %c) version 14 : (tensor<?x4x7x16xf32>, tensor<1x1x7x16xf32>) -> tensor<?x4x7x16xf32>
  %x1 = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x4x7x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x7x8xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x4x7x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x7x8xf32>
  %2 = onnx.node "Neg"(%x2) version 13 : (tensor<?x4x7x8xf32>) -> tensor<?x4x7x8xf32>
  // expected-remark @below {{looks like a rotary embedding and is not raised: elements of a pair may have other cosines or sines}}
  %3 = onnx.node "Concat"(%2, %x1) version 13 {axis = -1 : i64} : (tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32>) -> tensor<?x4x7x16xf32>
  %4 = onnx.node "Mul"(%3, %s) version 14 : (tensor<?x4x7x16xf32>, tensor<1x1x7x16xf32>) -> tensor<?x4x7x16xf32>
  %5 = onnx.node "Add"(%1, %4) version 14 : (tensor<?x4x7x16xf32>, tensor<?x4x7x16xf32>) -> tensor<?x4x7x16xf32>
  return %5 : tensor<?x4x7x16xf32>
}

// -----

// Half of a head, positions before heads, a table that has each angle twice. The transpose that follows is what
// the operation gives.

// CHECK-LABEL: func.func @partial
// CHECK: %[[X:.*]] = onnx.node "Transpose"(%arg0) {{.*}} -> tensor<?x4x7x16xf32>
// CHECK: %[[Y:.*]] = moe.rotary %[[X]], %{{.*}}, %{{.*}} : (tensor<?x4x7x16xf32>, tensor<?x7x4xf32>, tensor<?x7x4xf32>) -> tensor<?x4x7x16xf32>
// CHECK: return %[[Y]]
func.func @partial(%x: tensor<?x7x4x16xf32> {onnx.dims = ["b", "", "", ""]}, %i: tensor<?x7xi64> {onnx.dims = ["b", ""]}) -> tensor<?x4x7x16xf32> {
  %table = onnx.constant dense<[[1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0, 5.0, 6.0, 7.0, 8.0]]> : tensor<2x8xf32>
  %start = onnx.constant dense<0> : tensor<1xi64>
  %one = onnx.constant dense<1> : tensor<1xi64>
  %two = onnx.constant dense<2> : tensor<1xi64>
  %half = onnx.constant dense<8> : tensor<1xi64>
  %end = onnx.constant dense<16> : tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64>
  %quarter = onnx.constant dense<4> : tensor<1xi64>
  %g = onnx.node "Gather"(%table, %i) version 13 {axis = 0 : i64} : (tensor<2x8xf32>, tensor<?x7xi64>) -> tensor<?x7x8xf32>
  %a = onnx.node "Unsqueeze"(%g, %two) version 13 : (tensor<?x7x8xf32>, tensor<1xi64>) -> tensor<?x7x1x8xf32>
  %part = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x7x4x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x7x4x8xf32>
  %rest = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x7x4x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x7x4x8xf32>
  %x1 = onnx.node "Slice"(%part, %start, %quarter, %last) version 13 : (tensor<?x7x4x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x7x4x4xf32>
  %x2 = onnx.node "Slice"(%part, %quarter, %half, %last) version 13 : (tensor<?x7x4x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x7x4x4xf32>
  %0 = onnx.node "Mul"(%a, %part) version 14 : (tensor<?x7x1x8xf32>, tensor<?x7x4x8xf32>) -> tensor<?x7x4x8xf32>
  %1 = onnx.node "Neg"(%x2) version 13 : (tensor<?x7x4x4xf32>) -> tensor<?x7x4x4xf32>
  %2 = onnx.node "Concat"(%1, %x1) version 13 {axis = -1 : i64} : (tensor<?x7x4x4xf32>, tensor<?x7x4x4xf32>) -> tensor<?x7x4x8xf32>
  %3 = onnx.node "Mul"(%2, %a) version 14 : (tensor<?x7x4x8xf32>, tensor<?x7x1x8xf32>) -> tensor<?x7x4x8xf32>
  %4 = onnx.node "Add"(%3, %0) version 14 : (tensor<?x7x4x8xf32>, tensor<?x7x4x8xf32>) -> tensor<?x7x4x8xf32>
  // expected-remark @below {{rotary embedding: 8 of 16 elements}}
  %5 = onnx.node "Concat"(%4, %rest) version 13 {axis = 3 : i64} : (tensor<?x7x4x8xf32>, tensor<?x7x4x8xf32>) -> tensor<?x7x4x16xf32>
  %6 = onnx.node "Transpose"(%5) version 13 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x7x4x16xf32>) -> tensor<?x4x7x16xf32>
  return %6 : tensor<?x4x7x16xf32>
}
