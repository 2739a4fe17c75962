// RUN: moec-opt %s --split-input-file --verify-diagnostics

//===- Routers

func.func @route_logits_rank(%l: tensor<8xf32>) {
  // expected-error@+1 {{'moe.route' op logits has shape [8], expected rank 2}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_unknown_experts(%l: tensor<4x?xf32>) {
  // expected-error@+1 {{'moe.route' op has a number of experts that is known at run time only}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<4x?xf32>) -> (tensor<4x2xf32>, tensor<4x2xi64>)
  return
}

// -----

func.func @route_too_many(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op chooses 9 of 8 experts}}
  %w, %e = moe.route %l {k = 9 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>) -> (tensor<?x9xf32>, tensor<?x9xi64>)
  return
}

// -----

func.func @route_weights(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op weights has shape [?, 3], expected [?, 2]}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>) -> (tensor<?x3xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_experts(%l: tensor<4x8xf32>) {
  // expected-error@+1 {{'moe.route' op experts has shape [5, 2], expected [4, 2]}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<4x8xf32>) -> (tensor<4x2xf32>, tensor<5x2xi64>)
  return
}

// -----

func.func @route_bias(%l: tensor<?x8xf32>, %b: tensor<7xf32>) {
  // expected-error@+1 {{'moe.route' op bias has shape [7], expected one that broadcasts to [?, 8]}}
  %w, %e = moe.route %l bias %b {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>, tensor<7xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_bias_rank(%l: tensor<?x8xf32>, %b: tensor<1x1x8xf32>) {
  // expected-error@+1 {{'moe.route' op bias has shape [1, 1, 8], expected one that broadcasts to [?, 8]}}
  %w, %e = moe.route %l bias %b {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>, tensor<1x1x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_alive(%l: tensor<?x8xf32>, %a: tensor<4xi1>) {
  // expected-error@+1 {{'moe.route' op alive has shape [4], expected one that broadcasts to [?, 8]}}
  %w, %e = moe.route %l alive %a {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>, tensor<4xi1>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_alive_type(%l: tensor<?x8xf32>, %a: tensor<8xi8>) {
  // expected-error@+1 {{'moe.route' op alive has elements of type 'i8', expected 'i1'}}
  %w, %e = moe.route %l alive %a {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>, tensor<8xi8>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_external_unused(%l: tensor<?x8xf32>, %x: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op has external weights, but its weight is 'score'}}
  %w, %e = moe.route %l external %x {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_external_missing(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op has no external weights, but its weight is 'external'}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<external>}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_external(%l: tensor<?x8xf32>, %x: tensor<?x7xf32>) {
  // expected-error@+1 {{'moe.route' op external has shape [?, 7], expected [?, 8]}}
  %w, %e = moe.route %l external %x {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<external>}
      : (tensor<?x8xf32>, tensor<?x7xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_no_group(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op cuts 8 experts into 0 groups}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, groups = 0 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_groups(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op cuts 8 experts into 3 groups}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, groups = 3 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_no_top_group(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op chooses 0 of 4 groups}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, groups = 4 : i64, top_groups = 0 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_top_groups(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op chooses 5 of 4 groups}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, groups = 4 : i64, top_groups = 5 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_no_group_top(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op sums the 0 best of groups of 2}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, groups = 4 : i64, group_top = 0 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_negative_group_top(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op sums the -1 best of groups of 8}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, group_top = -1 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_group_top(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op sums the 3 best of groups of 2}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, groups = 4 : i64, group_top = 3 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_jitter(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op has 'jitter' without the score 'sparsemixer', or the reverse}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, jitter = 0.1 : f32}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_no_jitter(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op has 'jitter' without the score 'sparsemixer', or the reverse}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<sparsemixer>, weight = #moe.route_weight<score>}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

func.func @route_capacity(%l: tensor<?x8xf32>) {
  // expected-error@+1 {{'moe.route' op has a capacity of -1}}
  %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>, capacity = -1 : i64}
      : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return
}

// -----

//===- Tokens for experts

func.func @choose_scores(%s: tensor<8xf32>, %c: tensor<i64>) {
  // expected-error@+1 {{'moe.choose_tokens' op scores has shape [8], expected rank 2}}
  %w, %t = moe.choose_tokens %s, %c : (tensor<8xf32>, tensor<i64>) -> (tensor<8x?xf32>, tensor<8x?xi64>)
  return
}

// -----

func.func @choose_weights_rank(%s: tensor<?x8xf32>, %c: tensor<i64>) {
  // expected-error@+1 {{'moe.choose_tokens' op weights has shape [8], expected rank 2}}
  %w, %t = moe.choose_tokens %s, %c : (tensor<?x8xf32>, tensor<i64>) -> (tensor<8xf32>, tensor<8xi64>)
  return
}

// -----

func.func @choose_tokens(%s: tensor<?x8xf32>, %c: tensor<i64>) {
  // expected-error@+1 {{'moe.choose_tokens' op tokens has shape [8, 3], expected [8, 4]}}
  %w, %t = moe.choose_tokens %s, %c : (tensor<?x8xf32>, tensor<i64>) -> (tensor<8x4xf32>, tensor<8x3xi64>)
  return
}

// -----

func.func @choose_capacity(%s: tensor<?x8xf32>, %c: tensor<1xi64>) {
  // expected-error@+1 {{'moe.choose_tokens' op capacity has rank 1, expected a scalar}}
  %w, %t = moe.choose_tokens %s, %c : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<8x?xf32>, tensor<8x?xi64>)
  return
}

// -----

func.func @choose_weights(%s: tensor<?x8xf32>, %c: tensor<i64>) {
  // expected-error@+1 {{'moe.choose_tokens' op weights has shape [7, ?], expected [8, ?]}}
  %w, %t = moe.choose_tokens %s, %c : (tensor<?x8xf32>, tensor<i64>) -> (tensor<7x?xf32>, tensor<7x?xi64>)
  return
}

// -----

//===- Experts in order

func.func @dispatch_tokens_rank(%x: tensor<6xf32>, %e: tensor<4x2xi64>) {
  // expected-error@+1 {{'moe.dispatch' op tokens has shape [6], expected rank 2}}
  %r, %o, %f = moe.dispatch %x to %e experts 8
      : (tensor<6xf32>, tensor<4x2xi64>) -> (tensor<8x6xf32>, tensor<8xi64>, tensor<9xi64>)
  return
}

// -----

func.func @dispatch_experts_rank(%x: tensor<4x6xf32>, %e: tensor<4xi64>) {
  // expected-error@+1 {{'moe.dispatch' op experts has shape [4], expected rank 2}}
  %r, %o, %f = moe.dispatch %x to %e experts 8
      : (tensor<4x6xf32>, tensor<4xi64>) -> (tensor<8x6xf32>, tensor<8xi64>, tensor<9xi64>)
  return
}

// -----

func.func @dispatch_count(%x: tensor<4x6xf32>, %e: tensor<5x2xi64>) {
  // expected-error@+1 {{'moe.dispatch' op has 4 tokens, but experts for 5}}
  %r, %o, %f = moe.dispatch %x to %e experts 8
      : (tensor<4x6xf32>, tensor<5x2xi64>) -> (tensor<8x6xf32>, tensor<8xi64>, tensor<9xi64>)
  return
}

// -----

func.func @dispatch_rows(%x: tensor<4x6xf32>, %e: tensor<4x2xi64>) {
  // expected-error@+1 {{'moe.dispatch' op rows has shape [7, 6], expected [8, 6]}}
  %r, %o, %f = moe.dispatch %x to %e experts 8
      : (tensor<4x6xf32>, tensor<4x2xi64>) -> (tensor<7x6xf32>, tensor<8xi64>, tensor<9xi64>)
  return
}

// -----

func.func @dispatch_order(%x: tensor<4x6xf32>, %e: tensor<4x2xi64>) {
  // expected-error@+1 {{'moe.dispatch' op order has shape [7], expected [8]}}
  %r, %o, %f = moe.dispatch %x to %e experts 8
      : (tensor<4x6xf32>, tensor<4x2xi64>) -> (tensor<8x6xf32>, tensor<7xi64>, tensor<9xi64>)
  return
}

// -----

func.func @dispatch_offsets(%x: tensor<4x6xf32>, %e: tensor<4x2xi64>) {
  // expected-error@+1 {{'moe.dispatch' op offsets has shape [8], expected [9]}}
  %r, %o, %f = moe.dispatch %x to %e experts 8
      : (tensor<4x6xf32>, tensor<4x2xi64>) -> (tensor<8x6xf32>, tensor<8xi64>, tensor<8xi64>)
  return
}

// -----

func.func @grouped_input_rank(%x: tensor<6xf32>, %f: tensor<5xi64>, %w0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op input has shape [6], expected rank 2}}
  %y = moe.grouped_linear %x by %f, %w0
      : (tensor<6xf32>, tensor<5xi64>, tensor<4x6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_offsets_rank(%x: tensor<?x6xf32>, %f: tensor<1x5xi64>, %w0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op offsets has shape [1, 5], expected rank 1}}
  %y = moe.grouped_linear %x by %f, %w0
      : (tensor<?x6xf32>, tensor<1x5xi64>, tensor<4x6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_blocks_count(%x: tensor<?x12xf32>, %f: tensor<3xi64>, %w0: tensor<5x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op has 5 weights in a row for experts with 2 blocks each}}
  %y = moe.grouped_linear %x by %f, %w0 {blocks = 2 : i64}
      : (tensor<?x12xf32>, tensor<3xi64>, tensor<5x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @grouped_blocks_width(%x: tensor<?x6xf32>, %f: tensor<3xi64>, %w0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op input has 6 features, but a weight has shape [4, 6, 3]}}
  %y = moe.grouped_linear %x by %f, %w0 {blocks = 2 : i64}
      : (tensor<?x6xf32>, tensor<3xi64>, tensor<4x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @grouped_no_weights(%x: tensor<?x6xf32>, %f: tensor<5xi64>) {
  // expected-error@+1 {{'moe.grouped_linear' op has no weights}}
  %y = "moe.grouped_linear"(%x, %f) {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
      : (tensor<?x6xf32>, tensor<5xi64>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_weight_rank(%x: tensor<?x6xf32>, %f: tensor<5xi64>, %w0: tensor<6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op weight has shape [6, 3], expected rank 3}}
  %y = moe.grouped_linear %x by %f, %w0
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_unknown_experts(%x: tensor<?x6xf32>, %f: tensor<5xi64>, %w0: tensor<?x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op has a number of experts that is known at run time only}}
  %y = moe.grouped_linear %x by %f, %w0
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<?x6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_features(%x: tensor<?x6xf32>, %f: tensor<5xi64>, %w0: tensor<4x3x6xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op input has 6 features, but a weight has shape [4, 3, 6]}}
  %y = moe.grouped_linear %x by %f, %w0
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<4x3x6xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_features_transposed(%x: tensor<?x6xf32>, %f: tensor<5xi64>, %w0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op input has 6 features, but a weight has shape [4, 6, 3] (transposed)}}
  %y = moe.grouped_linear %x by %f, %w0 transposed
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<4x6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_ragged_blocks(%x: tensor<?x6xf32>, %f: tensor<3xi64>, %w0: tensor<2x3x3xf32>, %w1: tensor<2x3x2xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op has blocks of weights that differ in sizes}}
  %y = moe.grouped_linear %x by %f, %w0, %w1 {blocks = 2 : i64}
      : (tensor<?x6xf32>, tensor<3xi64>, tensor<2x3x3xf32>, tensor<2x3x2xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @grouped_ragged_unknown(%x: tensor<?x6xf32>, %f: tensor<4xi64>, %w0: tensor<1x6x3xf32>, %w1: tensor<1x6x2xf32>, %w2: tensor<1x6x?xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op has weights that differ in sizes, and one of shape [1, 6, ?]}}
  %y = moe.grouped_linear %x by %f, %w0, %w1, %w2
      : (tensor<?x6xf32>, tensor<4xi64>, tensor<1x6x3xf32>, tensor<1x6x2xf32>, tensor<1x6x?xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_ragged_features(%x: tensor<?x6xf32>, %f: tensor<3xi64>, %w0: tensor<1x5x3xf32>, %w1: tensor<1x4x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op input has 6 features, but the largest of its weights takes 5}}
  %y = moe.grouped_linear %x by %f, %w0, %w1
      : (tensor<?x6xf32>, tensor<3xi64>, tensor<1x5x3xf32>, tensor<1x4x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_ragged_result(%x: tensor<?x6xf32>, %f: tensor<3xi64>, %w0: tensor<1x6x2xf32>, %w1: tensor<1x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op result has shape [?, 2], expected [?, 3]}}
  %y = moe.grouped_linear %x by %f, %w0, %w1
      : (tensor<?x6xf32>, tensor<3xi64>, tensor<1x6x2xf32>, tensor<1x6x3xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @grouped_offsets(%x: tensor<?x6xf32>, %f: tensor<5xi64>, %w0: tensor<3x6x3xf32>, %w1: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op offsets has shape [5], expected [6]}}
  %y = moe.grouped_linear %x by %f, %w0, %w1
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<3x6x3xf32>, tensor<2x6x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_bias(%x: tensor<?x6xf32>, %f: tensor<5xi64>, %w0: tensor<4x6x3xf32>, %b: tensor<4x6xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op bias has shape [4, 6], expected [4, 3]}}
  %y = moe.grouped_linear %x by %f, %w0 bias %b
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<4x6x3xf32>, tensor<4x6xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @grouped_result(%x: tensor<?x6xf32>, %f: tensor<5xi64>, %w0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.grouped_linear' op result has shape [?, 6], expected [?, 3]}}
  %y = moe.grouped_linear %x by %f, %w0
      : (tensor<?x6xf32>, tensor<5xi64>, tensor<4x6x3xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @combine_rows_rank(%r: tensor<8xf32>, %o: tensor<8xi64>, %f: tensor<5xi64>, %w: tensor<4x2xf32>) {
  // expected-error@+1 {{'moe.combine' op rows has shape [8], expected rank 2}}
  %y = moe.combine %r, %o by %f weights %w
      : (tensor<8xf32>, tensor<8xi64>, tensor<5xi64>, tensor<4x2xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @combine_order_rank(%r: tensor<8x6xf32>, %o: tensor<8x1xi64>, %f: tensor<5xi64>, %w: tensor<4x2xf32>) {
  // expected-error@+1 {{'moe.combine' op order has shape [8, 1], expected rank 1}}
  %y = moe.combine %r, %o by %f weights %w
      : (tensor<8x6xf32>, tensor<8x1xi64>, tensor<5xi64>, tensor<4x2xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @combine_offsets_rank(%r: tensor<8x6xf32>, %o: tensor<8xi64>, %f: tensor<i64>, %w: tensor<4x2xf32>) {
  // expected-error@+1 {{'moe.combine' op offsets has shape [], expected rank 1}}
  %y = moe.combine %r, %o by %f weights %w
      : (tensor<8x6xf32>, tensor<8xi64>, tensor<i64>, tensor<4x2xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @combine_weights_rank(%r: tensor<8x6xf32>, %o: tensor<8xi64>, %f: tensor<5xi64>, %w: tensor<8xf32>) {
  // expected-error@+1 {{'moe.combine' op weights has shape [8], expected rank 2}}
  %y = moe.combine %r, %o by %f weights %w
      : (tensor<8x6xf32>, tensor<8xi64>, tensor<5xi64>, tensor<8xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @combine_order(%r: tensor<8x6xf32>, %o: tensor<7xi64>, %f: tensor<5xi64>, %w: tensor<4x2xf32>) {
  // expected-error@+1 {{'moe.combine' op order has shape [7], expected [8]}}
  %y = moe.combine %r, %o by %f weights %w
      : (tensor<8x6xf32>, tensor<7xi64>, tensor<5xi64>, tensor<4x2xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @combine_result(%r: tensor<8x6xf32>, %o: tensor<8xi64>, %f: tensor<5xi64>, %w: tensor<4x2xf32>) {
  // expected-error@+1 {{'moe.combine' op result has shape [4, 5], expected [4, 6]}}
  %y = moe.combine %r, %o by %f weights %w
      : (tensor<8x6xf32>, tensor<8xi64>, tensor<5xi64>, tensor<4x2xf32>) -> tensor<4x5xf32>
  return
}

// -----

//===- Coarser routing

func.func @select_which(%w: tensor<i64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op which has shape [], expected rank 1}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<i64> -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @select_no_regions(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op has no regions}}
  %y = "moe.select"(%w, %x) : (tensor<?xi64>, tensor<?x6xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @select_arguments(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op a region has 2 arguments for 1 inputs}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }, {
  ^bb0(%a: tensor<?x6xf32>, %b: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @select_argument(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op argument 0 of a region is 'tensor<?x5xf32>' for an input 'tensor<?x6xf32>'}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x5xf32>):
    moe.yield %a : tensor<?x5xf32>
  }
  return
}

// -----

func.func @select_scalar(%w: tensor<?xi64>, %x: tensor<f32>) {
  // expected-error@+1 {{'moe.select' op argument 0 of a region is 'tensor<f32>' for an input 'tensor<f32>'}}
  %y = moe.select %w (%x : tensor<f32>) : tensor<?xi64> -> tensor<?x6xf32> {
  ^bb0(%a: tensor<f32>):
    moe.yield %a : tensor<f32>
  }
  return
}

// -----

func.func @select_argument_type(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op argument 0 of a region is 'index' for an input 'tensor<?x6xf32>'}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32> {
  ^bb0(%a: index):
    moe.yield
  }
  return
}

// -----

func.func @select_yields_none(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op a region does not end with a 'moe.yield' of 1 values}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield
  }
  return
}

// -----

func.func @select_no_terminator(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op a region does not end with a 'moe.yield' of 1 values}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    %0 = moe.activation <relu> %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @select_empty(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op expects a non-empty block}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
  }
  return
}

// -----

func.func @select_yield(%w: tensor<?xi64>, %x: tensor<?x6xf32>) {
  // expected-error@+1 {{'moe.select' op a region yields 'tensor<?x6xf32>' for a result 'tensor<?x5xf32>'}}
  %y = moe.select %w (%x : tensor<?x6xf32>) : tensor<?xi64> -> tensor<?x5xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @subset_mask_rank(%x: tensor<?x6xf32>, %m: tensor<4x1xi1>) {
  // expected-error@+1 {{'moe.subset' op mask has shape [4, 1], expected rank 1}}
  %y = moe.subset %x where %m : (tensor<?x6xf32>, tensor<4x1xi1>) -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @subset_mask_type(%x: tensor<?x6xf32>, %m: tensor<?xi64>) {
  // expected-error@+1 {{'moe.subset' op mask has elements of type 'i64', expected 'i1'}}
  %y = moe.subset %x where %m : (tensor<?x6xf32>, tensor<?xi64>) -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @subset_rows(%x: tensor<5x6xf32>, %m: tensor<4xi1>) {
  // expected-error@+1 {{'moe.subset' op input has shape [5, 6] for a mask of 4 rows}}
  %y = moe.subset %x where %m : (tensor<5x6xf32>, tensor<4xi1>) -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @subset_scalar(%x: tensor<f32>, %m: tensor<4xi1>) {
  // expected-error@+1 {{'moe.subset' op input has shape [] for a mask of 4 rows}}
  %y = moe.subset %x where %m : (tensor<f32>, tensor<4xi1>) -> tensor<f32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @subset_result(%x: tensor<?x6xf32>, %m: tensor<?xi1>) {
  // expected-error@+1 {{'moe.subset' op result has shape [?, 5], expected [?, 6]}}
  %y = moe.subset %x where %m : (tensor<?x6xf32>, tensor<?xi1>) -> tensor<?x5xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a : tensor<?x6xf32>
  }
  return
}

// -----

func.func @subset_argument(%x: tensor<?x6xf32>, %m: tensor<?xi1>) {
  // expected-error@+1 {{'moe.subset' op argument 0 of a region is 'tensor<?x6xf16>' for an input 'tensor<?x6xf32>'}}
  %y = moe.subset %x where %m : (tensor<?x6xf32>, tensor<?xi1>) -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf16>):
    moe.yield %a : tensor<?x6xf16>
  }
  return
}

// -----

func.func @subset_empty(%x: tensor<?x6xf32>, %m: tensor<?xi1>) {
  // expected-error@+1 {{'moe.subset' op expects a non-empty block}}
  %y = moe.subset %x where %m : (tensor<?x6xf32>, tensor<?xi1>) -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
  }
  return
}

// -----

func.func @subset_yields_two(%x: tensor<?x6xf32>, %m: tensor<?xi1>) {
  // expected-error@+1 {{'moe.subset' op a region does not end with a 'moe.yield' of 1 values}}
  %y = moe.subset %x where %m : (tensor<?x6xf32>, tensor<?xi1>) -> tensor<?x6xf32> {
  ^bb0(%a: tensor<?x6xf32>):
    moe.yield %a, %a : tensor<?x6xf32>, tensor<?x6xf32>
  }
  return
}
