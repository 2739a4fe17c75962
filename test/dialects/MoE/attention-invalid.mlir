// RUN: moec-opt %s --split-input-file --verify-diagnostics

//===- Attention

func.func @attention_query_rank(%q: tensor<4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op query has shape [4, 5, 16], expected rank 4}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_key_rank(%q: tensor<2x4x5x16xf32>, %k: tensor<2x7x16xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op key has shape [2, 7, 16], expected rank 4}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x7x16xf32>, tensor<2x2x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_value_rank(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op value has shape [2, 7, 8], expected rank 4}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_key(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op key has shape [2, 2, 7, 8], expected [2, ?, ?, 16]}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x8xf32>, tensor<2x2x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_value(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x6x8xf32>) {
  // expected-error@+1 {{'moe.attention' op value has shape [2, 2, 6, 8], expected [2, 2, 7, ?]}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x6x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_result(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op result has shape [2, 4, 5, 16], expected [2, 4, 5, 8]}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_unknown_heads(%q: tensor<2x?x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op has a number of heads that is known at run time only}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x?x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>) -> tensor<2x?x5x8xf32>
  return
}

// -----

func.func @attention_unknown_key_heads(%q: tensor<2x4x5x16xf32>, %k: tensor<2x?x7x16xf32>, %v: tensor<2x?x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op has a number of heads that is known at run time only}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x?x7x16xf32>, tensor<2x?x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_heads(%q: tensor<2x4x5x16xf32>, %k: tensor<2x3x7x16xf32>, %v: tensor<2x3x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op has 4 heads for 3 of keys, expected a multiple}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x3x7x16xf32>, tensor<2x3x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_no_heads(%q: tensor<2x4x5x16xf32>, %k: tensor<2x0x7x16xf32>, %v: tensor<2x0x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op has 4 heads for 0 of keys, expected a multiple}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x0x7x16xf32>, tensor<2x0x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_window(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op window is -1, expected at least 0}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32, window = -1 : i64}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_softcap(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>) {
  // expected-error@+1 {{'moe.attention' op has a negative softcap}}
  %y = moe.attention %q, %k, %v {scale = 0.25 : f32, softcap = -1.0 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_mask(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>, %mask: tensor<5x8xf32>) {
  // expected-error@+1 {{'moe.attention' op mask has shape [5, 8], expected one that broadcasts to [2, 4, 5, 7]}}
  %y = moe.attention %q, %k, %v mask %mask {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>, tensor<5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_sinks(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>, %sinks: tensor<2xf32>) {
  // expected-error@+1 {{'moe.attention' op sinks has shape [2], expected [4]}}
  %y = moe.attention %q, %k, %v sinks %sinks {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>, tensor<2xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_slopes(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>, %slopes: tensor<f32>) {
  // expected-error@+1 {{'moe.attention' op slopes has shape [], expected [4]}}
  %y = moe.attention %q, %k, %v slopes %slopes {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>, tensor<f32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @attention_lengths(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x8xf32>, %lengths: tensor<3xi64>) {
  // expected-error@+1 {{'moe.attention' op lengths has shape [3], expected [2]}}
  %y = moe.attention %q, %k, %v lengths %lengths {scale = 0.25 : f32}
      : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x8xf32>, tensor<3xi64>) -> tensor<2x4x5x8xf32>
  return
}

// -----

//===- Attention by a state

func.func @linear_attention_query(%q: tensor<4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op query has shape [4, 5, 16], expected rank 4}}
  %y, %m = moe.linear_attention %q, %k, %v {causal} 
      : (tensor<4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_key(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x6x16xf32>, %v: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op key has shape [2, 4, 6, 16], expected [2, 4, 5, 16]}}
  %y, %m = moe.linear_attention %q, %k, %v {causal} 
      : (tensor<2x4x5x16xf32>, tensor<2x4x6x16xf32>, tensor<2x4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_value_rank(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<4x5x8xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op value has shape [4, 5, 8], expected rank 4}}
  %y, %m = moe.linear_attention %q, %k, %v {causal} 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_value(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x2x5x8xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op value has shape [2, 2, 5, 8], expected [2, 4, 5, 8]}}
  %y, %m = moe.linear_attention %q, %k, %v {causal} 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x2x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_result(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op result has shape [2, 4, 5, 16], expected [2, 4, 5, 8]}}
  %y, %m = moe.linear_attention %q, %k, %v {causal} 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x4x5x8xf32>) -> (tensor<2x4x5x16xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_new_state(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op new state has shape [2, 4, 8, 16], expected [2, 4, 16, 8]}}
  %y, %m = moe.linear_attention %q, %k, %v {causal} 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x8x16xf32>)
  return
}

// -----

func.func @linear_attention_decay(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x4x5x8xf32>, %decay: tensor<2x4xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op decay has shape [2, 4], expected [2, 4, 5]}}
  %y, %m = moe.linear_attention %q, %k, %v decay %decay {causal} 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x4x5x8xf32>, tensor<2x4xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_decay_not_causal(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x4x5x8xf32>, %decay: tensor<2x4x5xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op has a state or a decay, but is not causal}}
  %y, %m = moe.linear_attention %q, %k, %v decay %decay 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_state_not_causal(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x4x5x8xf32>, %state: tensor<2x4x16x8xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op has a state or a decay, but is not causal}}
  %y, %m = moe.linear_attention %q, %k, %v state %state 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}

// -----

func.func @linear_attention_state(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x5x16xf32>, %v: tensor<2x4x5x8xf32>, %state: tensor<2x4x8x16xf32>) {
  // expected-error@+1 {{'moe.linear_attention' op state has shape [2, 4, 8, 16], expected [2, 4, 16, 8]}}
  %y, %m = moe.linear_attention %q, %k, %v state %state {causal} 
      : (tensor<2x4x5x16xf32>, tensor<2x4x5x16xf32>, tensor<2x4x5x8xf32>, tensor<2x4x8x16xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x16x8xf32>)
  return
}
