"""What files become: one model for each thing that matters, and the IR of it.

REQUIRES: moec-test-python
RUN: rm -rf %t && mkdir %t && %python %s %t

Every node with its schema's version; an absent operand in the middle, trailing ones left out; names and
sizes of inputs and outputs; what the checker has to say does not stop anything.
RUN: moec-opt %t/nodes.onnx --mlir-print-debuginfo > %t/nodes.mlir 2> %t/nodes.err
RUN: FileCheck %s --check-prefix=NODES < %t/nodes.mlir
RUN: FileCheck %s --check-prefix=CHECKER < %t/nodes.err
NODES: module attributes {onnx.opset = {ai.onnx = 21 : i64, com.example = 3 : i64}, onnx.producer = "me 1"}
NODES-NEXT: func.func @main(%[[X:.*]]: tensor<?x4xf32> {onnx.dims = ["batch", ""], onnx.name = "x"}
NODES-SAME: -> (tensor<*x!onnx.unknown> {onnx.dims = ["batch", ""], onnx.name = "y"})
NODES-NEXT: %[[RELU:.*]] = onnx.node "Relu"(%[[X]]) version 14 : (tensor<?x4xf32>) -> tensor<*x!onnx.unknown> loc(#[[RELU_LOC:.*]])
NODES-NEXT: %[[NONE:.*]] = onnx.none
NODES-NEXT: %[[CLIP:.*]] = onnx.node "Clip"(%[[RELU]], %[[NONE]], %[[X]]) version 13
NODES-NEXT: %[[THING:.*]]:2 = onnx.node "com.example::Thing"(%[[CLIP]]) version 3
NODES-SAME: {a_float = 1.500000e+00 : f32, a_string = "s", floats = array<f32: 1.000000e+00, 2.000000e+00>, int = 7 : i64, ints = array<i64: 1, 2>, strings = ["a", "b"], tensor = dense<[1, 2]> : tensor<2xi64>}
NODES-SAME: : (tensor<*x!onnx.unknown>) -> (none, tensor<*x!onnx.unknown>)
NODES-NEXT: return %[[THING]]#1
NODES-DAG: #[[RELU_NAME:.*]] = loc("relu")
NODES-DAG: #[[RELU_LOC]] = loc(fused<{scope = "model.layers.0"}>[#[[RELU_NAME]]])
NODES-DAG: loc("Clip_1")
CHECKER: nodes.onnx"): the ONNX checker says: {{.*}}ir_version

Small tensors are constants wherever they come from, large ones weights: raw, typed (decoded into a file
beside the output), external, of Constant nodes, of subgraphs. Bytes that are shared are declared once.
RUN: moec-opt %t/weights.onnx -o %t/weights.mlir
RUN: FileCheck %s --check-prefix=WEIGHTS < %t/weights.mlir
WEIGHTS: moe.weight_file @[[MODEL:.*]] "{{.*}}/weights.onnx" size {{[0-9]+}}
WEIGHTS-NEXT: moe.weight_file @[[SPILL:.*]] "{{.*}}/weights.mlir.weights" size 2048
WEIGHTS-NEXT: moe.weight_file @[[DATA:.*]] "{{.*}}/weights.bin" size 4100
WEIGHTS-NEXT: moe.weight_data @raw in @[[MODEL]][{{[0-9]+}}, 2048] : tensor<512xf32>
WEIGHTS-NEXT: moe.weight_data @main.1 in @[[SPILL]][0, 2048] : tensor<256xi64>
WEIGHTS-NEXT: moe.weight_data @external in @[[DATA]][4, 4096] : tensor<1024xf32>
WEIGHTS-NEXT: moe.weight_data @constant in @[[MODEL]][{{[0-9]+}}, 1200] : tensor<1200xi1>
WEIGHTS-NEXT: moe.weight_data @inner in @[[MODEL]][{{[0-9]+}}, 1500] : tensor<3000xi4>
WEIGHTS-NEXT: func.func @main
WEIGHTS-SAME: %[[C:.*]]: tensor<i1>
WEIGHTS-NEXT: %[[RAW:.*]] = moe.weight @raw : tensor<512xf32>
WEIGHTS-NEXT: moe.weight @main.1 : tensor<256xi64>
WEIGHTS-NEXT: %[[EXTERNAL:.*]] = moe.weight @external : tensor<1024xf32>
WEIGHTS-NEXT: %[[TIED:.*]] = moe.weight @external : tensor<1024xf32>
WEIGHTS-NEXT: onnx.constant dense<5> : tensor<i32>
WEIGHTS-NEXT: onnx.constant dense<[true, false]> : tensor<2xi1>
WEIGHTS-NEXT: onnx.constant dense<[1, -8, 7]> : tensor<3xi4>
WEIGHTS-NEXT: onnx.constant dense<[1.000000e+00, -2.000000e+00]> : tensor<2xf16>
WEIGHTS-NEXT: onnx.constant dense<0.000000e+00> : tensor<1xf32>
WEIGHTS-NEXT: onnx.constant dense<> : tensor<0x4xf32>
WEIGHTS-NEXT: %[[CONSTANT:.*]] = moe.weight @constant : tensor<1200xi1>
WEIGHTS-NEXT: onnx.constant dense<[1, 2]> : tensor<2xi64>
WEIGHTS-NEXT: onnx.node "If"(%[[C]]) version 21 region "else_branch" {
WEIGHTS-NEXT: onnx.node "Identity"(%[[TIED]])
WEIGHTS-NEXT: onnx.yield
WEIGHTS-NEXT: } region "then_branch" {
WEIGHTS-NEXT: moe.weight @inner : tensor<3000xi4>
WEIGHTS-NEXT: onnx.node "Identity"(%[[EXTERNAL]])

The same from bytecode, and again from what was printed.
RUN: moec-opt %t/weights.onnx --emit-bytecode -o %t/weights.mlir | count 0
RUN: moec-opt %t/weights.mlir -o %t/again.mlir
RUN: moec-opt %t/again.mlir | diff %t/again.mlir -
RUN: FileCheck %s --check-prefix=WEIGHTS < %t/again.mlir
RUN: moec-opt %t/weights.onnx 2> %t/warning | FileCheck %s --check-prefix=NOT-KEPT
RUN: FileCheck %s --check-prefix=WARNING < %t/warning
NOT-KEPT: moe.weight_file {{.*}} "" size 2048
WARNING: warning: {{.*}}weights that are made here, not in the files of the model, are not kept

Functions of the model are gone, with attributes that were referred to and names that are their own.
RUN: moec-opt %t/functions.onnx | FileCheck %s --check-prefix=FUNCTIONS
FUNCTIONS: func.func @main(%[[X:.*]]: tensor<4xf32>
FUNCTIONS-NEXT: %[[A:.*]] = onnx.node "LeakyRelu"(%[[X]]) version 16 {alpha = 2.500000e-01 : f32}
FUNCTIONS-NEXT: %[[B:.*]] = onnx.node "Neg"(%[[A]])
FUNCTIONS-NEXT: %[[C:.*]] = onnx.node "LeakyRelu"(%[[B]]) version 16 {alpha = 5.000000e-01 : f32}
FUNCTIONS-NEXT: %[[D:.*]] = onnx.node "Neg"(%[[C]])
FUNCTIONS-NEXT: return %[[D]]

Nodes in an order in which they cannot run are put right, those of subgraphs too.
RUN: moec-opt %t/unsorted.onnx 2>&1 | FileCheck %s --check-prefix=UNSORTED
UNSORTED-DAG: warning: {{.*}}the nodes of subgraph 'then' are not in the order in which they can run
UNSORTED-DAG: warning: {{.*}}the nodes of the graph are not in the order in which they can run
UNSORTED: func.func @main(%[[X:.*]]: tensor<4xf32>
UNSORTED-NEXT: %[[A:.*]] = onnx.node "Abs"(%[[X]])
UNSORTED-NEXT: %[[B:.*]] = onnx.node "Neg"(%[[A]])
UNSORTED-NEXT: onnx.node "If"
UNSORTED: region "then_branch"
UNSORTED-NEXT: %[[C:.*]] = onnx.node "Exp"(%[[B]])
UNSORTED-NEXT: onnx.node "Relu"(%[[C]])

Old operator sets are converted; what is large goes past the converter, metadata does not get lost.
RUN: moec-opt %t/old.onnx --mlir-print-debuginfo 2>&1 | FileCheck %s --check-prefix=OLD
OLD: warning: {{.*}}converted from operator set 11 to 21
OLD: onnx.opset = {ai.onnx = 21 : i64}
OLD: moe.weight_data @w in {{.*}} 4096] : tensor<32x32xf32>
OLD: func.func @main(%[[X:.*]]: tensor<?x32xf32>
OLD-NEXT: %[[W:.*]] = moe.weight @w
OLD-NEXT: %[[M:.*]] = onnx.node "MatMul"(%[[X]], %[[W]]) version 13
OLD-NEXT: %[[AXES:.*]] = onnx.constant dense<1> : tensor<1xi64>
OLD-NEXT: onnx.node "ReduceSum"(%[[M]], %[[AXES]]) version 13 {keepdims = 0 : i64} {{.*}} loc(#[[LOC:.*]])
OLD: #[[LOC]] = loc(fused<{scope = "here"}>

Models of the first formats list initializers among the inputs: these are no inputs of ours.
RUN: moec-opt %t/first.onnx | FileCheck %s --check-prefix=FIRST
FIRST: func.func @main(%{{.*}}: tensor<4xf32> {{{.*}}onnx.name = "x"}) ->
FIRST-NEXT: onnx.constant dense<2.000000e+00> : tensor<4xf32>

External data behind links, where that is allowed.
RUN: not moec-opt %t/linked/model.onnx 2>&1 | FileCheck %s --check-prefix=REFUSED
RUN: moec-opt %t/linked/model.onnx --allow-linked-weights | FileCheck %s --check-prefix=LINKED
REFUSED: error: {{.*}}pass --allow-linked-weights if you trust the model
LINKED: moe.weight_data @w
"""

