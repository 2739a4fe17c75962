"""The trained model that ships with the project gives the loss of the reference, in all and per
domain, and the logits of PyTorch; its steps with a cache give the logits of the whole sequence.

REQUIRES: moec-test-python
RUN: %python %s %models/moe-mini %t
"""

import json
import pathlib
import subprocess
import sys

import numpy as np

model_dir, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)


def moec(*arguments):
    return subprocess.run(["moec", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def compiled(name, *flags):
    library = work / f"{name}.so"
    moec("compile", *flags, model_dir / f"{name}.onnx", "-o", library)
    return library


def check_raised(name):
    """All layers are raised, and none if that is not wanted."""
    for flags, count in ((), 4), (("--no-raise",), 0):
        text = moec("compile", *flags, model_dir / f"{name}.onnx", "--emit=raise", "-o", "-")
        for operation in ("moe.route", "moe.experts", "moe.attention"):
            found = text.count(f" {operation} ")
            assert found == count, f"{name} {flags}: {found} of {operation}, expected {count}"


def check_outputs(library):
    for case in ("case0", "case1"):
        moec("run", library, "--inputs", model_dir / "inputs.npz", "--case", case, "--expect",
             model_dir / "outputs.npz", "--rtol", "1e-3", "--atol", "1e-3")  # fmt: skip


def check_loss(library):
    reference = json.loads((model_dir / "reference.json").read_text())["torch_fp32"]
    result = json.loads(moec("evaluate", library, "--tokens", model_dir / "eval.npz", "--json"))
    assert result["tokens"] == reference["total"]["tokens"], result["tokens"]
    labels = {"total": result} | result["labels"]
    assert labels.keys() == reference.keys(), labels.keys()
    for name, expected in reference.items():
        difference = abs(labels[name]["loss"] - expected["loss"])
        assert difference < 1e-4, f"{name}: loss {labels[name]['loss']}, expected {expected['loss']}"


def check_loss_of_some(library):
    reference = json.loads((model_dir / "reference.json").read_text())
    expected = reference["onnxruntime_fp32_model_onnx_16_rows"]["torch_loss"]
    result = json.loads(moec("evaluate", library, "--tokens", model_dir / "eval.npz", "--every", 16, "--json"))
    assert abs(result["loss"] - expected) < 1e-4, f"loss {result['loss']}, expected {expected}"


def run(library, inputs):
    np.savez(work / "in.npz", **inputs)
    moec("run", library, "--inputs", work / "in.npz", "--outputs", work / "out.npz")
    return dict(np.load(work / "out.npz"))


def check_steps(whole, stepwise):
    ids = np.load(model_dir / "eval.npz")["input_ids"][::64, :24].astype(np.int64)
    expected = run(whole, {"input_ids": ids})["logits"]
    rows, prefill = ids.shape[0], 16
    empty = np.zeros((rows, 2, 0, 32), np.float32)
    past = {f"past_key_values.{i}.{kind}": empty for i in range(4) for kind in ("key", "value")}
    for begin, end in [(0, prefill)] + [(i, i + 1) for i in range(prefill, ids.shape[1])]:
        outputs = run(stepwise, {"input_ids": ids[:, begin:end], **past})
        np.testing.assert_allclose(outputs["logits"], expected[:, begin:end], rtol=0, atol=1e-3)
        past = {f"past_key_values.{name.removeprefix('present.')}": value
                for name, value in outputs.items() if name != "logits"}  # fmt: skip


NAMES = ("model_grouped", "model", "model_with_past")
for name in NAMES:
    check_raised(name)
check_outputs(compiled("model_grouped", "--no-raise"))
grouped, gathered, with_past = map(compiled, NAMES)
for library in (grouped, gathered):
    check_outputs(library)
check_loss(grouped)
check_loss_of_some(gathered)
check_steps(grouped, with_past)
