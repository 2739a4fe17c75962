"""Fusing changes no bit: each export of the wide test data, and the model that the project ships, gives
the same outputs with and without --no-fuse. Prints what was fused where.

REQUIRES: moec-test-python, moec-test-data
RUN: %python %s %moec_test_data/models/exports %models/moe-mini %t
"""

import concurrent.futures
import os
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import run  # noqa: E402

exports, mini, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)


def succeed(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def outputs(name, model, inputs, *flags):
    """The outputs of both cases."""
    library, result = work / f"{name}.so", work / f"{name}.npz"
    succeed("moec", "compile", model, *flags, "-o", library, "-j", 1)
    found = {}
    for case in ("case0", "case1"):
        succeed("moec", "run", library, "--inputs", inputs, "--case", case, "--outputs", result)
        found |= {f"{case}/{key}": value for key, value in np.load(result).items()}
    library.unlink()
    return found


def check(model, *plan):
    """How many products there are without and with fusing, and how many of those do what follows them, after a
    comparison of the outputs."""
    name = " ".join([f"{model.parent.name}.{model.stem}", *plan])
    counts = []
    for flags in ("--no-fuse",), ("--fuse-gates",):
        text = succeed("moec", "compile", model, *plan, *flags, "--emit=optimize", "-o", "-")
        counts.append(text.count(" moe.linear ") + text.count(" moe.grouped_linear "))
    epilogues = text.count(" epilogue <")
    if counts[0] != counts[1] or epilogues:
        inputs = model.parent / "inputs.npz"
        fused = outputs(name, model, inputs, *plan, "--fuse-gates")
        plain = outputs(name, model, inputs, *plan, "--no-fuse")
        assert fused.keys() == plain.keys()
        for key, value in fused.items():
            assert value.tobytes() == plain[key].tobytes(), f"{name}: '{key}' differs"
    return name, *counts, epilogues


tasks = [(model,) for model in sorted(exports.glob("*/model.onnx"))]
tasks += [(mini / "model.onnx",), (mini / "model_grouped.onnx",)]
quantised = [(mini / "model_grouped.onnx", f"--compress=weights={w}") for w in ("int8", "int4:group=32")]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = list(pool.map(lambda task: check(*task), tasks + quantised))
for name, before, after, epilogues in results[len(tasks):]:
    assert epilogues == 4, f"{name}: {epilogues} of 4 gates are fused"
for name, before, after, epilogues in results:
    print(f"{name:40} {before} products, {after} fused, {epilogues} with what follows")
count = sum(after < before for _, before, after, _ in results)
done = sum(epilogues > 0 for *_, epilogues in results)
print(f"{count} of {len(results)} have products to fuse, {done} something behind them")
assert count >= 14 and done >= 28, (count, done)
