"""All C and C++ sources are as clang-format leaves them.

REQUIRES: clang-format
RUN: %python %s %clang-format %src_root
RUN: echo 'int  main( ) {return 0 ;}' > %t.cpp
RUN: not %clang-format --style=LLVM --dry-run -Werror %t.cpp
"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import tree

formatter, root = sys.argv[1:]
sources = [
    path for path in tree.files(root, [".h", ".cpp", ".c"]) if "Inputs" not in path.parts
]
command = [formatter, "--dry-run", "-Werror", "--style=file", *map(str, sources)]
done = subprocess.run(command, cwd=root, stderr=subprocess.PIPE, text=True)
badly = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})
tree.report([f"clang-format-22 -i {path}" for path in badly] or ["clang-format failed"] * (done.returncode != 0))
