"""Layers of experts, of floats and of codes, that are one operator of ONNX Runtime."""

import os

import numpy as np
from elementwise_cases import numbers
from quantized_cases import pack, scales
from single_node import Case

F32, F16 = np.float32, np.float16
DOMAIN = "com.microsoft"
RNG = np.random.default_rng(17)
EXPERTS, WIDTH, INNER = 5, 32, 64
# ONNX Runtime has other kernels for codes of 8 bits in blocks, which round activations to int8.
os.environ["ORT_QMOE_CPU_QNBIT_GEMM"] = "0"
GPT_OSS = {"activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 1.5}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# GELU as ONNX Runtime's kernel has it.
ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * sigmoid(x),
    "identity": lambda x: x,
}


def layer(x, logits, stacks, attributes):
    """What ONNX Runtime's documentation says, in f64. Three stacks of matrices [E, out, in] or None, each with
    its biases [E, out] or None."""
    tokens = x.reshape(-1, x.shape[-1]).astype(np.float64)
    (fc1, bias1), (fc2, bias2), (fc3, bias3) = stacks
    k, fusion = attributes.get("k", 1), attributes.get("swiglu_fusion", 0)
    alpha, beta = attributes.get("activation_alpha", 1.0), attributes.get("activation_beta", 0.0)
    limit = attributes.get("swiglu_limit", np.inf)
    odds = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True, initial=-1e9))
    odds /= odds.sum(-1, keepdims=True)
    result = np.zeros_like(tokens)

    def linear(x, stack, bias, e):
        return x @ stack[e].astype(np.float64).T + (0 if bias is None else bias[e])

    for t, token in enumerate(tokens):
        chosen = np.argsort(-odds[t], kind="stable")[:k]
        weights = odds[t, chosen]
        if attributes.get("normalize_routing_weights", 0):
            weights = weights / weights.sum()
        for weight, e in zip(weights, chosen):
            hidden = linear(token, fc1, bias1, e)
            if fusion:
                gate, up = (hidden[0::2], hidden[1::2]) if fusion == 1 else np.split(hidden, 2)
                gate, up = np.minimum(gate, limit), np.clip(up, -limit, limit)
                hidden = gate * sigmoid(alpha * gate) * (up + beta)
            else:
                kind = attributes.get("activation_type", "relu")
                hidden = ACTIVATIONS["silu" if kind == "swiglu" else kind](hidden)
                if fc3 is not None:
                    hidden = hidden * linear(token, fc3, bias3, e)
            result[t] += weight * linear(hidden, fc2, bias2, e)
    return result.reshape(x.shape).astype(x.dtype)


def inputs(*shape, experts=EXPERTS, width=WIDTH):
    """Tokens, and the logits of the router, no two of a token near each other."""
    count = int(np.prod(shape, dtype=int))
    logits = np.stack([RNG.permutation(experts) for _ in range(count)]) if count else np.zeros((0, experts))
    return numbers(*shape, width, low=-1, high=1), (logits * 0.5 + RNG.uniform(-0.1, 0.1, logits.shape)).astype(F32)


def stack(outputs, depth, bias=True, seed=0):
    size = depth**-0.5
    biases = numbers(EXPERTS, outputs, low=-0.5, high=0.5, seed=seed + 1) if bias else None
    return numbers(EXPERTS, outputs, depth, low=-2 * size, high=2 * size, seed=seed), biases


def layers_of_floats():
    op = "MoE"
    shapes = {"rows": (7,), "batch": (2, 3), "one": (1,), "one_of_batch": (1, 1), "many": (300,)}
    none = (None, None)

    def case(name, shape, attributes, bias=True, gated=False, known=False, kind=F32, **options):
        x, logits = inputs(*shape)
        fused = 2 if attributes.get("swiglu_fusion") else 1
        stacks = [stack(fused * INNER, WIDTH, bias), stack(WIDTH, INNER, bias, 2),
                  stack(INNER, WIDTH, bias, 4) if gated else none]  # fmt: skip
        if known:
            options["expected"] = [layer(x, logits, stacks, attributes)]
        arrays = [array.astype(kind) if array is not None else None for array in (x, logits, *sum(stacks, ()))]
        while arrays[-1] is None:
            arrays.pop()
        return Case(name, op, arrays, attributes, domain=DOMAIN,
                    **{"constants": tuple(range(2, len(arrays))), "tolerance": 1e-5} | options)  # fmt: skip

    kinds = {kind: {"activation_type": kind} for kind in ACTIVATIONS}
    kinds["swiglu"] = {"activation_type": "swiglu", "swiglu_fusion": 1}
    kinds["gpt_oss"] = kinds["swiglu"] | GPT_OSS
    for kind, activation in kinds.items():
        for k in (1, 2):
            for normalize in (0, 1):
                attributes = activation | {"k": k, "normalize_routing_weights": normalize}
                name = f"{kind}_{k}_{normalize}"
                yield case(name, shapes["rows"], attributes)
                yield case(name + "_numpy", shapes["rows"], attributes, known=True, dynamic=False)
                yield case(name + "_no_bias", shapes["batch"], attributes, bias=False)
        for name, shape in shapes.items():
            yield case(f"{kind}_{name}", shape, activation | {"k": 2})
        yield case(f"{kind}_none", (0,), activation | {"k": 2}, expected=[numbers(0, WIDTH)])
        yield case(f"{kind}_none_of_batch", (2, 0), activation | {"k": 2}, expected=[numbers(2, 0, WIDTH)])
    # Everyone is asked; the first is asked.
    yield case("all", (7,), kinds["silu"] | {"k": EXPERTS})
    yield case("default", (7,), {"k": 1})
    yield case("computed_weights", (7,), kinds["swiglu"] | {"k": 2}, constants=(), dynamic=False)
    # What ONNX Runtime has no kernel of for the CPU.
    halves = kinds["gpt_oss"] | {"swiglu_fusion": 2, "k": 2, "normalize_routing_weights": 1}
    yield case("halves", (7,), halves, known=True)
    for bias in (False, True):
        name = "gated_bias" if bias else "gated"
        yield case(name, (2, 3), kinds["silu"] | {"k": 2}, gated=True, bias=bias, known=True)
    yield case("gated_swiglu", (7,), {"activation_type": "swiglu", "k": 2}, gated=True, known=True)
    yield case("float16", (7,), kinds["swiglu"] | {"k": 2}, kind=F16, tolerance=1e-2)


