// RUN: moec-opt %s --moe-introduce-state --split-input-file | FileCheck %s
// RUN: moec-opt %s --moe-introduce-state --split-input-file --verify-diagnostics

// CHECK:       moe.state @past.0 axis 1 capacity 4096 present "present.0" : tensor<?x?x4xf32>
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:[a-z0-9]*]]: tensor<?x?x4xf32> {{.*}}, %[[PAST:[a-z0-9]*]]: tensor<?x?x4xf32> {moe.state = @past.0, {{.*}}onnx.name = "past.0"})
// CHECK-SAME:    -> (tensor<?x?x4xf32> {onnx.name = "y"}) {
// CHECK:         %[[ROWS:.*]] = onnx.node "Neg"(%[[X]])
// CHECK:         %[[ALL:.*]] = moe.cache_append %[[ROWS]] to %[[PAST]] in @past.0
// CHECK:         %[[Y:.*]] = onnx.node "Abs"(%[[ALL]])
// CHECK:         return %[[Y]] : tensor<?x?x4xf32>
// expected-remark@+1 {{'past.0' is kept as state, with 'present.0'}}
func.func @main(%x: tensor<?x?x4xf32> {onnx.name = "x", onnx.dims = ["b", "s", ""]},
                %past: tensor<?x?x4xf32> {onnx.name = "past.0", onnx.dims = ["b", "p", ""]})
    -> (tensor<?x?x4xf32> {onnx.name = "y"}, tensor<?x?x4xf32> {onnx.name = "present.0"}) {
  %rows = onnx.node "Neg"(%x) version 13 : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %all = onnx.node "Concat"(%past, %rows) version 13 {axis = 1 : i64} : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %y = onnx.node "Abs"(%all) version 13 : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %y, %all : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_past_behind(
// CHECK:         onnx.node "Concat"
// expected-warning@+3 {{no cache of the model is kept as state}}
// expected-note@+2 {{'past.0' is not kept as state}}
// expected-remark@+1 {{'past.0' is not kept as state: the output is not Concat of the input and what is new}}
func.func @left_alone_past_behind(%x: tensor<2x?xf32> {onnx.name = "x"}, %past: tensor<2x?xf32> {onnx.name = "past.0"})
    -> (tensor<2x?xf32> {onnx.name = "present.0"}) {
  %all = onnx.node "Concat"(%x, %past) version 13 {axis = 1 : i64} : (tensor<2x?xf32>, tensor<2x?xf32>) -> tensor<2x?xf32>
  return %all : tensor<2x?xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_batch_unknown(
// CHECK:         onnx.node "Concat"
// expected-warning@+3 {{no cache of the model is kept as state}}
// expected-note@+2 {{'past.0' is not kept as state}}
// expected-remark@+1 {{'past.0' is not kept as state: a size of it is neither fixed nor, by its name, the size of another input}}
func.func @left_alone_batch_unknown(%x: tensor<?x?xf32> {onnx.name = "x", onnx.dims = ["", "s"]},
                                    %past: tensor<?x?xf32> {onnx.name = "past.0", onnx.dims = ["b", "p"]})
    -> (tensor<?x?xf32> {onnx.name = "present.0"}) {
  %all = onnx.node "Concat"(%past, %x) version 13 {axis = 1 : i64} : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %all : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @left_alone_rows_depend_on_data(
// CHECK:         onnx.node "Concat"
// expected-warning@+3 {{no cache of the model is kept as state}}
// expected-note@+2 {{'past.0' is not kept as state}}
// expected-remark@+1 {{'past.0' is not kept as state: how many rows are new does not follow from the sizes of inputs}}
func.func @left_alone_rows_depend_on_data(%x: tensor<?xf32> {onnx.name = "x"}, %past: tensor<1x?xi64> {onnx.name = "past.0"})
    -> (tensor<1x?xi64> {onnx.name = "present.0"}) {
  %rows = onnx.node "NonZero"(%x) version 13 : (tensor<?xf32>) -> tensor<1x?xi64>
  %all = onnx.node "Concat"(%past, %rows) version 13 {axis = 1 : i64} : (tensor<1x?xi64>, tensor<1x?xi64>) -> tensor<1x?xi64>
  return %all : tensor<1x?xi64>
}

// -----

// CHECK-LABEL: func.func @left_alone_without_output(
// expected-warning@+3 {{no cache of the model is kept as state}}
// expected-note@+2 {{'past.0' is not kept as state}}
// expected-remark@+1 {{'past.0' is not kept as state: no output goes with it}}
func.func @left_alone_without_output(%past: tensor<2x?xf32> {onnx.name = "past.0"}) -> (tensor<2x?xf32> {onnx.name = "y"}) {
  return %past : tensor<2x?xf32>
}

// -----

// CHECK:       moe.state @past.0
// CHECK-NOT:   moe.state
// CHECK-LABEL: func.func @left_alone_other_rows(
// CHECK:         onnx.node "Concat"
// expected-remark@+2 {{'past.0' is kept as state}}
// expected-remark@+1 {{'past.1' is not kept as state: it grows by another number of rows than the state before}}
func.func @left_alone_other_rows(%x: tensor<2x?xf32> {onnx.name = "x"}, %z: tensor<2x?xf32> {onnx.name = "z"},
                                 %a: tensor<2x?xf32> {onnx.name = "past.0"}, %b: tensor<2x?xf32> {onnx.name = "past.1"})
    -> (tensor<2x?xf32> {onnx.name = "present.0"}, tensor<2x?xf32> {onnx.name = "present.1"}) {
  %0 = onnx.node "Concat"(%a, %x) version 13 {axis = 1 : i64} : (tensor<2x?xf32>, tensor<2x?xf32>) -> tensor<2x?xf32>
  %1 = onnx.node "Concat"(%b, %z) version 13 {axis = 1 : i64} : (tensor<2x?xf32>, tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0, %1 : tensor<2x?xf32>, tensor<2x?xf32>
}

// -----

// Sizes that the file does not tell are those of what is added.
// CHECK:       moe.state @past.0 axis 2 capacity 4096 present "present.0" : tensor<?x2x?x8xf32>
// CHECK-LABEL: func.func @sizes_of_rows(
// CHECK-SAME:    %{{[a-z0-9]*}}: tensor<?x2x?x8xf32> {moe.state = @past.0, onnx.dims = ["a", "", "l", ""], onnx.name = "past.0"})
// expected-remark@+1 {{'past.0' is kept as state, with 'present.0'}}
func.func @sizes_of_rows(%x: tensor<?x2x?x8xf32> {onnx.name = "x", onnx.dims = ["a", "", "s", ""]},
                         %past: tensor<?x?x?x?xf32> {onnx.name = "past.0", onnx.dims = ["b", "h", "l", "d"]})
    -> (tensor<?x2x?x8xf32> {onnx.name = "present.0"}) {
  %all = onnx.node "Concat"(%past, %x) version 13 {axis = 2 : i64} : (tensor<?x?x?x?xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  return %all : tensor<?x2x?x8xf32>
}
