"""Routers as exporters write them, and what only looks like one: {form: how many are raised}. Each gives weights and
experts."""

import numpy as np
from onnx import TensorProto

E, K = 8, 3
OPSET, BOUND, RAISED = 18, 1e-5, r"= moe\.route "
INPUTS = {"l": ["t", E], "l3": ["b", 2, E], "other": ["t", E]}
TYPES = [TensorProto.FLOAT, TensorProto.INT64]
FORMS = {}
INFINITY = np.float32(np.inf)


def form(count):
    return lambda function: FORMS.setdefault(function, count) and function or function


def cases(random):
    draw = lambda *shape: random.standard_normal(shape).astype(np.float32)

    def given(t, change=lambda x: x):
        return {"l": change(draw(t, E) * 2), "l3": change(draw(t, 2, E)), "other": draw(t, E)}

    def hide(x):
        x[..., 1::3] = -INFINITY  # enough are left
        return x

    def starve(x):
        x[..., 5] -= 50  # nobody chooses it
        return x

    return {
        "no tokens": given(0), "one token": given(1), "many": given(65), "starved": given(20, starve),
        "ties": given(40, np.round), "all equal": given(3, lambda x: x * 0), "hidden": given(9, hide),
    }  # fmt: skip


def top(g, x, k=K, **attributes):
    return g("TopK", x, [k], outputs=2, **({"axis": -1} | attributes))


def softmax(g, x, axis=-1):
    return g("Softmax", x, axis=axis)


def renormalize(g, weights, epsilon=None):
    total = g("ReduceSum", weights, [-1], keepdims=1)
    return g("Div", weights, total if epsilon is None else g("Add", total, np.float32(epsilon)))


@form(1)
def softmaxThenTop(g):
    return tuple(top(g, softmax(g, "l")))


@form(1)
def renormalized(g):
    weights, experts = top(g, softmax(g, "l"))
    return renormalize(g, weights), experts


@form(1)
def renormalizedScaled(g):
    weights, experts = top(g, g("Sigmoid", "l"))
    return g("Mul", renormalize(g, weights, 1e-20), np.float32(2.5)), experts


@form(1)
def topThenSoftmax(g):
    weights, experts = top(g, "l")
    return softmax(g, weights), experts


@form(1)
def topThenSigmoid(g):
    weights, experts = top(g, "l", 1)
    return g("Sigmoid", weights), experts


@form(1)
def topOfBatch(g):
    weights, experts = top(g, softmax(g, "l3"))
    return renormalize(g, weights), experts


@form(1)
def allExperts(g):
    return tuple(top(g, softmax(g, "l"), E))


@form(1)
def bestOne(g):
    scores = softmax(g, "l")
    return g("ReduceMax", scores, [-1], keepdims=1), g("ArgMax", scores, axis=-1, keepdims=1)


@form(1)
def chosenByLogits(g):
    _, experts = top(g, "l")
    return g("GatherElements", softmax(g, "l"), experts, axis=1), experts


@form(1)
def biasForSelection(g):
    scores = g("Sigmoid", "l")
    _, experts = top(g, g("Add", scores, g.weight(E)))
    return renormalize(g, g("GatherElements", scores, experts, axis=1)), experts


@form(1)
def weightsFromElsewhere(g):
    _, experts = top(g, softmax(g, "l"))
    return g("GatherElements", "other", experts, axis=1), experts


def grouped(g, sumOfTwo, fill):
    scores = g("Sigmoid", "l")
    values = g("Add", scores, g.weight(E))
    cut = g("Reshape", values, [-1, 4, 2])
    if sumOfTwo:
        worth = g("ReduceSum", top(g, cut, 2)[0], [-1], keepdims=0)
    else:
        worth = g("ReduceMax", cut, [-1], keepdims=0)
    _, chosen = top(g, worth, 2)
    shape = g("Shape", worth)
    zeros = g("Expand", np.float32(0), shape)
    ones = g("Expand", np.float32(1), g("Shape", chosen))
    mask = g("ScatterElements", zeros, chosen, ones, axis=1)
    mask = g("Expand", g("Unsqueeze", mask, [-1]), g("Concat", g("Slice", g("Shape", "l"), [0], [1]), [4, 2], axis=0))
    mask = g("Reshape", mask, [-1, E])
    if fill is None:
        limited = g("Mul", values, mask)
    else:
        limited = g("Where", g("Cast", mask, to=TensorProto.BOOL), values, np.float32(fill))
    _, experts = top(g, limited)
    return renormalize(g, g("GatherElements", scores, experts, axis=1), 1e-20), experts


