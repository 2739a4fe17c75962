"""A graph of 300,000 nodes imports in under 10 s of CPU time and 1 GB of memory.

REQUIRES: moec-test-python
RUN: %python %s moec-opt %t.onnx %t.mlirbc
"""

import os
import subprocess
import sys

from onnx import TensorProto, helper

NODES, SECONDS, MEGABYTES = 300_000, 10, 1000
OPERATORS = ["Relu", "Neg", "Abs", "Sigmoid", "Add"]

moec_opt, path, output = sys.argv[1:]
nodes, last = [], "x"
for i in range(NODES):
    operator = OPERATORS[i % len(OPERATORS)]
    name = f"/model/layers.{i // 100}/block/{operator}_{i}"
    operands = [last, "x"] if operator == "Add" else [last]
    last = name + "_output_0"
    nodes.append(helper.make_node(operator, operands, [last], name=name))
inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 16])] for name in ("x", last))
model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs), ir_version=10,
                          opset_imports=[helper.make_opsetid("", 21)])
with open(path, "wb") as file:
    file.write(model.SerializeToString())

process = subprocess.Popen([moec_opt, path, "--emit-bytecode", "-o", output])
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
seconds, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
print(f"exit code {process.returncode}, {seconds:.1f} s, {megabytes:.0f} MB")
assert process.returncode == 0 and os.path.getsize(output) > NODES
assert seconds < SECONDS and megabytes < MEGABYTES
os.remove(path)
os.remove(output)
