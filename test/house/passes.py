"""One name, five places; and the IR that a pass description shows is the IR that its test runs.

RUN: %python %s %src_root
RUN: not %python %s %S/Inputs/passes > %t
RUN: FileCheck %s < %t

CHECK-DAG: moe-tidy-up: its definition is TidyPass, the flag asks for TidyUpPass
CHECK-DAG: moe-tidy-up: no TidyUp.cpp beside passes/Passes.td or below
CHECK-DAG: moe-tidy-up: no test/passes/{{.*}}tidy-up*.mlir
CHECK-DAG: moe-swap: shows no IR after "After:"
CHECK-DAG: onnx-neg: its test does not run "%x = onnx.node "Abs"(%x)"
CHECK-DAG: onnx-neg: its test does not check for arith.negf
RUN: count 6 < %t
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import descriptions
import tree

PREFIX = re.compile(r"^(moec|moe|onnx|kernel|par)-")
# The words that two- and three-letter parts of a flag stand for in a class name.
SPELLING = {"onnx": "ONNX", "llvm": "LLVM", "moe": "MoE", "ir": "IR"}


def camel(flag):
    return "".join(SPELLING.get(part, part.capitalize()) for part in flag.split("-"))


def plain(line):
    """A line of IR without what a test may name differently: values, spacing, comments."""
    line = re.sub(r"//.*", "", line)
    line = re.sub(r"[%@][\w$.#:]+", "%x", line)
    return re.sub(r"\s+", " ", line).strip()


def problemsOf(root, described):
    short = PREFIX.sub("", described.flag)
    expected = camel(short)
    if described.name.lower() not in (f"{expected}pass".lower(), f"{camel(described.flag)}pass".lower()):
        yield f"its definition is {described.name}, the flag asks for {expected}Pass"
    stem = described.name.removesuffix("Pass").lower()
    if stem not in {path.stem.lower() for path in tree.files(root, [".cpp"], described.folder)}:
        yield f"no {expected}.cpp beside {described.folder}/Passes.td or below"
    if described.before is None:
        yield 'shows no IR after "Before:"'
    if described.after is None:
        yield 'shows no IR after "After:"'

    pattern = re.compile(rf"{re.escape(short)}(-[a-z0-9-]+)?\.mlir$")
    tests = [p for p in tree.files(root, [".mlir"], "test/passes") if pattern.match(p.name)]
    if not tests:
        yield f"no test/passes/…/{short}*.mlir"
        return
    text = "\n".join(tree.text(root, path) for path in tests)
    code = {plain(line) for line in text.splitlines() if not line.lstrip().startswith("//")}
    checks = [line for line in text.splitlines() if line.lstrip().startswith("//")]
    for line in map(plain, (described.before or "").splitlines()):
        if descriptions.operations(line) and "…" not in line and not any(line in o for o in code):
            yield f'its test does not run "{line}"'
    for operation in sorted(set(descriptions.operations(described.after or ""))):
        if not any(operation in line for line in checks):
            yield f"its test does not check for {operation}"


def main(root):
    tree.report(
        f"{described.flag}: {problem}"
        for described in descriptions.passes(root)
        for problem in problemsOf(root, described)
    )


main(pathlib.Path(sys.argv[1]))
