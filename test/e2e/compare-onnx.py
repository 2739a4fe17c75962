"""moec run --compare-onnx: the first node that computes something else than in ONNX Runtime.

REQUIRES: moec-test-python
RUN: %python %s %t.right.onnx %t.wrong.onnx %t.npz
RUN: moec compile %t.right.onnx -o %t.right.so

What is right, in one batch and in several.
RUN: env MOEC_PYTHON=%python moec run %t.right.so --inputs %t.npz --case a --compare-onnx %t.right.onnx | FileCheck %s --check-prefix=RIGHT
RUN: env MOEC_PYTHON=%python moec run %t.right.onnx --inputs %t.npz --case a --compare-onnx %t.right.onnx --batch 2 | FileCheck %s --check-prefix=AGREES
RIGHT: y [2, 3, 8]: largest error {{.*}} absolute
AGREES-NOT: y [
RIGHT: compared 8 of 8 values
AGREES: compared 8 of 8 values
AGREES-NEXT: no value differs

A model with another operator in one node and another weight in a later one: the earlier node is named.
RUN: not env MOEC_PYTHON=%python moec run %t.wrong.onnx --inputs %t.npz --case a --compare-onnx %t.right.onnx > %t.log 2>&1
RUN: FileCheck %s --check-prefix=WRONG < %t.log
WRONG: the first that differs: 'mean' of node '/norm/mean' (ReduceMax)
WRONG-NEXT: has {{[0-9]+}} of 6 elements outside 0.001 + 0.001 * |expected|
WRONG-NEXT: shape [2, 3, 1], largest error
WRONG-NEXT: operand 'squared': agrees, largest error {{.*}} absolute
WRONG-NEXT: operand that is a constant
WRONG: moec: error: node '/norm/mean' computes something else than in ONNX Runtime
RUN: not env MOEC_PYTHON=%python moec run %t.wrong.onnx --inputs %t.npz --case a --compare-onnx %t.right.onnx --batch 1 --json > %t.json
RUN: %python %s --check %t.json
RUN: env MOEC_PYTHON=%python moec run %t.wrong.onnx --inputs %t.npz --case a --compare-onnx %t.right.onnx --atol 1000

A compiled model that is of another file: its outputs differ, though no node does.
RUN: moec compile %t.wrong.onnx -o %t.wrong.so
RUN: not env MOEC_PYTHON=%python moec run %t.wrong.so --inputs %t.npz --case a --compare-onnx %t.right.onnx > %t.log 2>&1
RUN: FileCheck %s --check-prefix=OTHER < %t.log
OTHER: y [2, 3, 8]: largest error {{.*}}: FAILED
OTHER: no value differs
OTHER: moec: error: output 'y' has

Mistakes.
RUN: not env MOEC_PYTHON=%t.nowhere moec run %t.right.so --inputs %t.npz --case a --compare-onnx %t.right.onnx 2>&1 | FileCheck %s --check-prefix=PYTHON
PYTHON: moec: error: no '{{.*}}nowhere' found: set MOEC_PYTHON to a Python with numpy, onnx and onnxruntime
RUN: not env MOEC_PYTHON=%python PYTHONPATH=%S/Inputs/without-onnx moec run %t.right.so --inputs %t.npz --case a --compare-onnx %t.right.onnx 2>&1 | FileCheck %s --check-prefix=PACKAGES
PACKAGES: moec: error: {{.*}}: the comparison needs the Python packages numpy, onnx and onnxruntime: No module named 'onnx'
RUN: not env MOEC_PYTHON=%python moec run %t.right.so --inputs %t.npz --case a --compare-onnx %t.nowhere.onnx 2>&1 | FileCheck %s --check-prefix=NOWHERE
NOWHERE: moec: error: {{.*}}nowhere.onnx
RUN: not moec run %t.right.so --inputs %t.npz --json 2>&1 | FileCheck %s --check-prefix=JSON
JSON: moec: error: --json needs --compare-onnx
RUN: not moec run %t.right.so --inputs %t.npz --compare-onnx %t.right.onnx --calls 2 2>&1 | FileCheck %s --check-prefix=CALLS
CALLS: moec: error: --calls does not go with --compare-onnx
"""

import json
import sys


def make(rightPath, wrongPath, inputsPath):
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    weight = random.standard_normal((8, 8), dtype=np.float32)

    def save(path, reduction, weight):
        nodes = [
            helper.make_node("Mul", ["x", "x"], ["squared"], name="/norm/square"),
            helper.make_node(reduction, ["squared", "axis"], ["mean"], name="/norm/mean"),
            helper.make_node("Sqrt", ["mean"], ["root"], name="/norm/root"),
            helper.make_node("Div", ["x", "root"], ["normed"], name="/norm/div"),
            # What gives its operand back is folded, but seen here.
            helper.make_node("Identity", ["normed"], ["same"], name="/same"),
            helper.make_node("MatMul", ["same", "w"], ["product"], name="/product"),
            helper.make_node("Greater", ["product", "zero"], ["positive"], name="/positive"),
            helper.make_node("Where", ["positive", "product", "zero"], ["y"], name="/where"),
        ]
        graph = helper.make_graph(
            nodes,
            "compared",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", "m", 8])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", "m", 8])],
            [
                numpy_helper.from_array(weight, "w"),
                numpy_helper.from_array(np.array(0, np.float32), "zero"),
                numpy_helper.from_array(np.array([2], np.int64), "axis"),
            ],
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)

    save(rightPath, "ReduceMean", weight)
    other = weight.copy()
    other[3, 4] += 1
    save(wrongPath, "ReduceMax", other)
    np.savez(inputsPath, **{"a/x": random.standard_normal((2, 3, 8), dtype=np.float32)})


def check(path):
    result = json.load(open(path))
    first = result["first_difference"]
    assert (first["value"], first["node"], first["operator"]) == ("mean", "/norm/mean", "ReduceMax"), first
    assert first["mismatches"] == 6 and first["max_abs"] > 0.1
    squared, axis = first["operands"]
    assert squared["kind"] == "value" and squared["name"] == "squared" and squared["mismatches"] == 0
    assert axis == {"kind": "constant"}
    # One at a time: the search ends with the value that differs.
    assert result["compared"] == 2 and result["values"] == 8


if sys.argv[1] == "--check":
    check(sys.argv[2])
else:
    make(*sys.argv[1:])
