"""Units that are zero go without a trace, on exports of every route: the last quarter of the units of dense layers and of even experts,
and the last half of odd ones, become zero in each model. Those with the smallest weights must be these, and the outputs stay what they are.

REQUIRES: moec-test-python, moec-test-data
RUN: %python %s %moec_test_data/models/exports %t
"""

import concurrent.futures
import json
import os
import pathlib
import re
import sys

import numpy as np
import onnx
from onnx import numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import run  # noqa: E402

exports, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)


def clear(array, hidden, odd):
    """Zeros where a matrix between hidden states and units has the last of the units; None if it is no such matrix."""
    axes = [axis for axis in range(array.ndim) if array.shape[axis] != hidden]
    if array.ndim != 2 or len(axes) != 1 or array.dtype not in (np.float32, np.float16):
        return None
    size = array.shape[axes[0]]
    if size < 16:  # a router, a gate
        return None
    array = array.copy()
    np.moveaxis(array, axes[0], 0)[size - size // (2 if odd else 4):] = 0
    return array


def make(folder, target):
    """A copy of an export with such units; whether its experts are told apart, so that odd ones have more of them."""
    meta = json.loads((folder / "meta.json").read_text())["architecture"]
    model = onnx.load(folder / "model.onnx")
    isRagged = False
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        number = re.search(r"experts?[._](\d+)[._]", tensor.name)
        if array.ndim == 3 and array.shape[0] == meta.get("experts"):
            parts = [clear(part, meta["hidden"], e % 2) for e, part in enumerate(array)]
            changed = None if parts[0] is None else np.stack(parts)
            isRagged |= changed is not None
        else:
            changed = clear(array, meta["hidden"], number and int(number[1]) % 2)
            isRagged |= changed is not None and number is not None
        if changed is not None:
            tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))
    onnx.save(model, target)
    return isRagged


def check(folder):
    """Expert layers and dense ones that have become smaller, and a problem or "ok"."""
    model = work / f"{folder.name}.onnx"
    isRagged = make(folder, model)
    experts = {"pass": "prune-neurons", "kinds": ["experts"], "scope": "layer", "ratio": 0.375 if isRagged else 0.25}
    dense = {"pass": "prune-neurons", "kinds": ["ffn"], "ratio": 0.25}
    plan, report = work / f"{folder.name}.plan.json", work / f"{folder.name}.report.json"
    plan.write_text(json.dumps({"version": 1, "steps": [step | {"multiple": 1} for step in (experts, dense)]}))
    outputs = []
    for name, flags in (("whole", []), ("pruned", ["--plan", plan, "--report", report])):
        library, result = work / f"{folder.name}.{name}.so", work / f"{folder.name}.{name}.npz"
        compiled = run("moec", "compile", model, *flags, "-O0", "-o", library, "-j", 1)
        if compiled.returncode:
            return 0, 0, compiled.stderr.strip()
        done = run("moec", "run", library, "--inputs", folder / "inputs.npz", "--case", "case0", "--outputs", result)
        if done.returncode:
            return 0, 0, done.stderr.strip()
        outputs.append(dict(np.load(result)))
        library.unlink()
    model.unlink()
    whole, pruned = outputs
    for key, expected in whole.items():
        # Products of other sizes are added up in another order.
        error = np.abs(expected.astype(float) - pruned[key]).max(initial=0)
        bound = (2e-3 if expected.dtype == np.float16 else 2e-6) * (1 + np.abs(expected.astype(float)).max(initial=0))
        if not error <= bound:
            return 0, 0, f"{key} differs by {error}"
    done = [d for d in json.loads(report.read_text())["decisions"] if d["verdict"] == "done"]
    for decision in done:
        for what in ("parameters", "bytes", "flops_per_token"):
            if decision[what]["after"] >= decision[what]["before"]:
                return 0, 0, f"{decision['layer']} takes as much as before: {what}"
    kinds = [decision["options"]["kinds"] for decision in done]
    return kinds.count(["experts"]), kinds.count(["ffn"]), "ok"


folders = sorted(path for path in exports.iterdir() if (path / "model.onnx").exists())
folders = [folder for folder in folders if not re.search("int4|int8", folder.name)]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = dict(zip((folder.name for folder in folders), pool.map(check, folders)))
for name, (experts, dense, result) in results.items():
    print(f"{name:40} {experts} layers of experts, {dense} dense ones  {result}")
problems = sum(result != "ok" for _, _, result in results.values())
moe, dense = (sum(counts[i] > 0 for counts in results.values()) for i in (0, 1))
print(f"experts of {moe} models and dense layers of {dense} have become smaller, of {len(results)}; {problems} problems")
sys.exit(problems > 0 or moe < 27 or dense < 11)
