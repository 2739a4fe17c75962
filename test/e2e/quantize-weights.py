"""The trained model with weights of 8 and 4 bits: how much worse it predicts, what it takes in the file and in memory.

REQUIRES: moec-test-python
RUN: %python %s %models/moe-mini %t
"""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import moec, output  # noqa: E402

model_dir, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)
MODEL = model_dir / "model_grouped.onnx"
PAGE = 2 << 20  # what weights begin at a multiple of

# Numbers of the model: what is looked up and the head, and all other matrices but the routers'.
OUTER, INNER = 2 * 4096 * 256, 4 * (16 * 3 * 256 * 128 + 256 * (128 + 64 + 64 + 128))
OTHER = 4 * (4 * 16 * 256 + 9 * 256 + 8 * 32)  # bytes: routers, norms
# Each row of 256 of the embedding, and each of the head's outputs, has a scale of 16 bits.
OUTER_BYTES = OUTER + 2 * OUTER // 256


def quantized(name, options):
    program, library = work / f"{name}.mlir", work / f"{name}.so"
    output("moec-opt", MODEL, "--moec-normalize-pipeline", "--moec-raise-pipeline", f"--moe-quantize-weights={options}",
           "--canonicalize", f"--moec-keep-weights=output={program}", "-o", program)  # fmt: skip
    moec("compile", "--from=raise", program, "-o", library)
    return library, pathlib.Path(f"{program}.weights").stat().st_size


def evaluate(library, reference):
    tokens = ("--tokens", model_dir / "eval.npz", "--every", 4)
    return json.loads(moec("evaluate", library, "--reference", reference, *tokens, "--json"))


def bench(library):
    return json.loads(moec("bench", library, "--inputs", work / "in.npz", "--seconds", 0.2, "--json"))


reference = work / "reference.so"
moec("compile", MODEL, "-o", reference)
np.savez(work / "in.npz", input_ids=np.arange(64)[None])
before = bench(reference)
problems, ratios = [], []
for name, options, bytes_, most in (
        ("int8", "format=int8", OUTER_BYTES + INNER + 4 * 2 * (16 * 512 + 256 + 256), 1.002),
        ("int4-g32", "format=int4", OUTER_BYTES + INNER * 4.5 / 8, 1.02),
        ("int4-g32-zeros", "format=int4 asymmetric", OUTER_BYTES + OUTER // 256 + INNER * 4.625 / 8, 1.02),
        ("int4-g128", "format=int4 group=128", OUTER_BYTES + INNER * 4.125 / 8, 1.04)):  # fmt: skip
    library, size = quantized(name, options)
    found, after = evaluate(library, reference), bench(library)
    ratio = found["perplexity_ratio"]
    print(f"{name:15} perplexity {ratio:.4f}, top-1 {found['top1_agreement']:.3f}, {size} bytes, artifact "
          f"{library.stat().st_size}, call {after['call_peak_mb']:.2f} MB, {after['median_ms'] / before['median_ms']:.2f} of the time")  # fmt: skip
    ratios.append(ratio)
    if ratio > most:
        problems.append(f"{name}: the perplexity is {ratio:.4f} times that of the model, expected at most {most}")
    # What is not quantised stays in the model's file.
    if abs(size - bytes_) > 0.02 * bytes_:
        problems.append(f"{name}: {size} bytes of weights, expected {bytes_:.0f}")
    artifact = library.stat().st_size
    if artifact - 2 * PAGE > 1.02 * (bytes_ + OTHER):
        problems.append(f"{name}: an artifact of {artifact} bytes for {bytes_ + OTHER:.0f} bytes of weights")
    if after["call_peak_mb"] > 1.02 * before["call_peak_mb"] + 0.1:
        problems.append(f"{name}: a call holds {after['call_peak_mb']} MB, without codes {before['call_peak_mb']}")
if not ratios[0] < ratios[1] < ratios[3]:
    problems.append(f"fewer bits do not predict worse: {ratios}")
sys.exit("\n".join(problems) or None)
