"""Activations and gated activations in their spellings, and what only looks like one: {form: how many are raised}."""

import numpy as np

# The bound is that of ONNX Runtime's Sigmoid far from 0.
OPSET, BOUND, RAISED = 20, 1e-4, r"= moe\.(activation|glu) "
INPUTS = {"x": ["t", 5], "y": ["t", 5], "row": [1, 5], "column": ["t", 1]}
FORMS = {}
ROOT = np.float32(np.sqrt(2))
TANH = np.float32(np.sqrt(2 / np.pi))


def form(count):
    return lambda function: FORMS.setdefault(function, count) and function or function


def cases(random):
    def draw(t, scale):
        shape = lambda *s: (random.standard_normal(s) * scale).astype(np.float32)
        return {"x": shape(t, 5), "y": shape(t, 5), "row": shape(1, 5), "column": shape(t, 1)}

    return {f"{t} tokens, around {scale}": draw(t, scale) for t, scale in ((0, 1), (1, 1), (31, 2), (8, 60), (8, 1e-4))}


def erf(g, x):
    return g("Add", g("Erf", g("Div", x, ROOT)), np.float32(1))


def tanh(g, x, cubic=0.044715, factor=TANH):
    cube = g("Mul", np.float32(cubic), g("Pow", x, np.float32(3)))
    return g("Add", np.float32(1), g("Tanh", g("Mul", np.float32(factor), g("Add", x, cube))))


def silu(g, x):
    return g("Mul", x, g("Sigmoid", x))


@form(1)
def siluOfProduct(g):
    return silu(g, "x")


@form(1)
def siluGateFirst(g):
    return g("Mul", g("Sigmoid", "x"), "x")


@form(1)
def siluOfQuotient(g):
    return g("Div", "x", g("Add", g("Exp", g("Neg", "x")), np.float32(1)))


@form(1)
def quickGELU(g):
    return g("Mul", "x", g("Sigmoid", g("Mul", np.float32(1.702), "x")))


@form(1)
def quickGELUNegative(g):
    return g("Mul", "x", g("Sigmoid", g("Mul", np.float32(-0.5), "x")))


@form(1)
def geluHalfLast(g):
    return g("Mul", g("Mul", "x", erf(g, "x")), np.float32(0.5))


@form(1)
def geluHalfFirst(g):
    return g("Mul", g("Mul", "x", np.float32(0.5)), erf(g, "x"))


@form(1)
def geluHalfWithin(g):
    return g("Mul", "x", g("Mul", np.float32(0.5), erf(g, "x")))


@form(1)
def geluProductInErf(g):
    return g("Mul", g("Mul", "x", np.float32(0.5)), g("Add", g("Erf", g("Mul", "x", 1 / ROOT)), np.float32(1)))


@form(1)
def geluTanh(g):
    return g("Mul", g("Mul", np.float32(0.5), "x"), tanh(g, "x"))


@form(1)
def geluTanhByProducts(g):
    cubic = g("Add", np.float32(1), g("Mul", g("Mul", np.float32(0.044715), "x"), "x"))
    inner = g("Mul", g("Mul", "x", TANH), cubic)
    return g("Mul", g("Mul", np.float32(0.5), "x"), g("Add", g("Tanh", inner), np.float32(1)))


@form(1)
def operatorGelu(g):
    return g("Gelu", "x", approximate="tanh")


@form(1)
def reluSquaredAsPower(g):
    return g("Pow", g("Relu", "x"), np.float32(2))


@form(1)
def reluSquaredAsProduct(g):
    relu = g("Relu", "x")
    return g("Mul", relu, relu)


@form(1)
def gated(g):
    return g("Mul", silu(g, "x"), "y")


@form(1)
def gatedUpFirst(g):
    return g("Mul", "y", g("Mul", g("Sigmoid", "x"), "x"))


@form(1)
def gatedByRelu(g):
    return g("Mul", g("Relu", "x"), "y")


@form(1)
def gatedWithItself(g):
    return g("Mul", silu(g, "x"), "x")


@form(1)
def gatedClamped(g):
    gate = g("Clip", "x", "", np.float32(0.7))
    up = g("Clip", "y", np.float32(-0.7), np.float32(0.7))
    return g("Mul", g("Add", up, np.float32(1)), g("Mul", gate, g("Sigmoid", g("Mul", gate, np.float32(1.702)))))


@form(1)
def gatedClampedOtherwise(g):
    # The clamps are of another kind: only the activation is.
    gate = g("Clip", "x", "", np.float32(0.7))
    up = g("Clip", "y", np.float32(-0.7), np.float32(0.5))
    return g("Mul", g("Add", up, np.float32(1)), silu(g, gate))


@form(1)
def gatedClampedBothWays(g):
    gate = g("Clip", "x", np.float32(-0.7), np.float32(0.7))
    up = g("Clip", "y", np.float32(-0.7), np.float32(0.7))
    return g("Mul", up, silu(g, gate))


@form(0)
def sharedSigmoid(g):
    # The sigmoid is used elsewhere too.
    gate = g("Sigmoid", "x")
    return g("Add", g("Mul", "x", g("Sigmoid", "x")), gate)


@form(0)
def gateSpreads(g):
    return g("Mul", g("Sigmoid", "row"), g("Mul", "row", "x"))


@form(0)
def sigmoidOfAnother(g):
    return g("Mul", "y", g("Sigmoid", "x"))


@form(0)
def sigmoidOfShifted(g):
    return g("Mul", "x", g("Sigmoid", g("Add", "x", np.float32(1))))


@form(0)
def siluOfOneMinus(g):
    return g("Div", "x", g("Sub", np.float32(1), g("Exp", g("Neg", "x"))))


@form(0)
def geluWithoutHalf(g):
    return g("Mul", "x", erf(g, "x"))


@form(0)
def geluOtherHalf(g):
    return g("Mul", g("Mul", "x", np.float32(0.51)), erf(g, "x"))


@form(0)
def geluOtherRoot(g):
    return g("Mul", g("Mul", "x", np.float32(0.5)), g("Add", g("Erf", g("Div", "x", np.float32(1.5))), np.float32(1)))


@form(0)
def geluOfAnother(g):
    return g("Mul", g("Mul", "y", np.float32(0.5)), erf(g, "x"))


@form(0)
def geluTanhOtherCubic(g):
    return g("Mul", g("Mul", np.float32(0.5), "x"), tanh(g, "x", cubic=0.05))


@form(0)
def geluTanhOtherFactor(g):
    return g("Mul", g("Mul", np.float32(0.5), "x"), tanh(g, "x", factor=0.8))


@form(0)
def geluTanhOnePlusTwo(g):
    inner = g("Tanh", g("Mul", TANH, g("Add", "x", g("Mul", np.float32(0.044715), g("Pow", "x", np.float32(3))))))
    return g("Mul", g("Mul", np.float32(0.5), "x"), g("Add", inner, np.float32(2)))


@form(0)
def squareOfAny(g):
    return g("Pow", "x", np.float32(2))


@form(1)
def cubeOfRelu(g):
    # A ReLU, and its cube.
    return g("Pow", g("Relu", "x"), np.float32(3))
