// RUN: moec-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @reshape_never_fits(%x: tensor<24xf32>) -> tensor<5x5xf32> {
  %shape = onnx.constant dense<5> : tensor<2xi64>
  // expected-error @below {{cannot lower 'Reshape': a tensor of 24 elements does not fit the requested shape}}
  %0 = onnx.node "Reshape"(%x, %shape) version 14 : (tensor<24xf32>, tensor<2xi64>) -> tensor<5x5xf32>
  return %0 : tensor<5x5xf32>
}

// -----

func.func @squeezed_axis(%x: tensor<2x3xf32>) -> tensor<3xf32> {
  %axis = onnx.constant dense<0> : tensor<1xi64>
  // expected-error @below {{cannot lower 'Squeeze': a squeezed axis has a size other than 1}}
  %0 = onnx.node "Squeeze"(%x, %axis) version 13 : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @concat_sizes(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<4x3xf32> {
  // expected-error @below {{cannot lower 'Concat': the operands differ outside of the axis}}
  %0 = onnx.node "Concat"(%x, %y) version 13 {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @split_sizes(%x: tensor<5xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %sizes = onnx.constant dense<2> : tensor<2xi64>
  // expected-error @below {{cannot lower 'Split': the split sizes do not add up to the axis}}
  %0:2 = onnx.node "Split"(%x, %sizes) version 18 {axis = 0 : i64} : (tensor<5xf32>, tensor<2xi64>) -> (tensor<2xf32>, tensor<2xf32>)
  return %0#0, %0#1 : tensor<2xf32>, tensor<2xf32>
}

// -----

func.func @axis_outside(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  // expected-error @below {{cannot lower 'Concat': axis 2 is not one of a tensor of rank 2}}
  %0 = onnx.node "Concat"(%x, %x) version 13 {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @index_outside(%x: tensor<3x4xf32>) -> tensor<4xf32> {
  %i = onnx.constant dense<3> : tensor<i64>
  // expected-error @below {{cannot lower 'Gather': an index lies outside of its axis}}
  %0 = onnx.node "Gather"(%x, %i) version 13 : (tensor<3x4xf32>, tensor<i64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
