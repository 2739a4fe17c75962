"""The errors of the functions of moec-expand-math, against the table in dialects/Numerics.md.

RUN: %python %s %src_root/dialects/Numerics.md %cc %t moec-opt

expand-math-accuracy.py NUMERICS.md CC FOLDER MOEC-OPT [COUNT]: compiles every function in a loop, with and
without fused multiply-add, and sweeps over COUNT arguments.
"""

import pathlib
import re
import subprocess
import sys

LOOP = """
func.func @{function}_{type}(%x: !llvm.ptr, %y: !llvm.ptr, %r: !llvm.ptr, %n: i64) {{
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  scf.for %i = %c0 to %n step %c1 : i64 {{
    %px = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, {type}
    %py = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, {type}
    %pr = llvm.getelementptr %r[%i] : (!llvm.ptr, i64) -> !llvm.ptr, {type}
    %a = llvm.load %px : !llvm.ptr -> {type}
    %b = llvm.load %py : !llvm.ptr -> {type}
    %0 = math.{function} {operands} : {type}
    llvm.store %0, %pr : {type}, !llvm.ptr
  }}
  return
}}
"""

TO_LLVM = ["--convert-scf-to-cf", "--convert-math-to-llvm", "--convert-arith-to-llvm",
           "--convert-func-to-llvm", "--convert-cf-to-llvm", "--reconcile-unrealized-casts"]


def read_bounds(path):
    """The bounds by (function, type), where there are any."""
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \| ([\d.]+|libm) \|$", path.read_text(), re.M)
    cells = [(name, kind, bound) for name, *bounds in rows for kind, bound in zip(("f32", "f64"), bounds)]
    return {(name, kind): float(bound) for name, kind, bound in cells if bound != "libm"}


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def build(bounds, cc, folder, moec_opt):
    """Libraries with a function a bound, and the program that sweeps."""
    source, expanded, lowered, ir = (folder / name for name in ("a.mlir", "b.mlir", "c.mlir", "d.ll"))
    source.write_text("".join(
        LOOP.format(function=name, type=kind, operands="%a, %b" if name == "powf" else "%a") for name, kind in bounds))
    run(moec_opt, source, "--moec-expand-math", "--cse", "-o", expanded)
    text = expanded.read_text()
    left = set(re.findall(r"math\.(\w+)", text)) - {"absf", "copysign", "sqrt"}
    assert not left, f"functions that are left: {left}"
    run("mlir-opt", expanded, *TO_LLVM, "-o", lowered)
    run("mlir-translate", "--mlir-to-llvmir", lowered, "-o", ir)
    libraries = []
    for name, flags in (("native", ["-mcpu=native"]), ("baseline", [])):
        run("opt", "-O2", *flags, ir, "-o", folder / f"{name}.bc")
        run("llc", "-O2", "-filetype=obj", "-relocation-model=pic", *flags, folder / f"{name}.bc", "-o", folder / f"{name}.o")
        libraries.append(folder / f"lib{name}.so")
        run(cc, "-shared", folder / f"{name}.o", "-o", libraries[-1])
    program = folder / "sweep"
    run(cc, "-O2", pathlib.Path(__file__).parent / "Inputs/sweep.c", "-o", program, "-lm", "-ldl")
    return libraries, program


def main(numerics, cc, folder, moec_opt, count=1 << 17):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    bounds = read_bounds(pathlib.Path(numerics))
    libraries, program = build(bounds, cc, folder, moec_opt)
    failed = False
    for library in libraries:
        found = {}
        for line in run(program, library, count).splitlines():
            name, kind, error, argument = line.split()
            found[name, kind] = float(error), argument
        assert found.keys() == bounds.keys(), found.keys() ^ bounds.keys()
        for key, (error, argument) in found.items():
            verdict = "ok" if error <= bounds[key] else f"above {bounds[key]}"
            failed |= error > bounds[key]
            print(library.stem, *key, error, "at", argument, verdict)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
