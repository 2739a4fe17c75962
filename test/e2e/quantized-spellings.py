"""What operations on codes mean: their spellings, compiled, against NumPy.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import pathlib
import subprocess
import sys

import numpy as np

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)

PROGRAM = """
func.func @main(%bytes: tensor<3x8xui8> {onnx.name = "bytes"}, %scales: tensor<3x4xf32> {onnx.name = "scales"},
                %column: tensor<30xf32> {onnx.name = "column"}, %grid: tensor<16xf32> {onnx.name = "grid"},
                %x: tensor<?x6xf32> {onnx.name = "x", onnx.dims = ["n", ""]})
    -> (tensor<3x30xf32> {onnx.name = "narrow"}, tensor<3x15xf32> {onnx.name = "codebook"},
        tensor<3x16xf32> {onnx.name = "zero"}, tensor<3x8xf32> {onnx.name = "bytewise"},
        tensor<?x6xui8> {onnx.name = "codes"}, tensor<?xf32> {onnx.name = "scale"}, tensor<?xui8> {onnx.name = "point"}) {
  %0 = moe.dequantize %bytes scales %column {axis = 1 : i64, packed = 2 : i64} : (tensor<3x8xui8>, tensor<30xf32>) -> tensor<3x30xf32>
  %1 = moe.dequantize %bytes scales %scales codebook %grid {axis = 1 : i64, block = 4 : i64, packed = 4 : i64}
      : (tensor<3x8xui8>, tensor<3x4xf32>, tensor<16xf32>) -> tensor<3x15xf32>
  %2 = moe.dequantize %bytes scales %scales {axis = 1 : i64, block = 4 : i64, packed = 4 : i64, zero = 8 : i64}
      : (tensor<3x8xui8>, tensor<3x4xf32>) -> tensor<3x16xf32>
  %one = onnx.constant dense<0.5> : tensor<f32>
  %3 = moe.dequantize %bytes scales %one {zero = 200 : i64} : (tensor<3x8xui8>, tensor<f32>) -> tensor<3x8xf32>
  %q:3 = moe.quantize_dynamic %x per_token : tensor<?x6xf32> -> tensor<?x6xui8>, tensor<?xf32>, tensor<?xui8>
  return %0, %1, %2, %3, %q#0, %q#1, %q#2 : tensor<3x30xf32>, tensor<3x15xf32>, tensor<3x16xf32>, tensor<3x8xf32>, tensor<?x6xui8>, tensor<?xf32>, tensor<?xui8>
}
"""

random = np.random.default_rng(0)
f32 = np.float32
bytes_ = random.integers(0, 256, (3, 8)).astype(np.uint8)
scales, column, grid = (random.random(shape).astype(f32) for shape in ((3, 4), (30,), (16,)))
x = random.standard_normal((5, 6)).astype(f32)
x[1], x[2] = abs(x[1]), 0  # one sign alone; zeros


def unpack(bits):
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return ((bytes_[..., None] >> shifts) & (2**bits - 1)).reshape(3, -1)


blocks = np.repeat(scales, 4, axis=1)
low, high = np.minimum(x.min(-1), 0), np.maximum(x.max(-1), 0)
scale = np.where(high == low, f32(1), (high - low) / f32(255))
point = np.rint(-low / scale).astype(np.uint8)
expected = {
    "narrow": unpack(2)[:, :30] * column,
    "codebook": grid[unpack(4)[:, :15]] * blocks[:, :15],
    "zero": (unpack(4).astype(f32) - 8) * blocks,
    "bytewise": (bytes_.astype(f32) - 200) * f32(0.5),
    "codes": np.clip(np.rint(x / scale[:, None]) + point[:, None], 0, 255).astype(np.uint8),
    "scale": scale,
    "point": point,
}
(work / "in.mlir").write_text(PROGRAM)
np.savez(work / "in.npz", bytes=bytes_, scales=scales, column=column, grid=grid, x=x)
for command in (
    ["compile", work / "in.mlir", "--from=raise", "-o", work / "out.so"],
    ["run", work / "out.so", "--inputs", work / "in.npz", "--outputs", work / "out.npz"],
):
    subprocess.run(["moec", *map(str, command)], check=True)
found = np.load(work / "out.npz")
wrong = [name for name, value in expected.items()
         if found[name].dtype != value.dtype or not np.allclose(found[name], value, rtol=1e-6, atol=1e-6)]  # fmt: skip
sys.exit(f"wrong: {', '.join(wrong)}" if wrong else None)
