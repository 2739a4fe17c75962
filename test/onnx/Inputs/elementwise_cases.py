"""Arithmetic, activations, comparisons, casts, in all element types that ONNX Runtime has."""

import ml_dtypes
import numpy as np
from single_node import Case

F32 = np.float32
FLOATS = (np.float16, np.float32, np.float64)
INTEGERS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 2.5, -2.5, 3.5, 1e-3, -7, 20, -20, 100, -100]


def numbers(*shape, dtype=F32, low=-4.0, high=4.0, seed=0):
    """More than 64 elements where it matters: smaller integer tensors are expressions to the compiler."""
    random = np.random.default_rng(seed)
    if np.issubdtype(dtype, np.integer):
        # Beyond the range of the type where that is narrow, so that signs matter.
        info = np.iinfo(dtype)
        return random.integers(max(info.min, -200), min(info.max, 200), shape, dtype, endpoint=True)
    return (random.random(shape) * (high - low) + low).astype(dtype)


def tolerance(dtype):
    return {np.float16: 2e-3, np.float64: 1e-12}.get(dtype, 1e-5)


def with_specials(dtype=F32):
    return np.concatenate([np.array(SPECIAL, dtype), numbers(60, dtype=dtype)])


def unary():
    special = with_specials()
    for op in ("Abs", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid",
               "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Tan", "Tanh", "Elu", "Selu", "Celu", "HardSigmoid",
               "HardSwish", "LeakyRelu", "ThresholdedRelu", "Mish", "IsInf", "IsNaN", "Identity", "Shrink"):  # fmt: skip
        x = special if op not in ("Softsign", "HardSwish", "Mish") else special[np.isfinite(special)]
        if op in ("Sign", "Shrink", "ThresholdedRelu", "LeakyRelu"):
            x = special[~np.isnan(special)]  # the oracle has no opinion
        if op == "Tan":
            x = special[np.abs(special) < 20]  # ONNX Runtime's is in f32
        kinds = {"result_types": (np.bool_,)} if op.startswith("Is") else {}
        yield Case("special", op, [x], **kinds)
        yield Case("matrix", op, [numbers(5, 33)], **kinds)
        if op != "Softsign":  # the oracle fails
            yield Case("scalar", op, [numbers()], **kinds)
        if op in ("Abs", "Neg", "Sign", "Exp", "Tanh", "Sigmoid", "Relu", "Floor", "Elu", "Erf"):
            for dtype in (np.float16, np.float64):
                # The oracle's Erf of f64 is computed in f32.
                bound = 1e-6 if op == "Erf" and dtype == np.float64 else tolerance(dtype)
                yield Case(dtype.__name__, op, [numbers(9, 9, dtype=dtype)], tolerance=bound)
    for op, low, high in (("Acos", -1, 1), ("Asin", -1, 1), ("Atanh", -0.99, 0.99), ("Acosh", 1, 50), ("Asinh", -50, 50),
                          ("Atan", -50, 50), ("Log", 0, 50), ("Sqrt", 0, 50)):  # fmt: skip
        yield Case("domain", op, [numbers(90, low=low, high=high)])
    yield Case("edges", "Log", [np.array([0, -1, 1, np.inf, 1e-42], F32)])
    yield Case("edges", "Sqrt", [np.array([0, -1, 4, np.inf], F32)])
    for op in ("Abs", "Neg", "Sign"):
        for dtype in (np.int8, np.int32, np.int64) + ((np.uint8,) if op != "Neg" else ()):
            yield Case(dtype.__name__, op, [numbers(7, 11, dtype=dtype)])
    yield Case("alpha", "Elu", [numbers(70)], {"alpha": 0.3})
    yield Case("alpha", "Celu", [numbers(70)], {"alpha": 0.3})
    yield Case("alpha", "LeakyRelu", [numbers(70)], {"alpha": 0.3})
    yield Case("alpha", "ThresholdedRelu", [numbers(70)], {"alpha": 0.3})
    yield Case("attributes", "Selu", [numbers(70)], {"alpha": 2.0, "gamma": 3.0})
    yield Case("attributes", "HardSigmoid", [numbers(70)], {"alpha": 0.5, "beta": 0.6})
    yield Case("attributes", "Shrink", [numbers(70)], {"bias": 0.5, "lambd": 1.5})
    for approximate in ("none", "tanh"):
        yield Case(approximate, "Gelu", [numbers(9, 10)], {"approximate": approximate})
    x = np.array([np.inf, -np.inf, np.nan, 1], F32)
    yield Case("positive", "IsInf", [x], {"detect_negative": 0}, result_types=(np.bool_,))
    yield Case("negative", "IsInf", [x], {"detect_positive": 0}, result_types=(np.bool_,))
    yield Case("plain", "Not", [numbers(9, 9) > 0])
    for dtype in INTEGERS:
        yield Case(dtype.__name__, "BitwiseNot", [numbers(70, dtype=dtype)])
    yield Case("inference", "Dropout", [numbers(9, 9)])
    true = np.array(True)
    yield Case("nothing_dropped", "Dropout", [numbers(9, 9), F32(0), true], constants=(1, 2), outputs=2,
               result_types=(F32, np.bool_))  # fmt: skip
    yield Case("training", "Dropout", [numbers(9, 9), F32(0.5), true], constants=(1, 2), error="training is not")
    yield Case("training_given", "Dropout", [numbers(9, 9), F32(0.5), true], error="training is not")
    yield Case("inference_given", "Dropout", [numbers(9, 9), F32(0.5), np.array(False)])
    for attributes in ({"min": -1.0, "max": 1.5}, {"min": 0.0}, {"max": 1.0}, {}):
        yield Case("attributes_" + "_".join(attributes), "Clip", [numbers(70)], attributes, opset=10)


