"""Memory of a call: what it holds at most is within a fifth of the buffers that it has in use at once,
and a call with sizes that were seen before asks the system for nothing. Prints a table.

REQUIRES: moec-test-python
RUN: %python %s %models/moe-mini %t
"""

import json
import pathlib
import subprocess
import sys

import numpy as np

# What the plan cannot know: buffers come in multiples of 64 bytes.
MOST = 1.2

data, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)


def moec(*arguments):
    return subprocess.run(["moec", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


tokens = np.load(data / "eval.npz")["input_ids"].reshape(-1).astype(np.int64)
problems = []
print("model              tokens    peak MB    live MB  ratio  allocations: first call, later")
for name in ("model", "model_grouped", "model_with_past"):
    library = work / f"{name}.so"
    moec("compile", data / f"{name}.onnx", "-o", library)
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
        if not 1 <= peak / live <= MOST:
            problems.append(f"{name}, {count} tokens: {peak / live:.3f} times what is in use at once")
        if first == 0 or later != 0:
            problems.append(f"{name}, {count} tokens: {first} allocations, then {later}")
sys.exit("\n".join(problems) or None)
