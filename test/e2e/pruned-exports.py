"""A model without some of its experts chooses as if these had never been candidates: on exports of every route, against ONNX Runtime on
the model's own file with −∞ added where the removed experts compete. Which they are is read from the report.

REQUIRES: moec-test-python, moec-test-data
RUN: %python %s %moec_test_data/models/exports %t
"""

import concurrent.futures
import json
import os
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import run  # noqa: E402

exports, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)
# Attention whose projections are experts has two layers for a choice; ONNX Runtime has no MoE with fc3.
UNCHECKED = {"jetmoe-dynamo_batched_mm", "mixtral-hf_fuse_cuda_past"}


def session(model):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def evaluate(model, inputs, names=None):
    ready = session(model)
    return ready.run(names, {value.name: inputs[value.name] for value in ready.get_inputs()})


def competitions(model, inputs, facts):
    """(node, the value, what it was, whether it ends a layer's choice) where experts are compared, in order."""
    experts, k = facts["experts"], facts.get("k", 1)
    # Rounds of arg-max are told what to choose from by the logits, or by the probabilities.
    rounds = "MatMul" if "sparsemixer" in facts["router"] else "Softmax" if "argmax" in facts["router"] else ""
    nodes = [node for node in model.graph.node if node.op_type in ([rounds] if rounds else ["TopK", "ReduceMax", "MoE"])]
    compared = [node.output[0] if rounds else node.input[node.op_type == "MoE"] for node in nodes]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    names = list(dict.fromkeys([*compared, *(node.output[0] for node in nodes)]))
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    values = dict(zip(names, evaluate(probe, inputs, names)))
    for node, name in zip(nodes, compared):
        value = values[name]
        if not np.issubdtype(value.dtype, np.floating):
            continue
        isGroups = value.ndim == 3 and value.shape[1] * value.shape[2] == experts and value.shape[2] != experts
        ends = value.ndim <= 3 and value.shape[-1] == experts and not (node.op_type == "ReduceMax" or isGroups)
        if node.op_type == "TopK" and ends:
            ends = values[node.output[0]].shape[-1] == k
        if isGroups or ends:
            yield node, name, value, ends


def exclude(model, inputs, facts, removed):
    """Adds −∞ to the values of removed experts; gives how many choices there are."""
    before, after, choice = {}, {}, 0
    for number, (node, name, value, ends) in enumerate(competitions(model, inputs, facts)):
        mask = np.zeros(facts["experts"], value.dtype)
        mask[removed[min(choice, len(removed) - 1)]] = -np.inf
        model.graph.initializer.append(numpy_helper.from_array(mask.reshape(value.shape[1:] if not ends else -1), f"mask{number}"))
        masked = f"masked{number}"
        if name in node.input:
            before[id(node)] = helper.make_node("Add", [name, f"mask{number}"], [masked])
            node.input[list(node.input).index(name)] = masked
        else:
            node.output[0] = masked
            after[id(node)] = helper.make_node("Add", [masked, f"mask{number}"], [name])
        choice += ends
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        model.graph.node.extend([*filter(None, (before.get(id(node)), node, after.get(id(node))))])
    return choice


def check(folder):
    """(layers pruned, problem or "ok")"""
    meta = json.loads((folder / "meta.json").read_text())
    facts = meta["architecture"]
    library, report, result = (work / f"{folder.name}.{end}" for end in ("so", "json", "npz"))
    compiled = run("moec", "compile", folder / "model.onnx", "--compress=experts=25%:norm", "--report", report, "-O0", "-o", library, "-j", 1)
    if compiled.returncode:
        return 0, compiled.stderr.strip()
    done = run("moec", "run", library, "--inputs", folder / "inputs.npz", "--case", "case0", "--outputs", result)
    library.unlink()
    if done.returncode:
        return 0, done.stderr.strip()
    decisions = json.loads(report.read_text())["decisions"]
    removed = [d["options"]["remove"] for d in decisions if d["verdict"] == "done"]
    if not removed:
        return 0, "; ".join(sorted({d["reason"] for d in decisions}))
    if folder.name in UNCHECKED:
        return len(removed), "ok (not compared)"
    inputs = {key.split("/", 1)[1]: value for key, value in np.load(folder / "inputs.npz").items() if key.startswith("case0/")}
    model = onnx.load(folder / "model.onnx")
    choices = exclude(model, inputs, facts, removed)
    if choices != len(removed):
        return len(removed), f"{choices} choices were found in the file, {len(removed)} layers in the report"
    found = {key.split("/")[-1]: value for key, value in np.load(result).items()}
    # Not the parts of caches that nothing was written to.
    names = [key.split("/", 1)[1] for key in np.load(folder / "outputs.npz") if key.startswith("case0/")]
    for name, expected in zip(names, evaluate(model, inputs, names)):
        error = np.abs(found[name].astype(float) - expected).max()
        if not error <= meta["tolerance"]["atol"]:
            return len(removed), f"{name} differs by {error}"
    return len(removed), "ok"


folders = [path for path in sorted(exports.iterdir()) if (path / "meta.json").exists()]
folders = [path for path in folders if "experts" in json.loads((path / "meta.json").read_text())["architecture"]]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = dict(zip((folder.name for folder in folders), pool.map(check, folders)))
for name, (layers, result) in results.items():
    print(f"{name:40} {layers} layers  {result}")
assert all(result.startswith("ok") for _, result in results.values()), "see above"