def binary():
    for op in ("Add", "Sub", "Mul", "Div"):
        for shapes in (((5, 7), (5, 7)), ((5, 7), (7,)), ((5, 7), (5, 1)), ((1, 7), (5, 1)), ((), (5, 7)), ((5, 7), (1,)),
                       ((2, 3, 4), (3, 1)), ((0, 7), (1, 7)), ((), ())):  # fmt: skip
            name = "x".join("_".join(map(str, shape)) for shape in shapes) or "scalars"
            a, b = (numbers(*shape, seed=i, low=0.5) for i, shape in enumerate(shapes))
            yield Case(name, op, [a, b])
        yield Case("constant", op, [numbers(5, 7), np.array(3, F32)], constants=(1,))
        yield Case("constant_vector", op, [numbers(7), numbers(5, 7, low=1)], constants=(0,))
        for dtype in (np.float16, np.float64, np.int8, np.int32, np.int64, np.uint8, np.uint64):
            b = numbers(9, 9, dtype=dtype, seed=1)
            if op == "Div":
                b = np.where(b == 0, dtype(1), b)
            yield Case(dtype.__name__, op, [numbers(9, 9, dtype=dtype), b], tolerance=tolerance(dtype))
    low = np.iinfo(np.int32).min
    x, y = np.array([7, -7, low, low, 5] * 14, np.int32), np.array([0, 0, -1, 1, -1] * 14, np.int32)
    yield Case("traps", "Div", [x, y], expected=[np.array([0, 0, low, low, -5] * 14, np.int32)])
    yield Case("traps", "Mod", [x, y], expected=[np.array([0, 0, 0, 0, 0] * 14, np.int32)])
    yield Case("traps_truncated", "Mod", [x, y], {"fmod": 1}, expected=[np.array([0, 0, 0, 0, 0] * 14, np.int32)])
    for dtype in INTEGERS:
        a, b = numbers(80, dtype=dtype), numbers(80, dtype=dtype, seed=1)
        b = np.where(b == 0, dtype(3), b)
        for fmod in (0, 1):
            yield Case(f"{dtype.__name__}_{fmod}", "Mod", [a, b], {"fmod": fmod})
    yield Case("floats", "Mod", [numbers(80), numbers(80, seed=1)], {"fmod": 1})


