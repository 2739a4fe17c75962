"""What follows a product, done by its kernel: each function, gated and not, with and without bias and residual, at odd
sizes and row counts. The same bits as without fusing, and near ONNX Runtime; what no kernel reads takes the other way.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from onnx_graph import Graph  # noqa: E402
from tools import moec  # noqa: E402

# Weights below 1 KiB are constants, which no kernel packs.
DEPTH, ROWS, COLUMNS = 261, (0, 1, 17, 300), (1, 7, 33, 130)
# How each function is written; all become moe.activation.
FUNCTIONS = {
    "relu": lambda g, x: g("Relu", x),
    "relu_squared": lambda g, x: (lambda r: g("Mul", r, r))(g("Relu", x)),
    "silu": lambda g, x: g("Mul", x, g("Sigmoid", x)),
    "quick": lambda g, x: g("Mul", x, g("Sigmoid", g("Mul", x, 1.702))),
    "gelu": lambda g, x: g("Gelu", x),
    "gelu_tanh": lambda g, x: g("Gelu", x, approximate="tanh"),
}

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)


def build(columns):
    """A model with an output for each form; the number of forms, all of which fuse."""
    graph, outputs = Graph(columns), []
    for function in FUNCTIONS.values():
        for gated in False, True:
            for bias, residual in (False, False), (True, True):
                x = graph("Mul", "x", 1 + len(outputs) / 16)  # one for each: layers of one input may become one

                def linear():
                    y = graph("MatMul", x, graph.weight(DEPTH, columns))
                    return graph("Add", y, graph.weight(columns)) if bias else y

                y = function(graph, linear())
                if gated:
                    y = graph("Mul", y, linear())
                if residual:
                    y = graph("Add", y, "r")
                outputs.append(y)
    # No function, and an input of three dimensions.
    y = graph("MatMul", "z", graph.weight(DEPTH, columns))
    outputs.append(graph("Add", graph("Add", y, graph.weight(columns)), "s"))
    inputs = {"x": ["T", DEPTH], "r": ["T", columns], "z": [2, "T", DEPTH], "s": [2, "T", columns]}
    path = work / f"dense{columns}.onnx"
    onnx.save(graph.model(outputs, inputs, opset=20), path)
    return path, len(outputs)


def run(library, inputs):
    np.savez(work / "in.npz", **inputs)
    moec("run", library, "--inputs", work / "in.npz", "--outputs", work / "out.npz")
    return dict(np.load(work / "out.npz").items())


def check_dense(columns):
    path, forms = build(columns)
    text = moec("compile", path, "--emit=optimize", "-o", "-")
    assert text.count(" epilogue <") == forms, (columns, text.count(" epilogue <"), forms)
    assert text.count("gated = true") == 2 * len(FUNCTIONS), text.count("gated = true")
    fused, plain = work / "fused.so", work / "plain.so"
    moec("compile", path, "-o", fused)
    moec("compile", path, "--no-fuse", "-o", plain)
    session = onnxruntime.InferenceSession(path)
    random = np.random.default_rng(columns)
    for rows in ROWS:
        sizes = {"x": (rows, DEPTH), "r": (rows, columns), "z": (2, rows, DEPTH), "s": (2, rows, columns)}
        inputs = {name: 3 * random.standard_normal(size, dtype=np.float32) for name, size in sizes.items()}
        got, same = run(fused, inputs), run(plain, inputs)
        for name, expected in zip([o.name for o in session.get_outputs()], session.run(None, inputs)):
            assert got[name].tobytes() == same[name].tobytes(), f"{columns} columns, {rows} rows: {name} differs"
            scale = np.abs(expected).max(initial=1)  # terms of one sum cancel
            np.testing.assert_allclose(got[name], expected, rtol=1e-4, atol=1e-5 * scale)


for columns in COLUMNS:
    check_dense(columns)
