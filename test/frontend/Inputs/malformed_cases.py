"""Malformed models, by name: how to write each into a folder, and what must be said of it.

A case gets a folder in which it may put files, and returns the model or its bytes.
"""

import os

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

CASES = {}


def case(expected):
    """Adds a function as a case with a regular expression for the error."""

    def add(function):
        CASES[function.__name__] = (function, expected)
        return function

    return add


def value(name, shape=("n", 4), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def graph(nodes, inputs=None, outputs=None, initializers=(), name="g"):
    return helper.make_graph(nodes, name, [value("x")] if inputs is None else inputs,
                             [value("y")] if outputs is None else outputs, list(initializers))


def model(nodes, opset=21, functions=(), **parts):
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    result = helper.make_model(graph(nodes, **parts), opset_imports=imports, functions=list(functions))
    result.ir_version = 10
    return result


def relu(source="x", result="y", **kwargs):
    return helper.make_node("Relu", [source], [result], **{"name": "relu", **kwargs})


def external(location="w.bin", offset=None, length=None, dims=(64, 8), extra=()):
    """A model whose weight is external, of 2048 bytes by default."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims,
                         data_location=TensorProto.EXTERNAL)
    entries = [("location", location), ("offset", offset), ("length", length), *extra]
    for key, text in entries:
        if text is not None:
            tensor.external_data.add(key=key, value=text)
    return model([helper.make_node("MatMul", ["x", "w"], ["y"], name="matmul")], inputs=[value("x", ("n", 64))],
                 initializers=[tensor])


def varint(number):
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    result.append(number)
    return bytes(result)


def field(number, contents):
    """A field of bytes of a protobuf message."""
    return varint(number << 3 | 2) + varint(len(contents)) + contents


def weights(folder, size=4096, name="w.bin"):
    (folder / name).write_bytes(bytes(size))


def with_tensor(**fields):
    """A model with one initializer that has the given fields."""
    return model([helper.make_node("Add", ["x", "w"], ["y"], name="add")],
                 initializers=[TensorProto(**{"name": "w", "data_type": TensorProto.FLOAT, **fields})])


# --- External data: where ---------------------------------------------------------------------------


@case(r"the location contains '\.\.'")
def parent_folder(folder):
    (folder / "sub").mkdir()
    weights(folder.parent, name=folder.name + ".bin")
    return external(f"../{folder.name}.bin")


@case(r"the location contains '\.\.'")
def nested_parent_folder(folder):
    (folder / "a").mkdir()
    return external("a/../../../etc/passwd")


@case(r"the location is absolute")
def absolute_location(folder):
    return external("/etc/passwd")


@case(r"the location starts with a drive")
def drive_location(folder):
    return external("C:/weights.bin")


@case(r"the location contains a backslash")
def backslash_location(folder):
    return external("..\\weights.bin")


@case(r"the location is empty")
def empty_location(folder):
    return external("")


@case(r"external data without a location")
def no_location(folder):
    return external(None, offset="0")


@case(r"the location contains a NUL")
def nul_in_location(folder):
    weights(folder)
    return external("w.bin\0x")


@case(r"goes over a symbolic link")
def symbolic_link(folder):
    weights(folder, name="real.bin")
    os.symlink("real.bin", folder / "w.bin")
    return external()


@case(r"goes over a symbolic link")
def linked_folder(folder):
    (folder / "real").mkdir()
    weights(folder / "real")
    os.symlink("real", folder / "sub")
    return external("sub/w.bin")


@case(r"has 2 hard links")
def hard_link(folder):
    weights(folder)
    os.link(folder / "w.bin", folder / "w2.bin")
    return external()


@case(r"it is a pipe or device")
def pipe(folder):
    os.mkfifo(folder / "w.bin")
    return external()


@case(r"it is a directory")
def folder_as_data(folder):
    (folder / "w.bin").mkdir()
    return external()


@case(r"No such file or directory")
def missing_data(folder):
    return external()


@case(r"No such file or directory")
def forged_payload_reference(folder):
    return external("moec:00000000000000000000000000000000:0")


# --- External data: which bytes ---------------------------------------------------------------------


@case(r"offset '-8', expected a number")
def negative_offset(folder):
    weights(folder)
    return external(offset="-8")


@case(r"go beyond the end of")
def huge_offset(folder):
    weights(folder)
    return external(offset="18446744073709551608")


@case(r"offset '0x10', expected a number")
def text_offset(folder):
    weights(folder)
    return external(offset="0x10")


@case(r"offset 4000 and length 2048 go beyond the end of")
def offset_behind_end(folder):
    weights(folder)
    return external(offset="4000")


@case(r"has 99999999999 bytes of external data, but its shape needs 2048")
def huge_length(folder):
    weights(folder)
    return external(length="99999999999")


@case(r"has 100 bytes of external data, but its shape needs 2048")
def short_length(folder):
    weights(folder)
    return external(length="100")


@case(r"the key 'offset' twice")
def key_twice(folder):
    weights(folder)
    return external(offset="0", extra=[("offset", "8")])


@case(r"the key 'location' twice")
def location_twice(folder):
    weights(folder)
    return external(extra=[("location", "v.bin")])


@case(r"both")
def external_and_inline(folder):
    weights(folder)
    broken = external()
    broken.graph.initializer[0].raw_data = bytes(2048)
    return broken


@case(r"shape of more elements than")
def external_of_impossible_shape(folder):
    weights(folder)
    return external(dims=[2**62, 8])


# --- Tensors ----------------------------------------------------------------------------------------


@case(r"has 12 bytes, expected 16")
def raw_data_too_short(folder):
    return with_tensor(dims=[4], raw_data=bytes(12))


@case(r"has 4000 bytes in raw_data, but its shape of 1024 elements of float needs 4096")
def large_raw_data_too_short(folder):
    return with_tensor(dims=[1024], raw_data=bytes(4000))


@case(r"has 20 bytes, expected 16")
def raw_data_too_long(folder):
    return with_tensor(dims=[4], raw_data=bytes(20))


@case(r"has 1 bytes, expected 2")
def odd_number_of_nibbles(folder):
    return with_tensor(data_type=TensorProto.INT4, dims=[3], raw_data=b"\0")


@case(r"has both raw_data and float_data")
def two_data_fields(folder):
    return with_tensor(dims=[4], raw_data=bytes(16), float_data=[1, 2, 3, 4])


@case(r"has 0 bytes, expected 16")
def wrong_data_field(folder):
    return with_tensor(dims=[4], int64_data=[1, 2, 3, 4])


@case(r"shape of more elements than 1099511627776, which is the limit")
def shape_overflows(folder):
    return with_tensor(dims=[2**62, 8], raw_data=bytes(16))


@case(r"the size -4 in its shape")
def negative_dimension(folder):
    return with_tensor(dims=[-4], raw_data=bytes(16))


@case(r"has 65 dimensions, the limit is 64")
def too_many_dimensions(folder):
    return with_tensor(dims=[1] * 65, raw_data=bytes(4))


@case(r"has 1000000 dimensions, the limit is 64")
def a_million_dimensions(folder):
    return with_tensor(dims=[1] * 1000000, raw_data=bytes(4))


@case(r"element type 0, which ONNX does not define")
def undefined_element_type(folder):
    return with_tensor(data_type=0, dims=[4], raw_data=bytes(16))


@case(r"element type 77, which ONNX does not define")
def unknown_element_type(folder):
    return with_tensor(data_type=77, dims=[4], raw_data=bytes(16))


@case(r"is a segment of a tensor")
def segment(folder):
    return with_tensor(dims=[4], raw_data=bytes(16), segment=TensorProto.Segment(begin=0, end=4))


@case(r"sparse initializer 'w', which is not supported")
def sparse_bomb(folder):
    broken = model([helper.make_node("Add", ["x", "w"], ["y"])])
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    broken.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 27]))
    return broken


@case(r"input 'x' has the size -7")
def input_with_negative_size(folder):
    return model([relu()], inputs=[value("x", (-7, 4))])


@case(r"input 'x' has a shape of more elements than")
def input_with_too_many_elements(folder):
    return model([relu()], inputs=[value("x", (1 << 40, 1 << 40))])


# --- Names and order --------------------------------------------------------------------------------


@case(r"node 'relu' of type 'Relu' uses 'z', which is not defined")
def undefined_operand(folder):
    return model([relu("z")])


@case(r"output 'y', which no node computes")
def undefined_output(folder):
    return model([relu(result="z")])


@case(r"node 'if' of type 'If' in attribute 'then_branch': node 'inner' of type 'Relu' uses 'z'")
def undefined_in_subgraph(folder):
    branch = graph([relu("z", "t", name="inner")], inputs=[], outputs=[value("t")])
    other = graph([relu("x", "e")], inputs=[], outputs=[value("e")])
    condition = value("c", (), TensorProto.BOOL)
    return model([helper.make_node("If", ["c"], ["y"], name="if", then_branch=branch, else_branch=other)],
                 inputs=[value("x"), condition])


@case(r"node '[ab]' of type 'Add' depends on its own results")
def cycle(folder):
    return model([helper.make_node("Add", ["x", "q"], ["p"], name="a"),
                  helper.make_node("Add", ["x", "p"], ["q"], name="b"), relu("q")])


@case(r"node 'a' of type 'Add' depends on its own results")
def node_uses_itself(folder):
    return model([helper.make_node("Add", ["x", "y"], ["y"], name="a")])


@case(r"node 'if' of type 'If' depends on its own results")
def cycle_through_subgraph(folder):
    branch = graph([relu("y", "t")], inputs=[], outputs=[value("t")])
    other = graph([relu("x", "e")], inputs=[], outputs=[value("e")])
    return model([helper.make_node("If", ["c"], ["y"], name="if", then_branch=branch, else_branch=other)],
                 inputs=[value("x"), value("c", (), TensorProto.BOOL)])


@case(r"node 'second' of type 'Neg' has the output 'y', but that name is defined already")
def name_computed_twice(folder):
    return model([relu(), helper.make_node("Neg", ["x"], ["y"], name="second")])


@case(r"has the output 'y', but that name is defined already")
def name_twice_in_one_node(folder):
    return model([helper.make_node("Split", ["x"], ["y", "y"], name="split", num_outputs=2, axis=1)])


@case(r"has the output 'x', but that name is defined already")
def input_computed(folder):
    return model([relu(), helper.make_node("Neg", ["y"], ["x"])])


@case(r"the graph has the input 'x', but that name is defined already")
def input_twice(folder):
    return model([relu()], inputs=[value("x"), value("x")])


@case(r"has the initializer 'w', but that name is defined already")
def initializer_twice(folder):
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    return model([helper.make_node("Add", ["x", "w"], ["y"])], initializers=[tensor, tensor])


@case(r"'i' both as an input and as an initializer")
def body_input_also_initializer(folder):
    body = graph([helper.make_node("Identity", ["c"], ["k"]), relu("x", "v")],
                 inputs=[value("i", (), TensorProto.INT64), value("c", (), TensorProto.BOOL)],
                 outputs=[value("k", (), TensorProto.BOOL), value("v")],
                 initializers=[numpy_helper.from_array(np.array(3), "i")])
    return model([helper.make_node("Loop", ["m", ""], ["y"], body=body)],
                 inputs=[value("x"), value("m", (), TensorProto.INT64)])


@case(r"the graph has no outputs")
def no_outputs(folder):
    return model([relu()], outputs=[])


@case(r"the graph has the output 'y', but that name is defined already")
def output_twice(folder):
    return model([relu()], outputs=[value("y"), value("y")])


@case(r"has 65537 bytes, the limit is 65536")
def long_name(folder):
    return model([relu(name="n" * 65537)])


@case(r"input 'a\\00b' contains a NUL")
def nul_in_name(folder):
    return model([relu("a\0b")], inputs=[value("a\0b")])


@case(r"operator type '\\FF\\FE\\FD\\FD' is not UTF-8")
def name_not_utf8(folder):
    return model([relu()]).SerializeToString().replace(b"Relu", b"\xff\xfe\xfd\xfd")


# --- Nodes ------------------------------------------------------------------------------------------


@case(r"node 'relu' .*has no operator type")
def no_operator_type(folder):
    broken = model([relu()])
    broken.graph.node[0].op_type = ""
    return broken


@case(r"node 'relu' of type 'Relu' has 0 operands, expected at least 1")
def no_operands(folder):
    broken = model([relu()])
    del broken.graph.node[0].input[:]
    return broken


@case(r"has 2 operands, expected at most 1")
def too_many_operands(folder):
    broken = model([relu()])
    broken.graph.node[0].input.append("x")
    return broken


@case(r"node 'm' of type 'MatMul' lacks operand 0 \('A'\), which is not optional")
def required_operand_absent(folder):
    return model([helper.make_node("MatMul", ["", "x"], ["y"], name="m")])


@case(r"lacks the attribute 'to'")
def required_attribute_absent(folder):
    return model([helper.make_node("Cast", ["x"], ["y"])])


@case(r"attribute 'axis' is of kind FLOAT, expected INT")
def attribute_of_wrong_kind(folder):
    return model([helper.make_node("Softmax", ["x"], ["y"], axis=1.5)])


@case(r"attribute 'axis' is of kind INTS but holds INT")
def attribute_with_wrong_tag(folder):
    broken = model([helper.make_node("Softmax", ["x"], ["y"], axis=1)])
    broken.graph.node[0].attribute[0].type = AttributeProto.INTS
    return broken


@case(r"attribute 'axis' has values of several kinds")
def attribute_of_two_kinds(folder):
    broken = model([helper.make_node("Softmax", ["x"], ["y"], axis=1)])
    broken.graph.node[0].attribute[0].f = 1
    return broken


@case(r"has the attribute 'axis' twice")
def attribute_twice(folder):
    broken = model([helper.make_node("Softmax", ["x"], ["y"], axis=1)])
    broken.graph.node[0].attribute.append(broken.graph.node[0].attribute[0])
    return broken


@case(r"has an attribute without a name")
def attribute_without_name(folder):
    broken = model([helper.make_node("Softmax", ["x"], ["y"], axis=1)])
    broken.graph.node[0].attribute[0].name = ""
    return broken


@case(r"refers to the attribute 'a' of a function, but is in none")
def reference_outside_function(folder):
    broken = model([helper.make_node("Softmax", ["x"], ["y"], axis=1)])
    broken.graph.node[0].attribute[0].ref_attr_name = "a"
    return broken


@case(r"attribute 'body' is a graph, which this operator does not have")
def subgraph_on_add(folder):
    body = graph([relu("x", "t")], inputs=[], outputs=[value("t")])
    return model([helper.make_node("Add", ["x", "x"], ["y"], body=body)])


@case(r"node 'c' of type Constant has 0 attributes, expected 1")
def constant_without_value(folder):
    return model([helper.make_node("Constant", [], ["c"], name="c"), helper.make_node("Add", ["x", "c"], ["y"])])


@case(r"attribute 'value': tensor 'v' is over 1 KiB")
def large_attribute_tensor(folder):
    big = numpy_helper.from_array(np.zeros(1000, np.float32), "v")
    return model([helper.make_node("ConstantOfShape", ["s"], ["y"], name="fill", value=big)],
                 inputs=[value("s", (1,), TensorProto.INT64)])


# --- Domains and operator sets ----------------------------------------------------------------------


@case(r"node 'relu' of type 'Relu' is of domain 'ai.onnx', of which no operator set is imported")
def no_operator_sets(folder):
    broken = model([relu()])
    del broken.opset_import[:]
    return broken


@case(r"is of domain 'com.example', of which no operator set is imported")
def domain_not_imported(folder):
    return model([helper.make_node("Thing", ["x"], ["y"], domain="com.example")])


@case(r"uses operator set 29 of ai.onnx, the newest known is 28")
def operator_set_too_new(folder):
    return model([relu()], opset=29)


@case(r"uses operator set 4611686018427387904 of ai.onnx")
def operator_set_huge(folder):
    return model([relu()], opset=2**62)


@case(r"the model imports operator set 0 of domain 'ai.onnx'")
def operator_set_zero(folder):
    return model([relu()], opset=0)


@case(r"imports the operator sets 21 and 20 of domain 'ai.onnx'")
def operator_set_twice(folder):
    broken = model([relu()])
    broken.opset_import.add(domain="ai.onnx", version=20)
    return broken


@case(r"node 'up' of type 'Upsample' has 0 operands, expected at least 1")
def old_upsample(folder):
    broken = model([helper.make_node("Upsample", ["x"], ["y"], name="up", width_scale=2.0, height_scale=2.0)],
                   opset=6)
    del broken.graph.node[0].input[:]
    return broken


@case(r"Gemm")
def old_gemm_of_vectors(folder):
    return model([helper.make_node("Gemm", ["x", "x", "x"], ["y"], broadcast=1)], opset=6,
                 inputs=[value("x", (4,))])


@case(r"lacks the attribute 'to'")
def old_cast_without_target(folder):
    return model([helper.make_node("Cast", ["x"], ["y"])], opset=5)


# --- Functions and nesting --------------------------------------------------------------------------


def function(name, nodes, inputs=("a",), outputs=("b",), opset=21):
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, list(inputs), list(outputs), nodes, imports)


def call(name, source="x", result="y"):
    return helper.make_node(name, [source], [result], domain="local", name="call")


@case(r"function 'f' of the model calls itself")
def function_calls_itself(folder):
    return model([call("f")], functions=[function("f", [call("f", "a", "b")])])


@case(r"function '[fg]' of the model calls itself")
def functions_call_each_other(folder):
    return model([call("f")], functions=[function("f", [call("g", "a", "b")]),
                                         function("g", [call("f", "a", "b")])])


@case(r"function 'f' of the model calls itself")
def function_calls_itself_in_a_branch(folder):
    branch = graph([call("f", "a", "t")], inputs=[], outputs=[value("t")])
    other = graph([relu("a", "e")], inputs=[], outputs=[value("e")])
    body = [helper.make_node("Cast", ["a"], ["c"], to=TensorProto.BOOL),
            helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=other)]
    return model([call("f")], functions=[function("f", body)])


@case(r"functions call each other 3000 deep, the limit is 32")
def deep_chain_of_functions(folder):
    chain = [function(f"f{i}", [call(f"f{i + 1}", "a", "b")]) for i in range(2999)]
    return model([call("f0")], functions=[*chain, function("f2999", [relu("a", "b")])])


@case(r"functions expand to more than 1000000 nodes")
def exponential_functions(folder):
    twice = [function(f"f{i}", [call(f"f{i + 1}", "a", "c"), call(f"f{i + 1}", "c", "b")]) for i in range(25)]
    return model([call("f0")], functions=[*twice, function("f25", [relu("a", "b")])])


@case(r"has 10001 functions, the limit is 10000")
def too_many_functions(folder):
    return model([relu()], functions=[function(f"f{i}", [relu("a", "b")]) for i in range(10001)])


@case(r"has the function 'f' twice")
def function_twice(folder):
    return model([call("f")], functions=[function("f", [relu("a", "b")])] * 2)


@case(r"node 'call' of type 'f' has 2 operands, but the function has 1")
def call_with_too_many_operands(folder):
    broken = model([call("f")], functions=[function("f", [relu("a", "b")])])
    broken.graph.node[0].input.append("x")
    return broken


@case(r"function 'f': node 'relu' of type 'Relu' uses 'x', which is not defined")
def undefined_in_function(folder):
    return model([call("f")], functions=[function("f", [relu("x", "b")])])


@case(r"function 'f' uses operator set 12 of domain 'ai.onnx', but the model uses 21")
def function_of_another_operator_set(folder):
    return model([call("f")], functions=[function("f", [helper.make_node("Softmax", ["a"], ["b"])], opset=12)])


def nested_graphs(levels):
    """A graph in an attribute of a node in a graph and so on, as the library cannot write it."""
    inner = b""
    for _ in range(levels):
        attribute = field(1, b"body") + field(6, inner) + b"\xa0\x01\x05"
        node = field(4, b"If") + field(5, attribute)
        inner = field(1, node)
    return b"\x08\x0a" + field(7, inner) + field(8, b"\x10\x15")


@case(r"subgraphs are nested deeper than 32")
def deep_subgraphs(folder):
    return nested_graphs(33)


@case(r"messages are nested deeper than 100")
def deep_messages(folder):
    return nested_graphs(10000)


# --- Kinds of values --------------------------------------------------------------------------------


@case(r"not supported: input 'strings' \(strings\), input 'list' \(a sequence\), input 'maybe' \(an optional\), "
      r"input 'untyped' \(no type\), initializer 'names' \(strings\), value 'c' \(complex numbers\)")
def kinds_that_are_not_supported(folder):
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, [4])
    inputs = [value("x"), value("strings", (2,), TensorProto.STRING),
              helper.make_value_info("list", helper.make_sequence_type_proto(tensor)),
              helper.make_value_info("maybe", helper.make_optional_type_proto(tensor)),
              onnx.ValueInfoProto(name="untyped")]
    names = helper.make_tensor("names", TensorProto.STRING, [1], [b"a"])
    complex_value = helper.make_tensor("v", TensorProto.COMPLEX64, [1], [1 + 2j])
    return model([relu(), helper.make_node("Constant", [], ["c"], value=complex_value)], inputs=inputs,
                 initializers=[names])


# --- The message itself -----------------------------------------------------------------------------


@case(r"it has no graph")
def empty_file(folder):
    return b""


@case(r"it has no graph")
def no_graph(folder):
    return onnx.ModelProto(ir_version=10).SerializeToString()


@case(r"is no ONNX model that can be read: at byte")
def text_file(folder):
    return b"module {\n}\n"


@case(r"a field is a group, which ONNX does not use")
def group_wire_type(folder):
    return b"\x08\x0a\x3b\x3c"


@case(r"a field goes beyond the end of its message")
def length_beyond_end(folder):
    return b"\x08\x0a\x3a\xff\xff\xff\xff\x0f"


@case(r"the model has more than 1000000 nodes")
def too_many_nodes(folder):
    return b"\x08\x0a" + field(7, field(1, relu().SerializeToString()) * 1000001)
