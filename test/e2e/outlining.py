"""Experts and layers that are alike become functions: with more experts a model has as many functions, some
calls more for each expert, and takes little longer to compile; and it computes what it did.

REQUIRES: moec-test-python
RUN: %python %s %S/Inputs %t
"""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import loop_moe

work = pathlib.Path(sys.argv[2])
work.mkdir(parents=True, exist_ok=True)
ids = np.random.default_rng(1).integers(0, loop_moe.VOCABULARY, (2, 9))
np.savez(work / "ids.npz", ids=ids)


def moec(*arguments):
    """CPU seconds of one thread."""
    process = subprocess.Popen(["moec", *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"moec {arguments} failed"
    return usage.ru_utime + usage.ru_stime


def measure(layers, experts):
    """(functions with a body, operations in them, seconds) of one model, whose outputs are right."""
    path, code, library = (work / f"{layers}x{experts}{suffix}" for suffix in (".onnx", ".mlir", ".so"))
    model = loop_moe.make(layers, experts)
    path.write_bytes(model.SerializeToString())
    moec("compile", path, "--emit", "llvm", "-o", code)
    text = code.read_text()
    functions = len(re.findall(r"^  llvm\.func .*\{$", text, re.M))
    operations = len(re.findall(r"^    +(?:%|llvm\.)", text, re.M))
    seconds = moec("compile", path, "-j", 1, "-o", library)
    np.savez(work / "expected.npz", logits=loop_moe.reference(model, ids))
    moec("run", library, "--inputs", work / "ids.npz", "--expect", work / "expected.npz")
    print(f"{layers} layers, {experts} experts: {functions} functions, {operations} operations, {seconds:.1f} s")
    return functions, operations, seconds


few, many, deep = measure(2, 8), measure(2, 48), measure(6, 8)
# One function for all experts, called with its weights, its places in the arena and the nodes' names: their
# descriptors make some 75 operations. Written out, an expert has about a thousand.
assert many[0] == few[0], "functions grow with the experts"
assert many[1] - few[1] < 2 * 40 * 110, "more than a call for each expert"
# Another layer is a call as well, of a function that may have to be made first.
assert deep[0] - few[0] < 16, "functions grow with the layers"
assert deep[1] - few[1] < 4 * 8 * 110, "more than a call for each layer and expert"
# Import and what is done before outlining is linear in the nodes. All that is six times as long here.
assert many[2] < 3 * few[2], "compile time grows with layers × experts"
