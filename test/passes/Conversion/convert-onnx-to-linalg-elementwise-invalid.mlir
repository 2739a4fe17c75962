// RUN: moec-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @fmod_of_floats(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cannot lower 'Mod': floats need 'fmod' to be 1}}
  %0 = onnx.node "Mod"(%x, %x) version 13 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @training(%x: tensor<4xf32>) -> tensor<4xf32> {
  %ratio = onnx.constant dense<5.0e-01> : tensor<f32>
  %mode = onnx.constant dense<true> : tensor<i1>
  // expected-error @+1 {{cannot lower 'Dropout': training is not supported}}
  %0 = onnx.node "Dropout"(%x, %ratio, %mode) version 13
      : (tensor<4xf32>, tensor<f32>, tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @unknown_axes(%x: tensor<4x4xf32>, %axes: tensor<?xi64>) -> tensor<?x?xf32> {
  // expected-error @+1 {{cannot lower 'ReduceSum': how many axes there are is not known}}
  %0 = onnx.node "ReduceSum"(%x, %axes) version 13
      : (tensor<4x4xf32>, tensor<?xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @bad_axis(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cannot lower 'Softmax': axis 2 is not one of a tensor of rank 1}}
  %0 = onnx.node "Softmax"(%x) version 13 {axis = 2 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @sizes_that_never_agree(%x: tensor<4xf32>, %y: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cannot lower 'Add': a size is neither 1 nor the size that it is broadcast to}}
  %0 = onnx.node "Add"(%x, %y) version 14 : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
