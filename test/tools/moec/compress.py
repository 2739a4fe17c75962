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
assert all("change units first, then quantise" in reason for reason in refused.values()), refused

# A share that rounds to nothing is said to.
report, weights = compress("nothing", "--compress=experts=3%,weights=int8")
assert sum(d["verdict"] == "refused" and "none" in d["reason"] for d in report["decisions"]) == LAYERS

# Steps find the layers that earlier ones have made or changed, by the names of what they come from, and as what they were
# for: factors of attention are attention, a router's are the router's.
factorize = {"pass": "factorize-linear", "kinds": ["attention", "router"], "rank": 8}
(work / "factorize.json").write_text(json.dumps({"version": 1, "steps": [factorize]}))
report, _ = compress("factored", "--plan", work / "factorize.json")
layers = {d["layer"]: d["options"]["kinds"] for d in report["decisions"]}
routers = [layer for layer, kind in layers.items() if kind == "router"]
attention = [layer for layer, kind in layers.items() if kind == "attention"]
assert len(routers) == LAYERS and len(attention) == 4 * LAYERS, layers
(work / "several.json").write_text(json.dumps({"version": 1, "steps": [
    factorize, {"pass": "quantize-weights", "kinds": ["attention"], "format": "int4", "group": 0},
    {"pass": "merge-factors", "layers": routers, "always": True}]}))  # fmt: skip
report, weights = compress("steps", "--plan", work / "several.json")
done = {}
for decision in report["decisions"]:
    assert decision["verdict"] == "done", decision
    done.setdefault(decision["pass"], []).append(decision["layer"])
assert done["merge-factors"] == routers, done
assert done["quantize-weights"] == [f"{layer}.{factor}" for layer in attention for factor in ("first", "second")], done
(work / "replay.json").write_text(json.dumps(report["plan"]))
again, same = compress("replayed", "--plan", work / "replay.json")
# In another order: what had the same options is one step.
in_order = lambda decisions: sorted(decisions, key=lambda d: (d["pass"], d["layer"]))  # noqa: E731
assert in_order(again["decisions"]) == in_order(report["decisions"]) and len(same) == len(weights)

(work / "wrong.json").write_text('{"version": 1, "steps": [{"pass": "prune-exports"}]}')
for flags, message in (
    (["--compress=experts=much"], "'ratio' is \"much\", expected a number from 0 to 1"),
    (["--compress=depth=3"], "there is nothing 'depth' to compress"),
    (["--compress="], "there is an empty item"),
    (["--compress=weights=int5,experts=25%:foo"], "'format' is \"int5\", expected int8 or int4"),
    (["--compress=weights=int5,experts=25%:foo"], "'score' is \"foo\", expected norm or random"),
    (["--compress=weights=int8:layers=model.layer.0.mlp"], "no layer is called 'model.layer.0.mlp'; nearest of"),
    (["--plan", work / "wrong.json"], "step 0: there is no pass \"prune-exports\", did you mean 'prune-experts'?"),
    (["--plan", work / "missing.json"], "missing.json"),
    (["--compress=experts=25%", "--emit=raise"], "'raise' comes before 'compress'"),
    (["--compress=experts=25%", "--no-raise"], "a plan is carried out by 'compress' on a raised model"),
):
    output = work / "failed.mlir"
    done = run("moec", "compile", model, "--emit=compress", *flags, "-o", output)
    assert done.returncode and message in done.stderr and not output.exists(), (flags, done.stderr)