def layers_of_codes():
    op = "QMoE"

    def coded(outputs, depth, bits, block, has_zeros, seed):
        """Codes, scales, zero points and what they stand for."""
        codes = RNG.integers(0, 2**bits, (EXPERTS, outputs, depth))
        count = depth // block if block else 1
        size = (depth**-0.5) * 2.0 ** (3 - bits)
        scale = scales(EXPERTS, outputs, count) * F32(size / 0.3) + F32(size / 10)
        middle, zeros = 2 ** (bits - 1), None
        if has_zeros:
            zeros = RNG.integers(max(middle - 3, 0), min(middle + 3, 2**bits), scale.shape)
            middle = np.repeat(zeros, depth // count, -1)
        values = (codes - middle) * np.repeat(scale, depth // count, -1).astype(np.float64)
        if not block:  # one for a row, packed along the rows
            scale, zeros = scale[..., 0], None if zeros is None else zeros[..., 0]
        bias = numbers(EXPERTS, outputs, low=-0.5, high=0.5, seed=seed)
        return pack(codes, bits), scale, None if zeros is None else pack(zeros, bits), bias, values

    def case(name, shape, bits, block, zeros, attributes, bias=True, gated=False, known=False, **options):
        x, logits = inputs(*shape)
        fused = 2 if attributes.get("swiglu_fusion") else 1
        parts = [coded(fused * INNER, WIDTH, bits, block, zeros, 1), coded(WIDTH, INNER, bits, block, zeros, 3)]
        if gated:
            parts.append(coded(INNER, WIDTH, bits, block, zeros, 5))
        arrays = [x, logits, *[None] * 12]
        stacks = []
        for i, (codes, scale, zero, each, values) in enumerate(parts):
            each = each if bias else None
            arrays[2 + 3 * i : 5 + 3 * i] = codes, scale, each
            arrays[11 + i] = zero
            stacks.append((values, each))
        stacks += [(None, None)] * (3 - len(stacks))
        if known:
            # The weights of the chosen are the softmax of their logits, whatever the attribute says.
            options["expected"] = [layer(x, logits, stacks, attributes | {"normalize_routing_weights": 1})]
        while arrays[-1] is None:
            arrays.pop()
        attributes = attributes | {"expert_weight_bits": bits, **({"block_size": block} if block else {})}
        return Case(name, op, arrays, attributes, constants=tuple(range(2, len(arrays))), domain=DOMAIN,
                    **{"tolerance": 1e-4} | options)  # fmt: skip

    swiglu = {"activation_type": "swiglu", "swiglu_fusion": 1, "k": 2}
    yield case("2_rows", (7,), 2, 0, True, swiglu, known=True)
    yield case("2_32", (7,), 2, 32, False, swiglu, known=True)
    for bits in (4, 8):
        for block in (0, 16, 32):
            for zeros in (False, True):
                name = f"{bits}_{block or 'rows'}{'_zeros' if zeros else ''}"
                for kind, attributes in {"silu": {"activation_type": "silu", "k": 2}, "swiglu": swiglu,
                                         "gpt_oss": swiglu | GPT_OSS}.items():  # fmt: skip
                    yield case(f"{name}_{kind}", (7,), bits, block, zeros, attributes)
                    yield case(f"{name}_{kind}_numpy", (7,), bits, block, zeros, attributes, known=True, dynamic=False)
                yield case(f"{name}_batch", (2, 3), bits, block, zeros, swiglu, bias=False)
        for k in (1, 2):
            for normalize in (0, 1):
                attributes = swiglu | {"k": k, "normalize_routing_weights": normalize}
                yield case(f"{bits}_{k}_{normalize}", (7,), bits, 32, False, attributes)
        for kind in ACTIVATIONS:
            yield case(f"{bits}_{kind}", (7,), bits, 32, False, {"activation_type": kind, "k": 2})
        for name, shape in {"one": (1,), "one_of_batch": (1, 1), "many": (300,)}.items():
            yield case(f"{bits}_{name}", shape, bits, 32, True, swiglu)
        yield case(f"{bits}_none", (0,), bits, 32, True, swiglu, expected=[numbers(0, WIDTH)])
        # How exact it may be is not asked.
        yield case(f"{bits}_accuracy_level", (7,), bits, 32, False, swiglu | {"accuracy_level": 4}, known=True)
        # What ONNX Runtime has no kernel of for the CPU.
        yield case(f"{bits}_halves", (7,), bits, 32, True, swiglu | GPT_OSS | {"swiglu_fusion": 2}, known=True)
        yield case(f"{bits}_gated", (7,), bits, 16, True, {"activation_type": "silu", "k": 2}, gated=True, known=True)
    # Weights of the chosen that are no function of the logits.
    brought = case("brought_weights", (7,), 4, 32, False, swiglu, error="'com.microsoft::QMoE' version 1: 1 node")
    brought.operands += [None] * (14 - len(brought.operands)) + [brought.operands[1]]
    yield brought


def cases():
    for family in (layers_of_floats, layers_of_codes):
        yield from family()
