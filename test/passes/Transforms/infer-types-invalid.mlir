// RUN: moec-opt %s --onnx-infer-types --split-input-file --verify-diagnostics

func.func @contradiction(%x: tensor<3x4xf32>, %y: tensor<5x6xf32>) -> tensor<*xf32> {
  // expected-error@+1 {{'MatMul' does not fit its operands: [ShapeInferenceError]}}
  %0 = onnx.node "MatMul"(%x, %y) version 13 : (tensor<3x4xf32>, tensor<5x6xf32>) -> tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

func.func @stated_element_type(%x: tensor<?xf32>) -> tensor<?xf16> {
  // expected-error@+1 {{'Neg' gives result 0 the element type 'f32', but the model states 'f16'}}
  %0 = onnx.node "Neg"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf16>
  return %0 : tensor<?xf16>
}

// -----

func.func @missing_operand(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@+1 {{'Add' does not fit its operands: it has 1 operands, expected at least 2}}
  %0 = onnx.node "Add"(%x) version 14 : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
