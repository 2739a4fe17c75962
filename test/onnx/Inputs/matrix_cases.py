"""Matrix products: every way that shapes broadcast, constant matrices (packed, also through transposes,
slices and splits), sums by letters."""

import numpy as np
from single_node import Case

RNG = np.random.default_rng(7)


def normal(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def small(*shape, dtype=np.int32):
    return RNG.integers(-9, 10, shape).astype(dtype)


MATMUL_SHAPES = [
    ((1, 1), (1, 1)), ((1, 7), (7, 5)), ((5, 7), (7, 3)), ((6, 32), (32, 64)), ((7, 300), (300, 65)),
    ((13, 257), (257, 130)), ((241, 16), (16, 17)), ((500, 9), (9, 33)), ((2, 3, 4), (4, 5)),
    ((2, 3, 4), (2, 4, 5)), ((1, 3, 4), (2, 4, 5)), ((2, 3, 4), (1, 4, 5)), ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (1, 5, 4, 6)), ((2, 2, 5, 8), (2, 2, 8, 5)), ((4,), (4,)), ((4,), (4, 3)), ((3, 4), (4,)),
    ((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((3, 4), (4, 0)),
    ((0, 3, 4), (4, 5)),
]  # fmt: skip

EINSUMS = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("ij,jk", (3, 4), (4, 5)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 8), (2, 3, 5, 8)), ("bqhd,bkhd->bhqk", (2, 4, 3, 8), (2, 5, 3, 8)),
    ("i,j->ij", (3,), (4,)), ("i,i->", (5,), (5,)), ("ij->ji", (3, 4)), ("ij->i", (3, 4)), ("ii->i", (4, 4)),
    ("ii", (4, 4)), ("ij,kj->ki", (3, 4), (5, 4)), ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("td,edf->tef", (5, 4), (3, 4, 6)), ("abc,cd->abd", (2, 3, 4), (4, 5)),
]  # fmt: skip


def matmul_name(a, b):
    return "_by_".join("x".join(map(str, shape)) or "scalar" for shape in (a, b))


def cases():
    for a, b in MATMUL_SHAPES:
        # Sums of hundreds of products are rounded in another order.
        yield Case(matmul_name(a, b), "MatMul", [normal(*a), normal(*b)], tolerance=1e-3)
        yield Case(matmul_name(a, b) + "_constant", "MatMul", [normal(*a), normal(*b)], constants=(1,),
                   tolerance=1e-3)  # fmt: skip
    for dtype in (np.float64, np.int32, np.int64):
        x = small(5, 7).astype(dtype)
        yield Case(np.dtype(dtype).name, "MatMul", [x, small(7, 6).astype(dtype)])
    yield Case("float64_constant", "MatMul", [normal(9, 40, dtype=np.float64), normal(40, 33, dtype=np.float64)],
               constants=(1,))  # fmt: skip
    yield Case("wrong", "MatMul", [normal(3, 4), normal(5, 6)], error="differ")

    for trans_a in (0, 1):
        for trans_b in (0, 1):
            for bias in (None, (), (1,), (37,), (6, 1), (6, 37)):
                a = normal(*((48, 6) if trans_a else (6, 48)))
                b = normal(*((37, 48) if trans_b else (48, 37)))
                operands = [a, b] + ([] if bias is None else [normal(*bias)])
                name = f"{trans_a}{trans_b}_{'none' if bias is None else 'x'.join(map(str, bias)) or 'scalar'}"
                attributes = {"transA": trans_a, "transB": trans_b}
                yield Case(name, "Gemm", operands, attributes, tolerance=1e-4)
                yield Case(name + "_constant", "Gemm", operands, attributes, constants=(1,), tolerance=1e-4)
    for alpha, beta in ((2.0, 1.0), (0.5, 0.25), (1.0, 0.0)):
        yield Case(f"scaled_{alpha}_{beta}", "Gemm", [normal(3, 4), normal(4, 5), normal(5)],
                   {"alpha": alpha, "beta": beta}, tolerance=1e-4)  # fmt: skip

    for equation, *shapes in EINSUMS:
        name = equation.replace("->", "_to_").replace(",", "_").replace("...", "etc")
        yield Case(name, "Einsum", [normal(*shape) for shape in shapes], {"equation": equation}, tolerance=1e-4)
