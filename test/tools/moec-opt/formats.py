"""moec-opt: what it takes, told apart by contents, and what it says of itself.

REQUIRES: moec-test-python
RUN: rm -rf %t && mkdir %t && %python %s %t

Its own words come first; options of libLLVM are hidden.
RUN: moec-opt --help | FileCheck %s --check-prefix=HELP
HELP: OVERVIEW: moec-opt: passes over ONNX models and IR
HELP: moec-opt model.onnx
HELP: Available Dialects: {{.*}} kernel, {{.*}} moe, onnx, par,
HELP-NOT: --aarch64
HELP: --allow-linked-weights
HELP: --moec-normalize-pipeline
RUN: moec-opt --version | FileCheck %s --check-prefix=VERSION
VERSION: moec-opt {{[0-9.]+}} (LLVM 22.
RUN: moec-opt --show-dialects | FileCheck %s --check-prefix=DIALECTS
DIALECTS: Available Dialects: {{.*}}onnx

A model, whatever its name; IR, whatever its name and form.
RUN: moec-opt %t/model.onnx -o %t/model.mlir
RUN: FileCheck %s --check-prefix=MODEL < %t/model.mlir
RUN: moec-opt %t/model | diff %t/model.mlir -
RUN: moec-opt %t/model.mlir | diff %t/model.mlir -
RUN: moec-opt - < %t/model.mlir | diff %t/model.mlir -
RUN: moec-opt < %t/model.mlir | diff %t/model.mlir -
RUN: moec-opt %t/model.onnx --emit-bytecode -o %t/bytecode.onnx
RUN: moec-opt %t/bytecode.onnx | diff %t/model.mlir -
RUN: moec-opt - < %t/bytecode.onnx | diff %t/model.mlir -
MODEL: onnx.node "Relu"

Passes run on models as on IR; errors name the node.
RUN: moec-opt %t/model.onnx --moec-normalize-pipeline | FileCheck %s --check-prefix=NORMALIZED
NORMALIZED: onnx.node "Relu"({{.*}}) version 14 : (tensor<?x4xf32>) -> tensor<?x4xf32>
RUN: not moec-opt %t/unsupported.onnx --moec-normalize-pipeline 2>&1 | FileCheck %s --check-prefix=UNSUPPORTED
UNSUPPORTED: the_node

Mistakes.
RUN: not moec-opt - < %t/model.onnx 2>&1 | FileCheck %s --check-prefix=STDIN
STDIN: moec-opt: standard input holds an ONNX model, expected IR: give the name of the model's file
RUN: not moec-opt %t/nowhere.onnx 2>&1 | FileCheck %s --check-prefix=NOWHERE
NOWHERE: moec-opt: cannot read '{{.*}}nowhere.onnx': No such file or directory
RUN: not moec-opt %t/model.onnx -o %t/nowhere/x.mlir 2>&1 | FileCheck %s --check-prefix=OUTPUT
OUTPUT: moec-opt: {{.*}}nowhere/x.mlir
RUN: not moec-opt %s 2>&1 | FileCheck %s --check-prefix=NEITHER
NEITHER: formats.py:1:1: error:
"""

import pathlib
import sys

from onnx import TensorProto, helper

folder = pathlib.Path(sys.argv[1])


def save(names, node, domain=""):
    inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4])] for name in "xy")
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.example", 1)]
    model = helper.make_model(helper.make_graph([node], "g", inputs, outputs), opset_imports=imports, ir_version=10)
    for name in names:
        (folder / name).write_bytes(model.SerializeToString())


save(["model.onnx", "model"], helper.make_node("Relu", ["x"], ["y"]))
save(["unsupported.onnx"], helper.make_node("Thing", ["x"], ["y"], name="the_node", domain="com.example"))
