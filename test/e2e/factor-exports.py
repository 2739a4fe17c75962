"""Factors of full rank, and their products again, give the outputs of the model: low-rank, block-dense and
Monarch, on the exports of the wide test data and the model that the project ships. Each model takes one of
the forms by turns; with --all every model takes every form. And factors at half of the parameters take as
many FLOPs less, when they run, as they have parameters less.

REQUIRES: moec-test-python, moec-test-data
RUN: %python %s %moec_test_data/models/exports %models/moe-mini %t
"""

import concurrent.futures
import json
import os
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec  # noqa: E402

arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
exports, mini, work = map(pathlib.Path, arguments)
work.mkdir(parents=True, exist_ok=True)
FORMS = ("lowrank", "blockdense", "monarch")
# Which of the three, and whether the factors are merged again; each model takes the next pair.
EVERY = [(form, merges) for form in FORMS for merges in (False, True)]


def plan(path, form, merges):
    steps = [{"pass": "factorize-linear", "form": form, "blocks": 2, "rank": 1 << 40}]
    if merges:
        steps.append({"pass": "merge-factors", "always": True})
    path.write_text(json.dumps({"version": 1, "steps": steps}))
    return path


def check(model, form, merges):
    """How many layers were factored and merged, after both cases have given what they should."""
    name = f"{model.parent.name}.{model.stem}.{form}.{'merged' if merges else 'factors'}"
    library, report = work / f"{name}.so", work / f"{name}.json"
    moec("compile", model, "-O0", "--plan", plan(work / f"{name}.plan.json", form, merges), "--report", report,
         "-o", library, "-j", 1)  # fmt: skip
    tolerance = json.loads((model.parent / "meta.json").read_text()).get("tolerance", {})
    for case in ("case0", "case1"):
        moec("run", library, "--inputs", model.parent / "inputs.npz", "--case", case, "--expect",
             model.parent / "outputs.npz", "--atol", tolerance.get("atol", 1e-3), "--rtol",
             tolerance.get("rtol", 1e-3))  # fmt: skip
    library.unlink()
    done = [step for step in json.loads(report.read_text())["decisions"] if step["verdict"] == "done"]
    factored = [step for step in done if step["pass"] == "factorize-linear"]
    for step in factored:
        assert step["relative_error"] < 1e-6, step
    return name, len(factored), len(done) - len(factored)


def countFlops(form):
    """FLOPs of a token of moe-mini that are executed, and how many the report says."""
    library, report, profile = (work / f"flops.{form}.{end}" for end in ("so", "report", "profile"))
    compress = ["--compress", f"ffn={form}:0.5"] if form else []
    moec("compile", mini / "model.onnx", "--profile", *compress, "--report", report, "-o", library)
    moec("run", library, "--inputs", mini / "inputs.npz", "--case", "case0", "--profile", profile)
    tokens = np.load(mini / "inputs.npz")["case0/input_ids"].size
    counted = json.loads(profile.read_text())
    said = json.loads(report.read_text())["totals"]["flops_per_token"]["after"]
    return counted["flops"] / counted["calls"] / tokens, said


dense, denseSaid = countFlops("")
for form in FORMS:
    factored, said = countFlops(form)
    print(f"{form}: {dense - factored:.0f} of {dense:.0f} FLOPs a token saved, {denseSaid - said} by the report")
    assert dense - factored == denseSaid - said > 0.2 * dense, (form, dense, factored, said)

models = sorted(exports.glob("*/model.onnx")) + [mini / "model.onnx"]
tasks = [(model, *pair) for model in models for pair in EVERY]
if "--all" not in sys.argv:
    tasks = [(model, *EVERY[i % len(EVERY)]) for i, model in enumerate(models)]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = list(pool.map(lambda task: check(*task), tasks))
for name, factored, merged in results:
    print(f"{name:60} {factored} factored, {merged} merged")
    # A layer that was factored is merged again; some exports come with factors of their own.
    assert merged >= factored if name.endswith("merged") else merged == 0, name
some = [name for name, factored, _ in results if factored]
print(f"{len(some)} of {len(results)} have linear layers whose weights are in the file")
assert len(some) >= 0.75 * len(results), len(some)
