// RUN: moec-opt %s --split-input-file --verify-diagnostics

moe.weight_file @file0 "weights" size 64
moe.weight_data @a in @file0[0, 64] : tensor<4x4xf32>
// expected-error@+1 {{has 1 sources for 2 side by side}}
kernel.packed @w0 from @a offset 0 size 64
  layout #kernel.panels<count = 1, depth = 4, columns = 4, offset = 0, strides = [0, 4, 1], panel = 4> {beside = 2 : i64}

// -----

moe.weight_file @file0 "weights" size 64
moe.weight_data @a in @file0[0, 64] : tensor<4x4xf32>
// expected-error@+1 {{has 2 sources without layouts for 2 side by side}}
kernel.packed @w0 from @a, @a offset 0 size 128 {beside = 2 : i64}

// -----

moe.weight_file @file0 "weights" size 64
moe.weight_data @a in @file0[0, 64] : tensor<4x4xf32>
// expected-error@+1 {{has layout 1 beside one of another count, depth or panel}}
kernel.packed @w0 from @a, @a offset 0 size 112
  layout #kernel.panels<count = 1, depth = 4, columns = 4, offset = 0, strides = [0, 4, 1], panel = 4>,
         #kernel.panels<count = 1, depth = 3, columns = 4, offset = 0, strides = [0, 4, 1], panel = 4> {beside = 2 : i64}
