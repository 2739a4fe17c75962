"""Layers of experts in several spellings, and each with something changed that may not be overlooked: what is
compiled gives what ONNX Runtime gives. The plain spellings are raised; where a change leaves no layer of experts,
nothing is.

REQUIRES: moec-test-python
RUN: %python %s %t
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from onnx_graph import Graph  # noqa: E402

E, H, I = 4, 6, 5
work = pathlib.Path(sys.argv[1])
work.mkdir(parents=True, exist_ok=True)


def router(g, k, sort_by="weights"):
    """(weights, experts), [t, k]."""
    scores = g("Softmax", g("MatMul", "x", g.weight(H, E)), axis=-1)
    weights, experts = g("TopK", scores, [k], outputs=2, axis=-1)
    return g("Div", weights, g("ReduceSum", weights, [-1], keepdims=1)), experts


def mlp(g, x, up, down, activation="Relu"):
    return g("MatMul", g(activation, g("MatMul", x, up)), down)


def masked(g, k, change):
    """Every expert on all tokens, times its weight where it was chosen."""
    weights, experts = router(g, k)
    total = None
    for e in range(E):
        number = E - 1 if change == "an expert twice" and e == 0 else e
        if change == "an expert missing" and e == 2:
            continue
        y = mlp(g, "x", g.weight(H, I), g.weight(I, H), "Tanh" if change == "another activation" and e == 1 else "Relu")
        if change == "rows that mix":
            y = g("Sub", y, g("ReduceMean", y, [0], keepdims=1))
        mask = g("Cast", g("Equal", experts, np.int64(number)), to=TensorProto.FLOAT)
        if change == "not the mask":
            mask = g("Sub", np.float32(1), mask)
        share = weights if change == "no mask" else g("Mul", weights, mask)
        if change == "weights rounded":
            share = g("Cast", g("Cast", g("Mul", share, np.float32(3)), to=TensorProto.INT64), to=TensorProto.FLOAT)
        if change == "weights squared":
            share = g("Mul", share, weights)
        share = g("ReduceMax" if change == "best slot" else "ReduceSum", share, [-1], keepdims=1)
        if change == "scale after":
            y = g("Mul", y, np.float32(0.5 if e == 1 else 1))
        y = g("Mul", y, share)
        total = y if total is None else g("Sub" if change == "a difference" and e == 3 else "Add", total, y)
    return total


def loop(g, k, change):
    """A loop over experts, each on the list of its tokens."""
    weights, experts = router(g, k)
    depth = np.int64(E)
    hot = g("OneHot", experts, depth, np.array([0, 1]), axis=-1)
    if change and "capacit" in change:
        # Of the slots of an expert the first three, in the order of the tokens, in each place of its own.
        within = g("Cast", g("LessOrEqual", g("CumSum", hot, np.int64(0)), np.int64(3)), to=TensorProto.INT64)
        if change == "a capacity of expert 1":
            within = g("Max", within, np.array([1, 0, 1, 1]))
        if change == "a capacity that counts":
            within = g("CumSum", hot, np.int64(0))
        hot = g("Mul", hot, within)
        if change == "two capacities":
            hot = g("Mul", g("Cast", g("Less", g("CumSum", hot, np.int64(0), exclusive=1), np.int64(2)),
                             to=TensorProto.INT64), hot)  # fmt: skip
    mask = g("Transpose", hot, perm=[2, 1, 0])
    flat = g("Reshape", weights, [-1])
    total = g("Mul", "x", np.float32(0))
    for e in range(E):
        index = e - E if change == "numbers from the end" else (e + 1) % E if change == "other order" else e
        row = g("Gather", mask, np.int64(index), axis=0)
        if change == "a capacity but for one" and e == 2:
            row = g("Gather", g("Transpose", g("OneHot", experts, depth, np.array([0, 1]), axis=-1), perm=[2, 1, 0]),
                    np.int64(index), axis=0)  # fmt: skip
        slot, token = g("Split", g("Transpose", g("NonZero", g("Cast", row, to=TensorProto.BOOL)), perm=[1, 0]),
                        [1, 1], outputs=2, axis=1)  # fmt: skip
        slot, token = g("Squeeze", slot, [1]), g("Squeeze", token, [1])
        y = mlp(g, g("Gather", "x", token, axis=0), g.weight(H, I), g.weight(I, H))
        place = g("Add", g("Mul", token, np.int64(k)), g("Sub", np.int64(k - 1), slot) if change == "other slot" else slot)
        y = g("Mul", y, g("Unsqueeze", g("Gather", flat, place), [1]))
        zeros = g("ConstantOfShape", g("Shape", "x"))
        indices = g("Expand", g("Unsqueeze", token, [1]), g("Shape", y))
        if change == "half the width":
            y, indices = g("Slice", y, [0], [H // 2], [1]), g("Slice", indices, [0], [H // 2], [1])
        if change == "scatter into x":
            zeros = "x"
        total = g("Add", total, g("ScatterElements", zeros, indices, y, axis=0))
    return total


def batched(g, k, change):
    """All experts on all tokens in one product."""
    weights, experts = router(g, k)
    zeros = g("ConstantOfShape", g("Concat", g("Slice", g("Shape", "x"), [0], [1]), [E], axis=0))
    dense = g("ScatterElements", zeros, experts, weights, axis=1)
    if change == "a capacity of tokens":
        taken = g("Cast", g("Greater", dense, np.float32(0)), to=TensorProto.INT64)
        within = g("LessOrEqual", g("CumSum", taken, np.int64(0)), np.int64(2))
        dense = g("Mul", g("Cast", within, to=TensorProto.FLOAT), dense)
    if change == "dense weights":
        dense = g("Add", dense, np.float32(0.1))
    x = g("Reshape", g("Tile", "x", [E, 1]), [E, -1, H])
    y = mlp(g, x, g.weight(E, H, I), g.weight(E, I, H))
    share = g("Unsqueeze", g("Transpose", dense, perm=[1, 0]), [2])
    if change == "experts shifted":
        share = g("Gather", share, np.array([1, 2, 3, 0]), axis=0)
    if change == "some experts":
        y, share = g("Slice", y, [-3], [2**62], [0]), g("Slice", share, [-3], [2**62], [0])
    return g("ReduceMean" if change == "a mean" else "ReduceSum", g("Mul", y, share), [0], keepdims=0)


def gathered(g, k, change):
    """The weights of each slot's expert."""
    weights, experts = router(g, k)
    numbers = g("Reshape", experts, [-1])
    if change == "the next expert":
        numbers = g("Mod", g("Add", numbers, np.int64(1)), np.int64(E))
    x = g("Reshape", g("Expand", g("Unsqueeze", "x", [1]), [1, k, 1]), [-1, 1, H])
    if change == "slots first":
        x = g("Reshape", g("Expand", g("Unsqueeze", "x", [0]), [k, 1, 1]), [-1, 1, H])
    up, down = g.weight(E, H, I), g.weight(E, I, H)
    if change == "by the names of axes":
        up, down = (g("Gather", matrices, experts, axis=0) for matrices in (up, down))
        y = g("Einsum", g("Relu", g("Einsum", "x", up, equation="td,tkdf->tkf")), down, equation="tkf,tkfd->tkd")
        return g("Einsum", y, weights, equation="tkd,tk->td")
    if change in ("square", "square, transposed", "square, transposed, as columns"):
        picked = g("Gather", g.weight(E, H, H), numbers, axis=0)
        if change != "square":
            picked = g("Transpose", picked, perm=[0, 2, 1])
        if "columns" in change:
            y = g("Squeeze", g("MatMul", picked, g("Transpose", x, perm=[0, 2, 1])), [2])
        else:
            y = g("Squeeze", g("MatMul", x, picked), [1])
        y = g("Mul", g("Relu", y), g("Reshape", weights, [-1, 1]))
        return g("ReduceSum", g("Reshape", y, [-1, k, H]), [1], keepdims=0)
    hidden = g("Relu", g("MatMul", x, g("Gather", up, numbers, axis=0)))
    second = g("Sub", np.int64(E - 1), numbers) if change == "another expert's second matrix" else numbers
    y = g("Squeeze", g("MatMul", hidden, g("Gather", down, second, axis=0)), [1])
    y = g("Mul", y, g("Reshape", weights, [-1, 1]))
    return g("ReduceSum", g("Reshape", y, [-1, k, H]), [1], keepdims=0)


