"""Single-node models: build, compile and run them, and compare with ONNX Runtime.

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
    outputs: int = 1
    opset: int = OPSET
    tolerance: float = 1e-5
    error: str | None = None  # what the call must fail with
    expected: list | None = None  # instead of ONNX Runtime's answer
    dynamic: bool = True  # also with unknown sizes
    result_types: tuple = ()  # numpy types of outputs that are not those of operand 0


def model_of(case, dynamic):
    """The model and the arrays of its inputs."""
    inputs, initializers, names, feeds = [], [], [], {}
    for i, array in enumerate(case.operands):
        name = "" if array is None else f"x{i}"
        names.append(name)
        if array is None:
            continue
        if i in case.constants:
            initializers.append(numpy_helper.from_array(array, name))
            continue
        feeds[name] = array
        shape = [f"{name}_{d}" for d in range(array.ndim)] if dynamic else array.shape
        if dynamic and i in STATIC_SIZES.get(case.op, ()):
            # All but the last size: how many sizes, axes or coordinates there are is part of the node.
            shape = [*shape[:-1], *array.shape[-1:]]
        dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
        inputs.append(helper.make_tensor_value_info(name, dtype, shape))
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op, names, outputs, name=case.op, **case.attributes)
    graph = helper.make_graph([node], "single", inputs, [onnx.ValueInfoProto(name=y) for y in outputs],
                              initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)])
    model.ir_version = 10
    inferred = onnx.shape_inference.infer_shapes(model)
    for mine, found in zip(model.graph.output, inferred.graph.output):
        mine.CopyFrom(found)
    return model, feeds


# Operands whose last size must be known: lists of sizes, axes, repeats, and coordinates.
STATIC_SIZES = {"ConstantOfShape": (0,), "Expand": (1,), "GatherND": (1,), "Pad": (1, 3), "Reshape": (1,),
                "ScatterND": (1,), "Slice": (1, 2, 3, 4), "Split": (1,), "Squeeze": (1,), "Tile": (1,),
                "TopK": (1,), "Unsqueeze": (1,)}


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
    expected = np.asarray(expected)
    if found.dtype != expected.dtype:
        return f"type {found.dtype}, expected {expected.dtype}"
    if found.shape != expected.shape:
        return f"shape {found.shape}, expected {expected.shape}"
    if found.dtype.kind == "f":
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


def check_model(moec, model, feeds, expected, folder, tolerance=1e-5, error=None):
    """Compiles and runs; what is wrong, or None."""
    folder = pathlib.Path(folder)
    onnx.save(model, folder / "model.onnx")
    np.savez(folder / "in.npz", **feeds)
    code, message = call([moec, "compile", folder / "model.onnx", "-o", folder / "model.so"])
    if code == 0:
        code, message = call([moec, "run", folder / "model.so", "--inputs", folder / "in.npz",
                              "--outputs", folder / "out.npz"])
    if code != 0:
        if error and code > 0 and re.search(error, message):
            return None
        return message.splitlines()[0] if message else f"exit code {code}"
    if error:
        return f"no error, expected {error!r}"
    found = np.load(folder / "out.npz")
    for output, array in zip(model.graph.output, expected):
        problem = difference(found[output.name], array, tolerance)
        if problem:
            return f"{output.name}: {problem}"
    return None


def check_case(moec, case, dynamic):
    with tempfile.TemporaryDirectory() as folder:
        model, feeds = model_of(case, dynamic)
        expected = case.expected
        if expected is None and case.error is None:
            # The reference sees constants as constants, too.
            expected = reference(model, feeds)
        return check_model(moec, model, feeds, expected, folder, case.tolerance, case.error)


def run_cases(moec, cases, jobs=2):
    """Runs all variants; (name, problem) of each, in order."""
    variants = [(case, dynamic) for case in cases for dynamic in ((False, True) if case.dynamic else (False,))]

    def one(variant):
        case, dynamic = variant
        name = f"{case.op}/{case.name}{'/dynamic' if dynamic else ''}"
        try:
            return name, check_case(moec, case, dynamic)
        except Exception as problem:  # a case that cannot even be built is a failure of the test
            return name, f"{type(problem).__name__}: {problem}"

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, variants))
