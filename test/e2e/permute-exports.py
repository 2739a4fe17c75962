"""Another order of experts, or of their inner units, changes nothing, on all exports. Experts: no bit, but where scores are a softmax over
all of them, whose denominator is added up in another order; inner units: rounding. Every layer that `moec inspect` finds must have been
permuted, except inner units of quantised experts.

REQUIRES: moec-test-python, moec-test-data
RUN: %python %s %moec_test_data/models/exports %t
"""

import concurrent.futures
import json
import os
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec  # noqa: E402

exports, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)
# Of the largest element: what sums of this many terms in another order differ by.
ROUNDING = {np.dtype(np.float32): 2e-6, np.dtype(np.float16): 2e-3}


def outputs(model, name, *flags):
    library, result = work / f"{name}.so", work / f"{name}.npz"
    moec("compile", model, *flags, "-O0", "-o", library, "-j", 1)
    moec("run", library, "--inputs", model.parent / "inputs.npz", "--case", "case0", "--outputs", result)
    library.unlink()
    return dict(np.load(result))


def permuted(model, what):
    """The outputs, and how many layers have another order."""
    name = f"{model.parent.name}.{what}"
    report = work / f"{name}.json"
    found = outputs(model, name, f"--compress=order={what}:random:seed=1", "--report", report)
    done = [d for d in json.loads(report.read_text())["decisions"] if d["verdict"] == "done"]
    assert all(d["pass"] == f"permute-{what}" and d["parameters"]["before"] == d["parameters"]["after"] for d in done)
    for decision in done if what == "experts" else ():
        order = decision["options"]["order"]
        assert order != sorted(order) == list(range(len(order))), (name, order)
    return found, len(done)


def difference(expected, found):
    """The largest of a tensor, of what it may be by rounding; 0 if no bit differs."""
    assert expected.keys() == found.keys()
    share = 0.0
    for key, value in expected.items():
        assert value.dtype == found[key].dtype and value.shape == found[key].shape, key
        if value.tobytes() == found[key].tobytes():
            continue
        assert value.dtype in ROUNDING, f"'{key}' differs"
        a, b = value.astype(np.float64), found[key].astype(np.float64)
        assert np.isfinite(b).all(), key
        share = max(share, np.abs(a - b).max() / np.abs(a).max() / ROUNDING[value.dtype])
    return share


def check(folder):
    model = folder / "model.onnx"
    experts = "experts" in json.loads((folder / "meta.json").read_text())["architecture"]
    structure = json.loads(moec("inspect", model, "--json"))
    layers, projections = structure["moe_layers"], structure["routed_projections"]
    assert (len(layers) > 0) == experts, f"{folder.name}: {len(layers)} layers of experts"
    if not experts:
        return folder.name, 0, 0, 0, 0
    plain = outputs(model, f"{folder.name}.plain")
    found, numExperts = permuted(model, "experts")
    changed = difference(plain, found)
    bound = 1 if any(layer["router"]["score"] == "softmax" for layer in layers + projections) else 0
    assert changed <= bound, f"{folder.name}: experts in another order differ by {changed} of rounding"
    assert numExperts == len(layers) + len(projections), f"{folder.name}: {numExperts} layers of experts permuted"
    found, numNeurons = permuted(model, "neurons")
    rounded = difference(plain, found)
    assert rounded <= 1, f"{folder.name}: units in another order differ by {rounded} of rounding"
    # A sum of so many terms that keeps every bit in another order has not been permuted.
    isQuantised = any(word in folder.name for word in ("int4", "int8"))
    assert numNeurons == (0 if isQuantised else len(layers)), f"{folder.name}: {numNeurons} layers of units permuted"
    assert (rounded > 0) == (numNeurons > 0), folder.name
    return folder.name, numExperts, changed, numNeurons, rounded


folders = sorted(path for path in exports.iterdir() if (path / "model.onnx").exists())
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = list(pool.map(check, folders))
for name, numExperts, changed, numNeurons, rounded in results:
    print(f"{name:40} experts of {numExperts} layers: {changed:.2f}, units of {numNeurons}: {rounded:.2f} of rounding")
exact = sum(numExperts > 0 and changed == 0 for _, numExperts, changed, _, _ in results)
print(f"{len(results)} models; in {exact} no bit depends on the order of experts")
# Without any the first claim is not tested.
assert exact >= 10, exact
