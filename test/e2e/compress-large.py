"""Passes that change weights take time and memory in proportion to the number of layers, and so does the log of what they decide.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import os
import pathlib
import subprocess
import sys

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
LAYERS, TIMES = 2500, 8


def write(path, layers):
    """Layers in a row, each with a weight of its own."""
    with path.open("w") as file:
        file.write("func.func @main(%x0: tensor<?x8xf32>) -> tensor<?x8xf32> {\n")
        for i in range(layers):
            file.write(f"  %w{i} = onnx.constant dense<{i + 1}.0> : tensor<8x8xf32>\n"
                       f"  %y{i} = moe.linear %x{i}, %w{i} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>\n"
                       f"  %x{i + 1} = moe.activation <relu> %y{i} : tensor<?x8xf32>\n")  # fmt: skip
        file.write(f"  return %x{layers} : tensor<?x8xf32>\n}}\n")


def measure(layers, flag):
    """(seconds of CPU, kilobytes at the most), and that all layers were changed"""
    program = work / f"{layers}.mlir"
    write(program, layers)
    # The operation at each remark would be printed with the names of all values before it.
    command = ["moec-opt", "--mlir-print-op-on-diagnostic=false", flag, program, "-o", work / "out.mlir"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    text = (work / "out.mlir").read_text()
    assert text.count('verdict = "done"') == layers, text.count('verdict = "done"')
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


for flag in ("--moe-quantize-weights=format=int4 group=0", "--moe-factorize-linear=form=lowrank rank=1"):
    (small_time, small_memory), (time_, memory) = measure(LAYERS, flag), measure(TIMES * LAYERS, flag)
    print(f"{flag}: {LAYERS} layers {small_time:.2f} s, {small_memory >> 10} MB; {TIMES} times as many {time_:.2f} s, {memory >> 10} MB")
    # In proportion it is 8 times the time; with the square of the layers, 64.
    assert time_ < 2.5 * TIMES * small_time + 1, (small_time, time_)
    assert memory < TIMES * small_memory, (small_memory, memory)
