"""A language model as TorchScript's exporter writes it: every expert of every layer is a chain of some
55 nodes (pattern "loop over experts"), with weights so small that only the number of nodes counts.

    loop_moe.py OUT.onnx --layers 2 --experts 8

Prints the number of nodes. As a module: `make(layers, experts)` gives the model, `reference(model, ids)` runs it with ONNX Runtime.
"""

import argparse

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HIDDEN, INNER, HEADS, TOP_K, VOCABULARY = 32, 16, 2, 2, 64
LAST = np.iinfo(np.int64).max


class Writer:
    """Nodes under the names that the exporter gives them: /module/Operator_number."""

    def __init__(self, seed):
        self.nodes, self.weights, self.used = [], [], {}
        self.random = np.random.default_rng(seed)

    def op(self, scope, operator, *operands, outputs=1, **attributes):
        number = self.used.get((scope, operator), 0)
        self.used[scope, operator] = number + 1
        name = f"{scope}/{operator}" + (f"_{number}" if number else "")
        results = [f"{name}_output_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, operands, results, name=name, **attributes))
        return results[0] if outputs == 1 else results

    def constant(self, scope, value, kind=np.int64):
        return self.op(scope, "Constant", value=numpy_helper.from_array(np.array(value, kind)))

    def weight(self, name, *shape, around=0.0, scale=None):
        values = self.random.normal(around, scale or shape[0] ** -0.5, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name


def norm(w, scope, x):
    x = w.op(scope, "Cast", x, to=TensorProto.FLOAT)
    square = w.op(scope, "Pow", x, w.constant(scope, 2.0, np.float32))
    mean = w.op(scope, "ReduceMean", square, w.constant(scope, [-1]), keepdims=1)
    root = w.op(scope, "Sqrt", w.op(scope, "Add", mean, w.constant(scope, 1e-6, np.float32)))
    scale = w.op(scope, "Div", w.constant(scope, 1.0, np.float32), root)
    x = w.op(scope, "Cast", w.op(scope, "Mul", x, scale), to=TensorProto.FLOAT)
    return w.op(scope, "Mul", w.weight(scope[1:].replace("/", ".") + ".weight", HIDDEN, around=1, scale=0.1), x)


def size(w, scope, x, axis):
    return w.op(scope, "Gather", w.op(scope, "Shape", x), w.constant(scope, axis), axis=0)


def shape_of(w, scope, *sizes):
    """Numbers, and scalars of the graph, as one shape."""
    parts = [
        w.constant(scope, [part]) if isinstance(part, int) else w.op(scope, "Unsqueeze", part, w.constant(scope, [0]))
        for part in sizes
    ]
    return w.op(scope, "Concat", *parts, axis=0)


def attention(w, scope, x):
    """Causal attention without positions."""
    batch, length = size(w, scope, x, 0), size(w, scope, x, 1)

    def project(name, perm):
        y = w.op(f"{scope}/{name}", "MatMul", x, w.weight(f"{scope}/{name}", HIDDEN, HIDDEN))
        y = w.op(scope, "Reshape", y, shape_of(w, scope, batch, length, HEADS, HIDDEN // HEADS))
        return w.op(scope, "Transpose", y, perm=perm)

    q, k = project("q_proj", [0, 2, 1, 3]), project("k_proj", [0, 2, 3, 1])
    v = project("v_proj", [0, 2, 1, 3])
    scores = w.op(scope, "Mul", w.op(scope, "MatMul", q, k), w.constant(scope, (HIDDEN // HEADS) ** -0.5, np.float32))
    position = w.op(scope, "Range", w.constant(scope, 0), length, w.constant(scope, 1))
    row = w.op(scope, "Unsqueeze", position, w.constant(scope, [1]))
    seen = w.op(scope, "LessOrEqual", position, row)
    scores = w.op(scope, "Where", seen, scores, w.constant(scope, -1e9, np.float32))
    y = w.op(scope, "MatMul", w.op(scope, "Softmax", scores, axis=-1), v)
    y = w.op(scope, "Transpose", y, perm=[0, 2, 1, 3])
    y = w.op(scope, "Reshape", y, shape_of(w, scope, batch, length, HIDDEN))
    return w.op(f"{scope}/o_proj", "MatMul", y, w.weight(f"{scope}/o_proj", HIDDEN, HIDDEN))


def expert(w, scope, number, tokens, total, mask, weights, width):
    """Adds what one expert computes of the tokens that chose it."""
    chosen = w.op(scope, "Gather", mask, w.constant(scope, number), axis=0)
    chosen = w.op(scope, "NonZero", w.op(scope, "Cast", chosen, to=TensorProto.BOOL))
    slot, token = w.op(scope, "Split", w.op(scope, "Transpose", chosen, perm=[1, 0]), w.constant(scope, [1, 1]),
                       outputs=2, axis=1)  # fmt: skip
    slot, token = (w.op(scope, "Squeeze", x, w.constant(scope, [1])) for x in (slot, token))
    x = w.op(scope, "Gather", tokens, token, axis=1)
    x = w.op(scope, "Reshape", x, shape_of(w, scope, -1, width))
    path = f"{scope}/experts.{number}"
    gate = w.op(f"{path}/gate_proj", "MatMul", x, w.weight(f"{path}/gate", HIDDEN, INNER))
    gate = w.op(f"{path}/act_fn", "Mul", gate, w.op(f"{path}/act_fn", "Sigmoid", gate))
    up = w.op(f"{path}/up_proj", "MatMul", x, w.weight(f"{path}/up", HIDDEN, INNER))
    y = w.op(path, "Mul", gate, up)
    y = w.op(f"{path}/down_proj", "MatMul", y, w.weight(f"{path}/down", INNER, HIDDEN))

    column = w.op(scope, "Unsqueeze", weights, w.constant(scope, [2]))
    shape = w.op(scope, "Shape", column)
    stride = w.op(scope, "Gather", shape, w.constant(scope, [1]), axis=0)
    one = w.op(scope, "Gather", shape, w.constant(scope, [2]), axis=0)
    place = w.op(scope, "Add", slot, w.op(scope, "Mul", token, stride))
    share = w.op(scope, "Gather", w.op(scope, "Flatten", column, axis=2), place, axis=0)
    share = w.op(scope, "Reshape", share, w.op(scope, "Concat", w.constant(scope, [-1]), one, axis=0))
    share = w.op(scope, "Reshape", share, w.op(scope, "Concat", w.op(scope, "Shape", place), one, axis=0))
    y = w.op(scope, "Cast", w.op(scope, "Mul", y, share), to=TensorProto.FLOAT)

    row = w.op(scope, "Slice", total, w.constant(scope, [0, 0]), w.constant(scope, [1, LAST]), w.constant(scope, [0, 1]))
    y = w.op(scope, "Expand", y, w.op(scope, "Shape", row))
    index = w.op(scope, "Unsqueeze", token, w.constant(scope, [1]))
    index = w.op(scope, "Expand", index, w.op(scope, "Shape", y))
    zeros = w.op(scope, "ConstantOfShape", w.op(scope, "Shape", total))
    return w.op(scope, "Add", total, w.op(scope, "ScatterElements", zeros, index, y, axis=0))


def mixture(w, scope, x, experts):
    batch, length, width = (size(w, scope, x, axis) for axis in range(3))
    tokens = w.op(scope, "Reshape", x, shape_of(w, scope, -1, width))
    logits = w.op(f"{scope}/gate", "MatMul", tokens, w.weight(f"{scope}/gate", HIDDEN, experts))
    scores = w.op(scope, "Cast", w.op(scope, "Softmax", logits, axis=1), to=TensorProto.FLOAT)
    weights, chosen = w.op(scope, "TopK", scores, w.constant(scope, [TOP_K]), outputs=2, axis=-1)
    weights = w.op(scope, "Div", weights, w.op(scope, "ReduceSum", weights, w.constant(scope, [-1]), keepdims=1))
    mask = w.op(scope, "OneHot", chosen, w.constant(scope, experts), w.constant(scope, [0, 1]))
    mask = w.op(scope, "Transpose", mask, perm=[2, 1, 0])
    total = w.op(scope, "ConstantOfShape", shape_of(w, scope, w.op(scope, "Mul", batch, length), width))
    tokens = w.op(scope, "Unsqueeze", tokens, w.constant(scope, [0]))
    for number in range(experts):
        total = expert(w, scope, number, tokens, total, mask, weights, width)
    return w.op(scope, "Reshape", total, shape_of(w, scope, batch, length, width))


def make(layers, experts, seed=0):
    """The model: ids [batch, sequence] of int64 to logits [batch, sequence, VOCABULARY]."""
    w = Writer(seed)
    x = w.op("/model/embed_tokens", "Gather", w.weight("embed_tokens", VOCABULARY, HIDDEN, scale=1.0), "ids")
    for layer in range(layers):
        scope = f"/model/layers.{layer}"
        x = w.op(scope, "Add", x, attention(w, f"{scope}/self_attn", norm(w, f"{scope}/input_layernorm", x)))
        y = mixture(w, f"{scope}/mlp", norm(w, f"{scope}/post_attention_layernorm", x), experts)
        x = w.op(scope, "Add", x, y)
    x = norm(w, "/model/norm", x)
    w.nodes.append(helper.make_node("MatMul", [x, w.weight("lm_head", HIDDEN, VOCABULARY)], ["logits"], name="/lm_head/MatMul"))
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "sequence"])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", VOCABULARY])]
    graph = helper.make_graph(w.nodes, "main_graph", inputs, outputs, w.weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])


def reference(model, ids):
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"ids": ids})[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--experts", type=int, default=8)
    arguments = parser.parse_args()
    made = make(arguments.layers, arguments.experts)
    with open(arguments.out, "wb") as file:
        file.write(made.SerializeToString())
    print(len(made.graph.node))
