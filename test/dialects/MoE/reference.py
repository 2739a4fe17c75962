"""What the operations of the moe dialect compute, against numpy: each as it is compiled and by its spelling in ONNX.
The numpy functions are written from the operations' descriptions (dialects/MoE/*.td).

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import pathlib
import subprocess
import sys

import numpy as np

work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(3)
T, H, I, E, K = 9, 6, 4, 5, 2
CASES = []  # (name, text, operands, expected results, attributes, types)


def case(name, text, operands, *expected, attributes="", types=None):
    """One operation: `text` has {name} for operands. `types` says how its types are written, where that is not
    "(operands) -> results": "{results}", …; "body" with the body of experts, "none": they are in `text`."""
    CASES.append((name, text, operands, expected, attributes, types))


def draw(*shape):
    return random.standard_normal(shape).astype(np.float32)


def tensorType(array):
    kinds = {"float32": "f32", "int64": "i64", "bool": "i1", "uint8": "ui8", "int8": "i8"}
    return "tensor<" + "".join(f"{n}x" for n in array.shape) + kinds[str(array.dtype)] + ">"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def erf(x):
    from math import erf as one

    return np.vectorize(one)(x)


# --- linear layers --------------------------------------------------------------------------------
x, w, b = draw(T, H), draw(H, I), draw(I)
case("linear", "moe.linear {x}, {w} bias {b}", {"x": x, "w": w, "b": b}, x @ w + b)
case("linear transposed", "moe.linear {x}, {w} transposed", {"x": x, "w": w.T.copy()}, x @ w)
blocks, bias = draw(3, 2, 4), draw(12)
shuffle = random.permutation(12)
plain = np.einsum("tbk,bkn->tbn", x.reshape(T, 3, 2), blocks).reshape(T, 12)
case("block_linear", "moe.block_linear {x}, {w} bias {b}" + f" shuffle {shuffle.tolist()}",
     {"x": x, "w": blocks, "b": bias}, plain[:, shuffle] + bias)  # fmt: skip
case("block_linear of rank 3", "moe.block_linear {x}, {w}", {"x": x.reshape(3, 3, H), "w": blocks},
     plain.reshape(3, 3, 12))  # fmt: skip

# --- quantised values -----------------------------------------------------------------------------
codes = random.integers(0, 256, (4, 6)).astype(np.uint8)
scales, points = draw(2, 6) ** 2, random.integers(0, 256, (2, 6)).astype(np.uint8)
spread = lambda a, n: np.repeat(a.astype(np.float64), n, 0)[:4]
case("dequantize blocks", "moe.dequantize {c} scales {s} zero_points {z}", {"c": codes, "s": scales, "z": points},
     (codes - spread(points, 3)) * spread(scales, 3), attributes="{axis = 0 : i64, block = 3 : i64}")  # fmt: skip
case("dequantize columns", "moe.dequantize {c} scales {s}", {"c": codes.view(np.int8), "s": scales[0]},
     (codes.view(np.int8) + 5.0) * scales[0], attributes="{zero = -5 : i64}")  # fmt: skip
bits = np.stack([codes & 15, codes >> 4], -1).reshape(4, 12)[:, :11]
case("dequantize packed", "moe.dequantize {c} scales {s}", {"c": codes, "s": scales[0, :1].reshape(())},
     (bits - 8.0) * scales[0, 0], attributes="{packed = 4 : i64, zero = 8 : i64}")  # fmt: skip
two = np.stack([codes >> n & 3 for n in (0, 2, 4, 6)], -1).reshape(4, 24)
book, each = draw(4), draw(4) ** 2
case("dequantize codebook", "moe.dequantize {c} scales {s} codebook {b}", {"c": codes, "s": each, "b": book},
     book[two] * each[:, None], attributes="{packed = 2 : i64, axis = 0 : i64}")  # fmt: skip
low, high = np.minimum(x, 0).min(-1), np.maximum(x, 0).max(-1)
step = (high - low) / 255
zero = np.round(-low / step)
case("quantize_dynamic", "moe.quantize_dynamic {x} per_token", {"x": x},
     np.clip(np.round(x / step[:, None]) + zero[:, None], 0, 255).astype(np.uint8), step, zero.astype(np.uint8),
     types="{x} -> {results}")  # fmt: skip

# --- between linear layers ------------------------------------------------------------------------
scale, bias = draw(H), draw(H)
rms = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-3)
centred = x - x.mean(-1, keepdims=True)
layer = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3)
case("norm rms", "moe.norm <rms> {x} scale {s}", {"x": x, "s": scale}, rms * scale, attributes="{epsilon = 1.0e-3 : f32}")
case("norm layer", "moe.norm <layer> {x} scale {s} bias {b}", {"x": x, "s": scale, "b": bias}, layer * scale + bias,
     attributes="{epsilon = 1.0e-3 : f32}")  # fmt: skip
heads, cos, sin = draw(2, 3, 4, 8), draw(2, 4, 3), draw(1, 4, 3)
sin = np.repeat(sin, 2, 0)
turn = lambda a, c: (a * cos[:, None] - c * sin[:, None], c * cos[:, None] + a * sin[:, None])
halves = np.concatenate([*turn(heads[..., :3], heads[..., 3:6]), heads[..., 6:]], -1)
pairs = np.concatenate([np.stack(turn(heads[..., 0:6:2], heads[..., 1:6:2]), -1).reshape(2, 3, 4, 6), heads[..., 6:]], -1)
case("rotary", "moe.rotary {x}, {c}, {s}", {"x": heads, "c": cos, "s": sin}, halves)
case("rotary interleaved", "moe.rotary {x}, {c}, {s} interleaved", {"x": heads, "c": cos, "s": sin}, pairs)
cubic = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
for kind, y in {
    "identity": x, "relu": np.maximum(x, 0), "relu_squared": np.maximum(x, 0) ** 2, "silu": x * sigmoid(1.5 * x),
    "gelu": x * (1 + erf(x / np.sqrt(2))) / 2, "gelu_tanh": x / 2 * (1 + np.tanh(cubic)), "sigmoid": sigmoid(x),
    "tanh": np.tanh(x),
}.items():  # fmt: skip
    case(f"activation {kind}", f"moe.activation <{kind}> {{x}}", {"x": x}, y, types="{results}",
         attributes="{alpha = 1.5 : f32}" if kind == "silu" else "")  # fmt: skip
gate, up = draw(T, H), draw(T, H)
clamped = np.minimum(gate, 0.5)
case("glu", "moe.glu <silu> {g}, {u}", {"g": gate, "u": up},
     clamped * sigmoid(1.7 * clamped) * (np.clip(up, -0.5, 0.5) + 1), types="{results}",
     attributes="{alpha = 1.7 : f32, limit = 0.5 : f32, offset = 1.0 : f32}")  # fmt: skip

# --- attention ------------------------------------------------------------------------------------
q, k, v = draw(2, 4, 3, 8), draw(2, 2, 7, 8), draw(2, 2, 7, 5)
lengths = np.array([7, 5])


def attention(mask=None, sinks=None, slopes=None, lengths=None, causal=False, window=0, softcap=0.0):
    scores = np.einsum("bhsd,bhld->bhsl", q, np.repeat(k, 2, 1)).astype(np.float64) * 0.3
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    ends = np.full(2, 7) if lengths is None else lengths
    p = np.arange(3)[None, :, None] + ends[:, None, None] - 3  # [B, S, 1]
    j = np.arange(7)[None, None, :]
    if mask is not None:
        scores = scores + (np.where(mask, 0, -np.inf) if mask.dtype == bool else mask)
    if slopes is not None:
        scores = scores + slopes[:, None, None] * (j - p)[:, None]
    hidden = j >= ends[:, None, None]
    hidden = hidden | (j > p if causal else False) | (j <= p - window if window else False)
    scores = np.where(hidden[:, None], -np.inf, scores)
    if sinks is not None:
        scores = np.concatenate([scores, np.broadcast_to(sinks[:, None, None], (2, 4, 3, 1))], -1)
    most = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(most), 0, most))
    weights = weights / np.maximum(weights.sum(-1, keepdims=True), 1e-300)
    return np.einsum("bhsl,bhln->bhsn", weights[..., :7], np.repeat(v, 2, 1))


qkv, mask = {"q": q, "k": k, "v": v}, draw(2, 1, 3, 7)
holes = random.random((2, 4, 3, 7)) > 0.5
holes[1, 2, 1] = False  # a row without visible keys
sinks, slopes = draw(4), draw(4) ** 2
for name, clause, extra, attributes in [
    ("", "", {}, {}), ("causal", "", {}, {"causal": True}), ("window", "", {}, {"causal": True, "window": 2}),
    ("softcap", "", {}, {"softcap": 0.5}), ("mask", " mask {mask}", {"mask": mask}, {}),
    ("holes", " mask {mask}", {"mask": holes}, {}), ("sinks", " sinks {sinks}", {"sinks": sinks}, {"causal": True}),
    ("slopes", " slopes {slopes}", {"slopes": slopes}, {"causal": True}),
    ("lengths", " lengths {lengths}", {"lengths": lengths}, {}),
    ("lengths and causal", " lengths {lengths}", {"lengths": lengths}, {"causal": True, "window": 3}),
]:  # fmt: skip
    words = ["scale = 0.3 : f32"]
    words += [f"{n} = {a} : i64" if n == "window" else f"{n} = {a:.2f} : f32" if n == "softcap" else n
              for n, a in attributes.items()]  # fmt: skip
    case(f"attention {name}", "moe.attention {q}, {k}, {v}" + clause, qkv | extra, attention(**extra, **attributes),
         attributes="{" + ", ".join(words) + "}")  # fmt: skip


def linearAttention(q, k, v, decay=None, state=None, causal=False, normalize=False):
    result, seen = np.zeros(v.shape), np.zeros(q.shape[:2] + q.shape[3:])
    m = np.zeros(q.shape[:2] + (q.shape[3], v.shape[3])) if state is None else state.astype(np.float64)
    order = range(q.shape[2])
    for i in order:
        m = m if decay is None else m * decay[:, :, i, None, None]
        m = m + k[:, :, i, :, None] * v[:, :, i, None, :]
        seen = seen + k[:, :, i]
        result[:, :, i] = np.einsum("bhdn,bhd->bhn", m, q[:, :, i])
        result[:, :, i] /= np.einsum("bhd,bhd->bh", seen, q[:, :, i])[..., None] + 0.25 if normalize else 1
    if not causal:
        result = np.einsum("bhdn,bhsd->bhsn", m, q)
        result /= np.einsum("bhd,bhsd->bhs", seen, q)[..., None] + 0.25 if normalize else 1
    return result, m


lq, lk, lv = (np.abs(draw(2, 3, 5, n)) for n in (4, 4, 6))
decay, state = random.random((2, 3, 5)).astype(np.float32), draw(2, 3, 4, 6)
decay[0, 1, 2] = 0  # forgets all
for name, clause, extra, flags in [
    ("", "", {}, ""), ("causal", "", {}, "causal"), ("normalized", "", {}, "causal normalize"), ("all", "", {}, "normalize"),
    ("decay", " decay {decay}", {"decay": decay}, "causal"), ("state", " state {state}", {"state": state}, "causal"),
    ("both", " decay {decay} state {state}", {"decay": decay, "state": state}, "causal"),
]:  # fmt: skip
    words = flags.split()
    expected = linearAttention(lq, lk, lv, **extra, **{word: True for word in words})
    words += ["epsilon = 0.25 : f32"] if "normalize" in words else []
    case(f"linear_attention {name}", "moe.linear_attention {q}, {k}, {v}" + clause,
         {"q": lq, "k": lk, "v": lv} | extra, *expected, attributes="{" + ", ".join(words) + "}")  # fmt: skip

# --- routers --------------------------------------------------------------------------------------
logits = np.round(draw(T, E + 1) * 2) / 2  # some are equal


def route(score, weight, k=K, bias=None, alive=None, external=None, select_logits=False, epsilon=0.0, scale=1.0,
          groups=1, top_groups=1, group_top=1, excluded=-np.inf, threshold=None, capacity=None, drop_slots_last=False,
          renormalize_external=False):  # fmt: skip
    l = logits.astype(np.float64)
    functions = {"identity": lambda x: x, "softmax": softmax, "sigmoid": sigmoid, "softplus": lambda x: np.log1p(np.exp(x)),
                 "sqrt_softplus": lambda x: np.sqrt(np.log1p(np.exp(x)))}  # fmt: skip
    scores = functions[score](l)
    values = l if select_logits else scores
    values = values + (0 if bias is None else bias)
    values = np.where(True if alive is None else alive, values, -np.inf)
    if groups > 1:
        runs = values.reshape(T, groups, -1)
        worth = np.sort(runs)[..., -group_top:].sum(-1)
        best = np.argsort(-worth, kind="stable")[:, :top_groups]
        chosen = (best[:, :, None] == np.arange(groups)).any(1)
        values = np.where(chosen[..., None], runs, excluded).reshape(T, -1)
        values = np.where(True if alive is None else alive, values, -np.inf)
    experts = np.argsort(-values, kind="stable")[:, :k]
    of = lambda x: np.take_along_axis(x, experts, 1)
    before = np.cumsum(of(scores), 1) - of(scores)
    total = lambda x: x.sum(1, keepdims=True) + epsilon
    weights = {"score": lambda: of(scores), "renormalized": lambda: of(scores) / total(of(scores)),
               "softmax": lambda: softmax(of(l)), "unit": lambda: np.ones(experts.shape),
               "external": lambda: of(external) / (total(of(external)) if renormalize_external else 1)}[weight]()  # fmt: skip
    weights = weights * scale
    if threshold is not None:
        weights, experts = np.where(before < threshold, weights, 0), np.where(before < threshold, experts, -1)
    if capacity is not None:
        left = dict.fromkeys(range(E + 1), capacity)
        places = [(t, s) for t in range(T) for s in range(k)]
        for t, s in sorted(places, key=lambda at: at[::-1] if drop_slots_last else at):
            e = experts[t, s]
            if e >= 0 and left[e] == 0:
                weights[t, s], experts[t, s] = 0, -1
            elif e >= 0:
                left[e] -= 1
    return weights, experts


def routeCase(name, score, weight, clause="", extra={}, **attributes):
    words = [f"k = {attributes.get('k', K)} : i64", f"score = #moe.score_function<{score}>",
             f"weight = #moe.route_weight<{weight}>"]  # fmt: skip
    for n, a in attributes.items():
        if n != "k":
            words.append(n if a is True else f"{n} = {a} : i64" if isinstance(a, int) else f"{n} = {a:.4f} : f32")
    case(f"route {name}", "moe.route {l}" + clause, {"l": logits} | extra, *route(score, weight, **extra, **attributes),
         attributes="{" + ", ".join(words) + "}")  # fmt: skip


routeCase("softmax", "softmax", "score")
routeCase("renormalized", "softmax", "renormalized", epsilon=0.125, scale=2.5)
routeCase("softmax of the chosen", "identity", "softmax", k=3)
routeCase("unit", "sigmoid", "unit")
routeCase("softplus", "softplus", "score")
routeCase("sqrt_softplus", "sqrt_softplus", "renormalized")
routeCase("by logits", "sigmoid", "score", select_logits=True)
routeCase("bias", "sigmoid", "renormalized", " bias {bias}", {"bias": draw(E + 1)})
alive = random.random((T, E + 1)) > 0.3
alive[:, :2] = True
routeCase("alive", "softmax", "score", " alive {alive}", {"alive": alive})
routeCase("external", "softmax", "external", " external {external}", {"external": draw(T, E + 1) ** 2},
          renormalize_external=True, epsilon=0.125)  # fmt: skip
routeCase("groups", "sigmoid", "renormalized", groups=3, top_groups=2, group_top=2)
routeCase("groups by the best", "sigmoid", "score", groups=2, top_groups=1, k=3)
routeCase("groups with experts that are not alive", "sigmoid", "score", " bias {bias} alive {alive}",
          {"bias": draw(E + 1) - 1, "alive": np.array([True, True, False, False, True, True])}, groups=3, top_groups=1,
          group_top=2, excluded=0.0, k=3)  # fmt: skip
routeCase("threshold", "softmax", "score", threshold=0.6, k=4)
routeCase("capacity", "softmax", "score", capacity=2)
routeCase("capacity by slots", "softmax", "score", capacity=2, drop_slots_last=True)
scores = logits
best = np.argsort(-scores.T, kind="stable", axis=1)[:, :4]
case("choose_tokens", "moe.choose_tokens {s}, {c}", {"s": scores, "c": np.int64(4)}, np.take_along_axis(scores.T, best, 1), best)

# --- experts --------------------------------------------------------------------------------------
experts = random.integers(-1, E, (T, K))
experts[experts == 3] = 0  # one without tokens, some twice, some empty
weights = draw(T, K)
up, down = draw(E, H, I), draw(E, I, H)
one = lambda t, e, pre=1.0: np.maximum(pre * x[t] @ up[e], 0) @ down[e]
slots = [(t, s, experts[t, s]) for t in range(T) for s in range(K) if experts[t, s] >= 0]


def total(term):
    result = np.zeros((T, H))
    for t, s, e in slots:
        result[t] += term(t, s, e)
    return result


body = f""" {{
  ^bb0(%t: tensor<?x{H}xf32>, %p0: tensor<{H}x{I}xf32>, %p1: tensor<{I}x{H}xf32>):
    %0 = moe.linear %t, %p0 : (tensor<?x{H}xf32>, tensor<{H}x{I}xf32>) -> tensor<?x{I}xf32>
    %1 = moe.activation <relu> %0 : tensor<?x{I}xf32>
    %2 = moe.linear %1, %p1 : (tensor<?x{I}xf32>, tensor<{I}x{H}xf32>) -> tensor<?x{H}xf32>
    moe.yield %2 : tensor<?x{H}xf32>
  }}"""
parameters = f" parameters({{u}}, {{d}} : {tensorType(up)}, {tensorType(down)})"
given = {"x": x, "e": experts, "w": weights, "u": up, "d": down}
fixed = f"num_experts = {E} : i64, segments = array<i64: 1, 1>"
for name, text, operands, expected, attributes in [
    ("", "moe.experts {x} to {e} weights {w}" + parameters, given, total(lambda t, s, e: weights[t, s] * one(t, e)), ""),
    ("without weights", "moe.experts {x} to {e}" + parameters, {n: a for n, a in given.items() if n != "w"},
     total(lambda t, s, e: one(t, e)), ""),
    ("weighing inputs", "moe.experts {x} to {e} weights {w}" + parameters, given,
     total(lambda t, s, e: one(t, e, weights[t, s])), ", weigh_inputs"),
    ("with tables", "moe.experts {x} to {e} weights {w}" + parameters, given,
     total(lambda t, s, e: 0 if e == 1 else weights[t, s] * one(t, 4 if e == 2 else e)),
     ", tables = [array<i64: 0, 0, -1, -1, 0, 4, 0, 3, 0, 4>, array<i64: 0, 0, 0, 1, 0, 4, 0, 3, 0, 4>]"),
]:  # fmt: skip
    case(f"experts {name}", text, operands, expected, attributes="{" + fixed + attributes + "}", types="body")
flat = experts.reshape(-1)
order = np.argsort(np.where(flat < 0, E, flat), kind="stable")
offsets = np.array([(flat[flat >= 0] < e).sum() for e in range(E + 1)])
rows = x[order // K]
case("dispatch", "moe.dispatch {x} to {e} experts " + str(E), {"x": x, "e": experts}, rows, order, offsets)
grouped, bias = np.zeros((T * K, I)), draw(E, I)
for e in range(E):
    grouped[offsets[e]:offsets[e + 1]] = rows[offsets[e]:offsets[e + 1]] @ up[e] + bias[e]
case("grouped_linear", "moe.grouped_linear {r} by {o}, {u} bias {b}", {"r": rows, "o": offsets, "u": up, "b": bias}, grouped)
case("grouped_linear transposed", "moe.grouped_linear {r} by {o}, {u}, {v} transposed bias {b}",
     {"r": rows, "o": offsets, "u": up[:2].swapaxes(1, 2).copy(), "v": up[2:].swapaxes(1, 2).copy(), "b": bias},
     grouped)  # fmt: skip
ragged, narrow = np.zeros((T * K, I)), up[2:, :H - 1, :I - 2].copy()
for e in range(E):
    own, weight = slice(offsets[e], offsets[e + 1]), up[e] if e < 2 else narrow[e - 2]
    depth, width = weight.shape
    ragged[own, :width] = rows[own, :depth] @ weight + bias[e, :width]
case("grouped_linear ragged", "moe.grouped_linear {r} by {o}, {u}, {v} bias {b}",
     {"r": rows, "o": offsets, "u": up[:2].copy(), "v": narrow, "b": bias}, ragged)  # fmt: skip
combined, places = np.zeros((T, H)), np.argsort(order)
for i, place in enumerate(places):
    combined[i // K] += weights[i // K, i % K] * rows[place] if place < offsets[-1] else 0
case("combine", "moe.combine {r}, {o} by {f} weights {w}", {"r": rows, "o": order, "f": offsets, "w": weights}, combined)

# --- coarser routing ------------------------------------------------------------------------------
which, chosen = random.integers(0, 2, T), random.random(T) > 0.5
region = lambda kind: f"""{{
  ^bb0(%a: tensor<?x{H}xf32>):
    %0 = moe.activation <{kind}> %a : tensor<?x{H}xf32>
    moe.yield %0 : tensor<?x{H}xf32>
  }}"""
case("select", "moe.select {i} ({x} : " + tensorType(x) + ") : " + tensorType(which) + " -> " + tensorType(x) + " "
     + (region("tanh") + ", " + region("relu")).replace("{", "{{").replace("}", "}}"), {"i": which, "x": x},
     np.where(which[:, None] == 0, np.tanh(x), np.maximum(x, 0)), types="none")  # fmt: skip
case("subset", "moe.subset {x} where {m} : (" + tensorType(x) + ", " + tensorType(chosen) + ") -> " + tensorType(x)
     + " " + region("tanh").replace("{", "{{").replace("}", "}}"), {"x": x, "m": chosen},
     np.where(chosen[:, None], np.tanh(x), x), types="none")  # fmt: skip
case("observe", 'moe.observe {x}, "here"', {"x": x}, x, types="{results}")


def write():
    """All cases as one function, whose arguments and results have the names of the cases."""
    arguments, lines, results, inputs = [], [], [], {}
    for i, (name, text, operands, expected, attributes, types) in enumerate(CASES):
        names = {n: f"%a{i}_{n}" for n in operands}
        for n, array in operands.items():
            array = np.asarray(array)
            arguments.append(f'%a{i}_{n}: {tensorType(array)} {{onnx.name = "a{i}_{n}"}}')
            inputs[f"a{i}_{n}"] = array
        # What is expected is computed in doubles.
        arrays = map(np.asarray, expected)
        outputs = [tensorType(y.astype(np.float32) if y.dtype == np.float64 else y) for y in arrays]
        left = ", ".join(f"%r{i}_{j}" for j in range(len(expected)))
        given = ", ".join(tensorType(np.asarray(array)) for array in operands.values())
        right = outputs[0] if len(outputs) == 1 else "(" + ", ".join(outputs) + ")"
        if types == "none":
            line = text.format(**names)
        elif types == "body":
            given = ", ".join(tensorType(array) for n, array in operands.items() if n not in ("u", "d"))
            line = f"{text.format(**names)} {attributes} : ({given}) -> {right}{body}"
        elif types:
            line = f"{text.format(**names)} {attributes} : " + types.format(x=given, results=", ".join(outputs))
        else:
            line = f"{text.format(**names)} {attributes} : ({given}) -> {right}"
        lines.append(f"  {left} = {line}")
        results += [(f"%r{i}_{j}", f"r{i}_{j}", kind) for j, kind in enumerate(outputs)]
    declared = ", ".join(f'{kind} {{onnx.name = "{name}"}}' for _, name, kind in results)
    values, kinds = ", ".join(r[0] for r in results), ", ".join(r[2] for r in results)
    (work / "all.mlir").write_text(
        f"func.func @main({', '.join(arguments)}) -> ({declared}) {{\n" + "\n".join(lines)
        + f"\n  return {values} : {kinds}\n}}\n")  # fmt: skip
    np.savez(work / "in.npz", **inputs)


def check(form, path):
    subprocess.run(["moec", "compile", "--from=raise", path, "-o", work / "all.so"], check=True)
    subprocess.run(["moec", "run", work / "all.so", "--inputs", work / "in.npz", "--outputs", work / "out.npz"],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    found, problems = np.load(work / "out.npz"), 0
    for i, (name, _, _, expected, _, _) in enumerate(CASES):
        for j, y in enumerate(map(np.asarray, expected)):
            value = found[f"r{i}_{j}"]
            same = value.shape == y.shape and (
                (value == y).all() if y.dtype.kind in "iub" else np.allclose(value, y, rtol=2e-5, atol=2e-5))
            if not same:
                print(f"{form}: {name}, result {j}: {value}, expected {y}")
                problems += 1
    print(f"{form}: {len(CASES)} cases, {problems} wrong")
    return problems


write()
subprocess.run(["moec-opt", work / "all.mlir", "--convert-moe-to-onnx", "-o", work / "spelled.mlir"], check=True)
assert "= moe." not in (work / "spelled.mlir").read_text()
sys.exit(check("compiled", work / "all.mlir") + check("spelled", work / "spelled.mlir") > 0)
