"""Reductions, softmax, normalisations."""

import numpy as np
from elementwise_cases import numbers, tolerance
from single_node import Case

F32 = np.float32


def i64(*values):
    return np.array(values, np.int64)


def reductions():
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
               "ReduceLogSumExp", "ReduceSumSquare"):  # fmt: skip
        x = numbers(5, 6, 70, low=0.2, high=1.2)
        every = ((2,), (-1,), (0,), (1,), (0, 2), (1, -1), (0, 1, 2))
        for axes in every if op in ("ReduceSum", "ReduceMax", "ReduceLogSumExp") else every[1:3]:
            name = "axes" + "_".join(map(str, axes))
            yield Case(name, op, [x, i64(*axes)], constants=(1,))
            yield Case(name + "_dropped", op, [x, i64(*axes)], {"keepdims": 0}, constants=(1,))
        yield Case("all", op, [x])
        yield Case("all_dropped", op, [x], {"keepdims": 0})
        yield Case("none", op, [x, i64()], {"noop_with_empty_axes": 1}, constants=(1,))
        yield Case("attribute", op, [x], {"axes": [1]} if op != "ReduceSum" else {}, opset=13)
        if op != "ReduceLogSumExp":  # the oracle fails
            yield Case("scalar", op, [numbers(low=0.5)])
        for dtype in (np.float64, np.int32, np.int64) + ((np.float16,) if op != "ReduceProd" else ()):
            if op in ("ReduceLogSum", "ReduceLogSumExp", "ReduceL2", "ReduceMean") and np.issubdtype(dtype, np.integer):
                continue
            values = numbers(9, 11, dtype=dtype, low=0.1, high=1)
            if op == "ReduceProd" and np.issubdtype(dtype, np.integer):
                values %= 4  # ONNX Runtime saturates, we wrap around
            yield Case(dtype.__name__, op, [values, i64(1)], constants=(1,), tolerance=tolerance(dtype))
    empty = np.zeros((3, 0), F32)
    for op, value in (("ReduceSum", 0), ("ReduceProd", 1), ("ReduceMax", -np.inf), ("ReduceMin", np.inf), ("ReduceL1", 0),
                      ("ReduceLogSumExp", -np.inf)):  # fmt: skip
        yield Case("empty", op, [empty, i64(1)], constants=(1,), expected=[np.full((3, 1), value, F32)])
    for op in ("ReduceMax", "ReduceMin"):
        for dtype in (np.int8, np.uint8):
            yield Case(dtype.__name__, op, [numbers(9, 11, dtype=dtype), i64(0)], constants=(1,))
        x = numbers(9, 11)
        x[3, 4] = np.nan
        expected = getattr(np, "max" if op == "ReduceMax" else "min")(x, axis=1, keepdims=True)
        yield Case("nan", op, [x, i64(1)], constants=(1,), expected=[expected])
        b = numbers(9, 11) > 2
        expected = getattr(np, "any" if op == "ReduceMax" else "all")(b, axis=1, keepdims=True)
        yield Case("bool", op, [b, i64(1)], constants=(1,), expected=[expected])
    x = np.array([[-np.inf, -np.inf], [np.inf, 1], [1000, 999], [-1000, -999]], F32)
    expected = [np.array([[-np.inf], [np.inf], [1000.3133], [-998.6867]], F32)]
    yield Case("extreme", "ReduceLogSumExp", [x, i64(1)], constants=(1,), expected=expected)
    yield Case("long", "ReduceSum", [numbers(3, 10007), i64(1)], constants=(1,), tolerance=1e-3)


