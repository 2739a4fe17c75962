"""Linear layers as exporters write them, and what only looks like one: {form: how many are raised}."""

import numpy as np

OPSET, BOUND, RAISED = 18, 1e-5, r"= moe\.linear "
INPUTS = {"x": ["t", 6], "x3": ["b", 3, 6], "v": [6], "other": [6, "n"]}
FORMS = {}


def form(count):
    return lambda function: FORMS.setdefault(function, count) and function or function


def cases(random):
    draw = lambda *shape: random.standard_normal(shape).astype(np.float32)
    return {f"{t} tokens": {"x": draw(t, 6), "x3": draw(t, 3, 6), "v": draw(6), "other": draw(6, t + 1)}
            for t in (0, 1, 2, 19)}


@form(1)
def product(g):
    return g("MatMul", "x", g.weight(6, 5))


@form(1)
def productOfBatch(g):
    return g("MatMul", "x3", g.weight(6, 5))


@form(1)
def productOfVector(g):
    return g("MatMul", "v", g.weight(6, 5))


@form(1)
def biasAfter(g):
    return g("Add", g("MatMul", "x3", g.weight(6, 5)), g.weight(5))


@form(1)
def biasBefore(g):
    return g("Add", g.weight(5), g("MatMul", "x", g.weight(6, 5)))


@form(1)
def twoBiases(g):
    return g("Add", g("Add", g("MatMul", "x", g.weight(6, 5)), g.weight(5)), g.weight(5))


@form(1)
def gemm(g):
    return g("Gemm", "x", g.weight(6, 5), g.weight(5))


@form(1)
def gemmTransposed(g):
    return g("Gemm", "x", g.weight(5, 6), g.weight(5), transB=1)


@form(1)
def gemmWithoutBias(g):
    return g("Gemm", "x", g.weight(6, 5))


@form(1)
def transposedWeight(g):
    return g("MatMul", "x", g("Transpose", g.weight(5, 6), perm=[1, 0]))


@form(1)
def scalarBias(g):
    # Not the bias of the layer: it stays a node.
    return g("Add", g("MatMul", "x", g.weight(6, 5)), g.weight(1))


@form(1)
def biasOfOneColumn(g):
    # 5 columns from 1: no bias of one output.
    return g("Add", g("MatMul", "x", g.weight(6, 1)), g.weight(5))


@form(1)
def biasOfRank2(g):
    return g("Add", g("MatMul", "x", g.weight(6, 5)), g.weight(1, 5))


@form(2)
def sumOfTwo(g):
    return g("Add", g("MatMul", "x", g.weight(6, 5)), g("MatMul", "x", g.weight(6, 5)))


@form(1)
def usedTwice(g):
    y = g("MatMul", "x", g.weight(6, 5))
    return g("Mul", g("Add", y, g.weight(5)), y)


@form(0)
def gemmScaled(g):
    return g("Gemm", "x", g.weight(6, 5), g.weight(5), alpha=0.5)


@form(0)
def gemmScaledBias(g):
    return g("Gemm", "x", g.weight(6, 5), g.weight(5), beta=2.0)


@form(0)
def gemmTransposedInput(g):
    return g("Gemm", g.weight(6, 4), g.weight(6, 5), transA=1)


@form(0)
def gemmScalarBias(g):
    return g("Gemm", "x", g.weight(6, 5), g.weight(1))


@form(0)
def productOfInputs(g):
    return g("MatMul", "x", "other")


@form(0)
def productWithStack(g):
    return g("MatMul", "x3", g.weight(2, 1, 6, 5))
