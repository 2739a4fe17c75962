"""Block-diagonal layers with and without experts, of weights of the file (packed), given ones (plain, half)
and spelled as ONNX nodes, against numpy.

REQUIRES: moec-test-python
RUN: %python %s make %t.d
RUN: moec compile --from=raise %t.d/packed.mlir -o %t.packed.so
RUN: moec compile --from=raise %t.d/plain.mlir -o %t.plain.so
RUN: moec compile --from=raise %t.d/half.mlir -o %t.half.so
RUN: moec-opt %t.d/packed.mlir --moe-expand-experts --convert-moe-to-onnx -o %t.d/spelled.mlir
RUN: moec compile --from=raise %t.d/spelled.mlir -o %t.spelled.so
RUN: %python %s check %t.d %t.packed.so %t.plain.so %t.half.so %t.spelled.so
"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec  # noqa: E402

EXPERTS, BLOCKS, INPUT, HIDDEN = 5, 3, 7, 35  # of a block; panels with a rest
IN, MIDDLE = BLOCKS * INPUT, BLOCKS * HIDDEN
SHAPES = {"up": (EXPERTS, BLOCKS, INPUT, HIDDEN), "offset": (EXPERTS, MIDDLE),
          "down": (EXPERTS, BLOCKS, HIDDEN, INPUT), "bias": (EXPERTS, IN),
          "before": (BLOCKS, INPUT, INPUT), "shift": (IN,)}  # fmt: skip
# The one swaps blocks and runs of 5, the other is no such grid.
TURN = [(i // 5 % BLOCKS) * HIDDEN + (i // 5 // BLOCKS) * 5 + i % 5 for i in range(MIDDLE)]
MIX = [int(i) for i in np.random.default_rng(1).permutation(IN)]
CASES = [(0, 1, 2), (1, 1, 1), (3, 5, 3), (2, 300, 2)]  # batch, sequence, slots


def weights():
    random = np.random.default_rng(0)
    return {name: random.standard_normal(shape, dtype=np.float32) / 4 for name, shape in SHAPES.items()}


def program(kind, folder):
    element = "f16" if kind == "half" else "f32"
    text = lambda *shape: "tensor<" + "x".join(map(str, shape)) + f"x{element}>"
    x, rows, middle = text("?", "?", IN), text("?", IN), text("?", MIDDLE)
    arguments = [f'%x: {x} {{onnx.name = "x", onnx.dims = ["B", "S", ""]}}',
                 '%e: tensor<?x?xi64> {onnx.name = "e", onnx.dims = ["T", "k"]}']
    module, body, data = [], [], b""
    for name, value in weights().items():
        if kind != "packed":
            arguments.append(f'%{name}: {text(*value.shape)} {{onnx.name = "{name}"}}')
            continue
        module.append(f"moe.weight_data @{name} in @f[{len(data)}, {value.nbytes}] : {text(*value.shape)}")
        body.append(f"%{name} = moe.weight @{name} : {text(*value.shape)}")
        data += value.tobytes()
    if kind == "packed":
        (folder / "weights.bin").write_bytes(data)
        module.insert(0, f'moe.weight_file @f "{folder}/weights.bin" size {len(data)}')
    experts = ("up", "offset", "down", "bias")
    types = [text(*SHAPES[name]) for name in experts]
    inner = [f"%p{i}: {text(*SHAPES[name][1:])}" for i, name in enumerate(experts)]
    return f"""{chr(10).join(module)}
func.func @main({", ".join(arguments)}) -> ({rows} {{onnx.name = "y"}}) {{
  {chr(10).join(body)}
  %0 = moe.block_linear %x, %before bias %shift shuffle {MIX} : ({x}, {text(*SHAPES["before"])}, {text(IN)}) -> {x}
  %shape = onnx.constant dense<[-1, {IN}]> : tensor<2xi64>
  %1 = onnx.node "Reshape"(%0, %shape) version 21 : ({x}, tensor<2xi64>) -> {rows}
  %y = moe.experts %1 to %e parameters({", ".join("%" + name for name in experts)} : {", ".join(types)})
      {{num_experts = {EXPERTS} : i64, segments = array<i64: 1, 1, 1, 1>}} : ({rows}, tensor<?x?xi64>) -> {rows} {{
  ^bb0(%t: {rows}, {", ".join(inner)}):
    %2 = moe.block_linear %t, %p0 bias %p1 shuffle {TURN} : ({rows}, {text(*SHAPES["up"][1:])}, {text(MIDDLE)}) -> {middle}
    %3 = onnx.node "Relu"(%2) version 14 : ({middle}) -> {middle}
    %4 = moe.block_linear %3, %p2 bias %p3 : ({middle}, {text(*SHAPES["down"][1:])}, {text(IN)}) -> {rows}
    moe.yield %4 : {rows}
  }}
  return %y : {rows}
}}
"""


def multiply(x, blocks):
    parts = np.split(x, BLOCKS, axis=-1)
    return np.concatenate([part @ block for part, block in zip(parts, blocks)], axis=-1)


def reference(x, experts):
    w = {name: value.astype(np.float64) for name, value in weights().items()}
    tokens = (multiply(x.astype(np.float64), w["before"])[..., MIX] + w["shift"]).reshape(-1, IN)
    result = np.zeros_like(tokens)
    for t, row in enumerate(experts):
        for e in row[row >= 0]:
            hidden = np.maximum(multiply(tokens[t], w["up"][e])[TURN] + w["offset"][e], 0)
            result[t] += multiply(hidden, w["down"][e]) + w["bias"][e]
    return result


def check(folder, libraries):
    random = np.random.default_rng(2)
    for library in libraries:
        kind = library.suffixes[-2].lstrip(".")
        given = {} if kind in ("packed", "spelled") else weights()
        floats = np.float16 if kind == "half" else np.float32
        for batch, sequence, k in CASES:
            x = random.standard_normal((batch, sequence, IN), dtype=np.float32).astype(floats)
            experts = random.integers(-1, EXPERTS, (batch * sequence, k))
            np.savez(folder / "in.npz", x=x, e=experts, **{name: w.astype(floats) for name, w in given.items()})
            moec("run", library, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
            found, expected = np.load(folder / "out.npz")["y"], reference(x, experts)
            tolerance = 3e-2 if kind == "half" else 1e-4
            np.testing.assert_allclose(found, expected, atol=tolerance, rtol=tolerance, err_msg=f"{kind} {batch}")


folder = pathlib.Path(sys.argv[2])
if sys.argv[1] == "make":
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("packed", "plain", "half"):
        (folder / f"{kind}.mlir").write_text(program(kind, folder))
else:
    check(folder, list(map(pathlib.Path, sys.argv[3:])))
