"""The files of the source tree, for the tests of the house."""

import os
import pathlib

# Not ours, or made by the build.
SKIPPED = {"build", "shared", "third_party", "__pycache__"}


def files(root, suffixes, under=""):
    """Paths relative to `root` of the files below `root`/`under` with one of the suffixes, sorted."""
    root = pathlib.Path(root)
    found = []
    for folder, folders, names in os.walk(root / under):
        folders[:] = [f for f in folders if f not in SKIPPED and (f == ".ci" or f[0] != ".")]
        found += [pathlib.Path(folder, n) for n in names if n.endswith(tuple(suffixes))]
    return sorted(path.relative_to(root) for path in found)


def text(root, path):
    return pathlib.Path(root, path).read_text(encoding="utf-8")


def report(problems):
    """Prints the problems, one a line; exit code 1 if there are any."""
    problems = list(problems)
    for problem in problems:
        print(problem)
    raise SystemExit(1 if problems else 0)
