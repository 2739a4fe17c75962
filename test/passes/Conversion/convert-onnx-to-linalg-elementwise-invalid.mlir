// RUN: moec-opt %s --convert-onnx-to-linalg --split-input-file --verify-diagnostics

func.func @fmod_of_floats(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cannot lower 'Mod': floats need 'fmod' to be 1}}
  %0 = onnx.node "Mod"(%x, %x) version 13 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @training(%x: tensor<4xf32>, %ratio: tensor<f32>, %mode: tensor<i1>) -> tensor<4xf32> {
  // expected-error @+1 {{cannot lower 'Dropout': only inference is compiled}}
  %0 = onnx.node "Dropout"(%x, %ratio, %mode) version 13
      : (tensor<4xf32>, tensor<f32>, tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @unknown_axes(%x: tensor<4x4xf32>, %axes: tensor<1xi64>) -> tensor<?x?xf32> {
  // expected-error @+1 {{cannot lower 'ReduceSum': the axes are not constant}}
  %0 = onnx.node "ReduceSum"(%x, %axes) version 13
      : (tensor<4x4xf32>, tensor<1xi64>) -> tensor<?x?xf32>
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