import os
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])


def value(name, shape=(4,), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def save(name, graph, opset=21, **kwargs):
    imports = [helper.make_opsetid("", opset), *kwargs.pop("imports", [])]
    model = helper.make_model(graph, opset_imports=imports, **{"ir_version": 10, **kwargs})
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(model.SerializeToString())


def external(name, location, dims, offset=0):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    tensor.external_data.add(key="offset", value=str(offset))
    return tensor


# --- nodes
attributes = {"int": 7, "a_float": 1.5, "a_string": "s", "ints": [1, 2], "floats": [1.0, 2.0],
              "strings": ["a", "b"], "tensor": helper.make_tensor("t", TensorProto.INT64, [2], [1, 2])}
nodes = [
    helper.make_node("Relu", ["x"], ["r"], name="relu"),
    helper.make_node("Clip", ["r", "", "x"], ["c"]),
    helper.make_node("Thing", ["c", "", ""], ["", "y", ""], domain="com.example", **attributes),
]
nodes[0].metadata_props.add(key="scope", value="model.layers.0")
save("nodes.onnx", helper.make_graph(nodes, "g", [value("x", ("batch", 4))], [value("y", ("batch", None))]),
     imports=[helper.make_opsetid("com.example", 3)], producer_name="me", producer_version="1", ir_version=99)

# --- weights
(folder / "weights.bin").write_bytes(bytes(4100))
then_branch = helper.make_graph(
    [helper.make_node("Identity", ["external"], ["t"])], "then", [], [value("t", None)],
    [TensorProto(name="inner", data_type=TensorProto.INT4, dims=[3000], raw_data=bytes(1500))])
else_branch = helper.make_graph([helper.make_node("Identity", ["tied"], ["e"])], "else", [], [value("e", None)])
nodes = [
    helper.make_node("Constant", [], ["constant"], value=numpy_helper.from_array(np.zeros(1200, bool))),
    helper.make_node("Constant", [], ["numbers"], value_ints=[1, 2]),
    helper.make_node("If", ["c"], ["y"], then_branch=then_branch, else_branch=else_branch),
]
initializers = [
    numpy_helper.from_array(np.arange(512, dtype=np.float32), "raw"),
    helper.make_tensor("main", TensorProto.INT64, [256], list(range(256))),
    external("external", "weights.bin", [1024], 4),
    external("tied", "weights.bin", [1024], 4),
    helper.make_tensor("scalar", TensorProto.INT32, [], [5]),
    helper.make_tensor("bools", TensorProto.BOOL, [2], [1, 0]),
    TensorProto(name="nibbles", data_type=TensorProto.INT4, dims=[3], int32_data=[0x81, 0x07]),
    numpy_helper.from_array(np.array([1, -2], np.float16), "halves"),
    external("small", "weights.bin", [1]),
    TensorProto(name="empty", data_type=TensorProto.FLOAT, dims=[0, 4]),
]
save("weights.onnx", helper.make_graph(nodes, "g", [value("c", (), TensorProto.BOOL)], [value("y", None)],
                                       initializers))

# --- functions
leaky = helper.make_node("LeakyRelu", ["a"], ["t"])
leaky.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope")
opsets = [helper.make_opsetid("", 20), helper.make_opsetid("local", 1)]  # both operators are those of 21
inner = helper.make_function("local", "inner", ["a"], ["t"], [leaky], opsets, ["slope"])
call = helper.make_node("inner", ["a"], ["t"], domain="local")
call.attribute.add(name="slope", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope")
outer = helper.make_function("local", "outer", ["a"], ["b"], [call, helper.make_node("Neg", ["t"], ["b"])], opsets,
                             ["slope"])
nodes = [helper.make_node("outer", ["x"], ["t"], domain="local", slope=0.25),
         helper.make_node("outer", ["t"], ["y"], domain="local", slope=0.5)]
save("functions.onnx", helper.make_graph(nodes, "g", [value("x")], [value("y")]), functions=[inner, outer],
     imports=[helper.make_opsetid("local", 1)])

# --- unsorted
then_branch = helper.make_graph([helper.make_node("Relu", ["p"], ["t"]), helper.make_node("Exp", ["b"], ["p"])],
                                "then", [], [value("t")])
else_branch = helper.make_graph([helper.make_node("Relu", ["x"], ["e"])], "else", [], [value("e")])
nodes = [helper.make_node("If", ["c"], ["y"], then_branch=then_branch, else_branch=else_branch),
         helper.make_node("Neg", ["a"], ["b"]), helper.make_node("Abs", ["x"], ["a"])]
save("unsorted.onnx", helper.make_graph(nodes, "g", [value("x"), value("c", (), TensorProto.BOOL)], [value("y")]))

# --- old
nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]),
         helper.make_node("ReduceSum", ["m"], ["y"], name="sum", axes=[1], keepdims=0)]
nodes[1].metadata_props.add(key="scope", value="here")
weight = numpy_helper.from_array(np.zeros((32, 32), np.float32), "w")
save("old.onnx", helper.make_graph(nodes, "g", [value("x", ("n", 32))], [value("y", ("n",))], [weight]), opset=11,
     ir_version=6)

# --- first
scale = numpy_helper.from_array(np.full(4, 2, np.float32), "s")
save("first.onnx", helper.make_graph([helper.make_node("Mul", ["x", "s"], ["y"])], "g", [value("x"), value("s")],
                                     [value("y")], [scale]), opset=13, ir_version=3)

# --- linked
(folder / "blobs").mkdir()
(folder / "blobs" / "w.bin").write_bytes(bytes(2048))
save("linked/model.onnx", helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [value("x", (512,))],
                                            [value("y", (512,))], [external("w", "w.bin", [512])]))
os.symlink("../blobs/w.bin", folder / "linked" / "w.bin")
