"""Rules of the house that a look at the text can check; CONTRIBUTING.md gives the reasons.

RUN: %python %s %src_root
RUN: rm -rf %t && %python %s --break-rules-in %t
RUN: not %python %s %t > %t.found
RUN: FileCheck %s < %t.found
RUN: count 6 < %t.found

CHECK-DAG: lib/Support/Flag.cpp:1: flag below tools/: static llvm::cl::opt<bool> verbose("v");
CHECK-DAG: lib/Support/Flag.cpp:2: prints below tools/: void hello() { llvm::errs() << "hello"; }
CHECK-DAG: lib/Support/Open.h:1: left open: // {{TO[D]O}}: write this
CHECK-DAG: lib/Support/Place.h:1: a name of one particular machine: // see {{/wor[k]/notes}}
CHECK-DAG: tools/long/long.cpp: 151 lines, a main has at most 150
CHECK-DAG: dialects/Long.td: 801 lines, a file has at most 800
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import tree

CODE = [".cpp", ".h", ".c", ".td", ".py"]
MAX_LINES, MAX_MAIN_LINES = 800, 150
BELOW_TOOLS = ("include", "lib", "passes", "dialects", "runtime")

# Written so that this file does not match itself.
LEFT_OPEN = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HAC[K])\b")
PLACES = re.compile(r"/wor[k]/|/far[m]/|far[m]-bench|\bissue[s] (show|list|new)\b|/tmp/[s]/")
FLAGS = re.compile(r"\bcl::(opt|list|bits|alias)\b")
PRINTS = re.compile(r"\bllvm::(outs|errs|dbgs)\(\)|\bstd::c(out|err)\b|(?<![\w:])f?printf\(")


def breakRules(root):
    """A tree with one file against each rule: this test's own test. Words are put together here, so
    that no file of the project holds them."""
    for path, text in {
        "lib/Support/Flag.cpp": 'static llvm::cl::opt<bool> verbose("v");\n'
        'void hello() { llvm::errs() << "hello"; }\n',
        "lib/Support/Open.h": "// TO" "DO: write this\n",
        "lib/Support/Place.h": "// see /wor" "k/notes\n",
        "tools/long/long.cpp": "\n" * (MAX_MAIN_LINES + 1),
        "dialects/Long.td": "\n" * (MAX_LINES + 1),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def main(root):
    problems = []
    for path in tree.files(root, CODE + [".mlir", ".md", ".txt", ".in", ".cmake", ".test", "Presets.json", "run", "demo", "test"]):
        lines = tree.text(root, path).splitlines()
        if path.suffix in CODE and len(lines) > MAX_LINES:
            problems.append(f"{path}: {len(lines)} lines, a file has at most {MAX_LINES}")
        if path.parts[0] == "tools" and path.suffix == ".cpp" and len(lines) > MAX_MAIN_LINES:
            problems.append(f"{path}: {len(lines)} lines, a main has at most {MAX_MAIN_LINES}")
        for number, line in enumerate(lines, 1):
            rules = [("left open", LEFT_OPEN), ("a name of one particular machine", PLACES)]
            if path.parts[0] in BELOW_TOOLS and path.suffix in CODE:
                rules += [("flag below tools/", FLAGS), ("prints below tools/", PRINTS)]
            for name, pattern in rules:
                if pattern.search(line):
                    problems.append(f"{path}:{number}: {name}: {line.strip()}")
    tree.report(problems)


if sys.argv[1] == "--break-rules-in":
    breakRules(pathlib.Path(sys.argv[2]))
else:
    main(pathlib.Path(sys.argv[1]))
