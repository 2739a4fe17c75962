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
import tree

PREFIX = re.compile(r"^(moec|moe|onnx|kernel|par)-")
PASS = re.compile(r'^def\s+(\w+)\s*:\s*Pass<\s*"([^"]+)"', re.M)
DESCRIPTION = re.compile(r"let\s+description\s*=\s*\[\{(.*?)\}\]", re.S)
# The words that two- and three-letter parts of a flag stand for in a class name.
SPELLING = {"onnx": "ONNX", "llvm": "LLVM", "moe": "MoE", "ir": "IR"}
OPERATION = re.compile(r'(?<![\w%#!@".])([a-z_]+(?:\.[a-z_0-9]+)+)(?![\w(]*=)')
# Part of every function, so no evidence.
COMMON = {"func.func", "func.return"}


def camel(flag):
    return "".join(SPELLING.get(part, part.capitalize()) for part in flag.split("-"))


def shown(description, word):
    """The ```mlir block after the line "Before:" or "After:", or None."""
    match = re.search(word + r"[^\n]*:\s*```mlir\n(.*?)```", description, re.S)
    return match[1] if match else None


def plain(line):
    """A line of IR without what a test may name differently: values, spacing, comments."""
    line = re.sub(r"//.*", "", line)
    line = re.sub(r"[%@][\w$.#:]+", "%x", line)
    return re.sub(r"\s+", " ", line).strip()


def operations(text):
    return set(OPERATION.findall(text)) - COMMON


def problemsOf(root, folder, name, flag, description):
    short = PREFIX.sub("", flag)
    expected = camel(short)
    if name.lower() not in (f"{expected}pass".lower(), f"{camel(flag)}pass".lower()):
        yield f"its definition is {name}, the flag asks for {expected}Pass"
    stem = name.removesuffix("Pass").lower()
    if stem not in {path.stem.lower() for path in tree.files(root, [".cpp"], folder)}:
        yield f"no {expected}.cpp beside {folder}/Passes.td or below"

    before, after = shown(description, "Before"), shown(description, "After")
    if before is None:
        yield 'shows no IR after "Before:"'
    if after is None:
        yield 'shows no IR after "After:"'

    pattern = re.compile(rf"{re.escape(short)}(-[a-z0-9-]+)?\.mlir$")
    tests = [p for p in tree.files(root, [".mlir"], "test/passes") if pattern.match(p.name)]
    if not tests:
        yield f"no test/passes/…/{short}*.mlir"
        return
    text = "\n".join(tree.text(root, path) for path in tests)
    code = {plain(line) for line in text.splitlines() if not line.lstrip().startswith("//")}
    checks = [line for line in text.splitlines() if line.lstrip().startswith("//")]
    for line in map(plain, (before or "").splitlines()):
        if operations(line) and "…" not in line and not any(line in other for other in code):
            yield f'its test does not run "{line}"'
    for operation in sorted(operations(after or "")):
        if not any(operation in line for line in checks):
            yield f"its test does not check for {operation}"


def main(root):
    problems = []
    for path in tree.files(root, ["Passes.td"], "passes"):
        text = tree.text(root, path)
        starts = list(PASS.finditer(text))
        for match, following in zip(starts, starts[1:] + [None]):
            body = text[match.start() : following.start() if following else len(text)]
            description = DESCRIPTION.search(body)
            for problem in problemsOf(
                root, path.parent, match[1], match[2], description[1] if description else ""
            ):
                problems.append(f"{match[2]}: {problem}")
    tree.report(problems)


main(pathlib.Path(sys.argv[1]))
