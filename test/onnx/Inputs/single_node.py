"""Models of single nodes: build, compile and run them, and compare with ONNX Runtime.

A case is a node with arrays for its operands. Operands in `constants` become initializers, the others
inputs of the model, of static sizes or, in the second variant of each case, of sizes that the compiler
does not know. What is expected is computed by ONNX Runtime without graph optimisations, or by onnx's
reference evaluator where ONNX Runtime has no kernel.
"""

import concurrent.futures
import dataclasses
import pathlib
import re
import subprocess
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

OPSET = 23


@dataclasses.dataclass
class Case:
    name: str
    op: str
    operands: list  # arrays, None for an absent one
    attributes: dict = dataclasses.field(default_factory=dict)
    constants: tuple = ()  # positions of operands that are initializers
    outputs: int | tuple = 1  # how many, or which
    opset: int = OPSET
    tolerance: float = 1e-5
    error: str | None = None  # what the call must fail with
    expected: list | None = None  # instead of ONNX Runtime's answer
    dynamic: bool = True  # also with unknown sizes
    sizes: dict = dataclasses.field(default_factory=dict)  # names of an operand's unknown sizes; the same name, the same size
    result_types: tuple = ()  # numpy types of outputs that are not those of operand 0
    domain: str = ""


def model_of(variants):
    """One model with a node per (case, dynamic), and the arrays of its inputs. The names of the values
    of case n start with c<n>_."""
    nodes, inputs, outputs, initializers, feeds = [], [], [], [], {}
    for n, (case, dynamic) in enumerate(variants):
        names = []
        for i, array in enumerate(case.operands):
            name = "" if array is None else f"c{n}_x{i}"
            names.append(name)
            if array is None:
                continue
            if i in case.constants:
                initializers.append(numpy_helper.from_array(array, name))
                continue
            feeds[name] = array
            shape = array.shape
            if dynamic:
                shape = [f"c{n}_{size}" for size in case.sizes.get(i, [f"x{i}_{d}" for d in range(array.ndim)])]
            if dynamic and i in STATIC_SIZES.get(case.op, ()):
                # All but the last size: how many sizes, axes or coordinates there are is part of the node.
                shape = [*shape[:-1], *array.shape[-1:]]
            dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
            inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        results = result_names(case, n)
        outputs += filter(None, results)
        nodes.append(helper.make_node(case.op, names, results, name=f"{case.op}_{n}",
                                      domain=case.domain, **case.attributes))  # fmt: skip
    graph = helper.make_graph(nodes, "nodes", inputs, [onnx.ValueInfoProto(name=y) for y in outputs], initializers)
    opset = variants[0][0].opset
    domains = {"": opset, **{case.domain: 1 for case, _ in variants if case.domain}}
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*domain) for domain in domains.items()])
    model.ir_version = 10 if opset < 25 else 13
    inferred = onnx.shape_inference.infer_shapes(model)
    kinds = [kind for case, _ in variants for kind in result_kinds(case)]
    for mine, found, kind in zip(model.graph.output, inferred.graph.output, kinds):
        mine.CopyFrom(found)
        if not found.type.tensor_type.elem_type:  # the library does not know the operator
            mine.type.tensor_type.elem_type = kind
    return model, feeds


def result_names(case, n):
    """The names of the results of case n, "" for those that nobody wants."""
    wanted = case.outputs if isinstance(case.outputs, tuple) else range(case.outputs)
    return [f"c{n}_y{i}" if i in wanted else "" for i in range(max(wanted) + 1)]


def result_kinds(case):
    """The ONNX types of the outputs, as the case says."""
    types = case.result_types or [case.operands[0].dtype] * sum(map(bool, result_names(case, 0)))
    return [helper.np_dtype_to_tensor_dtype(np.dtype(kind)) for kind in types]


def to_interface(array):
    """As the C interface has it: what NumPy has no type of its own for is bytes, a code each."""
    array = np.asarray(array)
    name = array.dtype.name
    if name in ("int2", "int4", "uint2", "uint4"):
        return array.astype(name.rstrip("24") + "8")
    if name.startswith(("float8", "float4")):
        return array.view(np.uint8)
    return array.view(np.uint16) if name == "bfloat16" else array


# Operands whose last size must be known: lists of sizes, axes, repeats, and coordinates; the width of a model.
STATIC_SIZES = {"ConstantOfShape": (0,), "Expand": (1,), "GatherND": (1,),
                "GroupQueryAttention": (0, 1, 2, 3, 4), "MoE": (0, 1), "MultiHeadAttention": (0, 1, 2, 6, 7), "Pad": (1, 3), "QMoE": (0, 1),
                **dict.fromkeys(("ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceSum"), (1,)), "Reshape": (1,),
                "ScatterND": (1,), "Slice": (1, 2, 3, 4), "Split": (1,), "Squeeze": (1,), "Tile": (1,),
                "TopK": (1,), "Unsqueeze": (1,)}  # fmt: skip