@form(1)
def groupsByTwoBest(g):
    return grouped(g, True, 0)


@form(1)
def groupsByBest(g):
    return grouped(g, False, -INFINITY)


@form(1)
def groupsByProduct(g):
    return grouped(g, True, None)


def mixSparsely(g, second=0.02, hidden=-INFINITY):
    """PhiMoE's two rounds."""
    def round_(current, threshold):
        best = g("ArgMax", current, axis=-1, keepdims=1)
        most = g("ReduceMax", current, [-1], keepdims=1)
        factor = g("Max", g("Abs", "l"), most)
        far = g("Greater", g("Div", g("Sub", most, "l"), factor), np.float32(threshold))
        weights = softmax(g, g("Where", far, -INFINITY, current))
        return g("GatherElements", weights, best, axis=1), best

    first, e1 = round_("l", 0.02)
    rest = g("ScatterElements", "l", e1, g("Expand", np.float32(hidden), g("Shape", e1)), axis=1)
    last, e2 = round_(rest, second)
    return g("Concat", first, last, axis=-1), g("Concat", e1, e2, axis=-1)


@form(1)
def sparseMixer(g):
    return mixSparsely(g)


@form(0)
def sparseMixerOtherThreshold(g):
    return mixSparsely(g, second=0.5)


@form(0)
def sparseMixerHidesByZero(g):
    return mixSparsely(g, hidden=-30.0)


# Routes, but what is done to the weights is something else: it stays behind them.


@form(1)
def renormalizedByAll(g):
    scores = softmax(g, "l")
    weights, experts = top(g, scores)
    return g("Div", weights, g("ReduceSum", scores, [-1], keepdims=1)), experts


@form(1)
def renormalizedByMost(g):
    weights, experts = top(g, softmax(g, "l"))
    return g("Div", weights, g("ReduceMax", weights, [-1], keepdims=1)), experts


@form(1)
def renormalizedUpsideDown(g):
    weights, experts = top(g, softmax(g, "l"))
    return g("Div", g("ReduceSum", weights, [-1], keepdims=1), weights), experts


@form(1)
def renormalizedOverTokens(g):
    weights, experts = top(g, softmax(g, "l"))
    return g("Div", weights, g("ReduceSum", weights, [0], keepdims=1)), experts


@form(1)
def scaledThenSoftmax(g):
    weights, experts = top(g, "l")
    return softmax(g, g("Mul", weights, np.float32(0.5))), experts


@form(1)
def softmaxTwice(g):
    weights, experts = top(g, softmax(g, "l"))
    return softmax(g, weights), experts


@form(1)
def softmaxOverTokens(g):
    weights, experts = top(g, softmax(g, "l", 0))
    return weights, experts


@form(1)
def scaledBySlot(g):
    weights, experts = top(g, softmax(g, "l"))
    return g("Mul", weights, np.arange(1, K + 1, dtype=np.float32)), experts


@form(1)
def gatheredWithShift(g):
    scores = softmax(g, "l")
    _, experts = top(g, scores)
    shifted = g("Mod", g("Add", experts, np.int64(1)), np.int64(E))
    return g("GatherElements", scores, shifted, axis=1), experts


@form(1)
def biasOfTokens(g):
    # Not the same for all tokens: part of the logits.
    return tuple(top(g, g("Add", softmax(g, "l"), "other")))


# No routes.


@form(0)
def leastOnes(g):
    return tuple(top(g, softmax(g, "l"), largest=0))


@form(0)
def topOverTokens(g):
    return tuple(top(g, g("Concat", "l", g.weight(3, E), axis=0), 2, axis=0))


@form(0)
def lastOfTheBest(g):
    scores = softmax(g, "l")
    return g("ReduceMax", scores, [-1], keepdims=1), g("ArgMax", scores, axis=-1, keepdims=1, select_last_index=1)


@form(0)
def bestOfAnother(g):
    return g("ReduceMax", softmax(g, "l"), [-1], keepdims=1), g("ArgMax", "other", axis=-1, keepdims=1)
