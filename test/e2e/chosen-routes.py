"""Operators that choose experts by themselves, made to follow a choice of the graph by logits that are spread from
it: one route where that gives the same, two where it may not. What is compiled gives what ONNX Runtime gives.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

E, H, I, K = 6, 8, 4, 2
work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)

OWN = "softmax", "renormalized"  # of the operator
# What is changed, and the score and weights of the experts' router.
CASES = {
    "plain": ("sigmoid", "renormalized"),
    "times the sum": ("sigmoid", "score"),
    "factor alone": ("sigmoid", "external"),
    "softmax": ("softmax", "external"),
    "base near": OWN,
    "no bound": OWN,
    "squared factor": ("sigmoid", "external"),
    "another k": OWN,
    "least above epsilon": ("sigmoid", "external"),
    "factor of another token": ("sigmoid", "external"),
    "scaled before": OWN,
    "of some tokens": OWN,
}
# With equal scores, and tokens without a choice, the operator takes others than the first.
FEW = {"another k": ("one", "many"), "of some tokens": ("one",)}


def build(change, random):
    nodes, constants = [], []

    def g(operator, *inputs, outputs=1, **attributes):
        names = [f"{operator}_{len(nodes)}_{i}" for i in range(outputs)]
        operands = []
        for value in inputs:
            if not isinstance(value, str):
                array = np.asarray(value)
                constants.append(numpy_helper.from_array(
                    array.astype(np.float32) if array.dtype == np.float64 else array, f"c{len(constants)}"))  # fmt: skip
                value = constants[-1].name
            operands.append(value)
        nodes.append(helper.make_node(operator, operands, names, names[0], **attributes))
        return names[0] if outputs == 1 else names

    weight = lambda *shape: random.standard_normal(shape).astype(np.float32)
    logits = g("Mul", g("MatMul", "x", weight(H, E)), "spread")
    score = g("Softmax", logits) if change == "softmax" else g(
        "Reciprocal", g("Add", g("Exp", g("Neg", logits)), np.float32(1)))  # fmt: skip
    _, chosen = g("TopK", g("Add", score, weight(E) / 4), [K], outputs=2)
    taken = g("GatherElements", score, chosen, axis=1)
    if change == "scaled before":
        taken = g("Mul", taken, np.float32(1.5))
    least = np.float32(1e-3 if change == "least above epsilon" else 1e-30)
    log = g("Log", taken if change == "no bound" else g("Clip", taken, least))
    base = g("ConstantOfShape", g("Shape", score), value=numpy_helper.from_array(
        np.array([-60 if change == "base near" else -1e4], np.float32)))  # fmt: skip
    if change == "of some tokens":
        # The rows that the choice leaves out have no chosen experts.
        chosen, log = g("Slice", chosen, [0], [1], [0]), g("Slice", log, [0], [1], [0])
    spread = g("ScatterElements", base, chosen, log, axis=1)
    experts = g("MoE", "x", spread, weight(E, I, H), "", weight(E, H, I), domain="com.microsoft", activation_type="relu",
                k=1 if change == "another k" else K, normalize_routing_weights=1)  # fmt: skip
    total = g("ReduceSum", taken, [-1])
    factor = np.float32(1.5)
    if change == "times the sum":
        factor = g("Mul", factor, total)
    elif change not in ("factor alone", "softmax"):
        factor = g("Mul", g("Div", total, g("Add", total, np.float32(1e-6))), factor)
    if change == "squared factor":
        factor = g("Mul", factor, total)
    if change == "factor of another token":
        factor = g("Concat", g("Slice", factor, [1], [2**62], [0]), g("Slice", factor, [0], [1], [0]), axis=0)
    result = g("Mul", experts, factor)
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [tensor("x", TensorProto.FLOAT, ["t", H]), tensor("spread", TensorProto.FLOAT, [])],
        [tensor(result, TensorProto.FLOAT, ["t", H])], constants,
    )  # fmt: skip
    domains = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=9)


def moec(*arguments):
    return subprocess.run(["moec", *map(str, arguments)], capture_output=True, text=True)


problems = []
for change, expected in CASES.items():
    random = np.random.default_rng(len(change))
    path = work / f"{change.replace(' ', '-')}.onnx"
    model = build(change, random)
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs, outputs = {}, {}
    # The last ones have scores far below the bound, and such as are zero.
    for case, tokens, spread in ("one", 1, 1), ("many", 30, 1), ("wide", 30, 20), ("zero", 30, 200):
        feed = {"x": random.standard_normal((tokens, H)).astype(np.float32), "spread": np.array(spread, np.float32)}
        inputs |= {f"{case}/{name}": value for name, value in feed.items()}
        outputs[f"{case}/{model.graph.output[0].name}"] = session.run(None, feed)[0]
    np.savez(path.with_suffix(".in.npz"), **inputs)
    np.savez(path.with_suffix(".out.npz"), **outputs)
    found = json.loads(moec("inspect", path, "--json").stdout)["moe_layers"]
    router = found[0]["router"]
    if (router["score"], router["weights"]) != expected:
        problems.append(f"{change}: {router}, expected {expected}")
    done = moec("compile", path, "-o", path.with_suffix(".so"))
    if done.returncode:
        problems.append(f"{change}: {done.stderr.strip()}")
        continue
    for case in FEW.get(change, ("one", "many", "wide", "zero")):
        done = moec("run", path.with_suffix(".so"), "--inputs", path.with_suffix(".in.npz"), "--case", case,
                    "--expect", path.with_suffix(".out.npz"), "--atol", "1e-5", "--rtol", "1e-4")  # fmt: skip
        if done.returncode:
            problems.append(f"{change}, {case}: {done.stderr.strip()}")
print("\n".join(problems))
sys.exit(bool(problems))
