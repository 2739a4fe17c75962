"""moec run --profile: what the code of each node does, against what the model says it does.

REQUIRES: moec-test-python
RUN: %python %s %t.model.onnx %t.inputs.npz
RUN: moec compile --profile %t.model.onnx -o %t.so
RUN: moec run %t.so --inputs %t.inputs.npz --calls 3 --profile %t.json | FileCheck %s
CHECK:      ms/call      %    FLOP/call   bytes/call parallel  node
CHECK-DAG:  (MatMul)
CHECK-DAG:  (Mul)
CHECK-DAG:  (no node)
CHECK:      y: float32[3, 40, 24]
RUN: moec run %t.so --inputs %t.inputs.npz --profile %t.trace.json
RUN: moec run %t.so --inputs %t.inputs.npz --profile - --profile-format=trace > %t.stdout.json
RUN: %python %s --check %t.json %t.trace.json %t.stdout.json

Without counters, tasks still have the names of nodes.
RUN: moec compile %t.model.onnx -o %t.plain.so
RUN: %python %s --symbols %t.plain.so

No counters to read; a format that there is not; what was lowered without counters.
RUN: not moec run %t.plain.so --inputs %t.inputs.npz --profile %t.json 2>&1 | FileCheck %s --check-prefix=PLAIN
PLAIN: moec: error: the model has no counters: compile it with 'moec compile --profile'
RUN: not moec run %t.so --inputs %t.inputs.npz --profile %t.json --profile-format xml 2>&1 | FileCheck %s --check-prefix=FORMAT
FORMAT: moec: error: --profile-format: expected json or trace, found 'xml'
RUN: not moec run %t.so --inputs %t.inputs.npz --profile-format trace 2>&1 | FileCheck %s --check-prefix=ALONE
ALONE: moec: error: --profile-format needs --profile
RUN: moec compile %t.model.onnx --emit=bufferize -o %t.mlir
RUN: not moec compile --profile --from=bufferize %t.mlir -o %t.late.so 2>&1 | FileCheck %s --check-prefix=LATE
LATE: error: the model was lowered without counters: compile it with --profile from 'normalize' or before
RUN: moec compile --profile %t.model.onnx --emit=bufferize -o %t.mlir
RUN: moec compile --from=bufferize %t.mlir -o %t.early.so
RUN: moec run %t.early.so --inputs %t.inputs.npz --profile %t.json
"""

import json
import sys

BATCH, ROWS, DEPTH, COLUMNS = 3, 40, 16, 24


def make(modelPath, inputsPath):
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    weight = random.standard_normal((DEPTH, COLUMNS), dtype=np.float32)
    square = random.standard_normal((COLUMNS, COLUMNS)).astype(np.float16)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["up"], name="/mlp/up"),
        helper.make_node("Mul", ["up", "up"], ["squared"], name="/mlp/square"),
        helper.make_node("Transpose", ["squared"], ["turned"], name="/turn", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["squared", "turned"], ["scores"], name="/scores"),
        helper.make_node("MatMul", ["scores", "squared"], ["y"], name="/mix"),
        helper.make_node("Cast", ["y"], ["narrow"], name="/narrow", to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["narrow", "h"], ["half"], name="/half"),
        helper.make_node("Identity", ["x"], ["same"], name="/same"),
    ]
    graph = helper.make_graph(
        nodes,
        "profiled",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", "m", DEPTH])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", "m", COLUMNS]),
            helper.make_tensor_value_info("half", TensorProto.FLOAT16, ["b", "m", COLUMNS]),
            helper.make_tensor_value_info("same", TensorProto.FLOAT, ["b", "m", DEPTH]),
        ],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(square, "h")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), modelPath)
    np.savez(inputsPath, x=random.standard_normal((BATCH, ROWS, DEPTH), dtype=np.float32))


def check(sumsPath, *tracePaths):
    sums = json.load(open(sumsPath))
    nodes = {node["node"]: node for node in sums["nodes"]}
    # All rows, columns and depths, two operations for each product, in three calls.
    expected = {
        "/mlp/up": BATCH * ROWS * COLUMNS * DEPTH,
        "/scores": BATCH * ROWS * ROWS * COLUMNS,
        "/mix": BATCH * ROWS * COLUMNS * ROWS,
        "/half": BATCH * ROWS * COLUMNS * COLUMNS,
    }
    for name, products in expected.items():
        assert nodes[name]["flops"] == 3 * 2 * products, (name, nodes[name])
    # Of what stays as it is in the model, its operator; else the operation it was raised to.
    assert nodes["/scores"]["operator"] == nodes["/mix"]["operator"] == "MatMul"
    assert nodes["/mlp/up"]["operator"] == "moe.linear"
    assert sums["flops"] == 6 * sum(expected.values())
    # Two matrices are read and one is written.
    assert nodes["/mlp/up"]["bytes"] >= 3 * 4 * BATCH * ROWS * (DEPTH + COLUMNS), nodes["/mlp/up"]
    assert nodes["/mlp/square"]["bytes"] >= 3 * 2 * 4 * BATCH * ROWS * COLUMNS
    # Identity is a copy of the input, which is of no node.
    assert nodes[""]["bytes"] == 3 * 2 * 4 * BATCH * ROWS * DEPTH
    assert all(node["calls"] == 3 for node in nodes.values())
    assert 0 < sums["ms"] <= sums["wall_ms"] and sums["calls"] == 3
    assert abs(sum(node["ms"] for node in nodes.values()) - sums["ms"]) < 1e-6

    for path in tracePaths:
        events = json.load(open(path))["traceEvents"]
        assert {event["name"] for event in events} == {name or "(no node)" for name in nodes}
        assert [event["args"]["flops"] for event in events if event["name"] == "/mix"] == [2 * expected["/mix"]]
        end = 0.0
        for event in events:
            assert event["ph"] == "X" and event["ts"] >= end, events
            end = event["ts"] + event["dur"]


def symbols(path):
    text = open(path, "rb").read()
    assert b"task__mlp_square" in text, "no symbol of the elementwise node's task"


if sys.argv[1] == "--check":
    check(*sys.argv[2:])
elif sys.argv[1] == "--symbols":
    symbols(sys.argv[2])
else:
    make(*sys.argv[1:])
