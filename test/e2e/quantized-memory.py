"""Quantised weights stay packed: the artifact holds their bytes, and a call no weight as floats, also where the
file decodes all of them first.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import json
import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec  # noqa: E402

LAYERS, SIZE, BLOCK = 6, 512, 32
# Pages of code, the pieces that weights are aligned to, activations.
SPARE = 3 << 20

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(0)


def build(kind):
    """The model, and the bytes of its weights."""
    first, nodes, initializers, size = [], [], [], 0
    for n in range(LAYERS):
        scale = (random.random((SIZE // BLOCK, SIZE)) * 0.02).astype(np.float32)
        if kind == "dequantize":
            codes = random.integers(0, 16, (SIZE, SIZE)).astype(ml_dtypes.uint4)
            zero = np.full(scale.shape, 8, ml_dtypes.uint4)
            first.append(helper.make_node("DequantizeLinear", [f"w{n}", f"s{n}", f"z{n}"], [f"d{n}"], axis=0,
                                          block_size=BLOCK))  # fmt: skip
            nodes.append(helper.make_node("MatMul", [f"x{n}", f"d{n}"], [f"m{n}"]))
            initializers.append(numpy_helper.from_array(zero, f"z{n}"))
            size += zero.size // 2
        else:
            scale = np.ascontiguousarray(scale.T)
            codes = random.integers(0, 256, (SIZE, SIZE // BLOCK, BLOCK // 2)).astype(np.uint8)
            nodes.append(helper.make_node("MatMulNBits", [f"x{n}", f"w{n}", f"s{n}"], [f"m{n}"],
                                          domain="com.microsoft", K=SIZE, N=SIZE, bits=4, block_size=BLOCK))  # fmt: skip
        nodes.append(helper.make_node("Tanh", [f"m{n}"], [f"x{n + 1}"]))
        initializers += [numpy_helper.from_array(codes, f"w{n}"), numpy_helper.from_array(scale, f"s{n}")]
        size += SIZE * SIZE // 2 + scale.nbytes
    ends = [helper.make_tensor_value_info(f"x{n}", onnx.TensorProto.FLOAT, ["n", SIZE]) for n in (0, LAYERS)]
    graph = helper.make_graph(first + nodes, "layers", ends[:1], ends[1:], initializers)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 10
    return model, size


problems = []
for kind in ("dequantize", "product"):
    model, size = build(kind)
    path, library = work / f"{kind}.onnx", work / f"{kind}.so"
    onnx.save(model, path)
    feeds = {"x0": random.standard_normal((3, SIZE)).astype(np.float32)}
    np.savez(work / "in.npz", **feeds)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options)
    np.savez(work / "out.npz", **{f"x{LAYERS}": session.run(None, feeds)[0]})
    moec("compile", path, "-o", library)
    moec("run", library, "--inputs", work / "in.npz", "--expect", work / "out.npz", "--atol", 1e-4)
    found = json.loads(moec("bench", library, "--inputs", work / "in.npz", "--seconds", 0, "--json"))
    peak, artifact = found["call_peak_mb"] * 1e6, library.stat().st_size
    print(f"{kind:12} weights {size / 1e6:.2f} MB, artifact {artifact / 1e6:.2f} MB, call {peak / 1e6:.2f} MB")
    if artifact > size + SPARE:
        problems.append(f"{kind}: the artifact has {artifact} bytes for weights of {size}")
    if peak > 16 * 3 * SIZE * 4:
        problems.append(f"{kind}: a call holds {peak:.0f} bytes, one weight as floats has {SIZE * SIZE * 4}")
sys.exit("\n".join(problems) or None)
