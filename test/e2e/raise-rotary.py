"""Rotary embeddings in every spelling, and near misses: compiled with and without raising they give
what ONNX Runtime gives, and moe-raise-rotary takes what it should and leaves the rest.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import pathlib
import sys

import numpy as np
from onnx import TensorProto

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from layers import Graph, check  # noqa: E402

B, H, D = "b", 2, 8
R = D // 2
FREQUENCIES = (10000.0 ** (-np.arange(R) / R)).astype(np.float32)


def angles(g, how, rank_of_positions=1):
    """cos and sin, [1, s, R], or [b, s, R] for positions of two axes; `how` they are repeated."""
    positions = g("Cast", "positions", to=TensorProto.FLOAT)
    if rank_of_positions == 1:
        positions = g("Reshape", g("Range", np.int64(0), g("Gather", g("Shape", "x"), np.int64(2)), np.int64(1)), [1, -1])
        positions = g("Cast", positions, to=TensorProto.FLOAT)
    f = g("Mul", g("Unsqueeze", positions, [-1]), FREQUENCIES)
    if how == "halves":
        f = g("Concat", f, f, axis=-1)
    if how == "pairs":
        u = g("Unsqueeze", f, [-1])
        f = g("Reshape", g("Concat", u, u, axis=-1), [0, 0, D])
    if how == "other halves":
        f = g("Concat", f, g("Mul", f, np.float32(2)), axis=-1)
    return g("Cos", f), g("Sin", f)


def cut(g, x, begin, end, step=1):
    return g("Slice", x, [begin], [end], [-1], [step])


def turned(g, x, size, change=None):
    """(−x₂, x₁)"""
    one, two = cut(g, x, 0, size // 2), cut(g, x, size // 2, size)
    if change == "partners swapped":
        one, two = two, one
    if change == "no minus":
        return g("Concat", two, one, axis=-1)
    if change == "minus as a product":
        return g("Concat", g("Mul", two, np.float32(-1)), one, axis=-1)
    return g("Concat", g("Neg", two), one, axis=-1)


def whole(g, x, change):
    """x·c + (−x₂, x₁)·s"""
    how = "other halves" if change == "halves that differ" else "halves"
    c, s = angles(g, how, 2 if change in ("positions given", "scaled") else 1)
    if change == "scaled":
        c, s = g("Mul", c, np.float32(1.25)), g("Mul", s, np.float32(1.25))
    if change == "sines of heads":
        s = g("Concat", g("Unsqueeze", s, [1]), g("Unsqueeze", c, [1]), axis=1)
        c = g("Unsqueeze", c, [1])
    else:
        c, s = g("Unsqueeze", c, [1]), g("Unsqueeze", s, [1])
    straight, across = g("Mul", c, x), g("Mul", turned(g, x, D, change), s)
    if change == "a difference":
        return g("Sub", straight, across)
    return g("Add", across, straight) if change == "other order" else g("Add", straight, across)


def cached(g, x, change):
    """Cosines from a table, at positions."""
    f = np.outer(np.arange(64), FREQUENCIES)
    f = np.concatenate([f, f * (1.5 if change == "a table that differs" else 1)], -1)
    tables = [np.cos(f).astype(np.float32), np.sin(f).astype(np.float32)]
    c, s = (g("Unsqueeze", g("Gather", t, "positions", axis=0), [1]) for t in tables)
    return g("Add", g("Mul", x, c), g("Mul", turned(g, x, D), s))


def split(g, x, change):
    """x₁·c − x₂·s beside x₂·c + x₁·s"""
    c, s = (g("Unsqueeze", a, [1]) for a in angles(g, None))
    one, two = g("Split", x, [R, R], outputs=2, axis=-1)
    first = g("Sub", g("Mul", one, c), g("Mul", s, two))
    second = g("Add", g("Mul", one, s), g("Mul", two, s if change == "sines twice" else c))
    if change == "one rotated":
        second = two
    parts = [second, first] if change == "results swapped" else [first, second]
    return g("Concat", *parts, axis=-1)


def neighbours(g, x, change):
    """Pairs of neighbours: cut by steps, or as an axis of two; put together again by a new axis."""
    c, s = (g("Unsqueeze", a, [1]) for a in angles(g, None))
    if change == "an axis of two":
        pairs = g("Reshape", x, [0, 0, 0, R, 2])
        one, two = g("Gather", pairs, np.int64(0), axis=4), g("Gather", pairs, np.int64(1), axis=-1)
    elif change == "an axis that is cut":
        one, two = g("Split", g("Reshape", x, [0, 0, 0, R, 2]), [1, 1], outputs=2, axis=-1)
        one, two = g("Squeeze", one, [-1]), g("Squeeze", two, [-1])
    else:
        one, two = cut(g, x, 0, D, 2), cut(g, x, 1, D, 2)
    first, second = g("Sub", g("Mul", one, c), g("Mul", two, s)), g("Add", g("Mul", two, c), g("Mul", one, s))
    if change == "put together as halves":
        return g("Concat", first, second, axis=-1)
    return g("Reshape", g("Concat", g("Unsqueeze", first, [-1]), g("Unsqueeze", second, [-1]), axis=-1), [0, 0, 0, D])


def neighbours_whole(g, x, change):
    """x·c + (−x₁, x₀, −x₃, x₂ …)·s"""
    c, s = (g("Unsqueeze", a, [1]) for a in angles(g, "halves" if change == "repeated as halves" else "pairs"))
    parts = [g("Unsqueeze", g("Neg", cut(g, x, 1, D, 2)), [-1]), g("Unsqueeze", cut(g, x, 0, D, 2), [-1])]
    return g("Add", g("Mul", x, c), g("Mul", g("Reshape", g("Concat", *parts, axis=-1), [0, 0, 0, D]), s))


def partial(g, x, change):
    """A part of the head, and a rest that goes through."""
    x = g("Concat", x, x, axis=-1)
    c, s = (g("Unsqueeze", a, [1]) for a in angles(g, "halves"))
    begin = 2 if change == "the middle" else 0
    part, rest = cut(g, x, begin, begin + D), cut(g, x, D, 2 * D)
    if change == "a rest of something else":
        rest = g("Neg", rest)
    rotated = g("Add", g("Mul", part, c), g("Mul", turned(g, part, D), s))
    return g("Concat", *([rest, rotated] if change == "the rest first" else [rotated, rest]), axis=-1)


def positions_first(g, x, change):
    """[b, s, heads, D], or without heads, or without a batch."""
    c, s = angles(g, "halves")
    if change == "without heads":
        flat = g("Reshape", x, [g("Mul", g.size("x", 0), [H]), g.size("x", 2), D], allowzero=1)
        rotated = g("Add", g("Mul", flat, c), g("Mul", turned(g, flat, D), s))
        return g("Reshape", rotated, g("Shape", x), allowzero=1)
    if change == "without a batch":
        c, s = (g("Unsqueeze", g("Squeeze", a, [0]), [1]) for a in (c, s))
        row = g("Transpose", g("Gather", x, np.int64(0), axis=0), perm=[1, 0, 2])
        return g("Add", g("Mul", row, c), g("Mul", turned(g, row, D), s))
    c, s = g("Unsqueeze", c, [2]), g("Unsqueeze", s, [2])
    swapped = g("Transpose", x, perm=[0, 2, 1, 3])
    rotated = g("Add", g("Mul", swapped, c), g("Mul", turned(g, swapped, D), s))
    return rotated if change == "and left so" else g("Transpose", rotated, perm=[0, 2, 1, 3])


CASES = {
    whole: ["other order", "minus as a product", "positions given", "scaled", "!partners swapped", "!no minus", "!a difference",
            "!halves that differ", "!sines of heads"],
    cached: ["!a table that differs"],
    split: ["!sines twice", "!one rotated", "!results swapped"],
    neighbours: ["an axis of two", "an axis that is cut", "!put together as halves"],
    neighbours_whole: ["!repeated as halves"],
    partial: ["the middle", "a rest of something else", "the rest first"],
    positions_first: ["and left so", "without a batch", "without heads"],
}  # fmt: skip


def inputs(random, batch, length):
    return {"x": random.standard_normal((batch, H, length, D)).astype(np.float32),
            "positions": random.integers(0, 60, (batch, length))}  # fmt: skip


sys.exit(check(
    CASES, "moe.rotary", {"x": (TensorProto.FLOAT, [B, H, "s", D]), "positions": (TensorProto.INT64, [B, "s"])},
    [inputs(np.random.default_rng(i), *sizes) for i, sizes in enumerate([(1, 1), (2, 7), (3, 2), (1, 0)])],
    pathlib.Path(sys.argv[1])))  # fmt: skip
