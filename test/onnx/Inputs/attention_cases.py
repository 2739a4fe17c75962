"""Operators that are attention, of ONNX and of ONNX Runtime."""

import numpy as np
from elementwise_cases import numbers
from single_node import Case

DOMAIN = "com.microsoft"
F16 = np.float16


def group_query():
    op, heads, kv, size = "GroupQueryAttention", 4, 2, 16
    caches = [np.cos(numbers(20, size // 2)), np.sin(numbers(20, size // 2))]

    def case(name, batch, past, new, capacity=None, packed=False, extra=(), rotary=False, kind=np.float32, **attributes):
        total = past + new
        capacity = past if capacity is None else capacity
        queries = numbers(batch, new, (heads + 2 * kv if packed else heads) * size)
        keys = [None, None] if packed else [numbers(batch, new, kv * size, seed=seed) for seed in (1, 2)]
        states = [numbers(batch, kv, capacity, size, seed=seed) for seed in (3, 4)]
        lengths = np.full(batch, total - 1, np.int32)
        arrays = [queries, *keys, *states, lengths, np.array(total, np.int32), *(caches if rotary else (None, None)), *extra]
        arrays = [a.astype(kind) if a is not None and a.dtype == np.float32 else a for a in arrays]
        attributes |= {"num_heads": heads, "kv_num_heads": kv, "do_rotary": int(rotary)}
        constants = tuple(i for i in (7, 8) if rotary)
        # The width must be known; ONNX Runtime shares no buffers here, so the results are as long as total.
        return Case(name, op, arrays, attributes, domain=DOMAIN, outputs=3, tolerance=1e-4 if kind != F16 else 1e-2,
                    constants=constants)  # fmt: skip

    yield case("plain", 2, 5, 1)
    yield case("prompt", 2, 0, 6)
    yield case("chunk", 1, 5, 4)
    yield case("packed", 2, 5, 1, packed=True)
    yield case("packed_prompt", 1, 0, 5, packed=True, rotary=True)
    yield case("rotary", 2, 5, 1, rotary=True)
    yield case("rotary_interleaved", 1, 5, 3, rotary=True, rotary_interleaved=1)
    yield case("scale", 1, 3, 2, scale=0.5)
    yield case("window", 1, 7, 3, local_window_size=4)
    yield case("window_prompt", 2, 0, 9, local_window_size=4)
    yield case("softcap", 1, 3, 3, softcap=2.0)
    yield case("smooth", 2, 3, 1, smooth_softmax=1)
    yield case("bias", 1, 3, 2, extra=[None, numbers(1, heads, 2, 5, seed=6)])
    yield case("sink", 1, 3, 2, extra=[None, None, numbers(heads, seed=7)])
    yield case("float16", 1, 5, 1, kind=F16)


def multi_head():
    op, heads, size = "MultiHeadAttention", 3, 8
    width = heads * size

    def case(name, rest=(), queries=4, keys=4, outputs=1, sizes={}, **attributes):
        arrays = [numbers(2, queries, width), numbers(2, keys, width, seed=1), numbers(2, keys, width, seed=2), *rest]
        return Case(name, op, arrays, {"num_heads": heads} | attributes, domain=DOMAIN, outputs=outputs, tolerance=1e-4,
                    sizes=sizes)  # fmt: skip

    past = [numbers(2, heads, 3, size, seed=seed) for seed in (3, 4)]
    # As many keys as queries, and lengths for each of the batch, are what makes these nodes what they are.
    same = dict.fromkeys(range(3), ("batch", "sequence", "width"))
    yield case("plain")
    yield case("cross", queries=3, keys=5)
    yield case("scale", scale=0.3)
    yield case("bias", [numbers(3 * width)])
    yield case("lengths", [None, np.array([2, 4], np.int32)], sizes=same | {4: ("batch",)})
    yield case("flags", [None, np.array([[1, 1, 0, 1], [1, 0, 0, 0]], np.int32)])
    yield case("extra", [None, None, numbers(1, heads, 4, 4, seed=5)])
    yield case("causal", sizes=same, unidirectional=1)
    yield case("past", [None, None, None, *past], outputs=3)
    yield case("causal_past", [None, None, None, *past], outputs=3, sizes=same, unidirectional=1)


def cases():
    for family in (group_query, multi_head):
        yield from family()
