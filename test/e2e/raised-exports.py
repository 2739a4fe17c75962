"""What is recognised in the exports of the wide test data, as a table of exporters' routes and model families: all
layers of experts with the number of experts, choices, inner width and kind of router that their descriptions
say, and all attention layers with their heads.

REQUIRES: moec-test-python, moec-test-data
RUN: %python %s %moec_test_data/models/exports
"""

import collections
import json
import pathlib
import subprocess
import sys

exports = pathlib.Path(sys.argv[1])


def routersOf(text):
    """Score and weights that a description stands for; a softmax over the chosen has two spellings."""
    if text.startswith("softmax, argmax") or "NOT" in text:
        return {("softmax", "score")}
    if text.startswith("softmax over all"):
        return {("softmax", "renormalized" if "renormalised" in text else "score")}
    if text.startswith("sigmoid"):
        return {("sigmoid", "renormalized")}
    if text.startswith("sparsemixer"):
        return {("sparsemixer", "score")}
    if text.startswith("top-1 of logits"):
        return {("sigmoid", "score")}
    assert "then softmax over the k" in text, text
    return {("identity", "softmax"), ("softmax", "renormalized")}


def check(folder):
    """Problems in words."""
    known = json.loads((folder / "meta.json").read_text())["architecture"]
    done = subprocess.run(["moec", "inspect", folder / "model.onnx", "--json"], capture_output=True, text=True)
    if done.returncode:
        return [done.stderr.strip()]
    found = json.loads(done.stdout)
    problems = []
    layers = known["layers"] - len(known.get("dense_layers", [])) if "experts" in known else 0
    if len(found["moe_layers"]) != layers:
        problems.append(f"{len(found['moe_layers'])} of {layers} layers of experts")
    for layer in found["moe_layers"]:
        numbers = layer["experts"], layer["top_k"], layer["expert_hidden"]
        if numbers != (known["experts"], known["k"], known["inter"]):
            problems.append(f"{layer['name']}: {numbers}")
        router = layer["router"] and (layer["router"]["score"], layer["router"]["weights"])
        if router not in routersOf(known["router"]):
            problems.append(f"{layer['name']}: router {router} for '{known['router']}'")
        if layer["shared_experts"] != ("shared" in known):
            problems.append(f"{layer['name']}: {layer['shared_experts']} shared experts")
    # In and out of attention that is routed too.
    projections = 2 * layers if "also routes attention" in known.get("router", "") else 0
    if len(found["routed_projections"]) != projections:
        problems.append(f"{len(found['routed_projections'])} of {projections} routed projections")
    # The one block that stands alone has attention over complex numbers, which no exporter writes.
    attention = 0 if known.get("block_only") else known["layers"]
    if len(found["attention_layers"]) != attention:
        problems.append(f"{len(found['attention_layers'])} of {attention} attention layers")
    for layer in found["attention_layers"]:
        if layer["heads"] % layer["kv_heads"] or layer["sinks"] != ("sinks" in known.get("attention", "")):
            problems.append(f"{layer['name']}: {layer}")
    return problems


table, wrong = collections.defaultdict(dict), []
for folder in sorted(path for path in exports.iterdir() if (path / "meta.json").exists()):
    problems = check(folder)
    family, _, route = folder.name.partition("-")
    table[family][route] = "raised" if not problems else "WRONG"
    if problems:
        wrong.append(f"{folder.name}: {'; '.join(problems)}")
for family, routes in table.items():
    print(f"{family:20}", ", ".join(f"{route} {result}" for route, result in routes.items()))
print("\n".join(wrong))
sys.exit(bool(wrong))
