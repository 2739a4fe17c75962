"""Every model at hand imports, without warnings but those that are true, and its IR survives text and
bytecode.

REQUIRES: moec-test-python
RUN: %python %s moec-opt %t %models %moec_test_data
"""

import pathlib
import subprocess
import sys

moec_opt, scratch = sys.argv[1], pathlib.Path(sys.argv[2])
folders = [pathlib.Path(folder) for folder in sys.argv[3:]]
TRUE_WARNINGS = [
    # onnxruntime's optimizer puts this operator of its own into the domain of ONNX.
    "No Op registered for SimplifiedLayerNormalization",
    # What is decoded has no place beside standard output.
    "weights that are made here, not in the files of the model, are not kept",
]


def run(*arguments, stdin=None):
    done = subprocess.run([moec_opt, *arguments], input=stdin, capture_output=True)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def problem_of(model):
    code, text, errors = run(model)
    if code != 0:
        return errors
    for line in errors.splitlines():
        if line and not any(warning in line for warning in TRUE_WARNINGS):
            return line
    code, bytecode, errors = run(model, "--emit-bytecode")
    for form, stdin in [("text", text), ("bytecode", bytecode)]:
        code, again, errors = run("-", stdin=stdin)
        if code != 0 or again != text:
            return f"is another after {form}: {errors}"
    return None


models = sorted({path for folder in folders for path in folder.glob("**/*.onnx")})
assert models, folders
failed = 0
for model in models:
    problem = problem_of(model)
    if problem:
        failed += 1
        print(f"{model}: {problem[:500]}")
print(f"{len(models)} models, {failed} failed")
sys.exit(failed > 0)