def codes(g, k, change):
    """The codes of each slot's expert's weights, and what they stand for."""
    weights, experts = router(g, k)
    numbers = g("Reshape", experts, [-1])

    def matrix(*shape):
        picked = g("Gather", g.random.integers(0, 256, shape, dtype=np.uint8), numbers, axis=0)
        scale, zero, axis = np.float32(0.01), np.uint8(120), 1
        if change == "scale of a row":
            scale, zero = g.random.random(shape[1], dtype=np.float32) / 50, np.full(shape[1], 128, np.uint8)
        if change in ("scale of an expert", "scale of the next expert"):
            other = g("Mod", g("Add", numbers, np.int64(1)), np.int64(E)) if "next" in change else numbers
            axis, zero = 0, g("Gather", g.random.integers(90, 150, E, dtype=np.uint8), other, axis=0)
            scale = g("Gather", g.random.random(E, dtype=np.float32) / 50, other, axis=0)
        return g("DequantizeLinear", picked, scale, zero, axis=axis)

    x = g("Reshape", g("Expand", g("Unsqueeze", "x", [1]), [1, k, 1]), [-1, H, 1])
    y = g("MatMul", matrix(E, H, I), g("Relu", g("MatMul", matrix(E, I, H), x)))
    y = g("Mul", g("Squeeze", y, [2]), g("Reshape", weights, [-1, 1]))
    return g("ReduceSum", g("Reshape", y, [-1, k, H]), [1], keepdims=0)