def reductions_over_given_axes():
    """Over axes that are an input."""
    x = numbers(3, 4, 5, low=0.2, high=1.2)
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceLogSumExp"):
        for axes in ((1,), (-1,), (0, 2), (2, -3), (0, 1, 2)):
            name = "given" + "_".join(map(str, axes))
            yield Case(name, op, [x, i64(*axes)])
            yield Case(name + "_dropped", op, [x, i64(*axes)], {"keepdims": 0})
    yield Case("given_empty", "ReduceSum", [numbers(3, 0, 5), i64(1)])
    yield Case("given_integers", "ReduceSum", [numbers(9, 11, dtype=np.int64), i64(-2)])
    yield Case("given_outside", "ReduceSum", [x, i64(3)], error="axis")
    yield Case("given_twice", "ReduceSum", [x, i64(1, -2)], {"keepdims": 0}, error="twice|axes")


def softmaxes():
    x = numbers(4, 5, 37)
    for op in ("Softmax", "LogSoftmax"):
        for axis in (-1, 0, 1, 2):
            yield Case(f"axis{axis}", op, [x], {"axis": axis})
        yield Case("flat", op, [x], {"axis": 1}, opset=11)
        yield Case("large", op, [x * 1e4])
        for dtype in (np.float16, np.float64):
            yield Case(dtype.__name__, op, [x.astype(dtype)], tolerance=tolerance(dtype))
        y = numbers(3, 40)
        y[1] = -np.inf
        y[2, ::2] = -np.inf
        yield Case("masked", op, [y])
        y = numbers(3, 40)
        y[1, 7] = np.nan
        yield Case("nan", op, [y])


def normalizations():
    x = numbers(4, 5, 37) + 10
    scale, bias = numbers(37, seed=1), numbers(37, seed=2)
    yield Case("plain", "LayerNormalization", [x, scale, bias])
    yield Case("three", "LayerNormalization", [x, scale, bias], outputs=3)
    yield Case("no_bias", "LayerNormalization", [x, scale], {"epsilon": 0.1})
    yield Case("two_axes", "LayerNormalization", [x, numbers(5, 37, seed=1), numbers(5, 37, seed=2)], {"axis": 1}, outputs=3)
    yield Case("float16", "LayerNormalization", [x.astype(np.float16), scale.astype(np.float16)], tolerance=1e-2)
    # What a mean of squares minus the square of the mean would get wrong.
    offset = (numbers(4, 64) * 0.01 + 1000).astype(F32)
    exact = offset.astype(np.float64)
    exact = (exact - exact.mean(-1, keepdims=True)) / np.sqrt(exact.var(-1, keepdims=True) + 1e-5)
    yield Case("offset", "LayerNormalization", [offset, np.ones(64, F32)], expected=[exact.astype(F32)], tolerance=1e-2)
    yield Case("plain", "RMSNormalization", [x, scale])
    yield Case("two_axes", "RMSNormalization", [x, numbers(5, 37, seed=1)], {"axis": -2, "epsilon": 0.1})
    yield Case("float16", "RMSNormalization", [x.astype(np.float16), scale.astype(np.float16)], tolerance=1e-2)


def channels():
    """Norms of channels, and along an axis."""
    x = numbers(2, 5, 7, 3)
    scale, bias, mean = (numbers(5, seed=seed) for seed in (1, 2, 3))
    yield Case("plain", "BatchNormalization", [x, scale, bias, mean, numbers(5, low=0.1)])
    yield Case("no_axes", "BatchNormalization", [x[:, :, 0, 0], scale, bias, mean, numbers(5, low=0.1)], {"epsilon": 0.1})
    yield Case("plain", "InstanceNormalization", [x, scale, bias], tolerance=1e-4)
    yield Case("one_axis", "InstanceNormalization", [x[..., 0], scale, bias], {"epsilon": 0.1})
    for p in (1, 2):
        for axis in (-1, 0, 1):
            yield Case(f"p{p}_axis{axis}", "LpNormalization", [x], {"p": p, "axis": axis})
    zeros = np.zeros((3, 4), F32)
    yield Case("zeros", "LpNormalization", [zeros], expected=[zeros])


def cases():
    for family in (reductions, reductions_over_given_axes, softmaxes, normalizations, channels):
        yield from family()
