"""Exact pruning is exact, on exports of every route: in each model expert 1 becomes equal to expert 0, and the router gives some experts
equal logits, so that the later of them never are among the k best. `experts=exact` must find both and change no bit of the outputs.

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
from onnx import numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import run  # noqa: E402

exports, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)


def twin(array, experts, hidden, k):
    """The array with equal experts, or None if nothing in it tells them apart."""
    if array.dtype not in (np.float32, np.float16):
        return None
    array = array.copy()
    if array.shape == (experts, hidden):  # a router, or biases: k + 1 equal rows
        array[1 : k + 1] = array[0]
    elif array.shape == (hidden, experts):
        array[:, 1 : k + 1] = array[:, :1]
    elif array.ndim == 3 and array.shape[0] == experts or array.ndim == 2 and array.shape[0] == experts:
        array[1] = array[0]
    else:
        return None
    return array


def make_twins(folder, target):
    """A copy of an export with the experts of each layer made equal so."""
    meta = json.loads((folder / "meta.json").read_text())["architecture"]
    model = onnx.load(folder / "model.onnx")
    experts, k = meta["experts"], meta["k"]
    hidden = meta["hidden"]
    named = {tensor.name: tensor for tensor in model.graph.initializer}
    for name, tensor in named.items():
        # One matrix an expert.
        first = name.replace("experts.1.", "experts.0.").replace("expert_1.", "expert_0.")
        if first != name and first in named:
            tensor.CopyFrom(named[first])
            tensor.name = name
            continue
        changed = twin(numpy_helper.to_array(tensor), experts, hidden, k)
        if changed is not None:
            tensor.CopyFrom(numpy_helper.from_array(changed, name))
    onnx.save(model, target)


def check(folder):
    """(experts merged, experts removed, decisions, problem or "ok")"""
    model = work / f"{folder.name}.onnx"
    make_twins(folder, model)
    outputs = []
    for name, flags in (("whole", []), ("exact", ["--compress=experts=exact", "--report", work / f"{folder.name}.json"])):
        library = work / f"{folder.name}.{name}.so"
        compiled = run("moec", "compile", model, *flags, "-O0", "-o", library, "-j", 1)
        if compiled.returncode:
            return 0, compiled.stderr.strip()
        result = work / f"{folder.name}.{name}.npz"
        done = run("moec", "run", library, "--inputs", folder / "inputs.npz", "--case", "case0", "--outputs", result)
        if done.returncode:
            return 0, done.stderr.strip()
        outputs.append(dict(np.load(result)))
        library.unlink()
    model.unlink()
    whole, exact = outputs
    for key, expected in whole.items():
        if not np.array_equal(expected, exact[key], equal_nan=True):
            return 0, f"{key} differs by {np.abs(expected.astype(float) - exact[key]).max()}"
    report = json.loads((work / f"{folder.name}.json").read_text())
    decisions = [d for d in report["decisions"] if d["verdict"] == "done"]
    for decision in decisions:
        if decision["parameters"]["after"] >= decision["parameters"]["before"]:
            return 0, f"{decision['layer']} did not become smaller"
    return len(decisions), "ok"


def is_candidate(folder):
    meta = json.loads((folder / "meta.json").read_text())
    quantised = any(word in folder.name for word in ("int4", "int8"))
    return "experts" in meta["architecture"] and not quantised


folders = sorted(path for path in exports.iterdir() if (path / "model.onnx").exists() and is_candidate(path))
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = dict(zip((folder.name for folder in folders), pool.map(check, folders)))
for name, (layers, result) in results.items():
    print(f"{name:40} {layers} layers  {result}")
problems = sum(result != "ok" for _, result in results.values())
pruned = sum(layers > 0 for layers, _ in results.values())
print(f"{pruned} of {len(results)} models have become smaller, {problems} have problems")
# Models whose experts this test cannot make equal stay as they are; they must be few.
sys.exit(problems > 0 or pruned < 0.8 * len(results))
