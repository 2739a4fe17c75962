"""moec compile: where weights come from on the way into an artifact, and how little memory that takes.

REQUIRES: moec-test-python
RUN: rm -rf %t && mkdir %t && %python %s make %t

Raw, typed (decoded first) and external weights in one model; directly and by way of IR, which has the
decoded ones beside it.
RUN: moec compile %t/model.onnx -o %t/direct.so
RUN: moec run %t/direct.so --inputs %t/in.npz --expect %t/out.npz --atol 0 --rtol 0
RUN: moec compile %t/model.onnx --emit=import -o %t/import.mlir
RUN: moec compile %t/import.mlir --from=import --emit=lower -o %t/lower.mlirbc
RUN: moec compile %t/lower.mlirbc --from=lower -o %t/indirect.so
RUN: moec run %t/indirect.so --inputs %t/in.npz --expect %t/out.npz --atol 0 --rtol 0

The hash that an artifact carries is that of the files: of one as sha256sum prints it, of several that of
their digests.
RUN: moec inspect %t/direct.so --json > %t/direct.json
RUN: moec compile %t/single.onnx -o %t/single.so -j 1
RUN: moec inspect %t/single.so --json > %t/single.json
RUN: %python %s check %t

Files that are not what they were.
RUN: moec compile %t/model.onnx --emit=import > %t/stdout.mlir 2> %t/stdout.log
RUN: FileCheck %s --check-prefix=WARNING < %t/stdout.log
WARNING: moec: warning: {{.*}}weights that are made here, not in the files of the model, are not kept
RUN: not moec compile %t/stdout.mlir --from=import -o %t/x.so 2>&1 | FileCheck %s --check-prefix=NOT-KEPT
NOT-KEPT: moec: error: file {{[0-9]}} of the table of weights has no path: it held decoded weights and was not kept
RUN: %python %s grow %t
RUN: not moec compile %t/import.mlir --from=import -o %t/x.so 2>&1 | FileCheck %s --check-prefix=GROWN
GROWN: moec: error: {{.*}}w.bin' has 4097 bytes, expected 4096
RUN: rm %t/w.bin
RUN: not moec compile %t/import.mlir --from=import -o %t/x.so 2>&1 | FileCheck %s --check-prefix=GONE
GONE: moec: error: cannot read '{{.*}}w.bin': No such file or directory

Three gigabytes of (sparse) weights, of which one matrix has a third.
RUN: %python %s large %t moec
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

action, folder = sys.argv[1], pathlib.Path(sys.argv[2])


def external(name, location, dims, offset=0):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    tensor.external_data.add(key="offset", value=str(offset))
    return tensor


def save(path, nodes, inputs, outputs, initializers):
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    path.write_bytes(model.SerializeToString())


def digest(name):
    return hashlib.sha256((folder / name).read_bytes()).digest()


if action == "make":
    rng = np.random.default_rng(7)
    raw = rng.standard_normal((16, 32)).astype(np.float32)
    table = rng.integers(-(2**60), 2**60, 300)
    outside = rng.standard_normal((32, 32)).astype(np.float32)
    (folder / "w.bin").write_bytes(outside.tobytes())
    nodes = [helper.make_node("MatMul", ["x", "raw"], ["h"]), helper.make_node("Add", ["h", "w0"], ["sum"]),
             helper.make_node("Gather", ["main", "ids"], ["y"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [32, 16]),
              helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])]
    outputs = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, [32, 32]),
               helper.make_tensor_value_info("y", TensorProto.INT64, ["n"])]
    save(folder / "model.onnx", nodes, inputs, outputs,
         [numpy_helper.from_array(raw, "raw"), helper.make_tensor("main", TensorProto.INT64, [300], table),
          external("w0", "w.bin", [32, 32])])
    # One element a row, a power of two: the product is exact in whatever order it is computed.
    x = np.zeros((32, 16), np.float32)
    x[np.arange(32), np.arange(32) % 16] = 2
    ids = np.array([299, 0, 7])
    np.savez(folder / "in", x=x, ids=ids)
    np.savez(folder / "out", sum=x @ raw + outside, y=table[ids])
    save(folder / "single.onnx", nodes[:1], inputs[:1],
         [helper.make_tensor_value_info("h", TensorProto.FLOAT, [32, 32])], [numpy_helper.from_array(raw, "raw")])
elif action == "check":
    single, direct = (json.loads((folder / name).read_text()) for name in ("single.json", "direct.json"))
    assert single["model_sha256"] == digest("single.onnx").hex(), single["model_sha256"]
    both = hashlib.sha256(digest("model.onnx") + digest("w.bin"))
    assert direct["model_sha256"] == both.hexdigest(), direct["model_sha256"]
elif action == "grow":
    with open(folder / "w.bin", "ab") as file:
        file.write(b"\0")
elif action == "large":
    size, layers, limit = 16384, 3, 500
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(layers)]
    values = [helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, ["n", size]) for i in (0, layers)]
    weights = [external(f"w{i}", "large.bin", [size, size], 4 * size * size * i) for i in range(layers)]
    with open(folder / "large.bin", "wb") as file:
        file.truncate(4 * size * size * layers)
    save(folder / "large.onnx", nodes, values[:1], values[1:], weights)
    process = subprocess.Popen([sys.argv[3], "compile", folder / "large.onnx", "-o", folder / "large.so"])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    artifact = os.stat(folder / "large.so")
    print(f"exit code {process.returncode}, {usage.ru_maxrss >> 10} MB, artifact {artifact.st_size} bytes")
    assert process.returncode == 0 and usage.ru_maxrss >> 10 < limit
    assert artifact.st_size > 4 * size * size * layers and artifact.st_blocks * 512 < 16 << 20
    for name in ("large.bin", "large.so"):
        os.remove(folder / name)
