"""Memory of a call: what it holds at most is within a fifth of the buffers that it has in use at once,
and a call with sizes that were seen before asks the system for nothing, whichever experts its tokens
go to. Prints a table.

What is in use at once is also measured without the plan: the same program with a buffer allocated at
its first use and freed after its last one, whose peak the runtime counts.

REQUIRES: moec-test-python
RUN: %python %s %models/moe-mini %t
"""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from c_interface import Model, Session  # noqa: E402
from tools import moec, output  # noqa: E402

# What the plan cannot know: buffers come in multiples of 64 bytes.
MOST = 1.2

data, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)


def compile_unplanned(model, library):
    """The model with allocations in place of the plan. For a CPU that the passes assume by default."""
    lowered, buffers = library.with_suffix(".lower.mlir"), library.with_suffix(".buffers.mlir")
    moec("compile", model, "--target-cpu", "x86-64", "--emit=lower", "-o", lowered)
    output("moec-opt", lowered, "--moec-bufferize-pipeline=plan-memory=false", "-o", buffers)
    moec("compile", buffers, "--target-cpu", "x86-64", "--from=bufferize", "-o", library)


def count_allocations(library, length, calls):
    """After the first call, and after all; of other tokens each time, so that experts get other numbers."""
    session = Session(Model(str(library)), threads=0)
    random = np.random.default_rng(0)
    counts = []
    for call in range(calls):
        # Sometimes all the same, so that few experts get all.
        ids = np.full(length, call) if call % 4 == 1 else random.integers(0, 4096, length)
        result, _ = session.run({"input_ids": (7, (1, length), ids.astype(np.int64).tobytes())})
        assert result == 0, session.last_error()
        counts.append(session.allocations())
    return counts[0], counts[-1]


tokens = np.load(data / "eval.npz")["input_ids"].reshape(-1).astype(np.int64)
problems = []
print("model              tokens    peak MB    live MB  ratio  allocations: first call, later")
for name in ("model", "model_grouped", "model_with_past"):
    library = work / f"{name}.so"
    unplanned = work / f"{name}-unplanned.so"
    moec("compile", data / f"{name}.onnx", "-o", library)
    compile_unplanned(data / f"{name}.onnx", unplanned)
    for count in (1, 16, 256):
        arrays = {"input_ids": tokens[None, :count]}
        if name == "model_with_past":
            for layer in range(4):
                for part in ("key", "value"):
                    arrays[f"past_key_values.{layer}.{part}"] = np.zeros((1, 2, 64, 32), np.float32)
        np.savez(work / "inputs.npz", **arrays)
        found = json.loads(moec("bench", library, "--inputs", work / "inputs.npz", "--seconds", 0, "--json"))
        peak, live = found["call_peak_mb"], found["call_live_mb"]
        first, later = found["first_call_allocations"], found["later_allocations"]
        print(f"{name:18} {count:6} {peak:10.3f} {live:10.3f} {peak / live:6.3f}  {first} {later}")
        unplanned_bench = moec("bench", unplanned, "--inputs", work / "inputs.npz", "--seconds", 0, "--json")
        measured = json.loads(unplanned_bench)["call_peak_mb"]
        print(f"{'':18} {'':6} {peak:10.3f} {measured:10.3f} {peak / measured:6.3f}  without a plan")
        if not peak <= MOST * measured:
            problems.append(f"{name}, {count} tokens: {peak / measured:.3f} times the peak of allocations")
        if not 1 <= peak / live <= MOST:
            problems.append(f"{name}, {count} tokens: {peak / live:.3f} times what is in use at once")
        if first == 0 or later != 0:
            problems.append(f"{name}, {count} tokens: {first} allocations, then {later}")
        if name == "model_grouped":
            first, later = count_allocations(library, count, 40)
            if first != later:
                problems.append(f"{name}, {count} tokens: {first} allocations, {later} after other inputs")
sys.exit("\n".join(problems) or None)
