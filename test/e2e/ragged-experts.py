"""Experts of different widths, some null, some sharing rows, run on the tokens routed to them: floats in the artifact, floats that are
given, halves, codes of 8 and 4 bits, and factors of low rank, against numpy and against the form in which all experts have all tokens.

REQUIRES: moec-test-python
RUN: %python %s %t.d
"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
from tools import output, run  # noqa: E402

work = pathlib.Path(sys.argv[1]).resolve()
work.mkdir(parents=True, exist_ok=True)
INPUT = 64
# Expert 3 is null, expert 5 has the parameters of expert 0, expert 7 gets no tokens.
WIDTHS = [160, 32, 64, None, 96, 0, 224, 32, 32]
SAME = {5: 0}
CASES = [(0, 2), (1, 1), (1, 4), (40, 3)]  # tokens, slots
random = np.random.default_rng(0)


def make(*shape):
    return random.standard_normal(shape, dtype=np.float32) / 4


OWN = {e: {"gate": make(INPUT, w), "up": make(w, INPUT), "bias": make(w), "down": make(w, INPUT), "end": make(INPUT)}
       for e, w in enumerate(WIDTHS) if w}  # fmt: skip
AXIS = {"gate": 1, "up": 0, "bias": 0, "down": 0, "end": None}  # of the widths


def segments(name):
    """The stacks of a parameter, experts of one width together, and its table."""
    stacks, table = {}, []
    for e, width in enumerate(WIDTHS):
        own = SAME.get(e, e)
        if width is None:
            table += [-1, -1]
        elif own != e:
            table += table[2 * own:2 * own + 2]
        else:
            key = OWN[e][name].shape
            table += [list(stacks).index(key) if key in stacks else len(stacks), len(stacks.setdefault(key, []))]
            stacks[key].append(OWN[e][name])
    return [np.stack(stack) for stack in stacks.values()], table


def program(kind):
    element = "f16" if kind == "half" else "f32"
    text = lambda *shape: "tensor<" + "x".join("?" if s is None else str(s) for s in shape) + f"x{element}>"
    arguments = [f'%x: tensor<?x{INPUT}x{element}> {{onnx.name = "x", onnx.dims = ["T", ""]}}',
                 '%e: tensor<?x?xi64> {onnx.name = "e", onnx.dims = ["T", "k"]}',
                 f'%w: tensor<?x?x{element}> {{onnx.name = "w", onnx.dims = ["T", "k"]}}']  # fmt: skip
    module, body, parameters, counts, tables, inner, data = [], [], [], [], [], [], b""
    for name in AXIS:
        stacks, table = segments(name)
        counts.append(len(stacks))
        tables.append(f"array<i64: {', '.join(map(str, table))}>")
        for i, stack in enumerate(stacks):
            given = f"{name}{i}"
            parameters.append((f"%{given}", text(*stack.shape)))
            if kind != "stored":
                arguments.append(f'%{given}: {text(*stack.shape)} {{onnx.name = "{given}"}}')
                continue
            module.append(f"moe.weight_data @{given} in @f[{len(data)}, {stack.nbytes}] : {text(*stack.shape)}")
            body.append(f"%{given} = moe.weight @{given} : {text(*stack.shape)}")
            data += stack.tobytes()
        shape = list(stacks[0].shape[1:])
        if AXIS[name] is not None:
            shape[AXIS[name]] = None
        inner.append(text(*shape))
    if data:
        (work / "weights.bin").write_bytes(data)
        module.insert(0, f'moe.weight_file @f "{work}/weights.bin" size {len(data)}')
    rows, hidden = text(None, INPUT), text(None, None)
    newline = "\n  "
    return f"""{newline.join(module)}
