// RUN: moec-opt %s --split-input-file --verify-diagnostics

//===- Linear layers

func.func @linear_scalar(%x: tensor<f32>, %w: tensor<6x3xf32>) {
  // expected-error@+1 {{'moe.linear' op input has rank 0, expected at least 1}}
  %y = moe.linear %x, %w
      : (tensor<f32>, tensor<6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_weight_rank(%x: tensor<?x6xf32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.linear' op weight has shape [2, 6, 3], expected rank 2}}
  %y = moe.linear %x, %w
      : (tensor<?x6xf32>, tensor<2x6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_features(%x: tensor<?x6xf32>, %w: tensor<3x6xf32>) {
  // expected-error@+1 {{'moe.linear' op input has 6 features, but the weight [3, 6] takes 3}}
  %y = moe.linear %x, %w
      : (tensor<?x6xf32>, tensor<3x6xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_features_transposed(%x: tensor<?x6xf32>, %w: tensor<6x3xf32>) {
  // expected-error@+1 {{'moe.linear' op input has 6 features, but the weight [6, 3] (transposed) takes 3}}
  %y = moe.linear %x, %w transposed
      : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<?x6xf32>, %w: tensor<6x3xf32>, %b: tensor<6xf32>) {
  // expected-error@+1 {{'moe.linear' op bias has shape [6], expected one that broadcasts to [3]}}
  %y = moe.linear %x, %w bias %b
      : (tensor<?x6xf32>, tensor<6x3xf32>, tensor<6xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_result(%x: tensor<?x6xf32>, %w: tensor<6x3xf32>) {
  // expected-error@+1 {{'moe.linear' op result has shape [?, 6], expected [?, 3]}}
  %y = moe.linear %x, %w
      : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_scalar(%x: tensor<f32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op input has rank 0, expected at least 1}}
  %y = moe.block_linear %x, %w
      : (tensor<f32>, tensor<2x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_weight_rank(%x: tensor<?x12xf32>, %w: tensor<6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op weight has shape [6, 3], expected rank 3}}
  %y = moe.block_linear %x, %w
      : (tensor<?x12xf32>, tensor<6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_features(%x: tensor<?x11xf32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op input has 11 features, but the blocks [2, 6, 3] take 12}}
  %y = moe.block_linear %x, %w
      : (tensor<?x11xf32>, tensor<2x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_bias(%x: tensor<?x12xf32>, %w: tensor<2x6x3xf32>, %b: tensor<3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op bias has shape [3], expected one that broadcasts to [6]}}
  %y = moe.block_linear %x, %w bias %b
      : (tensor<?x12xf32>, tensor<2x6x3xf32>, tensor<3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_shuffle_size(%x: tensor<?x12xf32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op shuffle has 5 entries for 6 outputs}}
  %y = moe.block_linear %x, %w shuffle [0, 1, 2, 3, 4]
      : (tensor<?x12xf32>, tensor<2x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_shuffle_beyond(%x: tensor<?x12xf32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op shuffle is no permutation: 6 is out of range}}
  %y = moe.block_linear %x, %w shuffle [0, 1, 2, 3, 4, 6]
      : (tensor<?x12xf32>, tensor<2x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_shuffle_negative(%x: tensor<?x12xf32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op shuffle is no permutation: -1 is out of range}}
  %y = moe.block_linear %x, %w shuffle [0, 1, 2, 3, 4, -1]
      : (tensor<?x12xf32>, tensor<2x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_shuffle_twice(%x: tensor<?x12xf32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op shuffle is no permutation: 4 stands twice}}
  %y = moe.block_linear %x, %w shuffle [0, 1, 2, 3, 4, 4]
      : (tensor<?x12xf32>, tensor<2x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @block_result(%x: tensor<?x12xf32>, %w: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.block_linear' op result has shape [?, 12], expected [?, 6]}}
  %y = moe.block_linear %x, %w
      : (tensor<?x12xf32>, tensor<2x6x3xf32>) -> tensor<?x12xf32>
  return
}

// -----

//===- Quantised values

func.func @dequantize_bits(%c: tensor<6x32xui8>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op codes of 3 bits in bytes, expected 1, 2, 4 or 8}}
  %y = moe.dequantize %c scales %s {packed = 3 : i64}
      : (tensor<6x32xui8>, tensor<f32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_many_bits(%c: tensor<6x32xui8>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op codes of 16 bits in bytes, expected 1, 2, 4 or 8}}
  %y = moe.dequantize %c scales %s {packed = 16 : i64}
      : (tensor<6x32xui8>, tensor<f32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_negative_bits(%c: tensor<6x32xui8>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op codes of -4 bits in bytes, expected 1, 2, 4 or 8}}
  %y = moe.dequantize %c scales %s {packed = -4 : i64}
      : (tensor<6x32xui8>, tensor<f32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_packed_scalar(%c: tensor<ui8>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op packed codes have rank 0, expected at least 1}}
  %y = moe.dequantize %c scales %s {packed = 4 : i64}
      : (tensor<ui8>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @dequantize_packed_type(%c: tensor<6x16xui4>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op packed codes have elements of type 'ui4', expected bytes}}
  %y = moe.dequantize %c scales %s {packed = 4 : i64}
      : (tensor<6x16xui4>, tensor<f32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_packed_codes(%c: tensor<6x15xui8>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op codes has shape [6, 15], expected [6, 16]}}
  %y = moe.dequantize %c scales %s {packed = 4 : i64}
      : (tensor<6x15xui8>, tensor<f32>) -> tensor<6x31xf32>
  return
}

// -----

func.func @dequantize_codes(%c: tensor<6x32xui8>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op codes has shape [6, 32], expected [6, 33]}}
  %y = moe.dequantize %c scales %s
      : (tensor<6x32xui8>, tensor<f32>) -> tensor<6x33xf32>
  return
}

// -----

func.func @dequantize_block(%c: tensor<6x32xui8>, %s: tensor<f32>) {
  // expected-error@+1 {{'moe.dequantize' op block is -1, expected at least 0}}
  %y = moe.dequantize %c scales %s {block = -1 : i64}
      : (tensor<6x32xui8>, tensor<f32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_axis(%c: tensor<6x32xui8>, %s: tensor<6xf32>) {
  // expected-error@+1 {{'moe.dequantize' op axis is 2, expected one of the 2 axes}}
  %y = moe.dequantize %c scales %s {axis = 2 : i64}
      : (tensor<6x32xui8>, tensor<6xf32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_negative_axis(%c: tensor<6x32xui8>, %s: tensor<6xf32>) {
  // expected-error@+1 {{'moe.dequantize' op axis is -3, expected one of the 2 axes}}
  %y = moe.dequantize %c scales %s {axis = -3 : i64}
      : (tensor<6x32xui8>, tensor<6xf32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_scales(%c: tensor<6x32xui8>, %s: tensor<6xf32>) {
  // expected-error@+1 {{'moe.dequantize' op scales has shape [6], expected [32]}}
  %y = moe.dequantize %c scales %s
      : (tensor<6x32xui8>, tensor<6xf32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_block_scales(%c: tensor<6x33xui8>, %s: tensor<6x2xf32>) {
  // expected-error@+1 {{'moe.dequantize' op scales has shape [6, 2], expected [6, 3]}}
  %y = moe.dequantize %c scales %s {block = 16 : i64}
      : (tensor<6x33xui8>, tensor<6x2xf32>) -> tensor<6x33xf32>
  return
}

// -----

func.func @dequantize_zero_points(%c: tensor<6x32xui8>, %s: tensor<6xf32>, %z: tensor<ui8>) {
  // expected-error@+1 {{'moe.dequantize' op zero_points has shape [], expected [6]}}
  %y = moe.dequantize %c scales %s zero_points %z {axis = 0 : i64}
      : (tensor<6x32xui8>, tensor<6xf32>, tensor<ui8>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_codebook_zero_points(%c: tensor<6x32xui8>, %s: tensor<f32>, %z: tensor<ui8>, %b: tensor<16xf32>) {
  // expected-error@+1 {{'moe.dequantize' op has a codebook and zero points}}
  %y = moe.dequantize %c scales %s zero_points %z codebook %b
      : (tensor<6x32xui8>, tensor<f32>, tensor<ui8>, tensor<16xf32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_codebook_zero(%c: tensor<6x32xui8>, %s: tensor<f32>, %b: tensor<16xf32>) {
  // expected-error@+1 {{'moe.dequantize' op has a codebook and zero points}}
  %y = moe.dequantize %c scales %s codebook %b {zero = 8 : i64}
      : (tensor<6x32xui8>, tensor<f32>, tensor<16xf32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @dequantize_codebook(%c: tensor<6x32xui8>, %s: tensor<f32>, %b: tensor<4x4xf32>) {
  // expected-error@+1 {{'moe.dequantize' op codebook has shape [4, 4], expected rank 1}}
  %y = moe.dequantize %c scales %s codebook %b
      : (tensor<6x32xui8>, tensor<f32>, tensor<4x4xf32>) -> tensor<6x32xf32>
  return
}

// -----

func.func @quantize_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{'moe.quantize_dynamic' op input has rank 0, expected at least 1}}
  %q, %s, %z = moe.quantize_dynamic %x per_token : tensor<f32> -> tensor<ui8>, tensor<f32>, tensor<ui8>
  return
}

// -----

func.func @quantize_codes(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.quantize_dynamic' op codes has shape [?, 5], expected [?, 6]}}
  %q, %s, %z = moe.quantize_dynamic %x : tensor<?x6xf32> -> tensor<?x5xui8>, tensor<f32>, tensor<ui8>
  return
}

// -----

func.func @quantize_scale(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.quantize_dynamic' op scale has shape [?], expected []}}
  %q, %s, %z = moe.quantize_dynamic %x : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<?xf32>, tensor<ui8>
  return
}

// -----

func.func @quantize_token_scale(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.quantize_dynamic' op scale has shape [], expected [?]}}
  %q, %s, %z = moe.quantize_dynamic %x per_token : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<f32>, tensor<?xui8>
  return
}

// -----

func.func @quantize_zero_point(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.quantize_dynamic' op zero point has shape [1], expected []}}
  %q, %s, %z = moe.quantize_dynamic %x : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<f32>, tensor<1xui8>
  return
}

// -----

func.func @quantize_code_type(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.quantize_dynamic' op gives codes of type 'i8', expected ui8}}
  %q, %s, %z = moe.quantize_dynamic %x : tensor<?x6xf32> -> tensor<?x6xi8>, tensor<f32>, tensor<ui8>
  return
}

// -----

func.func @quantize_zero_point_type(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.quantize_dynamic' op gives codes of type 'ui4', expected ui8}}
  %q, %s, %z = moe.quantize_dynamic %x : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<f32>, tensor<ui4>
  return
}

// -----

//===- Between linear layers

func.func @norm_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{'moe.norm' op input has rank 0, expected at least 1}}
  %y = moe.norm <rms> %x {epsilon = 1.0e-6 : f32}
      : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @norm_unknown_width(%x: tensor<4x?xf32>) {
  // expected-error@+1 {{'moe.norm' op is over an axis whose size is known at run time only}}
  %y = moe.norm <rms> %x {epsilon = 1.0e-6 : f32}
      : (tensor<4x?xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @norm_epsilon(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.norm' op has a negative epsilon}}
  %y = moe.norm <rms> %x {epsilon = -1.0e-6 : f32}
      : (tensor<?x6xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @norm_epsilon_nan(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.norm' op has a negative epsilon}}
  %y = moe.norm <rms> %x {epsilon = 0x7FC00000 : f32}
      : (tensor<?x6xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @norm_scale(%x: tensor<?x6xf32>, %s: tensor<5xf32>) {
  // expected-error@+1 {{'moe.norm' op scale has shape [5], expected one that broadcasts to [?, 6]}}
  %y = moe.norm <rms> %x scale %s {epsilon = 1.0e-6 : f32}
      : (tensor<?x6xf32>, tensor<5xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @norm_bias(%x: tensor<?x6xf32>, %b: tensor<1x1x6xf32>) {
  // expected-error@+1 {{'moe.norm' op bias has shape [1, 1, 6], expected one that broadcasts to [?, 6]}}
  %y = moe.norm <rms> %x bias %b {epsilon = 1.0e-6 : f32}
      : (tensor<?x6xf32>, tensor<1x1x6xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @norm_result(%x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.norm' op result has shape [?, 5], expected [?, 6]}}
  %y = moe.norm <rms> %x {epsilon = 1.0e-6 : f32}
      : (tensor<?x6xf32>) -> tensor<?x5xf32>
  return
}

// -----

func.func @rotary_input(%x: tensor<2x7x16xf32>, %c: tensor<2x7x8xf32>, %s: tensor<2x7x8xf32>) {
  // expected-error@+1 {{'moe.rotary' op input has shape [2, 7, 16], expected rank 4}}
  %y = moe.rotary %x, %c, %s
      : (tensor<2x7x16xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>) -> tensor<2x4x7x16xf32>
  return
}

// -----

func.func @rotary_cos_rank(%x: tensor<2x4x7x16xf32>, %c: tensor<7x8xf32>, %s: tensor<2x7x8xf32>) {
  // expected-error@+1 {{'moe.rotary' op cos has shape [7, 8], expected rank 3}}
  %y = moe.rotary %x, %c, %s
      : (tensor<2x4x7x16xf32>, tensor<7x8xf32>, tensor<2x7x8xf32>) -> tensor<2x4x7x16xf32>
  return
}

// -----

func.func @rotary_sin(%x: tensor<2x4x7x16xf32>, %c: tensor<2x7x8xf32>, %s: tensor<2x7x4xf32>) {
  // expected-error@+1 {{'moe.rotary' op sin has shape [2, 7, 4], expected [2, 7, 8]}}
  %y = moe.rotary %x, %c, %s
      : (tensor<2x4x7x16xf32>, tensor<2x7x8xf32>, tensor<2x7x4xf32>) -> tensor<2x4x7x16xf32>
  return
}

// -----

func.func @rotary_batch(%x: tensor<2x4x7x16xf32>, %c: tensor<3x7x8xf32>, %s: tensor<3x7x8xf32>) {
  // expected-error@+1 {{'moe.rotary' op cos has batch 3, expected 1 or 2}}
  %y = moe.rotary %x, %c, %s
      : (tensor<2x4x7x16xf32>, tensor<3x7x8xf32>, tensor<3x7x8xf32>) -> tensor<2x4x7x16xf32>
  return
}

// -----

func.func @rotary_positions(%x: tensor<2x4x7x16xf32>, %c: tensor<1x6x8xf32>, %s: tensor<1x6x8xf32>) {
  // expected-error@+1 {{'moe.rotary' op cos has 6 positions, the input 7}}
  %y = moe.rotary %x, %c, %s
      : (tensor<2x4x7x16xf32>, tensor<1x6x8xf32>, tensor<1x6x8xf32>) -> tensor<2x4x7x16xf32>
  return
}

// -----

func.func @rotary_width(%x: tensor<2x4x7x16xf32>, %c: tensor<1x7x9xf32>, %s: tensor<1x7x9xf32>) {
  // expected-error@+1 {{'moe.rotary' op rotates 18 elements of heads of 16}}
  %y = moe.rotary %x, %c, %s
      : (tensor<2x4x7x16xf32>, tensor<1x7x9xf32>, tensor<1x7x9xf32>) -> tensor<2x4x7x16xf32>
  return
}

// -----

func.func @rotary_result(%x: tensor<2x4x7x16xf32>, %c: tensor<2x7x8xf32>, %s: tensor<2x7x8xf32>) {
  // expected-error@+1 {{'moe.rotary' op result has shape [2, 4, 7, 8], expected [2, 4, 7, 16]}}
  %y = moe.rotary %x, %c, %s
      : (tensor<2x4x7x16xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>) -> tensor<2x4x7x8xf32>
  return
}

// -----

func.func @glu_limit(%g: tensor<?x6xf32>, %u: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.glu' op has a negative limit}}
  %y = moe.glu <silu> %g, %u {limit = -7.0 : f32} : tensor<?x6xf32>
  return
}

// -----

func.func @glu_limit_nan(%g: tensor<?x6xf32>, %u: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.glu' op has a negative limit}}
  %y = moe.glu <silu> %g, %u {limit = 0x7FC00000 : f32} : tensor<?x6xf32>
  return
}

// -----

//===- Epilogues

func.func @epilogue_odd(%x: tensor<?x6xf32>, %w: tensor<6x3xf32>) {
  // expected-error@+1 {{'moe.linear' op has a gate of odd width}}
  %y = moe.linear %x, %w epilogue <silu, gated = true> : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @epilogue_width(%x: tensor<?x6xf32>, %w: tensor<6x4xf32>) {
  // expected-error@+1 {{'moe.linear' op result has shape [?, 4], expected [?, 2]}}
  %y = moe.linear %x, %w epilogue <silu, gated = true> : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @epilogue_residual(%x: tensor<?x6xf32>, %w: tensor<6x4xf32>, %r: tensor<4xf32>) {
  // expected-error@+1 {{'moe.linear' op residual has shape [4], expected [?, 4]}}
  %y = moe.linear %x, %w residual %r : (tensor<?x6xf32>, tensor<6x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @epilogue_offset(%x: tensor<?x6xf32>, %w: tensor<6x4xf32>) {
  // expected-error@+1 {{has an offset, but no gate}}
  %y = moe.linear %x, %w epilogue <silu, offset = 1.0 : f32> : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @epilogue_limit(%x: tensor<?x6xf32>, %w: tensor<6x4xf32>) {
  // expected-error@+1 {{has a negative limit}}
  %y = moe.linear %x, %w epilogue <silu, gated = true, limit = -1.0 : f32> : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @epilogue_zero(%x: tensor<?x6xf32>, %o: tensor<3xi64>, %w: tensor<2x6x4xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op has an epilogue that makes another number of zero: rows of no expert are zero}}
  %y = moe.grouped_linear %x by %o, %w epilogue <sigmoid> : (tensor<?x6xf32>, tensor<3xi64>, tensor<2x6x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @epilogue_blocks(%x: tensor<?x12xf32>, %o: tensor<3xi64>, %w: tensor<4x6x4xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op has a gate in blocks, whose halves are no part of each}}
  %y = moe.grouped_linear %x by %o, %w epilogue <silu, gated = true> {blocks = 2 : i64}
      : (tensor<?x12xf32>, tensor<3xi64>, tensor<4x6x4xf32>) -> tensor<?x4xf32>
  return
}
