// Every operation, with and without what is optional: text and bytecode give back the same IR.
// RUN: moec-opt %s --mlir-print-op-generic -o %t.mlir
// RUN: moec-opt %s | moec-opt --mlir-print-op-generic | diff %t.mlir -
// RUN: moec-opt %s --emit-bytecode | moec-opt --mlir-print-op-generic | diff %t.mlir -
// RUN: moec-opt %s | FileCheck %s

// CHECK: moe.weight_file @file0 "model.onnx.data" size 4096
moe.weight_file @file0 "model.onnx.data" size 4096
// CHECK: moe.weight_data @w in @file0[0, 1024] : tensor<16x16xf32>
moe.weight_data @w in @file0[0, 1024] : tensor<16x16xf32>
// CHECK: moe.weight_data @"w of codes" in @file0[1024, 128] hash 81985529216486895 : tensor<16x16xui4>
moe.weight_data @"w of codes" in @file0[1024, 128] hash 81985529216486895 : tensor<16x16xui4>
// CHECK: moe.state @past axis 2 capacity 32 present "present" : tensor<?x2x?x16xf32>
moe.state @past axis 2 capacity 32 present "present" : tensor<?x2x?x16xf32>

// CHECK-LABEL: func.func @weights(
func.func @weights() -> (tensor<16x16xf32>, tensor<16x16xui4>) {
  // CHECK: moe.weight @w : tensor<16x16xf32>
  %w = moe.weight @w : tensor<16x16xf32>
  // CHECK: moe.weight @"w of codes" : tensor<16x16xui4>
  %c = moe.weight @"w of codes" : tensor<16x16xui4>
  return %w, %c : tensor<16x16xf32>, tensor<16x16xui4>
}

// CHECK-LABEL: func.func @state(
func.func @state(%rows: tensor<?x2x1x16xf32>, %past: tensor<?x2x?x16xf32> {moe.state = @past}) -> tensor<?x2x?x16xf32> {
  // CHECK: moe.cache_append %{{.*}} to %{{.*}} in @past : tensor<?x2x1x16xf32>, tensor<?x2x?x16xf32> -> tensor<?x2x?x16xf32>
  %all = moe.cache_append %rows to %past in @past : tensor<?x2x1x16xf32>, tensor<?x2x?x16xf32> -> tensor<?x2x?x16xf32>
  return %all : tensor<?x2x?x16xf32>
}

