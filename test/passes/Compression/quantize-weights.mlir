// RUN: moec-opt %s --moe-quantize-weights=format=int8 --split-input-file --moec-keep-weights=output=%t.8 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks
// RUN: moec-opt %s --moe-quantize-weights='format=int4 group=16' --split-input-file --moec-keep-weights=output=%t.4 2>/dev/null | FileCheck %s --check-prefix=NIBBLES
// RUN: moec-opt %s --moe-quantize-weights='format=int4 group=16 asymmetric scales=f32 outer=int4' --split-input-file --moec-keep-weights=output=%t.a 2>%t.a.remarks | FileCheck %s --check-prefix=ZEROS
// RUN: FileCheck %s --check-prefix=DEPTH --input-file=%t.a.remarks
// RUN: moec-opt %s --moe-quantize-weights='kinds=attention,ffn' --split-input-file --moec-keep-weights=output=%t.k 2>/dev/null | FileCheck %s --check-prefix=KINDS
// RUN: not moec-opt %s --moe-quantize-weights='layers=nothing' 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not moec-opt %s --moe-quantize-weights='group=24' 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not moec-opt %s --moe-quantize-weights='kinds=router' 2>&1 | FileCheck %s --check-prefix=KIND
// NAME: error: quantize-weights: 'layers': no layer is called 'nothing'
// GROUP: error: quantize-weights: 'group' is 24, expected 0 or a power of two of at least 16
// KIND: error: quantize-weights: 'kinds' names 'router', expected experts, attention, ffn, head or embedding

// The example of the description: a layer that gives an output of the model. The scales are exact.
// REMARK:        remark: quantize-weights: weights of 'linear' in 8 bits by row, 8 bytes instead of 16, relative error 0.0000
// CHECK-LABEL: func.func @main(
// CHECK:         %[[C:.*]] = onnx.constant dense<{{\[\[}}127, 1], [-3, 127]]> : tensor<2x2xi8>
// CHECK:         %[[S:.*]] = onnx.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf16>
// CHECK:         %[[W:.*]] = moe.dequantize %[[C]] scales %[[S]] {axis = 0 : i64, block = 2 : i64} : (tensor<2x2xi8>, tensor<1x2xf16>) -> tensor<2x2xf32>
// CHECK:         moe.linear %{{.*}}, %[[W]] : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
// Heads have eight bits, by row, whatever the others have.
// NIBBLES-LABEL: func.func @main(
// NIBBLES:         onnx.constant dense<{{\[\[}}127, 1], [-3, 127]]> : tensor<2x2xi8>
// Unless that is wanted; then two rows are less than a group.
// DEPTH:         remark: quantize-weights leaves 'linear' as it is: its depth of 2 is no multiple of 16
// KINDS-LABEL: func.func @main(
// KINDS-NOT:     moe.dequantize
module {
  func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %w = onnx.constant dense<[[127.0, 2.0], [-3.0, 254.0]]> : tensor<2x2xf32>
    %y = moe.linear %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}

// -----

// Rows of a table are looked up as codes, whose sizes may be asked for; a feed-forward layer whose groups lie along its rows; the router
// stays; of experts the matrices, along the axis that their layers sum over, but not the biases.
// CHECK-LABEL: func.func @layers(
// CHECK:         %[[T:.*]] = onnx.constant {{.*}} : tensor<4x16xi8>
// CHECK:         %[[R:.*]] = onnx.constant {{.*}} : tensor<4x1xf16>
// CHECK:         %[[CODES:.*]] = onnx.node "Gather"(%[[T]], %arg0) {{.*}} -> tensor<?x16xi8>
// CHECK:         %[[SCALES:.*]] = onnx.node "Gather"(%[[R]], %arg0) {{.*}} -> tensor<?x1xf16>
// CHECK:         moe.dequantize %[[CODES]] scales %[[SCALES]] {block = 16 : i64} : (tensor<?x16xi8>, tensor<?x1xf16>) -> tensor<?x16xf32>
// CHECK:         moe.dequantize {{.*}} {axis = 1 : i64, block = 16 : i64} : (tensor<16x16xi8>, tensor<16x1xf16>) -> tensor<16x16xf32>
// CHECK:         moe.linear {{.*}} transposed
// CHECK:         moe.linear %{{.*}}, %[[ROUTER:.*]] : (tensor<?x16xf32>, tensor<16x2xf32>)
// CHECK:         %[[U:.*]] = moe.dequantize {{.*}} {axis = 1 : i64, block = 16 : i64} : (tensor<2x16x32xi8>, tensor<2x1x32xf16>) -> tensor<2x16x32xf32>
// CHECK:         %[[D:.*]] = moe.dequantize {{.*}} {axis = 2 : i64, block = 32 : i64} : (tensor<2x16x32xi8>, tensor<2x16x1xf16>) -> tensor<2x16x32xf32>
// CHECK:         moe.experts {{.*}} parameters(%[[U]], %{{.*}}, %[[D]] : tensor<2x16x32xf32>, tensor<2x32xf32>, tensor<2x16x32xf32>)

