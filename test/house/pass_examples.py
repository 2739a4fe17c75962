"""Descriptions of passes tell the truth: the pass turns the IR that its description shows before into
the operations that it shows after. (test/house/passes.py ties both to the test of the pass.)

RUN: %python %s %src_root moec-opt
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import descriptions
import tree


def problemOf(opt, described):
    if not described.before or not described.after:
        return None  # passes.py says so
    if "…" in described.before:
        return 'its IR before has "…" in it, so nobody can run it'
    with tempfile.NamedTemporaryFile("w", suffix=".mlir", encoding="utf-8") as file:
        file.write(described.before)
        file.flush()
        flag = f"--{described.flag}" + (f"={described.options}" if described.options else "")
        done = subprocess.run([opt, flag, file.name], capture_output=True, text=True)
    if "// error:" in described.after:  # a verifier shows what it refuses, and how
        message = re.search(r"// error: (.*)", described.after)[1]
        return None if done.returncode and message in done.stderr else f"does not refuse its IR with {message}"
    if done.returncode:
        return f"fails on its IR before: {done.stderr.strip().splitlines()[:1]}"
    found = collections.Counter(descriptions.operations(done.stdout))
    missing = collections.Counter(descriptions.operations(described.after)) - found
    if missing:
        return f"does not make {', '.join(missing)} of its IR before, but:\n{done.stdout}"
    return None


def main(root, opt):
    problems = []
    for described in descriptions.passes(root):
        problem = problemOf(opt, described)
        if problem:
            problems.append(f"{described.flag}: {problem}")
    tree.report(problems)


main(pathlib.Path(sys.argv[1]), sys.argv[2])