func.func @main({", ".join(arguments)}) -> ({rows} {{onnx.name = "y"}}) {{
  {newline.join(body)}
  %y = moe.experts %x to %e weights %w parameters({", ".join(p for p, _ in parameters)} : {", ".join(t for _, t in parameters)})
      {{num_experts = {len(WIDTHS)} : i64, segments = array<i64: {", ".join(map(str, counts))}>, tables = [{", ".join(tables)}]}}
      : ({rows}, tensor<?x?xi64>, tensor<?x?x{element}>) -> {rows} {{
  ^bb0(%t: {rows}, {", ".join(f"%p{i}: {type_}" for i, type_ in enumerate(inner))}):
    %0 = moe.linear %t, %p0 : ({rows}, {inner[0]}) -> {hidden}
    %1 = moe.linear %t, %p1 transposed bias %p2 : ({rows}, {inner[1]}, {inner[2]}) -> {hidden}
    %2 = moe.glu <silu> %0, %1 : {hidden}
    %3 = onnx.node "Mul"(%2, %p2) version 14 : ({hidden}, {inner[2]}) -> {hidden}
    %4 = moe.linear %3, %p3 bias %p4 : ({hidden}, {inner[3]}, {inner[4]}) -> {rows}
    moe.yield %4 : {rows}
  }}
  return %y : {rows}
}}
"""


def inputs(tokens, slots):
    random = np.random.default_rng(tokens * 10 + slots)
    experts = np.array([random.permutation(len(WIDTHS))[:slots] for _ in range(tokens)], dtype=np.int64)
    experts = np.where(experts == 7, -1, experts).reshape(tokens, slots)
    return {"x": random.standard_normal((tokens, INPUT), dtype=np.float32), "e": experts,
            "w": random.standard_normal((tokens, slots), dtype=np.float32)}  # fmt: skip


def reference(given):
    x, y = given["x"].astype(np.float64), np.zeros((len(given["x"]), INPUT))
    for slot in range(given["e"].shape[1]):
        for e, width in enumerate(WIDTHS):
            if width is None:
                continue
            p, own = OWN[SAME.get(e, e)], given["e"][:, slot] == e
            gate, up = x[own] @ p["gate"], x[own] @ p["up"].T + p["bias"]
            hidden = gate / (1 + np.exp(-gate)) * up * p["bias"]
            y[own] += given["w"][own, slot, None] * (hidden @ p["down"] + p["end"])
    return y


def call(library, given, threads):
    np.savez(work / "in.npz", **given)
    done = run("moec", "run", library, "--inputs", work / "in.npz", "--outputs", work / "out.npz", "--threads", threads)
    assert done.returncode == 0, (library, done.stderr)
    return np.load(work / "out.npz")["y"]


def check(name, library, bound, expected, arguments=lambda given: given):
    for tokens, slots in CASES:
        given = inputs(tokens, slots)
        right, found = expected(given), call(library, arguments(given), 1)
        error = np.abs(found - right).max(initial=0) / (1 + np.abs(right).max(initial=0))
        assert found.shape == right.shape and error <= bound, (name, tokens, slots, error)
        assert (call(library, arguments(given), 2) == found).all(), (name, tokens, slots, "depends on the workers")
    print(f"{name:8} ok")


def compiled(name, source):
    library = work / f"{name}.so"
    output("moec", "compile", "--from=raise", source, "-o", library)
    return library


for kind, element, bound in (("stored", np.float32, 2e-5), ("given", np.float32, 2e-5), ("half", np.float16, 2e-2)):
    source = work / f"{kind}.mlir"
    source.write_text(program(kind))
    expanded = output("moec-opt", source, "--moec-optimize-pipeline")
    assert "moe.experts" not in expanded and expanded.count("moe.grouped_linear") == 3, expanded

    def arguments(given):
        if kind != "stored":
            stacks = {f"{name}{i}": stack for name in AXIS for i, stack in enumerate(segments(name)[0])}
            given = given | stacks
        return {n: v.astype(element) if v.dtype == np.float32 else v for n, v in given.items()}

    check(kind, compiled(kind, source), bound, reference, arguments)

# All experts on all tokens, which is how the operation is spelled, is what other weights are compared with.
for name, flag in (("int8", "--moe-quantize-weights=format=int8"),
                   ("zeros", "--moe-quantize-weights=format=int8 asymmetric=true group=32"),
                   ("int4", "--moe-quantize-weights=format=int4 asymmetric=true"),
                   ("lowrank", "--moe-factorize-linear=form=lowrank ratio=0.5")):  # fmt: skip
    source, spelled = work / f"{name}.mlir", work / f"{name}-spelled.mlir"
    output("moec-opt", work / "stored.mlir", flag, "--canonicalize", f"--moec-keep-weights=output={source}", "-o", source)
    output("moec-opt", source, "--convert-moe-to-onnx", "-o", spelled)
    text = output("moec-opt", source, "--moec-optimize-pipeline")
    assert "moe.experts" not in text and text.count("moe.grouped_linear") == (6 if name == "lowrank" else 3), text
    whole = compiled(f"{name}-spelled", spelled)
    check(name, compiled(name, source), 2e-5, lambda given: call(whole, given, 1))
    low = output("moec", "compile", "--from=raise", source, "--emit=lower", "-o", "-")
    kernel = "matmul_ragged_packed" if name == "lowrank" else "matmul_ragged_coded"
    assert low.count(f'@{kernel}') + low.count(f'"{kernel}') >= 3, "codes are not read as they are stored"
