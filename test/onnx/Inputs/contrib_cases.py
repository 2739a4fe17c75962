"""Operators of ONNX Runtime."""

import numpy as np
from elementwise_cases import numbers
from quantized_cases import pack, scales
from single_node import Case

F32, F16 = np.float32, np.float16
DOMAIN = "com.microsoft"
RNG = np.random.default_rng(5)


def case(name, op, operands, attributes=None, **options):
    return Case(name, op, operands, attributes or {}, domain=DOMAIN, **options)


def activations():
    x, bias = numbers(5, 33), numbers(33, seed=1)
    yield case("plain", "Gelu", [x])
    yield case("plain", "BiasGelu", [x, bias])
    yield case("plain", "FastGelu", [x])
    yield case("bias", "FastGelu", [x, bias])
    yield case("plain", "QuickGelu", [x])
    yield case("alpha", "QuickGelu", [x], {"alpha": 1.0})
    for op in ("Gelu", "FastGelu", "QuickGelu"):
        yield case("empty", op, [numbers(0, 3)], expected=[numbers(0, 3)])


def norms():
    x, skip = numbers(2, 5, 36), numbers(2, 5, 36, seed=1)
    gamma, beta, bias = (numbers(36, seed=seed) for seed in (2, 3, 4))
    for op, rest in (("SkipLayerNormalization", [gamma, beta, bias]), ("SkipSimplifiedLayerNormalization", [gamma, bias])):
        yield case("all", op, [x, skip, *rest])
        yield case("epsilon", op, [x, skip, gamma], {"epsilon": 0.1})
        # Mean and inverse deviation are named by nobody.
        yield case("sum", op, [x, skip, *rest], outputs=(0, 3))
        for name, shape in (("row", (5, 36)), ("one_row", (1, 5, 36))):
            yield case(f"broadcast_{name}", op, [x, skip[0].reshape(shape), gamma], tolerance=1e-4)
        yield case("matrix", op, [x[0], skip[0], gamma])
        half = [array.astype(F16) for array in (x, skip, gamma)]
        yield case("float16", op, half, {"epsilon": 1e-5}, tolerance=1e-2)
    yield case("no_bias", "SkipLayerNormalization", [x, skip, gamma, beta])
    empty = numbers(2, 0, 36)
    yield case("empty", "SkipSimplifiedLayerNormalization", [empty, empty, gamma], expected=[empty])
    # In the default domain, though ONNX has no such operator.
    for axis in (-1, 1):
        scale = gamma if axis == -1 else numbers(5, 36, seed=2)
        yield Case(f"axis{axis}", "SimplifiedLayerNormalization", [x, scale], {"axis": axis, "epsilon": 1e-6, "stash_type": 1},
                   opset=17)  # fmt: skip


def products():
    op = "FusedMatMul"
    for trans_a in (0, 1):
        for trans_b in (0, 1):
            for lead in ((), (2,), (2, 3)):
                a = numbers(*lead, *((7, 5) if trans_a else (5, 7)))
                b = numbers(*lead, *((6, 7) if trans_b else (7, 6)), seed=1)
                attributes = {"transA": trans_a, "transB": trans_b, "alpha": 0.5}
                yield case(f"{trans_a}{trans_b}_{len(lead)}", op, [a, b], attributes, tolerance=1e-4)
            yield case(f"{trans_a}{trans_b}_weight", op, [a, numbers(*((6, 7) if trans_b else (7, 6)))], attributes,
                       constants=(1,), tolerance=1e-4)  # fmt: skip
    yield case("plain", op, [numbers(3, 4), numbers(4, 5)], tolerance=1e-4)


def rotary_embeddings():
    op = "RotaryEmbedding"
    for interleaved in (0, 1):
        for size, rotated in ((16, 16), (16, 8)):
            caches = [np.cos(numbers(20, rotated // 2)), np.sin(numbers(20, rotated // 2))]
            attributes = {"interleaved": interleaved}
            if rotated != size:
                attributes |= {"rotary_embedding_dim": rotated, "num_heads": 3}
            every = np.array([[0, 3, 4, 9, 1], [7, 7, 8, 2, 19]], np.int64)
            for name, positions in (("every", every), ("first", np.array([6], np.int64))):
                name = f"{name}_{interleaved}_{rotated}"
                flat = [numbers(2, 5, 3 * size), positions, *caches]
                # Without num_heads the sizes say how many there are.
                yield case(name, op, flat, attributes, dynamic="num_heads" in attributes)
                yield case(name + "_heads", op, [numbers(2, 3, 5, size), positions, *caches], attributes,
                           constants=(2, 3))  # fmt: skip
    yield case("counted", op, flat, {"num_heads": 3, "rotary_embedding_dim": 8})
    yield case("one", op, [numbers(1, 1, 48), np.array([[4]], np.int64), *caches], {"num_heads": 3, "rotary_embedding_dim": 8})


def embeddings():
    """Rows of matrices of codes."""
    op, indices = "GatherBlockQuantized", np.array([[3, 0], [19, 5], [-1, 7]], np.int64)
    codes = RNG.integers(0, 16, (20, 128))
    scale, zero = scales(20, 4), RNG.integers(0, 16, (20, 4))
    attributes = {"block_size": 32, "gather_axis": 0, "quantize_axis": 1, "bits": 4}
    for name, zeros in (("zero", [pack(zero, 4)]), ("no_zero", [])):
        offsets = zero if zeros else np.full_like(zero, 8)
        values = ((codes - np.repeat(offsets, 32, 1)) * np.repeat(scale, 32, 1)).astype(F32)
        yield case(name, op, [pack(codes, 4), indices, scale, *zeros], attributes, constants=(0, 2, 3),
                   expected=[values[indices]], result_types=(F32,))  # fmt: skip
        yield case(name + "_oracle", op, [pack(codes, 4), abs(indices), scale, *zeros], attributes, constants=(0, 2, 3),
                   result_types=(F32,))  # fmt: skip


def cases():
    for family in (activations, norms, products, rotary_embeddings, embeddings):
        yield from family()
