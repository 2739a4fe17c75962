"""What the documentation says about the tree is so: links lead somewhere, README.md lists the packages
that the scripts install, with the same reasons, and the C example that is tested; the scripts are bash.

RUN: %python %s %src_root
RUN: bash -n %src_root/tools/dev/test && bash -n %src_root/tools/dev/demo
RUN: bash -n %src_root/tools/dev/common.sh && bash -n %src_root/.ci/run
RUN: rm -rf %t && mkdir -p %t/tools/dev %t/test/runtime && echo 'int main() {}' > %t/test/runtime/example.c
RUN: echo 'cmake: the build' > %t/tools/dev/packages
RUN: echo '[gone](docs/gone.md) [there](tools/dev/packages#x) [web](https://llvm.org)' > %t/README.md
RUN: not %python %s %t > %t.found
RUN: FileCheck %s < %t.found
RUN: count 3 < %t.found

CHECK-DAG: README.md:1: no docs/gone.md
CHECK-DAG: README.md: does not show test/runtime/example.c as it is
CHECK-DAG: README.md: not a row of its table of packages: | `cmake` | the build |
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import tree

LINK = re.compile(r"\]\(([^)\s]+)\)")


def main(root):
    problems = []
    for path in tree.files(root, [".md"]):
        for number, line in enumerate(tree.text(root, path).splitlines(), 1):
            for target in LINK.findall(line):
                target = target.split("#")[0]
                if not target or re.match(r"[a-z]+:", target):
                    continue
                if not (root / path.parent / target).exists():
                    problems.append(f"{path}:{number}: no {target}")
    readme = tree.text(root, "README.md")
    if tree.text(root, "test/runtime/example.c") not in readme:
        problems.append("README.md: does not show test/runtime/example.c as it is")
    rows = set(readme.splitlines())
    for line in tree.text(root, "tools/dev/packages").splitlines():
        if line and not line.startswith("#"):
            package, reason = line.split(": ", 1)
            row = f"| `{package}` | {reason} |"
            if row not in rows:
                problems.append(f"README.md: not a row of its table of packages: {row}")
    tree.report(problems)


main(pathlib.Path(sys.argv[1]))
