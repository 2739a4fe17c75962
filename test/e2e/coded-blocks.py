"""Block-diagonal layers whose weights are codes: what they give, and the multiply-adds that --profile counts, which are those of the
blocks.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec  # noqa: E402

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
BLOCKS, DEPTH, COLUMNS, ROWS = 3, 32, 48, 5
random = np.random.default_rng(0)
scales = random.uniform(0.01, 0.1, (BLOCKS, 1, COLUMNS)).astype(np.float32)
x = random.standard_normal((ROWS, BLOCKS * DEPTH), dtype=np.float32)
np.savez(work / "in.npz", x=x)

for bits in (8, 4):
    codes = random.integers(-(1 << (bits - 1)), 1 << (bits - 1), (BLOCKS, DEPTH, COLUMNS))
    flat = codes.astype(np.int8).ravel()
    data = flat if bits == 8 else (flat[0::2] & 15) | (flat[1::2] << 4)
    (work / f"{bits}.bin").write_bytes(data.astype(np.int8).tobytes() + scales.tobytes())
    size = BLOCKS * DEPTH * COLUMNS * bits // 8
    text = lambda element, *shape: "tensor<" + "x".join(map(str, shape)) + f"x{element}>"
    code, scale = text(f"i{bits}", BLOCKS, DEPTH, COLUMNS), text("f32", BLOCKS, 1, COLUMNS)
    weight, y = text("f32", BLOCKS, DEPTH, COLUMNS), text("f32", "?", BLOCKS * COLUMNS)
    rows = text("f32", "?", BLOCKS * DEPTH)
    (work / f"{bits}.mlir").write_text(f"""
moe.weight_file @f "{work}/{bits}.bin" size {size + scales.nbytes}
moe.weight_data @c in @f[0, {size}] : {code}
moe.weight_data @s in @f[{size}, {scales.nbytes}] : {scale}
func.func @main(%x: {rows} {{onnx.name = "x", onnx.dims = ["T", ""]}}) -> ({y} {{onnx.name = "y"}}) {{
  %c = moe.weight @c : {code}
  %s = moe.weight @s : {scale}
  %w = moe.dequantize %c scales %s {{axis = 1 : i64, block = {DEPTH} : i64}} : ({code}, {scale}) -> {weight}
  %y = moe.block_linear %x, %w : ({rows}, {weight}) -> {y}
  return %y : {y}
}}
""")
    library, profile = work / f"{bits}.so", work / f"{bits}.json"
    moec("compile", "--from=raise", "--profile", work / f"{bits}.mlir", "-o", library)
    moec("run", library, "--inputs", work / "in.npz", "--outputs", work / "out.npz", "--profile", profile)
    expected = np.einsum("tbk,bkn->tbn", x.reshape(ROWS, BLOCKS, DEPTH), codes * scales).reshape(ROWS, -1)
    np.testing.assert_allclose(np.load(work / "out.npz")["y"], expected, rtol=1e-4, atol=1e-4)
    counted = json.loads(profile.read_text())
    assert counted["flops"] / counted["calls"] == 2 * ROWS * BLOCKS * DEPTH * COLUMNS, (bits, counted["flops"])