def reference(model, feeds):
    """The expected outputs."""
    try:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        return session.run(None, feeds)
    except Exception:  # no kernel for these types
        from onnx.reference import ReferenceEvaluator

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ReferenceEvaluator(model).run(None, feeds)


def difference(found, expected, tolerance):
    """What is wrong with an array, or None."""
    kind = np.asarray(expected).dtype
    expected = to_interface(expected)
    if found.dtype != expected.dtype:
        return f"type {found.dtype}, expected {expected.dtype}"
    if found.shape != expected.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    if kind.name == "bfloat16":
        tolerance = max(tolerance, 2**-7)  # one in the last place
        found, expected = (array.view(kind).astype(np.float32) for array in (found, expected))
    if kind.name.startswith(("float8", "float4")):
        # Codes exactly, the sign of zero too; of a NaN there may be several.
        numbers = [array.view(kind).astype(np.float32) for array in (found, expected)]
        good = np.all((found == expected) | np.logical_and(*map(np.isnan, numbers)))
        found, expected = numbers
    elif found.dtype.kind == "f":
        good = np.allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        good = np.array_equal(found, expected)
    if good:
        return None
    # No more than fits on a line or two.
    return f"{np.array2string(found, threshold=8)}, expected {np.array2string(expected, threshold=8)}"


def call(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    message = done.stderr.strip() or done.stdout.strip()
    if done.returncode < 0:
        message = f"signal {-done.returncode}: {message}"
    return done.returncode, message


def compile_and_run(moec, model, feeds, folder):
    """The outputs by name, or the message of what failed; and the exit code."""
    folder = pathlib.Path(folder)
    onnx.save(model, folder / "model.onnx")
    np.savez(folder / "in.npz", **{name: to_interface(array) for name, array in feeds.items()})
    code, message = call([moec, "compile", folder / "model.onnx", "-o", folder / "model.so"])
    if code == 0:
        code, message = call([moec, "run", folder / "model.so", "--inputs", folder / "in.npz",
                              "--outputs", folder / "out.npz"])  # fmt: skip
    return (dict(np.load(folder / "out.npz")) if code == 0 else message), code


def check_model(moec, model, feeds, expected, folder, tolerance=1e-5, error=None):
    """Compiles and runs; what is wrong, or None."""
    found, code = compile_and_run(moec, model, feeds, folder)
    if code != 0:
        if error and code > 0 and re.search(error, found):
            return None
        errors = [line for line in found.splitlines() if "error" in line] or found.splitlines()
        return errors[0] if errors else f"exit code {code}"
    if error:
        return f"no error, expected {error!r}"
    for output, array in zip(model.graph.output, expected):
        problem = difference(found[output.name], array, tolerance)
        if problem:
            return f"{output.name}: {problem}"
    return None


def expected_of(variant):
    case, _ = variant
    if case.expected is not None or case.error is not None:
        return case.expected
    # The reference sees constants as constants, too.
    return reference(*model_of([variant]))


def check_one(moec, variant):
    case, _ = variant
    with tempfile.TemporaryDirectory() as folder:
        model, feeds = model_of([variant])
        return check_model(moec, model, feeds, expected_of(variant), folder, case.tolerance, case.error)


def check_batch(moec, variants):
    """What is wrong with each, or None. One model for all saves the time of compiling many; where it
    fails as a whole, each is tried alone."""

    def guarded(function, *arguments):
        try:
            return function(*arguments)
        except Exception as problem:  # a case that cannot even be built is a failure of the test
            return f"{type(problem).__name__}: {problem}"

    def together():
        with tempfile.TemporaryDirectory() as folder:
            found, code = compile_and_run(moec, *model_of(variants), folder)
        if code != 0:
            return None
        problems = []
        for n, variant in enumerate(variants):
            outputs = [found[name] for name in result_names(variant[0], n) if name]
            wrong = [difference(*pair, variant[0].tolerance) for pair in zip(outputs, expected_of(variant))]
            problems.append(next(filter(None, wrong), None))
        return problems

    if len(variants) > 1:
        problems = guarded(together)
        if isinstance(problems, list):
            return problems
    return [guarded(check_one, moec, variant) for variant in variants]


def run_cases(moec, cases, jobs=2, batch_size=24):
    """Runs all variants; (name, problem) of each."""
    batches, alone = {}, []
    for case in cases:
        if case.error:  # ends the call
            alone.append([(case, case.dynamic)])
            continue
        for dynamic in (False, True) if case.dynamic else (False,):
            batches.setdefault(case.opset, []).append((case, dynamic))
    work = [all[i : i + batch_size] for all in batches.values() for i in range(0, len(all), batch_size)] + alone
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        problems = pool.map(lambda variants: check_batch(moec, variants), work)
        return [
            (f"{case.op}/{case.name}{'/dynamic' if dynamic else ''}", problem)
            for variants, found in zip(work, problems)
            for (case, dynamic), problem in zip(variants, found)
        ]
