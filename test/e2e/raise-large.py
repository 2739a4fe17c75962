"""Graphs of loops over experts import and raise in time and memory that grow with the number of nodes, whether there
are more layers or more experts; and every layer is raised. The full form (tools/dev/test --large) is a model of
48 layers with 128 experts each, 330,000 nodes: under 60 s and 4 GB.

REQUIRES: moec-test-python
RUN: %python %s %t
RUN: %if moec-large-tests %{ %python %s %t --full %}
"""

import os
import pathlib
import re
import subprocess
import sys

generator = pathlib.Path(__file__).parent / "Inputs" / "loop_moe.py"
work = pathlib.Path(sys.argv[1])
full = "--full" in sys.argv
work.mkdir(parents=True, exist_ok=True)


def measure(layers, experts):
    """CPU time in seconds (the least of several runs where a run is short), memory in MB, number of nodes."""
    path, output = work / "model.onnx", work / "raised.mlir"
    # A process of its own: what this one has in memory would count as the compiler's.
    made = subprocess.run([sys.executable, generator, path, "--layers", str(layers), "--experts", str(experts)],
                          check=True, capture_output=True, text=True)  # fmt: skip
    nodes = int(made.stdout)
    times, megabytes = [], 0
    for _ in range(1 if full else 3):
        process = subprocess.Popen(["moec", "compile", path, "--emit=raise", "-o", output, "-j", "1"])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        times.append(usage.ru_utime + usage.ru_stime)
        megabytes = max(megabytes, usage.ru_maxrss / 1024)
    text = output.read_text()
    # What looks at every slot of every expert would be what was not raised.
    raised, left = len(re.findall(r"= moe\.experts ", text)), text.count('onnx.node "ScatterElements"')
    assert raised == layers and left == 0, f"{raised} of {layers} layers raised, {left} scatters left"
    path.unlink()
    output.unlink()
    print(f"{layers} layers of {experts} experts, {nodes} nodes: {min(times):.2f} s, {megabytes:.0f} MB")
    return min(times), megabytes, nodes


def compare(small, large, spare, slack=1.6):
    """The large one takes no more than its share, but for noise and what every run takes."""
    share = large[2] / small[2]
    assert large[0] <= slack * share * small[0] + spare, f"time grew by {large[0] / small[0]:.1f}, nodes by {share:.1f}"
    assert large[1] <= slack * share * small[1], f"memory grew by {large[1] / small[1]:.1f}, nodes by {share:.1f}"


if full:
    large = measure(48, 128)
    compare(measure(12, 128), large, spare=2)
    assert large[2] > 320_000 and large[0] < 60 and large[1] < 4096
else:
    small = measure(3, 32)
    compare(small, measure(12, 32), spare=0.3)
    compare(small, measure(3, 128), spare=0.3)
