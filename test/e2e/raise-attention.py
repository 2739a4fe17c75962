"""Attention in several spellings, and near misses: compiled with and without raising it gives what ONNX
Runtime gives, and moe-raise-attention takes what it should and leaves the rest.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import pathlib
import sys

import numpy as np
from onnx import TensorProto

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from layers import check  # noqa: E402

HEADS, GROUPS, D = 4, 2, 8
LOW = np.float32(np.finfo(np.float32).min)


def heads(g, x):
    """Keys or values of a group, there for each of its heads."""
    x = g("Unsqueeze", x, [2])
    x = g("Expand", x, [1, 1, HEADS // GROUPS, 1, 1])
    return g("Reshape", x, [0, HEADS, -1, D])


def total(g, name):
    """Past and new keys or values."""
    return g("Concat", f"past_{name}", name, axis=2)


def positions(g):
    """Of queries, [s, 1], and keys, [l]."""
    past, new = g("Gather", g("Shape", "past_k"), np.int64(2)), g("Gather", g("Shape", "q"), np.int64(2))
    end = g("Add", past, new)
    return (g("Unsqueeze", g("Range", past, end, np.int64(1)), [1]), g("Range", np.int64(0), end, np.int64(1)))


def attend(g, change=None, mask=None, flags=None, factor=None, bias=None):
    """softmax(q·kᵀ / √d + mask)·v. Values as in the models, keys and values shared by groups."""
    k, v = heads(g, total(g, "k")), heads(g, total(g, "v"))
    scores = g("MatMul", "q", g("Transpose", k, perm=[0, 1, 3, 2]))
    if factor != 0:
        scores = g("Mul", scores, np.float32(factor or D**-0.5))
    if change and "softcap" in change:
        inner, outer = (5.0, 4.0) if change == "two softcaps" else (5.0, 5.0)
        scores = g("Mul", g("Tanh", g("Div", scores, np.float32(inner))), np.float32(outer))
    if mask:
        scores = g("Add", scores, mask)
    if flags:
        scores = g("Where", flags, scores, np.float32(-np.inf) if change == "no key at all" else LOW)
    if change and "sinks" in change:
        sinks = np.linspace(-1, 1, HEADS).astype(np.float32).reshape(1, HEADS, 1, 1)
        shape = g("Concat", g.size("q", 0), [HEADS], g.size("q", 2), [1], axis=0)
        scores = g("Concat", scores, g("Expand", sinks, shape), axis=-1)
        scores = g("Sub", scores, g("ReduceMax", scores, [-1], keepdims=1))
    weights = g("Softmax", scores, axis=2 if change == "softmax over queries" else -1)
    if change and "sinks" in change:
        front = change == "sinks cut off in front"
        weights = g("Slice", weights, [1 if front else 0], [2**31 if front else -1], [3])
    if change == "no key at all":
        weights = g("Where", g("IsNaN", weights), np.float32(0), weights)
    if change == "weights scaled":
        weights = g("Mul", weights, np.float32(2))
    return g("MatMul", weights, v)


def plain(g, q, change):
    return attend(g, change, factor={"no factor": 0, "another factor": 0.5}.get(change))


def visible(g, change):
    """Which keys a query sees."""
    i, j = positions(g)
    causal = g("LessOrEqual", j, i)
    if change in ("not quite causal", "no key at all"):
        causal = g("Less", j, i)
    if change == "the other way round":
        causal = g("GreaterOrEqual", j, i)
    if change == "from the start":
        # As if there were no past.
        causal = g("LessOrEqual", j, g("Sub", i, g("Gather", g("Shape", "past_k"), np.int64(2))))
    if change in ("window", "window as a distance"):
        if change == "window":
            near = g("Greater", j, g("Sub", i, np.int64(3)))
        else:
            near = g("Less", g("Sub", i, j), np.int64(3))
        causal = g("And", near, causal)
    if change == "padding":
        causal = g("And", g("Unsqueeze", g("Cast", "padding", to=TensorProto.BOOL), [1, 2]), causal)
    return causal


def flagged(g, q, change):
    return attend(g, change, flags=visible(g, change))


def added(g, q, change):
    """A mask that is added; triangles."""
    if change and change.startswith("a triangle"):
        i, j = positions(g)
        shape = g("Concat", g.size("q", 2), g("Shape", j), axis=0)
        full = g("Expand", LOW, shape)
        past = g("Add", g("Gather", g("Shape", "past_k"), np.int64(2)), np.int64(1 if change == "a triangle" else 0))
        mask = g("Trilu", full, past, upper=1)
        if change == "a triangle of flags times":
            later = g("Cast", g("Greater", j, i), to=TensorProto.FLOAT)
            mask = g("Mul", g("Trilu", full, np.int64(1), upper=1), later)
        return attend(g, change, mask=mask)
    return attend(g, change, mask=g("Where", visible(g, change), np.float32(0), LOW))


CASES = {
    plain: ["no factor", "another factor", "softcap", "two softcaps", "sinks", "!sinks cut off in front", "!softmax over queries",
            "!weights scaled"],
    flagged: ["not quite causal", "from the start", "window", "window as a distance", "padding", "softcap, causal",
              "sinks, causal", "no key at all"],
    added: ["the other way round", "window", "padding", "a triangle", "a triangle that hides the query's own",
            "a triangle of flags times"],
}  # fmt: skip


def inputs(random, batch, past, new):
    def draw(*shape):
        return random.standard_normal(shape).astype(np.float32)

    padding = np.ones((batch, past + new), np.int64)
    padding[0, : (past + new) // 2] = 0
    return {"q": draw(batch, HEADS, new, D), "k": draw(batch, GROUPS, new, D), "v": draw(batch, GROUPS, new, D),
            "past_k": draw(batch, GROUPS, past, D), "past_v": draw(batch, GROUPS, past, D), "padding": padding}  # fmt: skip


KINDS = {"q": ["b", HEADS, "s", D], "k": ["b", GROUPS, "s", D], "v": ["b", GROUPS, "s", D],
         "past_k": ["b", GROUPS, "p", D], "past_v": ["b", GROUPS, "p", D], "padding": ["b", "l"]}  # fmt: skip
sys.exit(check(
    CASES, "moe.attention",
    {name: (TensorProto.INT64 if name == "padding" else TensorProto.FLOAT, shape) for name, shape in KINDS.items()},
    [inputs(np.random.default_rng(i), *sizes) for i, sizes in enumerate([(1, 0, 1), (2, 0, 6), (2, 5, 1), (3, 4, 3)])],
    pathlib.Path(sys.argv[1])))  # fmt: skip
