"""moec inspect: models against the onnx package, compiled models against their signature; mistakes.

REQUIRES: moec-test-python
RUN: moec inspect %models/moe-mini/model_grouped.onnx --json > %t.json
RUN: %python %s %models/moe-mini/model_grouped.onnx %t.json
RUN: moec inspect %models/moe-mini/model_with_past.onnx | FileCheck %s --check-prefix=TEXT
TEXT: model_with_past.onnx: a model by pytorch {{.*}}, ai.onnx 20
TEXT-NEXT: inputs:
TEXT-NEXT: input_ids int64[batch, seq]
TEXT-NEXT: past_key_values.0.key float32[batch, 2, past, 32]
TEXT: outputs:
TEXT-NEXT: logits {{.*}}[batch, seq, {{.*}}]
TEXT: parameters: 88{{[0-9]+}} in {{[0-9]+}} tensors, 35.2 MB, {{[0-9]+}} used by a token
TEXT-NEXT: MoE layers:
TEXT-NEXT: {{.*}} 4 of 16 experts, width 128, swiglu; router softmax, renormalized; 6.3 MB
TEXT-COUNT-3: 4 of 16 experts
TEXT-NEXT: attention layers:
TEXT-NEXT: {{.*}} 4 heads of 32, 2 of keys, causal
TEXT-COUNT-3: 4 heads of 32
TEXT-NEXT: operators: {{[0-9]+}} nodes
TEXT-NEXT: {{^ +[0-9]+  [A-Z][A-Za-z]+$}}

RUN: %cc %fixture %S/Inputs/twice.c -o %t.o
RUN: moec-test-link %t.o %S/Inputs/twice.json %t.so
RUN: moec inspect %t.so | FileCheck %s --check-prefix=COMPILED
COMPILED: .so: a compiled model, format 1.0
COMPILED-NEXT: inputs:
COMPILED-NEXT: x float32[n, 3]
COMPILED-NEXT: ids int64[n]
COMPILED-NEXT: outputs:
COMPILED-NEXT: twice float32[n, 3]
COMPILED-NEXT: next int64[n]
COMPILED-NEXT: target: x86-64 x86_64-unknown-linux-gnu
COMPILED-NEXT: needs: nothing beyond the baseline
COMPILED-NEXT: file: 2.1 MB
COMPILED-NEXT: weights: 0 bytes
COMPILED-NEXT: made of: 00000000
RUN: moec inspect --json %t.so > %t.json
RUN: %python %s %t.so %t.json

RUN: not moec inspect %t.nowhere 2>&1 | FileCheck %s --check-prefix=NOWHERE
NOWHERE: moec: error: {{.*}}nowhere: No such file or directory
RUN: not moec inspect %s 2>&1 | FileCheck %s --check-prefix=NEITHER
NEITHER: moec: error: {{.*}}inspect-model.py: neither a compiled model nor a model that can be read
RUN: not moec inspect %t.o 2>&1 | FileCheck %s --check-prefix=OBJECT
OBJECT: moec: error: '{{.*}}.o': it is not a shared object for x86-64
"""

import collections
import json
import math
import os
import sys

path, description = sys.argv[1], json.load(open(sys.argv[2]))

if path.endswith(".so"):
    assert description["inputs"][0] == {"name": "x", "type": "float32", "shape": ["n", 3]}, description
    assert description["file_size"] == os.path.getsize(path), description
    assert description["weights_size"] == 0 and description["weights_file"] == ""
    sys.exit()

import onnx

model = onnx.load(path, load_external_data=False)
constants = [n for n in model.graph.node if n.op_type == "Constant"]
operators = collections.Counter(n.op_type for n in model.graph.node if n.op_type != "Constant")
tensors = list(model.graph.initializer) + [n.attribute[0].t for n in constants]
weights = [t for t in tensors if t.dims and t.data_type == onnx.TensorProto.FLOAT]
assert description["operators"] == dict(operators), (description["operators"], operators)
assert description["nodes"] == sum(operators.values())
assert description["opsets"] == {"ai.onnx": model.opset_import[0].version}
assert description["parameter_tensors"] == len(weights)
assert description["parameters"] == sum(math.prod(t.dims) for t in weights)
assert description["parameter_bytes"] == 4 * description["parameters"]
assert description["inputs"] == [{"name": "input_ids", "type": "int64", "shape": ["batch", "seq"]}]
assert [o["name"] for o in description["outputs"]] == ["logits"]

# What the model is made of, from the file that describes it; each layer has three matrices an expert.
known = json.load(open(os.path.join(os.path.dirname(path), "meta.json")))["config"]
layers, experts, chosen = known["num_hidden_layers"], known["num_local_experts"], known["num_experts_per_tok"]
expert = 3 * known["hidden_size"] * known["moe_intermediate_size"]
assert len(description["moe_layers"]) == len(description["attention_layers"]) == layers
for layer in description["moe_layers"]:
    assert (layer["experts"], layer["top_k"]) == (experts, chosen), layer
    assert layer["expert_hidden"] == known["moe_intermediate_size"] and layer["activation"] == "swiglu", layer
    assert layer["router"] == {"score": "softmax", "weights": "renormalized", "bias": False, "groups": 1,
                               "top_groups": 1, "scale": 1}, layer  # fmt: skip
    assert layer["shared_experts"] == 0 and layer["parameters"] == experts * expert, layer
    assert layer["bytes"] == 4 * layer["parameters"] and layer["flops_per_token"] == 2 * chosen * expert, layer
for layer in description["attention_layers"]:
    assert layer["heads"] == known["num_attention_heads"] and layer["kv_heads"] == known["num_key_value_heads"]
    # This file compares positions that it gathers, which no reader of masks understands yet: whether it is causal
    # is checked on the other one, above.
    assert layer["head_dim"] == known["head_dim"] and not layer["window"], layer
    assert not layer["sinks"] and not layer["softcap"], layer
assert description["active_parameters"] == description["parameters"] - layers * (experts - chosen) * expert
assert description["unraised"] == description["diagnostics"] == []
