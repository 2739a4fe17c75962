"""The exports of the wide test data run as exported: each gives its expected outputs within its
tolerance. Prints a table and a count.

REQUIRES: moec-test-python, moec-test-data
RUN: %python %s %moec_test_data/models/exports %t
"""

import concurrent.futures
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import run  # noqa: E402

exports, work = map(pathlib.Path, sys.argv[1:])
work.mkdir(parents=True, exist_ok=True)


def check(folder):
    """What became of one export: "ok" or a problem in words."""
    library = work / f"{folder.name}.so"
    compiled = run("moec", "compile", folder / "model.onnx", "-o", library, "-j", 1)
    if compiled.returncode:
        return compiled.stderr.strip()
    tolerance = json.loads((folder / "meta.json").read_text()).get("tolerance", {})
    for case in ("case0", "case1"):
        done = run("moec", "run", library, "--inputs", folder / "inputs.npz", "--case", case, "--expect",
                   folder / "outputs.npz", "--atol", tolerance.get("atol", 1e-3), "--rtol",
                   tolerance.get("rtol", 1e-3))  # fmt: skip
        if done.returncode:
            return f"{case}: {done.stderr.strip()}"
    library.unlink()
    return "ok"


folders = sorted(path for path in exports.iterdir() if (path / "model.onnx").exists())
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = dict(zip((folder.name for folder in folders), pool.map(check, folders)))
for name, result in results.items():
    print(f"{name:40} {result}")
count = sum(result == "ok" for result in results.values())
print(f"{count} of {len(results)}")
sys.exit(count != len(results))
