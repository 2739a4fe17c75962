"""Norms in every spelling, and near misses: compiled with and without raising they give what ONNX Runtime
gives, and moe-raise-norms takes what it should and leaves the rest.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import pathlib
import sys

import numpy as np
from onnx import TensorProto

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from layers import check  # noqa: E402

N = 12
WEIGHT = np.linspace(0.5, 2, N).astype(np.float32)
EPSILON = np.float32(1e-2)  # large, so that its place shows


def squares(g, x, change):
    if change == "a product":
        return g("Mul", x, x)
    return g("Pow", x, np.float32(3 if change == "cubes" else 2))


def rms(g, x, change):
    """x / sqrt(mean(x²) + epsilon) · weight"""
    axis = 1 if change == "another axis" else -1
    mean = g("ReduceMean", squares(g, x, change), [axis], keepdims=1)
    if change == "epsilon under no root":
        root = g("Add", g("Sqrt", mean), EPSILON)
    elif change == "the largest of both":
        root = g("Sqrt", g("Max", mean, EPSILON))
    else:
        total = g("Add", EPSILON, mean) if change == "epsilon first" else g("Add", mean, EPSILON)
        if change == "a power of minus one half":
            return g("Mul", g("Mul", x, g("Pow", total, np.float32(-0.5))), WEIGHT)
        root = g("Pow", total, np.float32(0.5)) if change == "a power of one half" else g("Sqrt", total)
    if change == "a reciprocal":
        normal = g("Mul", g("Reciprocal", root), x)
    elif change == "one by":
        normal = g("Mul", x, g("Div", np.float32(1), root))
    elif change == "two by":
        normal = g("Mul", x, g("Div", np.float32(2), root))
    elif change == "of something else":
        normal = g("Div", g("Neg", x), root)
    else:
        normal = g("Div", x, root)
    return g("Mul", WEIGHT, normal) if change == "weight first" else g("Mul", normal, WEIGHT)


def layer(g, x, change):
    """(x − mean(x)) / sqrt(mean((x − mean(x))²) + epsilon) · weight + bias"""
    mean = g("ReduceMean", x, [-1], keepdims=1)
    centered = g("Sub", mean, x) if change == "the other way round" else g("Sub", x, mean)
    if change == "not centred above":
        normal = g("Div", x, g("Sqrt", g("Add", g("ReduceMean", squares(g, centered, None), [-1], keepdims=1), EPSILON)))
        return g("Add", g("Mul", normal, WEIGHT), WEIGHT)
    normal = g("Div", centered, g("Sqrt", g("Add", g("ReduceMean", squares(g, centered, change), [-1], keepdims=1), EPSILON)))
    if change == "no weight":
        return normal
    return g("Add", g("Mul", normal, WEIGHT), g("Neg", WEIGHT))


def half(g, x, change):
    """In half precision, computed in single."""
    x = g("Cast", g("Cast", x, to=TensorProto.FLOAT16), to=TensorProto.FLOAT)
    normal = g("Div", x, g("Sqrt", g("Add", g("ReduceMean", squares(g, x, None), [-1], keepdims=1), EPSILON)))
    if change == "weight in single":
        return g("Mul", normal, WEIGHT)
    normal = g("Cast", normal, to=TensorProto.FLOAT16)
    return g("Cast", g("Mul", normal, WEIGHT.astype(np.float16)), to=TensorProto.FLOAT)


def operator(g, x, change):
    if change == "other axes":
        weight = np.ones((4, N), np.float32)
        return g("LayerNormalization", g("Reshape", x, [-1, 4, N]), weight, axis=-2, epsilon=1e-2)
    return g("LayerNormalization", x, WEIGHT, *([] if change == "no bias" else [WEIGHT]), axis=-1, epsilon=1e-2)


CASES = {
    rms: ["a product", "epsilon first", "a power of one half", "a power of minus one half", "a reciprocal", "one by",
          "weight first", "!cubes", "!another axis", "!epsilon under no root", "!the largest of both", "!two by",
          "!of something else"],
    layer: ["no weight", "the other way round", "!not centred above"],
    half: ["weight in single"],
    operator: ["no bias", "!other axes"],
}  # fmt: skip

sys.exit(check(
    CASES, "moe.norm", {"x": (TensorProto.FLOAT, ["b", 4, N])},
    [{"x": (np.random.default_rng(rows).standard_normal((rows, 4, N)) * scale).astype(np.float32)}
     for rows, scale in ((1, 1), (3, 0.01), (7, 100))],
    pathlib.Path(sys.argv[1]), tolerance=2e-3))  # fmt: skip
