"""Products with weights that stay codes, against NumPy: every kind of code, scale and zero point, dense and of experts, few rows
and many. A row's result is the same in any company, and a call holds no more than its activations.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import json
import pathlib
import sys

import ml_dtypes
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec  # noqa: E402

ROWS = 23  # more than the kernel decodes for alone, and no multiple of a tile
CODES = {"i4": (ml_dtypes.int4, -8, 8), "ui4": (ml_dtypes.uint4, 0, 16), "i8": (np.int8, -128, 128),
         "ui8": (np.uint8, 0, 256)}  # fmt: skip
SCALES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}
EXPERTS = 3

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(0)


class Layer:
    """Codes [N, K] (or [K, N] if `by_depth`) of each expert, blocks along K."""

    def __init__(self, code, zero, scale, block, by_depth, depth, columns):
        dtype, low, high = CODES[code]
        self.code, self.scale, self.block, self.by_depth, self.sizes = code, scale, block, by_depth, (depth, columns)
        self.axis = 1 if by_depth else 2
        shape = [EXPERTS, depth, columns] if by_depth else [EXPERTS, columns, depth]
        per_scale = shape.copy()
        per_scale[self.axis] = -(-depth // block)
        self.shape, self.per_scale = shape, per_scale
        codes = random.integers(low, high, shape)
        scales = (random.random(per_scale) * 0.02 - 0.005).astype(SCALES[scale])
        zeros = {"none": 0 * np.ones(per_scale, int), "uniform": np.full(per_scale, high // 2 + 1 if low == 0 else 3),
                 "each": random.integers(low, high, per_scale)}[zero]  # fmt: skip
        self.weights = {"w": codes.astype(dtype), "s": scales}
        if zero != "none":
            self.weights["z"] = zeros.astype(dtype)

        def spread(x):
            return np.repeat(x, block, axis=self.axis).take(range(depth), axis=self.axis)

        floats = (codes - spread(zeros)).astype(np.float32) * spread(scales.astype(np.float32))
        self.matrices = floats if by_depth else floats.transpose(0, 2, 1)

    def program(self):
        """Expert 1 on all rows, and each expert on its own."""
        depth, columns = self.sizes
        types = {"w": (self.shape, self.code), "s": (self.per_scale, self.scale), "z": (self.per_scale, self.code)}
        types = {name: f"tensor<{'x'.join(map(str, types[name][0]))}x{types[name][1]}>" for name in self.weights}
        path, offset, lines = work / "weights", 0, []
        with open(path, "wb") as file:
            for name, array in self.weights.items():
                data = array.tobytes()
                if array.dtype in (ml_dtypes.int4, ml_dtypes.uint4):
                    nibbles = array.astype(np.int8).astype(np.uint8).reshape(-1, 2) & 15
                    data = (nibbles[:, 0] | nibbles[:, 1] << 4).tobytes()
                file.write(data)
                lines.append(f"moe.weight_data @{name} in @file[{offset}, {len(data)}] : {types[name]}")
                offset += len(data)
        operands, kinds = ", ".join(f"%{name}" for name in types), ", ".join(types.values())
        stack = "x".join(map(str, self.shape))
        one = "x".join(map(str, self.shape[1:]))
        transposed = "" if self.by_depth else "transposed"
        return f"""
moe.weight_file @file "{path}" size {offset}
{chr(10).join(lines)}
func.func @main(%x: tensor<?x{depth}xf32> {{onnx.name = "x", onnx.dims = ["n", ""]}},
                %o: tensor<{EXPERTS + 1}xi64> {{onnx.name = "o"}})
    -> (tensor<?x{columns}xf32> {{onnx.name = "dense"}}, tensor<?x{columns}xf32> {{onnx.name = "experts"}}) {{
  {chr(10).join(f"%{name} = moe.weight @{name} : {kind}" for name, kind in types.items())}
  %f = onnx.node "DequantizeLinear"({operands}) version 23 {{axis = {self.axis} : i64, block_size = {self.block} : i64,
      output_dtype = 1 : i64}} : ({kinds}) -> tensor<{stack}xf32>
  %i = onnx.constant dense<1> : tensor<i64>
  %m = onnx.node "Gather"(%f, %i) version 13 {{axis = 0 : i64}} : (tensor<{stack}xf32>, tensor<i64>) -> tensor<{one}xf32>
  %0 = moe.linear %x, %m {transposed} : (tensor<?x{depth}xf32>, tensor<{one}xf32>) -> tensor<?x{columns}xf32>
  %1 = moe.grouped_linear %x by %o, %f {transposed}
      : (tensor<?x{depth}xf32>, tensor<{EXPERTS + 1}xi64>, tensor<{stack}xf32>) -> tensor<?x{columns}xf32>
  return %0, %1 : tensor<?x{columns}xf32>, tensor<?x{columns}xf32>
}}
"""


def run(library, x, offsets):
    np.savez(work / "in.npz", x=x, o=offsets)
    moec("run", library, "--inputs", work / "in.npz", "--outputs", work / "out.npz")
    return np.load(work / "out.npz")


problems = []
for number, (code, zero, scale, block, by_depth, depth, columns) in enumerate([
    ("i4", "none", "f16", 32, False, 320, 70), ("i4", "each", "f32", 16, True, 128, 64),
    ("i4", "uniform", "f32", 512, False, 512, 16), ("ui4", "uniform", "f16", 128, False, 640, 130),
    ("ui4", "each", "bf16", 32, True, 288, 36), ("ui4", "each", "f32", 32, False, 96, 200),
    ("i8", "none", "f32", 300, False, 300, 90), ("i8", "each", "f16", 64, False, 200, 64),
    ("ui8", "uniform", "f32", 512, True, 513, 24), ("ui8", "each", "f32", 32, False, 100, 8)]):  # fmt: skip
    layer = Layer(code, zero, scale, block, by_depth, depth, columns)
    program, library = work / f"{number}.mlir", work / f"{number}.so"
    program.write_text(layer.program())
    moec("compile", "--from=raise", program, "-o", library)
    x = random.standard_normal((ROWS, depth)).astype(np.float32)
    offsets = np.array([0, 2, 2, 20])  # few rows, none, many, and some of no expert
    found = run(library, x, offsets)
    name = f"{code} {zero} {scale} {layer.block} {depth}x{columns}"
    expected = {"dense": x.astype(np.float64) @ layer.matrices[1], "experts": np.zeros((ROWS, columns))}
    for e in range(EXPERTS):
        own = slice(offsets[e], offsets[e + 1])
        expected["experts"][own] = x[own].astype(np.float64) @ layer.matrices[e]
    for kind, numbers in expected.items():
        error = abs(found[kind] - numbers).max() / abs(numbers).max()
        if not error < 1e-5:
            problems.append(f"{name}: {kind} is off by {error:.1e}")
    for row in (0, 5):
        alone = run(library, x[row : row + 1], np.array([0, 0, 1, 1]))
        if not np.array_equal(alone["dense"], found["dense"][row : row + 1]):
            problems.append(f"{name}: row {row} is another one alone")
        if not np.array_equal(alone["experts"], alone["dense"]):
            problems.append(f"{name}: row {row} differs between dense and experts")
    peak = json.loads(moec("bench", library, "--inputs", work / "in.npz", "--seconds", 0, "--json"))["call_peak_mb"] * 1e6
    if peak > 4 * (depth + 4 * columns) + 4096:
        problems.append(f"{name}: a call on one row holds {peak:.0f} bytes")
sys.exit("\n".join(problems) or None)