// CHECK-LABEL: func.func @linear(
func.func @linear(%x: tensor<?x6xf32>, %w: tensor<6x3xf32>, %t: tensor<3x6xf32>, %b: tensor<3xf32>, %blocks: tensor<2x3x1xf32>,
                  %c: tensor<2xf32>) {
  // CHECK: moe.linear %{{.*}}, %{{.*}} : (
  %0 = moe.linear %x, %w : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
  // CHECK: moe.linear %{{.*}}, %{{.*}} transposed bias %{{.*}} {name = "up"} : (
  %1 = moe.linear %x, %t transposed bias %b {name = "up"} : (tensor<?x6xf32>, tensor<3x6xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  // CHECK: moe.block_linear %{{.*}}, %{{.*}} : (
  %2 = moe.block_linear %x, %blocks : (tensor<?x6xf32>, tensor<2x3x1xf32>) -> tensor<?x2xf32>
  // CHECK: moe.block_linear %{{.*}}, %{{.*}} bias %{{.*}} shuffle [1, 0] : (
  %3 = moe.block_linear %x, %blocks bias %c shuffle [1, 0] : (tensor<?x6xf32>, tensor<2x3x1xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  return
}

// CHECK-LABEL: func.func @codes(
func.func @codes(%x: tensor<?x6xf32>, %i: tensor<6x32xi8>, %u: tensor<6x16xui8>, %s: tensor<f32>, %each: tensor<6xf32>,
                 %blocks: tensor<6x2xf32>, %zero: tensor<6x2xui8>, %book: tensor<16xf32>) {
  // CHECK: moe.dequantize %{{.*}} scales %{{[^ ]*}} : (
  %0 = moe.dequantize %i scales %s : (tensor<6x32xi8>, tensor<f32>) -> tensor<6x32xf32>
  // CHECK: moe.dequantize %{{.*}} scales %{{.*}} {axis = 0 : i64, zero = 3 : i64} : (
  %1 = moe.dequantize %i scales %each {axis = 0 : i64, zero = 3 : i64} : (tensor<6x32xi8>, tensor<6xf32>) -> tensor<6x32xf32>
  // CHECK: moe.dequantize %{{.*}} scales %{{.*}} zero_points %{{.*}} {block = 16 : i64, packed = 4 : i64} : (
  %2 = moe.dequantize %u scales %blocks zero_points %zero {block = 16 : i64, packed = 4 : i64}
      : (tensor<6x16xui8>, tensor<6x2xf32>, tensor<6x2xui8>) -> tensor<6x32xf32>
  // CHECK: moe.dequantize %{{.*}} scales %{{.*}} codebook %{{.*}} {packed = 4 : i64} : (
  %3 = moe.dequantize %u scales %s codebook %book {packed = 4 : i64}
      : (tensor<6x16xui8>, tensor<f32>, tensor<16xf32>) -> tensor<6x32xf32>
  // CHECK: moe.quantize_dynamic %{{[^ ]*}} : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<f32>, tensor<ui8>
  %q:3 = moe.quantize_dynamic %x : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<f32>, tensor<ui8>
  // CHECK: moe.quantize_dynamic %{{.*}} per_token : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<?xf32>, tensor<?xui8>
  %r:3 = moe.quantize_dynamic %x per_token : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<?xf32>, tensor<?xui8>
  return
}

// CHECK-LABEL: func.func @between(
func.func @between(%x: tensor<?x6xf32>, %v: tensor<6xf32>, %h: tensor<?x4x?x16xf32>, %cos: tensor<1x?x8xf32>) {
  // CHECK: moe.norm <rms> %{{.*}} {epsilon = {{.*}} : f32} : (
  %0 = moe.norm <rms> %x {epsilon = 1.0e-6 : f32} : (tensor<?x6xf32>) -> tensor<?x6xf32>
  // CHECK: moe.norm <layer> %{{.*}} scale %{{.*}} bias %{{.*}} {epsilon = 0.{{.*}} : f32} : (
  %1 = moe.norm <layer> %x scale %v bias %v {epsilon = 0.0 : f32}
      : (tensor<?x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<?x6xf32>
  // CHECK: moe.norm <layer> %{{.*}} bias %{{.*}} {
  %2 = moe.norm <layer> %x bias %v {epsilon = 0.0 : f32} : (tensor<?x6xf32>, tensor<6xf32>) -> tensor<?x6xf32>
  // CHECK: moe.rotary %{{.*}}, %{{.*}}, %{{[^ ]*}} : (
  %3 = moe.rotary %h, %cos, %cos : (tensor<?x4x?x16xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>) -> tensor<?x4x?x16xf32>
  // CHECK: moe.rotary %{{.*}}, %{{.*}}, %{{.*}} interleaved : (
  %4 = moe.rotary %h, %cos, %cos interleaved
      : (tensor<?x4x?x16xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>) -> tensor<?x4x?x16xf32>
  // CHECK:      moe.activation <identity> %{{.*}} : tensor<?x6xf32>
  %5 = moe.activation <identity> %x : tensor<?x6xf32>
  // CHECK-NEXT: moe.activation <relu>
  %6 = moe.activation <relu> %x : tensor<?x6xf32>
  // CHECK-NEXT: moe.activation <relu_squared>
  %7 = moe.activation <relu_squared> %x : tensor<?x6xf32>
  // CHECK-NEXT: moe.activation <silu> %{{.*}} {alpha = 1.702000e+00 : f32} : tensor<?x6xf32>
  %8 = moe.activation <silu> %x {alpha = 1.702 : f32} : tensor<?x6xf32>
  // CHECK-NEXT: moe.activation <gelu>
  %9 = moe.activation <gelu> %x : tensor<?x6xf32>
  // CHECK-NEXT: moe.activation <gelu_tanh>
  %10 = moe.activation <gelu_tanh> %x : tensor<?x6xf32>
  // CHECK-NEXT: moe.activation <sigmoid>
  %11 = moe.activation <sigmoid> %x : tensor<?x6xf32>
  // CHECK-NEXT: moe.activation <tanh>
  %12 = moe.activation <tanh> %x : tensor<?x6xf32>
  // CHECK: moe.glu <silu> %{{.*}}, %{{.*}} : tensor<?x6xf32>
  %13 = moe.glu <silu> %x, %x : tensor<?x6xf32>
  // CHECK: moe.glu <silu> %{{.*}}, %{{.*}} {alpha = 1.702000e+00 : f32, limit = 7.{{.*}} : f32, offset = 1.{{.*}} : f32} : tensor<?x6xf32>
  %14 = moe.glu <silu> %x, %x {alpha = 1.702 : f32, limit = 7.0 : f32, offset = 1.0 : f32} : tensor<?x6xf32>
  // CHECK: moe.observe %{{.*}}, "layers.0.mlp \22in\22" : tensor<?x6xf32>
  %15 = moe.observe %x, "layers.0.mlp \"in\"" : tensor<?x6xf32>
  return
}

// CHECK-LABEL: func.func @routers(
func.func @routers(%l: tensor<?x8xf32>, %b: tensor<8xf32>, %alive: tensor<8xi1>, %c: tensor<i64>) {
  // CHECK: moe.route %{{.*}} {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (
  %0, %1 = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  // CHECK:      moe.route %{{.*}} bias %{{.*}} alive %{{.*}} external %{{.*}} {capacity = 16 : i64, drop_slots_last,
  // CHECK-SAME: epsilon = {{.*}} : f32, excluded = 0.{{.*}} : f32, group_top = 2 : i64, groups = 4 : i64, k = 2 : i64, renormalize_external,
  // CHECK-SAME: scale = 2.5{{.*}} : f32, score = #moe.score_function<sigmoid>, select_logits, threshold = {{.*}} : f32, top_groups = 2 : i64, weight = #moe.route_weight<external>} : (
  %2, %3 = moe.route %l bias %b alive %alive external %l
      {k = 2 : i64, score = #moe.score_function<sigmoid>, weight = #moe.route_weight<external>, select_logits,
       epsilon = 1.0e-20 : f32, scale = 2.5 : f32, renormalize_external, groups = 4 : i64, top_groups = 2 : i64,
       group_top = 2 : i64, excluded = 0.0 : f32, threshold = 0.9 : f32, capacity = 16 : i64, drop_slots_last}
      : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xi1>, tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  // CHECK: jitter = {{.*}} : f32, k = 2 : i64, score = #moe.score_function<sparsemixer>, weight = #moe.route_weight<score>}
  %4, %5 = moe.route %l {k = 2 : i64, score = #moe.score_function<sparsemixer>, weight = #moe.route_weight<score>, jitter = 0.01 : f32}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  // CHECK: score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>}
  %6, %7 = moe.route %l {k = 1 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>}
      : (tensor<?x8xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  // CHECK: score = #moe.score_function<softplus>, weight = #moe.route_weight<unit>}
  %8, %9 = moe.route %l {k = 1 : i64, score = #moe.score_function<softplus>, weight = #moe.route_weight<unit>}
      : (tensor<?x8xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  // CHECK: score = #moe.score_function<sqrt_softplus>, weight = #moe.route_weight<renormalized>}
  %10, %11 = moe.route %l {k = 1 : i64, score = #moe.score_function<sqrt_softplus>, weight = #moe.route_weight<renormalized>}
      : (tensor<?x8xf32>) -> (tensor<?x1xf32>, tensor<?x1xi32>)
  // CHECK: moe.choose_tokens %{{.*}}, %{{.*}} : (tensor<?x8xf32>, tensor<i64>) -> (tensor<8x?xf32>, tensor<8x?xi64>)
  %12, %13 = moe.choose_tokens %l, %c : (tensor<?x8xf32>, tensor<i64>) -> (tensor<8x?xf32>, tensor<8x?xi64>)
  return
}

// CHECK-LABEL: func.func @experts(
func.func @experts(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %w: tensor<?x2xf32>, %p: tensor<3x6x6xf32>, %q: tensor<1x6x6xf32>) {
  // CHECK:      moe.experts %{{.*}} to %{{[^ ]*}} {num_experts = 4 : i64, segments = array<i64>} : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x6xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x6xf32>):
  // CHECK-NEXT:   moe.yield %{{.*}} : tensor<?x6xf32>
  %0 = moe.experts %x to %e {num_experts = 4 : i64, segments = array<i64>} : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x6xf32> {
  ^bb0(%t: tensor<?x6xf32>):
    moe.yield %t : tensor<?x6xf32>
  }
  // CHECK:      moe.experts %{{.*}} to %{{.*}} weights %{{.*}} parameters(%{{.*}}, %{{.*}}, %{{.*}} : tensor<3x6x6xf32>, tensor<1x6x6xf32>, tensor<3x6x6xf32>)
  // CHECK-SAME: {num_experts = 4 : i64, segments = array<i64: 2, 1>, tables = [array<i64>, array<i64: 0, 2, 0, 0, -1, -1, 0, 0>], weigh_inputs}
  %1 = moe.experts %x to %e weights %w parameters(%p, %q, %p : tensor<3x6x6xf32>, tensor<1x6x6xf32>, tensor<3x6x6xf32>)
      {num_experts = 4 : i64, segments = array<i64: 2, 1>, weigh_inputs, tables = [array<i64>, array<i64: 0, 2, 0, 0, -1, -1, 0, 0>]}
      : (tensor<?x6xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x6xf32> {
  ^bb0(%t: tensor<?x6xf32>, %u: tensor<6x6xf32>, %d: tensor<6x6xf32>):
    %2 = moe.linear %t, %u : (tensor<?x6xf32>, tensor<6x6xf32>) -> tensor<?x6xf32>
    %3 = moe.linear %2, %d : (tensor<?x6xf32>, tensor<6x6xf32>) -> tensor<?x6xf32>
    moe.yield %3 : tensor<?x6xf32>
  }
  return
}

// CHECK-LABEL: func.func @experts_in_order(
func.func @experts_in_order(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<3x6x2xf32>,
                            %b: tensor<1x6x2xf32>, %t: tensor<4x6x2xf32>, %bias: tensor<4x6xf32>,
                            %blocks: tensor<12x2x1xf32>) {
  // CHECK: moe.dispatch %{{.*}} to %{{.*}} experts 4 : (
  %r, %o, %f = moe.dispatch %x to %e experts 4
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> (tensor<?x6xf32>, tensor<?xi64>, tensor<5xi64>)
  // CHECK: moe.grouped_linear %{{.*}} by %{{.*}}, %{{.*}}, %{{[^ ]*}} : (
  %0 = moe.grouped_linear %r by %f, %a, %b
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<3x6x2xf32>, tensor<1x6x2xf32>) -> tensor<?x2xf32>
  // CHECK: moe.grouped_linear %{{.*}} by %{{.*}}, %{{.*}} transposed bias %{{.*}} : (
  %1 = moe.grouped_linear %0 by %f, %t transposed bias %bias
      : (tensor<?x2xf32>, tensor<5xi64>, tensor<4x6x2xf32>, tensor<4x6xf32>) -> tensor<?x6xf32>
  // CHECK: moe.grouped_linear %{{.*}} by %{{.*}}, %{{[^ ]*}} {blocks = 3 : i64} : (
  %3 = moe.grouped_linear %1 by %f, %blocks {blocks = 3 : i64}
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<12x2x1xf32>) -> tensor<?x3xf32>
  // CHECK: moe.combine %{{.*}}, %{{.*}} by %{{.*}} weights %{{.*}} : (
  %2 = moe.combine %1, %o by %f weights %w
      : (tensor<?x6xf32>, tensor<?xi64>, tensor<5xi64>, tensor<?x2xf32>) -> tensor<?x6xf32>
  return
}

// CHECK-LABEL: func.func @coarser(
func.func @coarser(%which: tensor<?xi64>, %x: tensor<?x6xf32>, %m: tensor<?xi1>) {
  // CHECK:      moe.select %{{.*}}(%{{.*}}, %{{.*}} : tensor<?x6xf32>, tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32>, tensor<?x6xf32> {
  // CHECK:        moe.yield %{{.*}}, %{{.*}} : tensor<?x6xf32>, tensor<?x6xf32>
  // CHECK-NEXT: }, {
  // CHECK:        moe.activation <relu>
  %0:2 = moe.select %which (%x, %x : tensor<?x6xf32>, tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32>, tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>, %b: tensor<?x6xf32>):
    moe.yield %b, %a : tensor<?x6xf32>, tensor<?x6xf32>
  }, {
  ^bb0(%a: tensor<?x6xf32>, %b: tensor<?x6xf32>):
    %1 = moe.activation <relu> %a : tensor<?x6xf32>
    moe.yield %1, %b : tensor<?x6xf32>, tensor<?x6xf32>
  }
  // CHECK: moe.select %{{.*}}() : tensor<?xi64> -> tensor<?xf32> {
  %3 = moe.select %which () : tensor<?xi64> -> tensor<?xf32> {
    %4 = arith.constant dense<1.0> : tensor<1xf32>
    %5 = tensor.cast %4 : tensor<1xf32> to tensor<?xf32>
    moe.yield %5 : tensor<?xf32>
  }
  // CHECK:      moe.subset %{{.*}} where %{{.*}} : (tensor<?x6xf32>, tensor<?xi1>) -> tensor<?x6xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x6xf32>):
  %2 = moe.subset %x where %m : (tensor<?x6xf32>, tensor<?xi1>) -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// CHECK-LABEL: func.func @attention(
func.func @attention(%q: tensor<?x4x?x16xf32>, %k: tensor<?x2x?x16xf32>, %mask: tensor<?x1x?x?xi1>, %head: tensor<4xf32>,
                     %n: tensor<?xi32>, %k4: tensor<?x4x?x16xf32>, %decay: tensor<?x4x?xf32>, %m: tensor<?x4x16x16xf32>) {
  // CHECK: moe.attention %{{.*}}, %{{.*}}, %{{[^ ]*}} {scale = 2.500000e-01 : f32} : (
  %0 = moe.attention %q, %k, %k {scale = 0.25 : f32}
      : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32>
  // CHECK:      moe.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} sinks %{{.*}} slopes %{{.*}} lengths %{{[^ ]*}}
  // CHECK-SAME: {causal, hidden = {causal, window = 4 : i64}, scale = 2.500000e-01 : f32, softcap = {{.*}} : f32, window = 4 : i64} : (
  %1 = moe.attention %q, %k, %k mask %mask sinks %head slopes %head lengths %n
      {scale = 0.25 : f32, causal, window = 4 : i64, softcap = 30.0 : f32, hidden = {causal, window = 4 : i64}}
      : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x1x?x?xi1>, tensor<4xf32>, tensor<4xf32>,
         tensor<?xi32>) -> tensor<?x4x?x16xf32>
  // CHECK: moe.linear_attention %{{.*}}, %{{.*}}, %{{[^ ]*}} : (
  %2, %3 = moe.linear_attention %q, %k4, %k4
      : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) -> (tensor<?x4x?x16xf32>, tensor<?x4x16x16xf32>)
  // CHECK: moe.linear_attention %{{.*}}, %{{.*}}, %{{.*}} decay %{{.*}} state %{{.*}} {causal, epsilon = {{.*}} : f32, normalize} : (
  %4, %5 = moe.linear_attention %q, %k4, %k4 decay %decay state %m {causal, normalize, epsilon = 1.0e-6 : f32}
      : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?xf32>, tensor<?x4x16x16xf32>)
      -> (tensor<?x4x?x16xf32>, tensor<?x4x16x16xf32>)
  return
}

// CHECK-LABEL: func.func @epilogues
func.func @epilogues(%x: tensor<?x6xf32>, %w: tensor<6x4xf32>, %b: tensor<4xf32>, %r: tensor<?x2xf32>,
                     %f: tensor<3xi64>, %e: tensor<2x6x4xf32>) -> (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  // CHECK: moe.linear %{{.*}}, %{{.*}} bias %{{.*}} epilogue <gelu> : (
  %0 = moe.linear %x, %w bias %b epilogue <gelu> : (tensor<?x6xf32>, tensor<6x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: moe.linear %{{.*}} residual %{{.*}} epilogue <silu, gated = true, alpha = 1.702000e+00 : f32, offset = 1.000000e+00 : f32, limit = 7.000000e+00 : f32>
  %1 = moe.linear %x, %w residual %r epilogue <silu, gated = true, alpha = 1.702 : f32, offset = 1.0 : f32, limit = 7.0 : f32>
      : (tensor<?x6xf32>, tensor<6x4xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  // CHECK: moe.grouped_linear %{{.*}} by %{{.*}}, %{{.*}} epilogue <silu, gated = true> : (
  %2 = moe.grouped_linear %x by %f, %e epilogue <silu, gated = true> : (tensor<?x6xf32>, tensor<3xi64>, tensor<2x6x4xf32>) -> tensor<?x2xf32>
  return %0, %1, %2 : tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}
