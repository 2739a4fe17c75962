"""What is raised computes what the nodes did, pass by pass: each form in the tables is compiled raised and not, and run
on random inputs (no tokens, one, many; equal scores; experts that nobody chooses; −∞ where it is a score), and
with ONNX Runtime. A form is raised exactly if the table says so.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import pathlib
import re
import sys

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import activation_forms
import dequantize_forms
import fused_experts_forms
import linear_forms
import router_forms
from onnx_graph import Graph
from tools import moec

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
problems = []


def countRaised(module, form):
    """How often the raised form of this one has the pass's operation."""
    g = Graph(0)
    path = work / "one.onnx"
    onnx.save(g.model(resultsOf(module, g, form), module.INPUTS, module.OPSET), path)
    return len(re.findall(module.RAISED, moec("compile", path, "--emit=raise", "-o", "-")))


def resultsOf(module, g, form):
    results = form(g)
    results = results if isinstance(results, tuple) else (results,)
    return dict(zip(results, getattr(module, "TYPES", [onnx.TensorProto.FLOAT])))


def difference(found, expected, bound):
    """What is wrong in words; empty: nothing."""
    if found.shape != expected.shape:
        return f"has shape {found.shape}, expected {expected.shape}"
    if found.dtype.kind in "iu":
        wrong = found != expected
    else:
        found, expected = found.astype(np.float64), expected.astype(np.float64)
        with np.errstate(invalid="ignore"):
            near = np.abs(found - expected) <= bound * (1 + np.abs(expected))
        wrong = ~((found == expected) | near | (np.isnan(found) & np.isnan(expected)))
    if not wrong.any():
        return ""
    at = tuple(map(int, np.argwhere(wrong)[0]))
    return f"has {wrong.sum()} of {wrong.size} elements wrong, the first at {at}: {found[at]}, expected {expected[at]}"


def check(module):
    """All forms of a pass are one model, so that it is compiled twice in all."""
    name, g, owner = module.__name__, Graph(0), {}
    for form, count in module.FORMS.items():
        title = form.__name__
        found = countRaised(module, form)
        if found != count:
            problems.append(f"{name}: {title}: {found} raised, expected {count}")
        owner |= {result: (title, kind) for result, kind in resultsOf(module, g, form).items()}
    path = work / f"{name}.onnx"
    types = {result: kind for result, (_, kind) in owner.items()}
    onnx.save(g.model(types, module.INPUTS, module.OPSET), path)
    # As written: optimised, it multiplies codes with codes of the activations.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    cases = module.cases(np.random.default_rng(1))
    np.savez(work / "in.npz", **{f"{case}/{n}": x for case, given in cases.items() for n, x in given.items()})
    for flag in ("--no-raise", "raised"):
        library = work / f"{name}{flag}.so"
        moec("compile", *([flag] if flag == "--no-raise" else []), path, "-o", library)
    for case, given in cases.items():
        found = {}
        for flag in ("--no-raise", "raised"):
            moec("run", work / f"{name}{flag}.so", "--inputs", work / "in.npz", "--case", case, "--outputs",
                 work / "out.npz")  # fmt: skip
            found[flag] = {n.removeprefix(f"{case}/"): x for n, x in np.load(work / "out.npz").items()}
        expected = dict(zip(owner, session.run(list(owner), given)))
        for result, (title, _) in owner.items():
            for other, numbers, bound in (("not raised", found["--no-raise"][result], 1e-5),
                                          ("ONNX Runtime", expected[result], module.BOUND)):  # fmt: skip
                if wrong := difference(found["raised"][result], numbers, bound):
                    problems.append(f"{name}: {title}, {case}: raised against {other} {wrong}")
    print(f"{name}: {len(module.FORMS)} forms, {sum(map(bool, module.FORMS.values()))} raised, {len(cases)} cases")


for module in (linear_forms, router_forms, activation_forms, dequantize_forms, fused_experts_forms):
    check(module)
print("\n".join(problems))
sys.exit(bool(problems))
