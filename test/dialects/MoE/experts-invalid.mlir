// RUN: moec-opt %s --split-input-file --verify-diagnostics

func.func @experts_tokens_rank(%x: tensor<6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op tokens has shape [6], expected rank 2}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_experts_rank(%x: tensor<?x6xf32>, %e: tensor<2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op experts has shape [2], expected rank 2}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_result_rank(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op result has shape [3], expected rank 2}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_count(%x: tensor<5x6xf32>, %e: tensor<4x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op has 5 tokens, but experts for 4}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<5x6xf32>, tensor<4x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_results(%x: tensor<5x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op has 5 tokens, but results for 4}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<5x6xf32>, tensor<?x2xi64>) -> tensor<4x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_weights(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %w: tensor<?x1xf32>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op weights has shape [?, 1], expected [?, 2]}}
  %y = moe.experts %x to %e weights %w parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>, tensor<?x1xf32>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_unweighed(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op weighs its inputs, but has no weights}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>, weigh_inputs}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_no_segment(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op has a parameter of 0 segments, expected at least 1}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 0>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_segments(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op names 2 segments, but has 1}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1, 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_tables(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op has 2 tables for 1 parameters}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>, tables = [array<i64>, array<i64>]}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_unknown_rows(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<?x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op a segment of parameter 0 has shape [?, 6, 3], expected a known number of rows}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<?x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_scalar_segment(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<f32>) {
  // expected-error@+1 {{'moe.experts' op a segment of parameter 0 has shape [], expected a known number of rows}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<f32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_rows(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<3x6x3xf32>, %p1: tensor<2x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op parameter 0 has 5 rows for 4 experts}}
  %y = moe.experts %x to %e parameters(%p0, %p1 : tensor<3x6x3xf32>, tensor<2x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 2>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_short_table(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the table of parameter 0 has 6 numbers, expected two for each of 4 experts}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>, tables = [array<i64: 0, 0, 0, 1, 0, 2>]}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_table_segment(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the table of parameter 0 places expert 1 at segment 1, row 0, which is not there}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 2 : i64, segments = array<i64: 1>, tables = [array<i64: 0, 0, 1, 0>]}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_table_row(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the table of parameter 0 places expert 0 at segment 0, row 4, which is not there}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 1 : i64, segments = array<i64: 1>, tables = [array<i64: 0, 4>]}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_table_half_null(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the table of parameter 0 places expert 0 at segment -1, row 0, which is not there}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 1 : i64, segments = array<i64: 1>, tables = [array<i64: -1, 0>]}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_table_negative_row(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the table of parameter 0 places expert 0 at segment 0, row -1, which is not there}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 1 : i64, segments = array<i64: 1>, tables = [array<i64: 0, -1>]}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0 : tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_body_arguments(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the body has 1 arguments, expected tokens and 1 parameters}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>):
    moe.yield %a0 : tensor<?x6xf32>
  }
  return
}

// -----

func.func @experts_body_scalar(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op argument 1 of the body is 'f32', expected a ranked tensor}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: f32):
    moe.yield %a0 : tensor<?x6xf32>
  }
  return
}

// -----

func.func @experts_body_tokens(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op argument 0 of the body has shape [?, 5], expected [?, 6]}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x5xf32>, %a1: tensor<6x3xf32>):
    moe.yield %a0 : tensor<?x5xf32>
  }
  return
}

// -----

func.func @experts_body_parameter(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op argument 1 of the body is 'tensor<6x4xf32>', but a segment has rows of [6, 3] 'f32'}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x4xf32>):
    moe.yield %a0 : tensor<?x6xf32>
  }
  return
}

// -----

func.func @experts_body_parameter_type(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op argument 1 of the body is 'tensor<6x3xf16>', but a segment has rows of [6, 3] 'f32'}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf16>):
    moe.yield %a0 : tensor<?x6xf32>
  }
  return
}

// -----

func.func @experts_body_yields_two(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the body does not end with a 'moe.yield' of one value}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    %0 = moe.linear %a0, %a1 : (tensor<?x6xf32>, tensor<6x3xf32>) -> tensor<?x3xf32>
    moe.yield %0, %0 : tensor<?x3xf32>, tensor<?x3xf32>
  }
  return
}

// -----

func.func @experts_body_empty(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op expects a non-empty block}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
  }
  return
}

// -----

func.func @experts_body_yield(%x: tensor<?x6xf32>, %e: tensor<?x2xi64>, %p0: tensor<4x6x3xf32>) {
  // expected-error@+1 {{'moe.experts' op the value that the body yields has shape [?, 6], expected [?, 3]}}
  %y = moe.experts %x to %e parameters(%p0 : tensor<4x6x3xf32>)
      {num_experts = 4 : i64, segments = array<i64: 1>}
      : (tensor<?x6xf32>, tensor<?x2xi64>) -> tensor<?x3xf32> {
  ^bb0(%a0: tensor<?x6xf32>, %a1: tensor<6x3xf32>):
    moe.yield %a0 : tensor<?x6xf32>
  }
  return
}