// Codes of four bits lie two to a byte. Those that are looked up are unsigned, in bytes.
// NIBBLES-LABEL: func.func @layers(
// NIBBLES:         moe.dequantize {{.*}} {block = 16 : i64} : (tensor<?x16xi8>, tensor<?x1xf16>)
// NIBBLES:         moe.dequantize {{.*}} {axis = 1 : i64, block = 16 : i64} : (tensor<16x16xi4>, tensor<16x1xf16>)
// NIBBLES:         moe.dequantize {{.*}} {axis = 1 : i64, block = 16 : i64} : (tensor<2x16x32xi4>, tensor<2x1x32xf16>)
// NIBBLES:         moe.dequantize {{.*}} {axis = 2 : i64, block = 16 : i64} : (tensor<2x16x32xi4>, tensor<2x16x2xf16>)
// ZEROS-LABEL:   func.func @layers(
// ZEROS:           moe.dequantize %{{.*}} scales %{{.*}} zero_points %{{.*}} {block = 16 : i64, packed = 4 : i64} : (tensor<?x8xui8>, tensor<?x1xf32>, tensor<?x1xui8>) -> tensor<?x16xf32>
// ZEROS:           moe.dequantize %{{.*}} scales %{{.*}} zero_points %{{.*}} {axis = 1 : i64, block = 16 : i64} : (tensor<16x16xui4>, tensor<16x1xf32>, tensor<16x1xui4>) -> tensor<16x16xf32>
// KINDS-LABEL:   func.func @layers(
// KINDS-NOT:       moe.dequantize
// KINDS:           onnx.node "Gather"{{.*}} -> tensor<?x16xf32>
// KINDS:           onnx.node "Add"
// KINDS:           moe.dequantize {{.*}} -> tensor<16x16xf32>
// KINDS-NOT:       moe.dequantize
module {
  func.func @layers(%ids: tensor<?xi64>, %h: tensor<?x16xf32>) -> tensor<?x16xf32> {
    %table = onnx.constant dense<0.5> : tensor<4x16xf32>
    %w = onnx.constant dense<2.0> : tensor<16x16xf32>
    %router = onnx.constant dense<1.0> : tensor<16x2xf32>
    %up = onnx.constant dense<3.0> : tensor<2x16x32xf32>
    %bias = onnx.constant dense<1.0> : tensor<2x32xf32>
    %down = onnx.constant dense<3.0> : tensor<2x16x32xf32>
    %e = onnx.node "Gather"(%table, %ids) version 13 {axis = 0 : i64} : (tensor<4x16xf32>, tensor<?xi64>) -> tensor<?x16xf32>
    %sizes = onnx.node "Shape"(%e) version 21 : (tensor<?x16xf32>) -> tensor<2xi64>
    %x = onnx.node "Add"(%e, %h) version 14 : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
    %f = moe.linear %x, %w transposed : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32> loc("ff")
    %a = moe.activation <relu> %f : tensor<?x16xf32>
    %l = moe.linear %a, %router : (tensor<?x16xf32>, tensor<16x2xf32>) -> tensor<?x2xf32>
    %weights, %experts = moe.route %l {k = 1 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
    %y = moe.experts %a to %experts weights %weights parameters(%up, %bias, %down : tensor<2x16x32xf32>, tensor<2x32xf32>, tensor<2x16x32xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1, 1>} : (tensor<?x16xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x16xf32> {
    ^bb0(%t: tensor<?x16xf32>, %u: tensor<16x32xf32>, %b: tensor<32xf32>, %d: tensor<16x32xf32>):
      %0 = moe.linear %t, %u bias %b : (tensor<?x16xf32>, tensor<16x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      %1 = moe.activation <relu> %0 : tensor<?x32xf32>
      %2 = moe.linear %1, %d transposed : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
      moe.yield %2 : tensor<?x16xf32>
    }
    return %y : tensor<?x16xf32>
  }
}

// -----

// Left alone: what is quantised already, what comes with the call, what is no number of the grid, and a table
// of angles.
// REMARK:      remark: {{.*}}quantize-weights leaves 'coded' as it is: its weight is quantised already
// REMARK:      remark: {{.*}}quantize-weights leaves 'given' as it is: not the same in every run: an input or computed value
// REMARK:      remark: {{.*}}quantize-weights leaves 'infinite' as it is: number 0 of row 0 is not finite
// CHECK-LABEL: func.func @left_alone(
// KINDS-LABEL: func.func @left_alone(
// CHECK:         onnx.node "Gather"{{.*}} -> tensor<?x2xf32>
// CHECK-NEXT:    onnx.node "Mul"
// CHECK-COUNT-1: moe.dequantize
// CHECK-NOT:     moe.dequantize
module {
  func.func @left_alone(%ids: tensor<?xi64>, %x: tensor<?x2xf32>, %v: tensor<2x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
    %angles = onnx.constant dense<0.5> : tensor<4x2xf32>
    %c = onnx.constant dense<1> : tensor<2x2xi8>
    %s = onnx.constant dense<0.5> : tensor<2xf32>
    %i = onnx.constant dense<0x7F800000> : tensor<2x2xf32>
    %g = onnx.node "Gather"(%angles, %ids) version 13 {axis = 0 : i64} : (tensor<4x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
    %r = onnx.node "Mul"(%x, %g) version 14 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
    %w = moe.dequantize %c scales %s {axis = 1 : i64} : (tensor<2x2xi8>, tensor<2xf32>) -> tensor<2x2xf32>
    %0 = moe.linear %r, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("coded")
    %1 = moe.linear %r, %v : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("given")
    %2 = moe.linear %r, %i : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32> loc("infinite")
    return %0, %1, %2 : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>
  }
}
