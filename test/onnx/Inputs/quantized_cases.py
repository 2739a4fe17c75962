"""Codes and scales: quantisation, and products of quantised matrices."""

import ml_dtypes
import numpy as np
from elementwise_cases import numbers, onnx_type, with_specials
from single_node import Case

F32 = np.float32
RNG = np.random.default_rng(11)
INTEGERS = (np.int8, np.uint8, np.int16, np.uint16, ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2)
FLOATS = (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz)


def range_of(dtype):
    name = np.dtype(dtype).name
    bits = int(name.removeprefix("u").removeprefix("int"))
    return (0, 2**bits - 1) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def codes(*shape, dtype):
    low, high = range_of(dtype)
    return RNG.integers(low, high + 1, shape).astype(dtype)


def scales(*shape, dtype=F32):
    return RNG.uniform(0.01, 0.3, shape).astype(dtype)


def opset_of(dtype):
    return 25 if "int2" in np.dtype(dtype).name else 21


def granularities(dtype):
    """Name, shape, shape of the scales, attributes."""
    yield "tensor", (5, 9), (), {}
    yield "axis", (5, 9), (9,), {"axis": 1}
    yield "first_axis", (5, 9, 2), (5,), {"axis": 0}
    yield "negative_axis", (5, 9, 3), (9,), {"axis": -2}
    yield "blocks", (5, 12), (5, 3), {"axis": 1, "block_size": 4}
    yield "first_blocks", (8, 3, 6), (2, 3, 6), {"axis": 0, "block_size": 4}
    if np.dtype(dtype).name in ("int8", "uint4"):
        yield "part_block", (5, 14), (5, 4), {"axis": 1, "block_size": 4}
        yield "scalar", (), (), {}
        yield "one", (7, 3), (1,), {}
        yield "empty", (0, 9), (9,), {"axis": 1}
        yield "empty_axis", (3, 0), (0,), {"axis": 1}