def einsum(g, k, change):
    """All experts on all tokens by the names of axes, and those of the chosen out of them."""
    weights, experts = router(g, k)
    if change == "other orders of axes":
        hidden = g("Relu", g("Einsum", g.weight(I, E, H), "x", equation="fed,td->etf"))
        y = g("Einsum", hidden, g.weight(E, H, I), equation="etf,edf->etd")
        y = g("Transpose", y, perm=[1, 0, 2])
    else:
        hidden = g("Relu", g("Einsum", "x", g.weight(E, H, I), equation="td,edf->tef"))
        y = g("Einsum", hidden, g.weight(E, I, H), equation="tef, efd -> ted")
    if change in ("one-hot", "one-hot, matmul", "one-hot of other weights"):
        zeros = g("ConstantOfShape", g("Concat", g("Slice", g("Shape", "x"), [0], [1]), [E], axis=0))
        dense = g("ScatterElements", zeros, experts, weights, axis=1)
        if change == "one-hot of other weights":
            dense = g("Softmax", dense, axis=1)
        if change == "one-hot, matmul":
            return g("Squeeze", g("MatMul", g("Unsqueeze", dense, [1]), y), [1])
        return g("Einsum", dense, y, equation="te,ted->td")
    if change == "experts shifted by one":
        experts = g("Mod", g("Add", experts, np.int64(1)), np.int64(E))
    if change == "experts of the first token":
        experts = g("Expand", g("Slice", experts, [0], [1], [0]), g("Shape", experts))
    index = g("Expand", g("Unsqueeze", experts, [2]), np.array([1, 1, H // 2 if change == "half of each row" else H]))
    y = g("GatherElements", y, index, axis=1)
    if change == "weights of another score":
        weights = g("Add", weights, g("GatherElements", g("MatMul", "x", g.weight(H, E)), experts, axis=1))
    if change == "weights by position":
        weights = g("Add", weights, g("Slice", "x", [0], [k], [1]))
    if change == "a sum over tokens":
        return g("Einsum", y, weights, equation="tkd,tk->kd")
    if change == "slots without a sum":
        return g("Einsum", y, weights, equation="tkd,tk->tkd")
    return g("Einsum", y, weights, equation="tkd,tk->td")


CASES = {
    masked: ["an expert twice", "an expert missing", "another activation", "rows that mix", "not the mask", "no mask",
             "weights rounded", "weights squared", "best slot", "scale after", "a difference"],
    loop: ["numbers from the end", "other order", "other slot", "half the width", "scatter into x", "a capacity",
           "two capacities", "a capacity of expert 1", "a capacity that counts", "a capacity but for one"],
    batched: ["a capacity of tokens", "dense weights", "experts shifted", "some experts", "a mean"],
    gathered: ["by the names of axes", "square", "square, transposed", "square, transposed, as columns",
               "the next expert", "slots first", "another expert's second matrix"],
    einsum: ["other orders of axes", "one-hot", "one-hot, matmul", "one-hot of other weights",
             "experts shifted by one", "experts of the first token", "half of each row", "weights of another score",
             "weights by position", "a sum over tokens", "slots without a sum"],
    codes: ["scale of a row", "scale of an expert", "scale of the next expert"],
}  # fmt: skip
# Still experts on the tokens that chose them, perhaps raised.
HARMLESS = {
    "by the names of axes", "square", "square, transposed", "square, transposed, as columns",
    "a capacity", "a capacity of tokens", "best slot", "experts shifted", "numbers from the end", "one-hot",
    "one-hot, matmul", "other order", "other orders of axes", "scale after", "scale of a row", "scale of an expert",
    "the next expert", "weights by position", "weights of another score",
}  # fmt: skip


def moec(*arguments):
    done = subprocess.run(["moec", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def countFlops(path, *flags):
    """Of the matrix products of a call with 40 tokens."""
    moec("compile", "--profile", "-O0", *flags, path, "-o", path.with_suffix(".so"))
    moec("run", path.with_suffix(".so"), "--inputs", path.with_suffix(".in.npz"), "--case", "t40", "--profile",
         path.with_suffix(".json"))  # fmt: skip
    return sum(node["flops"] for node in json.loads(path.with_suffix(".json").read_text())["nodes"])


problems, raised = [], 0
for spelling, changes in CASES.items():
    for change in [None, *changes]:
        for k in (1, 2) if change in (None, "a capacity") else (2,):
            name = f"{spelling.__name__}, {change or 'plain'}, k = {k}"
            path = work / f"{spelling.__name__}-{(change or 'plain').replace(' ', '-')}-{k}.onnx"
            g = Graph(len(name))
            model = g.model([spelling(g, k, change)], {"x": ["t", H]})
            model = onnx.shape_inference.infer_shapes(model)
            onnx.save(model, path)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            inputs, outputs = {}, {}
            # ONNX Runtime divides by the number of tokens there.
            counts = (1, 3, 40) if change == "by the names of axes" else (0, 1, 3, 40)
            for tokens in counts:
                x = g.random.standard_normal((tokens, H)).astype(np.float32)
                inputs[f"t{tokens}/x"] = x
                outputs[f"t{tokens}/{model.graph.output[0].name}"] = session.run(None, {"x": x})[0]
            np.savez(path.with_suffix(".in.npz"), **inputs)
            np.savez(path.with_suffix(".out.npz"), **outputs)
            layers = len(json.loads(moec("inspect", path, "--json"))["moe_layers"])
            raised += layers
            if change is None and layers != 1:
                problems.append(f"{name}: not raised")
            if change and change not in HARMLESS and layers and k == 2:
                print(f"{name}: raised")
            moec("compile", "-O0", path, "-o", path.with_suffix(".so"))
            for tokens in counts:
                done = subprocess.run(
                    ["moec", "run", path.with_suffix(".so"), "--inputs", path.with_suffix(".in.npz"), "--case",
                     f"t{tokens}", "--expect", path.with_suffix(".out.npz"), "--atol", "1e-5", "--rtol", "1e-4"],
                    capture_output=True, text=True)  # fmt: skip
                if done.returncode:
                    problems.append(f"{name}, {tokens} tokens, {layers} layers raised: {done.stderr.strip()}")
# Forms that run all experts on all tokens, and what is left of their products: k of E.
for name in ("masked", "batched", "einsum"):
    path, tokens, k = work / f"{name}-plain-2.onnx", 40, 2
    products = 2 * tokens * 2 * H * I
    routing = 2 * tokens * H * E
    whole, sparse = countFlops(path, "--no-raise"), countFlops(path)
    # The batched form also sums up in a product.
    if sparse != routing + k * products or whole < routing + E * products:
        problems.append(f"{name}: {sparse} operations of {whole}, expected {routing + k * products}")
print(f"{raised} layers raised")
print("\n".join(problems))
sys.exit(bool(problems))
