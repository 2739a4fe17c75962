"""moec bench: the numbers are there and in order; it calls at least three times.

REQUIRES: moec-test-python
RUN: %cc %fixture %S/Inputs/twice.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/twice.json %t.so
RUN: %python %s %t.npz
RUN: moec bench %t.so --inputs %t.npz --case c --seconds 0 --threads 1 --json > %t.json
RUN: %python %s %t.npz %t.json
RUN: moec bench %t.so --inputs %t.npz --case c --seconds 0.01 | FileCheck %s
CHECK: median {{[0-9.]+}} ms a call (10 %: {{[0-9.]+}}, 90 %: {{[0-9.]+}}; {{[0-9]+}} calls, {{[0-9]+}} threads)
CHECK-NEXT: load {{[0-9.]+}} ms, peak memory {{[0-9.]+}} MB
RUN: not moec bench %t.so --inputs %t.npz --case d 2>&1 | FileCheck %s --check-prefix=CASE
CASE: moec: error: {{.*}}.npz: no array 'd/x' for input 'x' of the model; the file has the cases c
RUN: not moec bench %t.so --inputs %t.npz --seconds=-1 2>&1 | FileCheck %s --check-prefix=SECONDS
SECONDS: moec: error: --seconds: expected a number of at least 0, found '-1'
"""

import json
import sys

import numpy as np

np.savez(sys.argv[1], **{"c/x": np.ones((4, 3), np.float32), "c/ids": np.arange(4)})
if len(sys.argv) > 2:
    found = json.load(open(sys.argv[2]))
    keys = ["median_ms", "p10_ms", "p90_ms", "calls", "load_ms", "peak_rss_mb", "threads"]
    assert list(found)[: len(keys)] == keys, found
    assert 0 < found["p10_ms"] <= found["median_ms"] <= found["p90_ms"], found
    assert found["calls"] == 3 and found["threads"] == 1 and found["load_ms"] > 0, found
    assert 1 < found["peak_rss_mb"] < 1000, found
