"""Weights that several layers share are coded and factored once, stored once and counted once; readers that want something else
keep what they read, and a remark says so.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec, run  # noqa: E402

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
VOCABULARY, WIDTH, LAYERS = 640, 128, 3
random = np.random.default_rng(0)
table = random.standard_normal((VOCABULARY, WIDTH), dtype=np.float32) / 12
# Of half the rank, so that factors are exact.
layer = (random.standard_normal((WIDTH, 32)) @ random.standard_normal((32, WIDTH)) / 40).astype(np.float32)


def model(name, layers, extra=()):
    """A table, `layers` times the same layer, and a head that is the table."""
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x0"], "wte")]
    for i in range(layers):
        nodes += [helper.make_node("MatMul", [f"x{i}", "layer"], [f"y{i}"], f"layer{i}"),
                  helper.make_node("Tanh", [f"y{i}"], [f"t{i}"], f"tanh{i}"),
                  helper.make_node("Add", [f"x{i}", f"t{i}"], [f"x{i + 1}"], f"add{i}")]  # fmt: skip
    nodes += [helper.make_node("Transpose", ["table"], ["turned"], "turn", perm=[1, 0]),
              helper.make_node("MatMul", [f"x{layers}", "turned"], ["logits"], "head"), *extra]  # fmt: skip
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["T", VOCABULARY])]
    if extra:
        outputs.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [WIDTH, WIDTH]))
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("ids", TensorProto.INT64, ["T"])], outputs,
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(layer, "layer")])  # fmt: skip
    path = work / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
    return path


def compress(path, name, plan):
    """(report, bytes of new weights, outputs)"""
    (work / f"{name}.plan").write_text(json.dumps({"version": 1, "steps": plan}))
    library, program = work / f"{name}.so", work / f"{name}.mlir"
    flags = ("--plan", work / f"{name}.plan", "--report", work / f"{name}.json")
    moec("compile", path, *flags, "--emit=compress", "-o", program)
    moec("compile", path, *flags, "-o", library)
    np.savez(work / "in.npz", ids=ids)
    moec("run", library, "--inputs", work / "in.npz", "--outputs", work / f"{name}.npz")
    weights = pathlib.Path(f"{program}.weights")
    return json.loads((work / f"{name}.json").read_text()), weights.stat().st_size, np.load(work / f"{name}.npz")["logits"]


ids = random.integers(0, VOCABULARY, 7)
shared = model("shared", LAYERS)
reference = onnxruntime.InferenceSession(shared, providers=["CPUExecutionProvider"]).run(None, {"ids": ids})[0]
scale = np.abs(reference).max()

# Codes: of the table for the head, too.
report, stored, logits = compress(shared, "int8", [{"pass": "quantize-weights", "format": "int8"}])
assert [d["verdict"] for d in report["decisions"]] == ["done"] * (LAYERS + 2), report["decisions"]
expected = VOCABULARY * (WIDTH + 2) + WIDTH * (WIDTH + 2)
assert report["totals"]["bytes"] == {"before": 4 * (table.size + layer.size), "after": expected}, (report["totals"], expected)
assert report["totals"]["parameters"]["after"] == table.size + layer.size
assert expected <= stored + 4 * WIDTH <= expected + 8192, (stored, expected)  # small scales are constants
assert np.abs(logits - reference).max() < 0.02 * scale

# Factors: of the layers, which all have the same.
report, stored, logits = compress(shared, "factored", [{"pass": "factorize-linear", "kinds": ["ffn"], "rank": 32}])
assert report["totals"]["bytes"]["after"] == 4 * (table.size + 2 * 32 * WIDTH), report["totals"]
assert stored == 4 * 2 * 32 * WIDTH, stored
assert np.abs(logits - reference).max() < 1e-4 * scale

# … but not where somebody needs the matrix besides.
other = model("other", LAYERS, [helper.make_node("Exp", ["layer"], ["other"], "exp")])
(work / "refused.plan").write_text(
    json.dumps({"version": 1, "steps": [{"pass": "factorize-linear", "kinds": ["ffn"], "rank": 32}]}))  # fmt: skip
moec("compile", other, "--plan", work / "refused.plan", "--report", work / "refused.json", "--emit=compress", "-o", work / "refused.mlir")
reasons = {d["reason"] for d in json.loads((work / "refused.json").read_text())["decisions"]}
assert reasons == {"its weight has other uses"}, reasons

# Layers that are not asked for keep the weight, and there is a remark.
done = run("moec", "compile", shared, "--remarks", "--compress=weights=int8:layers=layer0", "--emit=compress", "-o", work / "one.mlir")
assert done.returncode == 0 and "'layer' is stored as it was and as codes" in done.stderr, done.stderr
