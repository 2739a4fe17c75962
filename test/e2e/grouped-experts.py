"""Experts: the sparse form (dispatch, grouped products, combine) against numpy, and one token against many.

REQUIRES: moec-test-python
RUN: %python %s make %t.d
RUN: moec compile --from=raise %t.d/packed.mlir -o %t.packed.so
RUN: moec compile --from=raise %t.d/plain.mlir -o %t.plain.so
RUN: moec compile --from=raise %t.d/half.mlir -o %t.half.so
RUN: %python %s check %t.d moec %t.packed.so %t.plain.so %t.half.so
"""

import pathlib
import subprocess
import sys

import numpy as np

EXPERTS, INPUT, HIDDEN = 5, 24, 70  # panels with a rest
CASES = [(0, 2), (1, 1), (1, 5), (7, 3), (64, 2), (600, 5)]  # tokens, slots


def weights():
    random = np.random.default_rng(0)
    make = lambda *shape: random.standard_normal(shape, dtype=np.float32) / 4
    return {
        "up": make(EXPERTS, HIDDEN, INPUT),  # transposed
        "bias": make(EXPERTS, HIDDEN),
        "down": make(EXPERTS, HIDDEN, INPUT),
        "scale": make(EXPERTS, INPUT),
    }


def program(kind, folder):
    """packed: weights of the file, one segment an expert for `down`; plain, half: weights given, `down` of plain with
    rows and columns swapped."""
    element = "f16" if kind == "half" else "f32"
    shapes = {name: value.shape for name, value in weights().items()}
    text = lambda *shape: "tensor<" + "x".join(map(str, shape)) + f"x{element}>"
    arguments = [f'%x: tensor<?x{INPUT}x{element}> {{onnx.name = "x", onnx.dims = ["T", ""]}}',
                 '%e: tensor<?x?xi64> {onnx.name = "e", onnx.dims = ["T", "k"]}',
                 f'%w: tensor<?x?x{element}> {{onnx.name = "w", onnx.dims = ["T", "k"]}}']
    module, body, parameters = [], [], []
    if kind == "packed":
        data = b""
        for name, value in weights().items():
            pieces = [value] if name != "down" else [value[e:e + 1] for e in range(EXPERTS)]
            for i, piece in enumerate(pieces):
                module.append(f"moe.weight_data @{name}{i} in @f[{len(data)}, {piece.nbytes}] : {text(*piece.shape)}")
                body.append(f"%{name}{i} = moe.weight @{name}{i} : {text(*piece.shape)}")
                parameters.append((f"%{name}{i}", text(*piece.shape)))
                data += piece.tobytes()
        (folder / "weights.bin").write_bytes(data)
        module.insert(0, f'moe.weight_file @f "{folder}/weights.bin" size {len(data)}')
        segments = [1, 1, EXPERTS, 1]
    else:
        for name, shape in shapes.items():
            swaps = kind == "plain" and name == "down"
            given = text(shape[0], shape[2], shape[1]) if swaps else text(*shape)
            arguments.append(f'%{name}: {given} {{onnx.name = "{name}"}}')
            parameters.append((f"%{name}_swapped" if swaps else f"%{name}", text(*shape)))
            if swaps:
                body.append(f'%{name}_swapped = onnx.node "Transpose"(%{name}) version 21 '
                            f"{{perm = array<i64: 0, 2, 1>}} : ({given}) -> {text(*shape)}")
        segments = [1, 1, 1, 1]
    inner = [f"%p{i}: {text(*shape[1:])}" for i, shape in enumerate(shapes.values())]
    rows, hidden = f"tensor<?x{INPUT}x{element}>", f"tensor<?x{HIDDEN}x{element}>"
    return f"""{chr(10).join(module)}
func.func @main({", ".join(arguments)}) -> ({rows} {{onnx.name = "y"}}) {{
  {chr(10).join(body)}
  %y = moe.experts %x to %e weights %w parameters({", ".join(p for p, _ in parameters)} : {", ".join(t for _, t in parameters)})
      {{num_experts = {EXPERTS} : i64, segments = array<i64: {", ".join(map(str, segments))}>}}
      : ({rows}, tensor<?x?xi64>, tensor<?x?x{element}>) -> {rows} {{
  ^bb0(%t: {rows}, {", ".join(inner)}):
    %0 = moe.linear %t, %p0 transposed bias %p1 : ({rows}, {text(HIDDEN, INPUT)}, {text(HIDDEN)}) -> {hidden}
    %1 = onnx.node "Relu"(%0) version 14 : ({hidden}) -> {hidden}
    %2 = moe.linear %1, %p2 : ({hidden}, {text(HIDDEN, INPUT)}) -> {rows}
    %3 = onnx.node "Mul"(%2, %p3) version 14 : ({rows}, {text(INPUT)}) -> {rows}
    moe.yield %3 : {rows}
  }}
  return %y : {rows}
}}
"""


def inputs(tokens, slots, skewed):
    random = np.random.default_rng(tokens * 10 + slots)
    experts = np.array([random.permutation(EXPERTS)[:slots] for _ in range(tokens)], dtype=np.int64)
    experts = experts.reshape(tokens, slots)
    if skewed and tokens:
        experts[:, 0] = 3  # the same one for all, twice for some; empty slots; experts without tokens
        experts[experts == 1] = -1
    return {
        "x": random.standard_normal((tokens, INPUT), dtype=np.float32),
        "e": experts,
        "w": random.standard_normal((tokens, slots), dtype=np.float32),
    }


def reference(given):
    p, x = weights(), given["x"].astype(np.float64)
    result = np.zeros_like(x)
    for slot in range(given["e"].shape[1]):
        for expert in range(EXPERTS):
            own = given["e"][:, slot] == expert
            hidden = np.maximum(x[own] @ p["up"][expert].T + p["bias"][expert], 0)
            y = hidden @ p["down"][expert] * p["scale"][expert]
            result[own] += given["w"][own, slot, None] * y
    return result


def run(moec, library, given, folder, threads):
    np.savez(folder / "in.npz", **given)
    subprocess.run([moec, "run", library, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz",
                    "--threads", str(threads)], check=True, stdout=subprocess.DEVNULL)
    return np.load(folder / "out.npz")["y"]


def check(folder, moec, *libraries):
    for library in libraries:
        element = np.float16 if ".half." in library else np.float32
        for tokens, slots in CASES:
            for skewed in (False, True):
                given = inputs(tokens, slots, skewed)
                expected = reference(given)
                if ".packed." not in library:
                    given |= weights()
                if ".plain." in library:
                    given["down"] = given["down"].swapaxes(1, 2)
                given = {n: v.astype(element) if v.dtype == np.float32 else v for n, v in given.items()}
                found = run(moec, library, given, folder, 1)
                assert found.shape == expected.shape, (library, tokens, slots)
                error = np.abs(found - expected).max(initial=0)
                bound = (2e-2 if element == np.float16 else 2e-5) * (1 + np.abs(expected).max(initial=0))
                assert error <= bound, (library, tokens, slots, skewed, error, bound)
                again = run(moec, library, given, folder, 2)
                assert (again == found).all(), (library, tokens, slots, "depends on the workers")


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[2]).resolve()
    folder.mkdir(exist_ok=True)
    if sys.argv[1] == "make":
        for kind in ("packed", "plain", "half"):
            (folder / f"{kind}.mlir").write_text(program(kind, folder))
    else:
        check(folder, *sys.argv[3:])