def dequantizations():
    op = "DequantizeLinear"
    for dtype in INTEGERS:
        kind, opset = np.dtype(dtype).name, opset_of(dtype)
        for name, shape, size, attributes in granularities(dtype):
            x, scale, zero = codes(*shape, dtype=dtype), scales(*size), codes(*size, dtype=dtype)
            options = {"opset": opset, "result_types": (F32,)}
            yield Case(f"{kind}_{name}", op, [x, scale, zero], attributes, **options)
            yield Case(f"{kind}_{name}_no_zero", op, [x, scale], attributes, **options)
        # As a weight, over 1 KiB, and its scales.
        x, scale, zero = codes(96, 65, dtype=dtype), scales(3, 65), codes(3, 65, dtype=dtype)
        yield Case(f"{kind}_weight", op, [x, scale, zero], {"axis": 0, "block_size": 32}, constants=(0, 1, 2), **options)
        yield Case(f"{kind}_float16", op, [x, scale.astype(np.float16), zero], {"axis": 0, "block_size": 32},
                   constants=(0, 2), opset=opset, result_types=(np.float16,), tolerance=2e-3)  # fmt: skip
    kind = ml_dtypes.bfloat16
    x, scale = codes(96, 65, dtype=np.int8), scales(65, dtype=kind)
    values = x.astype(F32) * scale.astype(F32)
    yield Case("bfloat16", op, [x, scale], constants=(0, 1), expected=[values.astype(kind)], result_types=(kind,))
    # The difference of codes is exact, further apart than any code.
    x = np.array([-128, 127] * 40, np.int8)
    for zero in x[:2]:
        yield Case(f"difference_{zero}", op, [x, F32(1), zero], expected=[x.astype(F32) - F32(zero)], result_types=(F32,))
    yield Case("int32", op, [codes(5, 9, dtype=np.int32) // 1000, F32(0.3)], result_types=(F32,))
    for opset in (10, 13, 19):
        axis = {} if opset == 10 else {"axis": 0}
        yield Case(f"version{opset}", op, [codes(5, 9, dtype=np.uint8), scales(*([5] if axis else [])),
                   codes(*([5] if axis else []), dtype=np.uint8)], axis, opset=opset, result_types=(F32,))  # fmt: skip
    for dtype in FLOATS:
        every = np.arange(256, dtype=np.uint8).view(dtype)
        every = np.where(np.isfinite(every.astype(F32)), every, np.zeros(1, dtype))
        kind = np.dtype(dtype).name
        yield Case(kind, op, [every, F32(0.25)], opset=21, result_types=(F32,))
        yield Case(f"{kind}_weight", op, [np.tile(every, 8), F32(0.25)], opset=21, constants=(0,), result_types=(F32,))
        # Its zero point is not read.
        yield Case(f"{kind}_zero", op, [every, F32(0.25), np.ones((), dtype)], opset=21,
                   expected=[every.astype(F32) * F32(0.25)], result_types=(F32,))  # fmt: skip
    x = np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn)
    yield Case("float4", op, [x, F32(0.5)], opset=23, result_types=(F32,))
    yield Case("float4_weight", op, [np.tile(x, 256), F32(0.5)], opset=23, constants=(0,), result_types=(F32,))
    yield Case("scale_of_wrong_size", op, [codes(5, 9, dtype=np.int8), scales(7)], {"axis": 1}, error="neither 1 nor the size")


def quantizations():
    op = "QuantizeLinear"
    for dtype in INTEGERS:
        kind, opset = np.dtype(dtype).name, opset_of(dtype)
        for name, shape, size, attributes in granularities(dtype):
            x, zero = numbers(*shape, low=-20, high=20), codes(*size, dtype=dtype)
            scale = scales(*size) + F32(1)
            yield Case(f"{kind}_{name}", op, [x, scale, zero], attributes, opset=opset, result_types=(dtype,))
            if opset == 21 and name in ("tensor", "axis"):
                yield Case(f"{kind}_{name}_no_zero", op, [x, scale], {**attributes, "output_dtype": onnx_type(dtype)},
                           opset=opset, result_types=(dtype,))  # fmt: skip
    # Ties go to even; what does not fit is cut off.
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 127.5, 128.5, 300, -300, 1e30, -1e30, np.inf, -np.inf] * 8, F32)
    for dtype in (np.int8, np.uint8):
        expected = np.clip(np.rint(x), *range_of(dtype)).astype(dtype)
        yield Case(f"{np.dtype(dtype).name}_edges", op, [x, F32(1), np.zeros((), dtype)], expected=[expected],
                   result_types=(dtype,))  # fmt: skip
    # NaN becomes the lowest code, wherever the zero point is.
    x = np.array([np.nan, 0, -np.nan, 1] * 20, F32)
    for dtype in INTEGERS:
        low, high = range_of(dtype)
        middle = (low + high + 1) // 2
        expected = np.where(np.isnan(x), low, middle + x.astype(bool)).astype(dtype)
        yield Case(f"{np.dtype(dtype).name}_nan", op, [x, F32(1), np.array(middle, dtype)], opset=opset_of(dtype),
                   expected=[expected], result_types=(dtype,))  # fmt: skip
    # In this type are the operands, and the quotient.
    x, scale = numbers(200, low=-3000, high=3000), F32(0.1003)
    for kind in (np.float32, np.float16, ml_dtypes.bfloat16):
        quotient = (x.astype(kind).astype(F32) / scale.astype(kind).astype(F32)).astype(kind)
        expected = np.clip(np.rint(quotient.astype(F32)), *range_of(np.int16)).astype(np.int16)
        yield Case(f"precision_{np.dtype(kind).name}", op, [x, scale, np.int16(0)], {"precision": onnx_type(kind)},
                   expected=[expected], result_types=(np.int16,))  # fmt: skip
    yield Case("float16", op, [numbers(70, dtype=np.float16), np.float16(0.5), np.int8(3)], result_types=(np.int8,))
    yield Case("int32", op, [numbers(70, dtype=np.int32), F32(0.7), np.int8(3)], result_types=(np.int8,))
    for dtype in FLOATS:
        x = np.concatenate([with_specials() * 37, np.float32([1e5, -1e5, 1e-3, 3e-8]), numbers(200, low=-0.1, high=0.1)])
        for saturate in (0, 1):
            # The oracle saturates infinities and keeps them in its own way.
            values = x[np.isfinite(x)]
            yield Case(f"{np.dtype(dtype).name}_{saturate}", op, [values, F32(1), np.zeros((), dtype)],
                       {"saturate": saturate}, opset=21, result_types=(dtype,))  # fmt: skip
    x = np.concatenate([np.linspace(-8, 8, 129, dtype=F32)])
    yield Case("float4", op, [x, F32(1), np.zeros((), ml_dtypes.float4_e2m1fn)], opset=23,
               result_types=(ml_dtypes.float4_e2m1fn,))  # fmt: skip
    yield Case("float4_nan", op, [NANS, F32(1), np.zeros((), ml_dtypes.float4_e2m1fn)], opset=23, expected=[NO_NANS],
               result_types=(ml_dtypes.float4_e2m1fn,))  # fmt: skip
    yield Case("float8_e8m0fnu", op, [x, F32(1)], {"output_dtype": onnx_type(ml_dtypes.float8_e8m0fnu)}, opset=24,
               error="no codes of this element type", result_types=(ml_dtypes.float8_e8m0fnu,))  # fmt: skip


