"""Plans: what --compress does is reported in numbers that the model's sizes give, can be saved and done again, and fails in one line.

REQUIRES: moec-test-python
RUN: %python %s %models/moe-mini %S/../../e2e/Inputs %t
"""

import json
import pathlib
import sys

sys.path.insert(0, sys.argv[2])
from tools import moec, run  # noqa: E402

model = pathlib.Path(sys.argv[1]) / "model_grouped.onnx"
work = pathlib.Path(sys.argv[3])
work.mkdir(parents=True, exist_ok=True)
EXPERT, ROUTER_ROW, LAYERS, REMOVED = 3 * 256 * 128, 256, 4, 4


def compress(name, *flags):
    """(report, bytes of the new weights)"""
    program = work / f"{name}.mlir"
    moec("compile", model, *flags, "--report", work / f"{name}.json", "--emit=compress", "-o", program)
    return json.loads((work / f"{name}.json").read_text()), pathlib.Path(f"{program}.weights").read_bytes()


# Experts, and columns of the router with them.
report, weights = compress("pruned", "--compress=experts=25%:norm", "--save-plan", work / "plan.json")
removed = LAYERS * REMOVED * (EXPERT + ROUTER_ROW)
totals = report["totals"]
assert totals["parameters"]["before"] - totals["parameters"]["after"] == removed, totals
assert totals["bytes"]["before"] - totals["bytes"]["after"] == 4 * removed, totals
assert [d["verdict"] for d in report["decisions"]] == ["done"] * LAYERS
assert all(len(d["options"]["remove"]) == REMOVED for d in report["decisions"])

# The plan that was saved does the same to the last bit, and so does the one in the report.
plan = json.loads((work / "plan.json").read_text())
assert plan == report["plan"]
again, same = compress("again", "--plan", work / "plan.json")
assert same == weights and again["totals"] == totals

# Codes are as many numbers as before; half a byte each, an eighth of two bytes for scales, but for head and embedding.
report, weights = compress("coded", "--compress=weights=int4")
totals = report["totals"]
assert totals["parameters"]["before"] == totals["parameters"]["after"], totals
inner = LAYERS * (16 * EXPERT + 256 * (128 + 64 + 64 + 128))
expected = 2 * 4096 * (256 + 2) + inner * 4.5 / 8
assert abs(len(weights) - expected) < 0.01 * expected, (len(weights), expected)
assert 0 < totals["bytes"]["after"] - len(weights) < 0.02 * totals["bytes"]["after"], totals

# Lists of words, and layers by name.
(work / "kinds.json").write_text(json.dumps({"version": 1, "steps": [
    {"pass": "quantize-weights", "kinds": ["experts", "attention"], "format": "int8"},
    {"pass": "prune-neurons", "layers": ["model.layers.0.mlp", "model.layers.1.mlp"], "ratio": 0.5}]}))  # fmt: skip
report, _ = compress("kinds", "--plan", work / "kinds.json")
refused = {d["layer"]: d["reason"] for d in report["decisions"] if d["verdict"] == "refused"}
assert set(refused) == {"model.layers.0.mlp", "model.layers.1.mlp"}, refused
assert all("prune first, then quantise" in reason for reason in refused.values()), refused

# A share that rounds to nothing is said to.
report, weights = compress("nothing", "--compress=experts=3%,weights=int8")
assert sum(d["verdict"] == "refused" and "none" in d["reason"] for d in report["decisions"]) == LAYERS

(work / "wrong.json").write_text('{"version": 1, "steps": [{"pass": "prune-exports"}]}')
for flags, message in (
    (["--compress=experts=much"], "'much' is no share from 0 % to 100 %"),
    (["--compress=depth=3"], "'depth' is nothing that can be compressed"),
    (["--plan", work / "wrong.json"], "step 0, 'prune-exports'"),
    (["--plan", work / "missing.json"], "missing.json"),
    (["--compress=experts=25%", "--emit=raise"], "'raise' comes before 'compress'"),
    (["--compress=experts=25%", "--no-raise"], "a plan is carried out by 'compress' on a raised model"),
):
    output = work / "failed.mlir"
    done = run("moec", "compile", model, "--emit=compress", *flags, "-o", output)
    assert done.returncode and message in done.stderr and not output.exists(), (flags, done.stderr)
