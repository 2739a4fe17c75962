"""Experts and layers that are alike become functions: with more experts an unraised model has as many functions,
and some calls more for each expert; and it computes what it did. Raised, nothing in its code is there for
each expert.

REQUIRES: moec-test-python
RUN: %python %s %S/Inputs %t
"""

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
    subprocess.run(["moec", *map(str, arguments)], check=True)


def measure(layers, experts, *flags):
    """(functions with a body, operations in them) of one model, whose outputs are right."""
    path, code, library = (work / f"{layers}x{experts}{suffix}" for suffix in (".onnx", ".mlir", ".so"))
    model = loop_moe.make(layers, experts)
    path.write_bytes(model.SerializeToString())
    moec("compile", *flags, path, "--emit", "llvm", "-o", code)
    text = code.read_text()
    functions = len(re.findall(r"^  llvm\.func .*\{$", text, re.M))
    operations = len(re.findall(r"^    +(?:%|llvm\.)", text, re.M))
    moec("compile", *flags, path, "-o", library)
    np.savez(work / "expected.npz", logits=loop_moe.reference(model, ids))
    moec("run", library, "--inputs", work / "ids.npz", "--expect", work / "expected.npz")
    print(f"{layers} layers, {experts} experts: {functions} functions, {operations} operations {flags}")
    return functions, operations


few, many, deep = (measure(*size, "--no-raise") for size in ((2, 8), (2, 64), (6, 8)))
# One function for all experts, called with its weights, its places in the arena and the nodes' names: their
# descriptors make some 75 operations. Written out, an expert has about a thousand.
assert many[0] == few[0], "functions grow with the experts"
assert many[1] - few[1] < 2 * 56 * 110, "more than a call for each expert"
# Another layer is a call as well, of a function that may have to be made first.
assert deep[0] - few[0] < 16, "functions grow with the layers"
assert deep[1] - few[1] < 4 * 8 * 110, "more than a call for each layer and expert"
# The router's columns are in more panels; not an operation is there for each expert.
few, many = measure(2, 64), measure(2, 128)
assert many[0] == few[0] and many[1] - few[1] < 64, "raised experts are in the code one by one"