# float4_e2m1fn has no NaN.
NANS = np.array([np.nan, 1, -np.nan, -6, np.inf, -np.inf] * 12, F32)
NO_NANS = np.array([-0.0, 1, -0.0, -6, 6, -6] * 12, F32).astype(ml_dtypes.float4_e2m1fn)


def casts():
    op, kind = "Cast", ml_dtypes.float4_e2m1fn
    yield Case("float4_nan", op, [NANS], {"to": onnx_type(kind)}, expected=[NO_NANS], result_types=(kind,))
    powers = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e8m0fnu)
    yield Case("from_float8_e8m0fnu", op, [powers], {"to": 1}, opset=24, expected=[powers.astype(F32)], result_types=(F32,))
    yield Case("to_float8_e8m0fnu", op, [numbers(70)], {"to": onnx_type(powers.dtype)}, opset=24,
               error="no conversion to f8E8M0FNU", result_types=(powers.dtype,))  # fmt: skip


def dynamic_quantizations():
    types = (np.uint8, F32, np.uint8)
    for name, x in {
        "both_signs": numbers(5, 33),
        "positive": numbers(5, 33, low=1, high=7),
        "negative": numbers(70, low=-9, high=-2),
        "zeros": np.zeros((3, 4), F32),
        "scalar": F32(-3),
    }.items():
        yield Case(name, "DynamicQuantizeLinear", [x], outputs=3, result_types=types)


def matrix_products():
    shapes = [((5, 7), (7, 6)), ((1, 300), (300, 65)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((3, 4), (2, 4, 5)),
              ((4,), (4, 3)), ((3, 4), (4,)), ((0, 4), (4, 5)), ((3, 0), (0, 5))]  # fmt: skip
    op = "MatMulInteger"
    for a, b in shapes:
        for types in ((np.uint8, np.int8), (np.uint8, np.uint8), (np.int8, np.int8)):
            x, y = codes(*a, dtype=types[0]), codes(*b, dtype=types[1])
            name = "x".join(map(str, a)) + "_" + "x".join(map(str, b)) + "_" + "_".join(t.__name__ for t in types)
            expected = [np.matmul(x.astype(np.int32), y.astype(np.int32))]
            options = {"result_types": (np.int32,)}
            yield Case(name, op, [x, y], expected=expected, **options)
            zeros = [types[0](3), types[1](7)]
            expected = [np.matmul(x.astype(np.int32) - 3, y.astype(np.int32) - 7)]
            yield Case(name + "_zeros", op, [x, y, *zeros], expected=expected, **options)
            yield Case(name + "_weight", op, [x, y, *zeros], constants=(1, 3), expected=expected, **options)
    x, y = codes(5, 7, dtype=np.uint8), codes(7, 6, dtype=np.int8)
    rows, columns = codes(5, dtype=np.uint8), codes(6, dtype=np.int8)
    expected = [np.matmul(x.astype(np.int32) - rows.astype(np.int32)[:, None], y.astype(np.int32) - columns)]
    yield Case("rows_and_columns", op, [x, y, rows, columns], expected=expected, result_types=(np.int32,))
    expected = [np.matmul(x.astype(np.int32), y.astype(np.int32) - columns)]
    yield Case("columns_only", op, [x, y, None, columns], expected=expected, result_types=(np.int32,))
    # A sum beyond the range of i32 wraps around.
    x, y = np.full((2, 40000), 255, np.uint8), np.full((40000, 3), 255, np.uint8)
    expected = [np.matmul(x.astype(np.int64), y.astype(np.int64)).astype(np.int32)]
    assert (expected[0] < 0).all()
    yield Case("wraps", op, [x, y], expected=expected, result_types=(np.int32,))
    for dtype in (np.uint8, np.int8):
        for a, b in shapes[:4]:
            x, y = codes(*a, dtype=dtype), codes(*b, dtype=dtype)
            yield Case(f"{dtype.__name__}_{len(a)}_{len(b)}_{a[0]}", "QLinearMatMul",
                       [x, F32(0.02), dtype(3), y, F32(0.01), dtype(7), F32(0.05), dtype(11)], result_types=(dtype,))  # fmt: skip


def pack(values, bits):
    """Low bits first, along the last axis."""
    each = 8 // bits
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % each)])
    padded = padded.reshape(*padded.shape[:-1], -1, each).astype(np.uint8)
    return np.bitwise_or.reduce(padded << (np.arange(each, dtype=np.uint8) * bits), axis=-1).astype(np.uint8)


