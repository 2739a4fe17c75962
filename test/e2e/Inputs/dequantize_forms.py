"""Weights as codes, in all granularities, and codes that are no weights: {form: how many are raised}."""

import ml_dtypes
import numpy as np
from onnx import TensorProto

OPSET, BOUND, RAISED = 21, 1e-5, r"= moe\.dequantize "
INPUTS = {"x": ["t", 8], "codes": (TensorProto.UINT8, ["t", 8])}
FORMS = {}


def form(count):
    return lambda function: FORMS.setdefault(function, count) and function or function


def cases(random):
    return {f"{t} tokens": {"x": random.standard_normal((t, 8)).astype(np.float32),
                            "codes": random.integers(0, 256, (t, 8)).astype(np.uint8)} for t in (0, 1, 17)}


def codes(g, kind, *shape):
    low, high = {"uint8": (0, 256), "int8": (-128, 128), "uint4": (0, 16), "int4": (-8, 8)}[kind]
    kind = getattr(ml_dtypes, kind) if kind.endswith("4") else kind
    return g.random.integers(low, high, shape).astype(kind)


def scales(g, *shape):
    return (g.random.random(shape) * 0.05 + 0.01).astype(np.float32)


def dequantize(g, kind, scale, zero="some", shape=(8, 6), **attributes):
    operands = [codes(g, kind, *shape), scales(g, *scale)]
    if zero == "some":
        operands.append(codes(g, kind, *scale))
    elif zero == "uniform":
        operands.append(np.full_like(codes(g, kind, *scale), 5))
    return g("DequantizeLinear", *operands, **attributes)


def product(g, weight):
    return g("MatMul", "x", weight)


@form(1)
def oneScale(g):
    return product(g, dequantize(g, "int8", ()))


@form(1)
def oneScaleWithoutZeroPoint(g):
    return product(g, dequantize(g, "uint8", (), zero=None))


@form(1)
def columns(g):
    return product(g, dequantize(g, "uint8", (6,), axis=1))


@form(1)
def columnsFromTheEnd(g):
    return product(g, dequantize(g, "int8", (6,), zero="uniform", axis=-1))


@form(1)
def rows(g):
    return product(g, dequantize(g, "int8", (8,), axis=0))


@form(1)
def blocks(g):
    return product(g, dequantize(g, "uint4", (2, 6), axis=0, block_size=4))


@form(1)
def blocksUniform(g):
    return product(g, dequantize(g, "uint4", (2, 6), zero="uniform", axis=0, block_size=4))


@form(1)
def blocksOfInt4(g):
    return product(g, dequantize(g, "int4", (2, 6), axis=0, block_size=4))


@form(1)
def blocksWithRest(g):
    return product(g, dequantize(g, "int4", (3, 6), zero=None, axis=0, block_size=3))


@form(1)
def blocksOfColumnsSwapped(g):
    weight = dequantize(g, "uint4", (6, 2), shape=(6, 8), axis=1, block_size=4)
    return product(g, g("Transpose", weight, perm=[1, 0]))


@form(1)
def partOfCodes(g):
    stored = g("Slice", codes(g, "int8", 8, 10), [2], [8], [1])
    return product(g, g("DequantizeLinear", stored, scales(g, 6), axis=1))


@form(1)
def codesMoved(g):
    stored = g("Transpose", g("Reshape", codes(g, "uint8", 48), [6, 8]), perm=[1, 0])
    return product(g, g("DequantizeLinear", stored, scales(g), np.uint8(7)))


@form(2)
def sharedCodes(g):
    stored = g.constant(codes(g, "int8", 8, 6))
    first = product(g, g("DequantizeLinear", stored, scales(g)))
    return g("Sub", first, product(g, g("DequantizeLinear", stored, scales(g, 6), axis=1)))


@form(1)
def negativeScale(g):
    return product(g, g("DequantizeLinear", codes(g, "int8", 8, 6), np.float32(-0.25)))


@form(0)
def activations(g):
    return g("DequantizeLinear", "codes", np.float32(0.1), np.uint8(128))


@form(0)
def codesComputed(g):
    stored = g("QuantizeLinear", g.weight(8, 6), np.float32(0.1), np.int8(0))
    return product(g, g("DequantizeLinear", g("Max", stored, np.int8(-3)), np.float32(0.1)))
