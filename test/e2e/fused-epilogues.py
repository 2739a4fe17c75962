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
    text = moec("compile", path, "--fuse-gates", "--emit=optimize", "-o", "-")
    assert text.count(" epilogue <") == forms, (columns, text.count(" epilogue <"), forms)
    assert text.count("gated = true") == 2 * len(FUNCTIONS), text.count("gated = true")
    fused, plain = work / "fused.so", work / "plain.so"
    moec("compile", path, "--fuse-gates", "-o", fused)
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


EXPERTS = 5


def shaped(*shape, element="f32"):
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def experts_program(columns, weights):
    """Rows of experts: a gate with biases, a limit and an offset; codes; one function. And epilogues of weights that are
    inputs, of both operations: these are done by elements."""
    e, k, n = EXPERTS, DEPTH - 1, columns
    lines, loads, offset = [], [], 0
    for name, value in weights.items():
        kind = shaped(*value.shape, element="i8" if value.dtype == np.int8 else "f32")
        lines.append(f"moe.weight_data @{name} in @file[{offset}, {value.nbytes}] : {kind}")
        loads.append(f"%{name} = moe.weight @{name} : {kind}")
        offset += value.nbytes
    rows, result, offsets = f"tensor<?x{k}xf32>", f"tensor<?x{n}xf32>", f"tensor<{e + 1}xi64>"
    group, matrix, turned, both = f"{rows}, {offsets}", shaped(e, k, n), shaped(e, n, k), shaped(e, k, 2 * n)
    decode = [f"%d{q} = moe.dequantize %{q} scales %s{q} {{axis = 2 : i64, block = {k} : i64}} : "
              f"({shaped(e, n, k, element='i8')}, {shaped(e, n, 1)}) -> {turned}" for q in "pq"]  # fmt: skip
    names = ["gate", "codes", "alone", "given", "dense"]
    return f"""moe.weight_file @file "{work}/weights.bin" size {offset}
{chr(10).join(lines)}
func.func @main(%x: {rows} {{onnx.name = "x", onnx.dims = ["T", ""]}}, %o: {offsets} {{onnx.name = "o"}},
    %w: {both} {{onnx.name = "w"}}, %v: {shaped(k, 2 * n)} {{onnx.name = "v"}},
    %r: {result} {{onnx.name = "r", onnx.dims = ["T", ""]}})
    -> ({", ".join(f'{result} {{onnx.name = "{name}"}}' for name in names)}) {{
  {chr(10).join(loads + decode)}
  %0 = moe.grouped_linear %x by %o, %a bias %ab : ({group}, {matrix}, {shaped(e, n)}) -> {result}
  %1 = moe.grouped_linear %x by %o, %b bias %bb : ({group}, {matrix}, {shaped(e, n)}) -> {result}
  %2 = moe.glu <silu> %0, %1 {{alpha = 1.702 : f32, limit = 0.5 : f32, offset = 1.0 : f32}} : {result}
  %3 = moe.grouped_linear %x by %o, %dp transposed : ({group}, {turned}) -> {result}
  %4 = moe.grouped_linear %x by %o, %dq transposed : ({group}, {turned}) -> {result}
  %5 = moe.glu <gelu_tanh> %3, %4 : {result}
  %6 = moe.grouped_linear %x by %o, %c : ({group}, {matrix}) -> {result}
  %7 = moe.activation <relu_squared> %6 : {result}
  %8 = moe.grouped_linear %x by %o, %w epilogue <silu, gated = true> : ({group}, {both}) -> {result}
  %9 = moe.linear %x, %v residual %r epilogue <tanh, gated = true> : ({rows}, {shaped(k, 2 * n)}, {result}) -> {result}
  return %2, %5, %7, %8, %9 : {", ".join([result] * 5)}
}}
"""


def silu(x, alpha=1.0):
    return x / (1 + np.exp(-alpha * x))


def check_experts(columns):
    random = np.random.default_rng(columns)
    e, k, n = EXPERTS, DEPTH - 1, columns

    def make(*shape):
        return random.standard_normal(shape, dtype=np.float32) / 16

    def codes():
        return random.integers(-128, 128, (e, n, k), np.int8)

    weights = {"a": make(e, k, n), "b": make(e, k, n), "ab": make(e, n), "bb": make(e, n), "c": make(e, k, n),
               "p": codes(), "q": codes(), "sp": make(e, n, 1) / 16, "sq": make(e, n, 1) / 16}  # fmt: skip
    (work / "weights.bin").write_bytes(b"".join(value.tobytes() for value in weights.values()))
    path = work / "experts.mlir"
    path.write_text(experts_program(columns, weights))
    text = moec("compile", "--from=raise", path, "--fuse-gates", "--emit=optimize", "-o", "-")
    assert text.count(" epilogue <") == 5, text.count(" epilogue <")
    fused, plain = work / "fused.so", work / "plain.so"
    moec("compile", "--from=raise", path, "--fuse-gates", "-o", fused)
    moec("compile", "--from=raise", path, "--no-fuse", "-o", plain)
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    p, q = ((w[c] * w["s" + c]).transpose(0, 2, 1) for c in "pq")
    for rows in ROWS:
        x, given, dense, r = make(rows, k) * 16, make(e, k, 2 * n), make(k, 2 * n), make(rows, n)
        # An expert without rows, and rows without an expert.
        ends = np.sort(random.integers(0, rows + 1, e))
        ends[2] = ends[1]
        o = np.concatenate([[0], ends]).astype(np.int64)
        inputs = {"x": x, "o": o, "w": given, "v": dense, "r": r}
        got, same = run(fused, inputs), run(plain, inputs)
        expected = {name: np.zeros((rows, n)) for name in got}
        for i in range(e):
            own = slice(o[i], o[i + 1])
            y = x[own].astype(np.float64)
            gate, up = np.minimum(y @ w["a"][i] + w["ab"][i], 0.5), np.clip(y @ w["b"][i] + w["bb"][i], -0.5, 0.5)
            expected["alone"][own] = np.maximum(y @ w["c"][i], 0) ** 2
            expected["given"][own] = silu(y @ given[i, :, :n]) * (y @ given[i, :, n:])
            expected["gate"][own] = silu(gate, 1.702) * (up + 1)
            g = y @ p[i]
            tanh = np.tanh(np.sqrt(2 / np.pi) * (g + 0.044715 * g**3))
            expected["codes"][own] = g / 2 * (1 + tanh) * (y @ q[i])
        y = x.astype(np.float64) @ dense
        expected["dense"] = np.tanh(y[:, :n]) * y[:, n:] + r
        for name, value in expected.items():
            assert got[name].tobytes() == same[name].tobytes(), f"{columns} columns, {rows} rows: {name} differs"
            scale = np.abs(value).max(initial=1)
            np.testing.assert_allclose(got[name], value, rtol=1e-4, atol=1e-5 * scale, err_msg=name)


for columns in COLUMNS:
    check_dense(columns)
    check_experts(columns)
