"""What Passes.td files say about passes."""

import dataclasses
import pathlib
import re

import tree

PASS = re.compile(r'^def\s+(\w+)\s*:\s*Pass<\s*"([^"]+)"', re.M)
DESCRIPTION = re.compile(r"let\s+description\s*=\s*\[\{(.*?)\}\]", re.S)
OPERATION = re.compile(r'(?<![\w%#!@".])([a-z_]+(?:\.[a-z_0-9]+)+)(?![\w(]*=)')
# Part of every function, so no evidence.
COMMON = {"func.func", "func.return"}


@dataclasses.dataclass
class Pass:
    folder: pathlib.Path  # of Passes.td, below the root
    name: str  # of the definition
    flag: str
    before: str | None  # IR after the line "Before…:"
    after: str | None  # IR after the line "After…:"
    options: str  # that lead there: "After, with `…`:"


def shown(description, word):
    match = re.search(word + r"[^\n]*:\s*```mlir\n(.*?)```", description, re.S)
    return match[1] if match else None


def optionsOf(description):
    match = re.search(r"After, with `([^`]*)`[^\n]*:\s*```mlir", description)
    return match[1] if match else ""


def passes(root):
    for path in tree.files(root, ["Passes.td"], "passes"):
        text = tree.text(root, path)
        starts = list(PASS.finditer(text))
        for match, following in zip(starts, starts[1:] + [None]):
            body = text[match.start() : following.start() if following else len(text)]
            found = DESCRIPTION.search(body)
            description = found[1] if found else ""
            yield Pass(
                path.parent,
                match[1],
                match[2],
                shown(description, "Before"),
                shown(description, "After"),
                optionsOf(description),
            )


def operations(text):
    """The names of operations in IR, in order, without functions and returns."""
    text = re.sub(r"//.*", "", text)
    return [name for name in OPERATION.findall(text) if name not in COMMON]