def power():
    x = numbers(80, low=0.1)
    for exponent in (0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5, 1.7):
        yield Case(f"to_{exponent}", "Pow", [x, np.array(exponent, F32)], constants=(1,))
    yield Case("negative_bases", "Pow", [numbers(80), np.array([2, 3, -2, 0.5] * 20, F32)])
    grid = np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, np.inf, -np.inf, np.nan], F32)
    yield Case("special", "Pow", [grid.reshape(-1, 1), grid])
    yield Case("root_of_special", "Pow", [grid, np.array(0.5, F32)], constants=(1,))
    for base, exponent in ((np.float32, np.int64), (np.float32, np.int32), (np.int32, np.float32), (np.int64, np.int64),
                           (np.int32, np.int32), (np.float64, np.float32), (np.float32, np.float64)):  # fmt: skip
        a = numbers(80, dtype=base, low=0.2)
        b = np.abs(numbers(80, dtype=exponent, seed=1, high=3))
        if np.issubdtype(base, np.integer):
            a = a % 7
        b = b % exponent(5)
        yield Case(f"{base.__name__}_{exponent.__name__}", "Pow", [a.astype(base), b.astype(exponent)], tolerance=2e-5)
    yield Case("half", "Pow", [numbers(80, dtype=np.float16, low=0.2), np.array(1.5, np.float16)], tolerance=2e-3)
    a, b = np.array([1, -1, -1, 2, -3, 0, 5] * 10, np.int64), np.array([-3, -3, -2, -1, -2, 3, 0] * 10, np.int64)
    yield Case("negative_exponents", "Pow", [a, b], expected=[np.array([1, -1, 1, 0, 0, 0, 1] * 10, np.int64)])


def comparisons():
    for op in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        special = np.array(SPECIAL, F32)
        yield Case("special", op, [special.reshape(-1, 1), special], result_types=(np.bool_,))
        for dtype in (np.int32, np.int64, np.uint8, np.int8, np.float64, np.float16, np.uint64):
            a, b = numbers(80, dtype=dtype), numbers(80, dtype=dtype, seed=1)
            yield Case(dtype.__name__, op, [a, np.where(a % 2 == 0, a, b)], result_types=(np.bool_,))
    a, b = numbers(9, 9) > 0, numbers(9, 9, seed=1) > 0
    for op in ("And", "Or", "Xor", "Equal"):
        yield Case("bool", op, [a, b], result_types=(np.bool_,))
        yield Case("bool_broadcast", op, [a, b[0]], result_types=(np.bool_,))
    for dtype in INTEGERS:
        x, y = numbers(80, dtype=dtype), numbers(80, dtype=dtype, seed=1)
        for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
            yield Case(dtype.__name__, op, [x, y])
    for dtype in (np.uint8, np.uint32, np.uint64):
        x, y = numbers(80, dtype=dtype), numbers(80, dtype=dtype, seed=1) % dtype(8)
        for direction in ("LEFT", "RIGHT"):
            yield Case(f"{dtype.__name__}_{direction}", "BitShift", [x, y], {"direction": direction})
    wide = np.array([8, 9, 255, 0, 7] * 14, np.uint8)
    ones = np.full(70, 255, np.uint8)
    expected = [np.array([0, 0, 0, 255, 1] * 14, np.uint8)]
    yield Case("far", "BitShift", [ones, wide], {"direction": "RIGHT"}, expected=expected)
    for dtype in (np.float32, np.float16, np.int64, np.uint8, np.bool_):
        x, y = (numbers(5, 7, seed=i).astype(dtype) for i in (1, 2))
        yield Case(dtype.__name__, "Where", [numbers(5, 7) > 0, x, y], result_types=(dtype,))
        yield Case(f"{dtype.__name__}_broadcast", "Where", [numbers(5, 1) > 0, x[0], y[0, 0]], result_types=(dtype,))