def packed_products():
    op, domain = "MatMulNBits", "com.microsoft"
    for bits in (2, 4, 8):
        for k, n, block in ((64, 40, 32), (48, 7, 32), (50, 33, 16), (16, 3, 64)):
            blocks = -(-k // block)
            codes = RNG.integers(0, 2**bits, (n, blocks * block))
            packed = pack(codes, bits).reshape(n, blocks, block * bits // 8)
            scale = scales(n, blocks)
            zero = RNG.integers(0, 2**bits, (n, blocks))
            x = RNG.standard_normal((2, 3, k)).astype(F32)
            attributes = {"K": k, "N": n, "bits": bits, "block_size": block}

            def product(zeros, x=x, codes=codes, scale=scale, block=block, k=k):
                expand = [np.repeat(part, block, axis=1)[:, :k] for part in (zeros, scale)]
                return x @ ((codes[:, :k] - expand[0]) * expand[1]).T.astype(F32)

            bias = RNG.standard_normal(n).astype(F32)
            middle = product(np.full((n, blocks), 2 ** (bits - 1)))
            variants = {
                "no_zero": ([], middle),
                "zero": ([pack(zero, bits)], product(zero)),
                "float_zero": ([zero.astype(F32) + F32(0.5)], product(zero + 0.5)),
                "bias": ([None, None, bias], middle + bias),
                "flat": ([], middle),
            }
            for name, (rest, expected) in variants.items():
                scale_operand = scale.reshape(-1) if name == "flat" else scale
                for constants in ((), (1, 2, 3)):
                    yield Case(f"{bits}_{k}_{n}_{block}_{name}{'_weight' if constants else ''}", op,
                               [x, packed, scale_operand, *rest], attributes, constants=constants, expected=[expected],
                               tolerance=1e-4, domain=domain, result_types=(F32,))  # fmt: skip
            # Integer activations would be allowed.
            yield Case(f"{bits}_{k}_{n}_{block}_accuracy_level", op, [x, packed, scale], attributes | {"accuracy_level": 4},
                       constants=(1, 2), expected=[middle], tolerance=1e-4, domain=domain, result_types=(F32,))  # fmt: skip
            if bits != 8:
                half = [x.astype(np.float16), packed, scale.astype(np.float16)]
                expected = [middle.astype(np.float16)]
                yield Case(f"{bits}_{k}_{n}_{block}_float16", op, half, attributes, expected=expected, tolerance=2e-2,
                           domain=domain)  # fmt: skip
    # What a numpy formula says, ONNX Runtime says, too.
    packed, scale = RNG.integers(0, 256, (64, 2, 16)).astype(np.uint8), scales(64, 2)
    x = RNG.standard_normal((5, 64)).astype(F32)
    attributes = {"K": 64, "N": 64, "bits": 4, "block_size": 32}
    yield Case("oracle", op, [x, packed, scale], attributes, constants=(1, 2), tolerance=1e-4, domain=domain)
    yield Case("one_row", op, [x[:1], packed, scale], attributes, constants=(1, 2), tolerance=1e-4, domain=domain)
    empty = [np.zeros((0, 64), F32), packed, scale]
    yield Case("no_rows", op, empty, attributes, constants=(1, 2), expected=[np.zeros((0, 64), F32)], domain=domain)
    groups = [x, packed, scale, None, np.zeros(64, np.int32)]
    yield Case("reordered", op, groups, attributes, constants=(1, 2, 4), domain=domain, error="g_idx")


def cases():
    for family in (dequantizations, quantizations, casts, dynamic_quantizations, matrix_products, packed_products):
        yield from family()
