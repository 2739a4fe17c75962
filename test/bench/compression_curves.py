"""Curves of compression without data: what each method costs in quality, and what it saves.

usage: compression_curves.py MODEL.onnx TOKENS.npz [--moec MOEC] [--every K] [--seconds S] [--only PREFIX] [--json FILE]

Compiles the model once as it is and once for each plan below, and prints a table: bytes of the weights in the artifact's plan and of
the artifact on disk, FLOPs per token, ratio of the perplexities, KL divergence from the model as it is, agreement on the likeliest
token, and tokens per second on one call of 256 tokens, as a ratio to the model as it is in the same run (its calls before and after).

One plan of many, for a row of the table:
REQUIRES: moec-test-python
RUN: %python %s %src_root/test/models/moe-mini/model_grouped.onnx %src_root/test/models/moe-mini/eval.npz --every 64 --seconds 0.1 \
RUN:   --only weights=int8 --json %t.json | FileCheck %s
CHECK: plan {{.*}} tokens/s
CHECK-NEXT: weights=int8 22 0.2{{[0-9]+}} 0.{{[0-9]+}} 1.000 1.00{{[0-9]+}}
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

SHARES = (6, 12, 25, 50)
PLANS = (
    [f"experts={share}%:norm" for share in SHARES]
    + [f"experts={share}%:random:seed=1" for share in SHARES]
    + [f"neurons={share}%:magnitude" for share in SHARES]
    + [f"neurons={share}%:random:seed=1" for share in SHARES]
    + [f"neurons={share}%:magnitude:scope=layer" for share in SHARES]
    + [f"ffn={form}:{ratio}" for form in ("lowrank", "blockdense", "monarch") for ratio in (0.75, 0.5, 0.33)]
    + ["weights=int8", "weights=int4:group=32", "weights=int4:group=128"]
)


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.inputs = folder / "inputs.npz"
        tokens = np.load(options.tokens)["input_ids"][:1].astype(np.int64)
        np.savez(self.inputs, input_ids=tokens)
        self.num_tokens = tokens.size
        self.reference = self.compile("", "reference")

    def moec(self, *arguments):
        return subprocess.run([self.options.moec, *map(str, arguments)], check=True, capture_output=True, text=True).stdout

    def compile(self, plan, name):
        artifact, report = self.folder / f"{name}.so", self.folder / f"{name}.json"
        flags = [f"--compress={plan}"] if plan else []
        self.moec("compile", self.options.model, *flags, "--report", report, "-o", artifact)
        return artifact, json.loads(report.read_text())

    def milliseconds(self, artifact):
        flags = ["--inputs", self.inputs, "--seconds", self.options.seconds, "--json"]
        return json.loads(self.moec("bench", artifact, *flags))["median_ms"]

    def row(self, plan):
        artifact, report = self.compile(plan, "compressed")
        quality = json.loads(
            self.moec(
                *("evaluate", artifact, "--tokens", self.options.tokens, "--every", self.options.every),
                *("--reference", self.reference[0], "--json"),
            )
        )
        before = self.milliseconds(self.reference[0])
        own = self.milliseconds(artifact)
        after = self.milliseconds(self.reference[0])
        totals = report["totals"]
        return {
            "plan": plan,
            "layers": sum(d["verdict"] == "done" for d in report["decisions"]),
            "bytes": totals["bytes"]["after"] / totals["bytes"]["before"],
            "disk": artifact.stat().st_size / self.reference[0].stat().st_size,
            "flops": totals["flops_per_token"]["after"] / totals["flops_per_token"]["before"],
            "perplexity": quality["perplexity_ratio"],
            "kl": quality["kl_divergence"]["mean"],
            "agreement": quality["top1_agreement"],
            "speed": (before + after) / 2 / own,
            "tokens_per_second": 1000 * self.num_tokens / own,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("tokens", type=pathlib.Path)
    parser.add_argument("--moec", default="moec")
    parser.add_argument("--every", type=int, default=8, help="every K-th row of the tokens")
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement of speed")
    parser.add_argument("--only", default="", help="plans that begin so")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows there, too")
    options = parser.parse_args()
    print(f"{'plan':36} layers  bytes   disk  FLOPs  perplexity      KL  top-1  speed  tokens/s")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, pathlib.Path(folder))
        for plan in PLANS:
            if not plan.startswith(options.only):
                continue
            row = bench.row(plan)
            rows.append(row)
            print(
                f"{row['plan']:36} {row['layers']:6} {row['bytes']:6.3f} {row['disk']:6.3f} {row['flops']:6.3f}"
                f" {row['perplexity']:11.4f} {row['kl']:7.4f} {row['agreement']:6.3f} {row['speed']:6.2f}"
                f" {row['tokens_per_second']:9.0f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    sys.exit(main())