def several():
    for op in ("Max", "Min", "Sum", "Mean"):
        yield Case("one", op, [numbers(5, 7)])
        yield Case("two", op, [numbers(5, 7), numbers(7, seed=1)])
        yield Case("three", op, [numbers(5, 1), numbers(7, seed=1), numbers(5, 7, seed=2)])
    for op in ("Max", "Min"):
        for dtype in (np.float16, np.float64, np.int8, np.int32, np.int64, np.uint8, np.uint32, np.uint64):
            yield Case(dtype.__name__, op, [numbers(80, dtype=dtype), numbers(80, dtype=dtype, seed=1)])
        yield Case("nan", op, [np.array([np.nan, 1, np.nan, 2], F32), np.array([1, np.nan, np.nan, 3], F32)])
    x = with_specials()
    yield Case("both", "Clip", [x, np.array(-1, F32), np.array(2, F32)])
    yield Case("constants", "Clip", [x, np.array(-1, F32), np.array(2, F32)], constants=(1, 2))
    # ONNX's function clips to no bound where one is absent; ONNX Runtime to the largest number.
    finite = x[np.isfinite(x)]
    yield Case("low", "Clip", [finite, np.array(-1, F32)])
    yield Case("high", "Clip", [finite, None, np.array(2, F32)])
    yield Case("none", "Clip", [finite])
    yield Case("infinities", "Clip", [np.array([np.inf, -np.inf], F32)], expected=[np.array([np.inf, -np.inf], F32)])
    yield Case("crossed", "Clip", [numbers(80), np.array(2, F32), np.array(-1, F32)])
    for dtype in (np.float16, np.float64, np.int8, np.int32, np.int64, np.uint8):
        yield Case(dtype.__name__, "Clip", [numbers(80, dtype=dtype), np.array(1, dtype), np.array(3, dtype)])
    yield Case("vector", "PRelu", [numbers(5, 7), numbers(7, seed=1)])
    yield Case("one", "PRelu", [numbers(5, 7), numbers(1, seed=1)])


def broadcast_errors():
    yield Case("disagree", "Add", [numbers(3), numbers(4)], error="neither 1 nor the size", expected=[])


def casts():
    types = (np.bool_, *INTEGERS, *FLOATS, ml_dtypes.bfloat16)
    for source in types:
        x = with_specials() if source in FLOATS else numbers(80, low=-300, high=300)
        if source not in FLOATS:
            x = np.round(x)
        if source == np.bool_:
            x = x > 0
        elif source in INTEGERS:
            x = numbers(80, dtype=source)
        if source == ml_dtypes.bfloat16:
            continue  # NumPy files have no such type: a pair of casts below
        for target in types:
            if target == ml_dtypes.bfloat16:
                continue
            finite = x[np.isfinite(x) & (x > -0.9)] if source in FLOATS and target in INTEGERS else x
            kind = onnx_type(target)
            yield Case(f"{np.dtype(source).name}_{np.dtype(target).name}", "Cast", [finite.astype(source)], {"to": kind},
                       result_types=(target,))  # fmt: skip
    x = np.array([3e9, -3e9, 1e20, -1e20, np.nan, np.inf, -np.inf, 2147483648, -2147483648, 300, -300, -1.5] * 6, F32)
    lowest32, lowest64 = -(2**31), -(2**63)
    i32 = [lowest32] * 9 + [300, -300, -1]
    i64 = [3000000000, -3000000000] + [lowest64] * 5 + [2147483648, -2147483648, 300, -300, -1]
    for target, values in ((np.int32, i32), (np.int64, i64), (np.int8, i32), (np.uint8, i32), (np.int16, i32), (np.uint32, i64)):
        expected = np.array(values * 6, np.int64).astype(target)  # wraps around
        yield Case(f"unfit_{target.__name__}", "Cast", [x], {"to": onnx_type(target)}, expected=[expected])
    # To the nearest f16, ties to even; beyond the largest to infinity.
    x = np.array([1 + 2**-11, 1 + 3 * 2**-11, 65519, 65520, 1e-8, 2**-24, 2**-25, 2**-25 * 1.1, -1e5] * 8, F32)
    yield Case("rounding_float16", "Cast", [x], {"to": 10}, result_types=(np.float16,))


def onnx_type(dtype):
    from onnx import helper

    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def cases():
    for family in (unary, binary, power, comparisons, several, broadcast_errors, casts):
        yield from family()
