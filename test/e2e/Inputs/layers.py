"""Small graphs of one kind of layer in many spellings, compiled with and without raising and compared
with ONNX Runtime."""

import concurrent.futures
import os

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from tools import run


class Graph:
    """Nodes with names of their own; constants by value."""

    def __init__(self, inputs):
        self.nodes, self.initializers, self.inputs = [], [], inputs

    def __call__(self, operator, *inputs, outputs=1, domain="", **attributes):
        names = [f"{operator}_{len(self.nodes)}_{i}" for i in range(outputs)]
        operands = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        self.nodes.append(helper.make_node(operator, operands, names, f"n{len(self.nodes)}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        if isinstance(value, list) and any(isinstance(x, str) for x in value):
            return self("Concat", *[x if isinstance(x, str) else [x] for x in value], axis=0)
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def size(self, x, axis):
        """One size of a tensor, [1]."""
        return self("Gather", self("Shape", x), [axis], axis=0)

    def model(self, result):
        tensor = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, "g", [tensor(name, kind, shape) for name, (kind, shape) in self.inputs.items()],
            [helper.make_empty_tensor_value_info(result)], self.initializers,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        model = onnx.shape_inference.infer_shapes(model)
        kinds = {x.name: x for x in model.graph.value_info}
        model.graph.output[0].CopyFrom(kinds.get(result, model.graph.output[0]))
        return model


def check_one(function, change, is_raised, operation, inputs, feeds, work, tolerance):
    """What is wrong with one spelling; an empty list if nothing is."""
    name = f"{function.__name__}, {change or 'plain'}"
    path = work / f"{function.__name__}-{(change or 'plain').replace(' ', '-')}.onnx"
    g = Graph(inputs)
    model = g.model(function(g, next(iter(inputs)), change))
    onnx.save(model, path)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    used = {x.name for x in session.get_inputs()}
    given, expected = {}, {}
    for i, feed in enumerate(feeds):
        given |= {f"case{i}/{key}": value for key, value in feed.items() if key in used}
        expected[f"case{i}/{model.graph.output[0].name}"] = session.run(None, {k: v for k, v in feed.items() if k in used})[0]
    np.savez(path.with_suffix(".in.npz"), **given)
    np.savez(path.with_suffix(".out.npz"), **expected)
    problems = []
    raised = run("moec", "compile", path, "--emit=raise", "-o", "-")
    if raised.returncode or (operation in raised.stdout) != is_raised:
        problems.append(f"{name}: {raised.stderr or ('not ' if is_raised else '') + 'raised'}")
    for flags in ([], ["--no-raise"]):
        library = path.with_suffix(".so")
        compiled = run("moec", "compile", *flags, path, "-o", library, "-j", 1)
        if compiled.returncode:
            problems.append(f"{name} {flags}: {compiled.stderr}")
            continue
        for i in range(len(feeds)):
            done = run("moec", "run", library, "--inputs", path.with_suffix(".in.npz"), "--case", f"case{i}",
                       "--expect", path.with_suffix(".out.npz"), "--atol", tolerance, "--rtol", tolerance)  # fmt: skip
            if done.returncode:
                problems.append(f"{name} {flags}, case {i}: {done.stderr.strip()}")
    return problems


def check(cases, operation, inputs, feeds, work, tolerance=2e-5):
    """`cases`: functions (graph, first input, change) → result, with their changes; "!" before one says
    that it is not raised to `operation`. `inputs`: name → (type, shape); `feeds`: their arrays, one
    dictionary a case. Prints what is wrong; whether anything is."""
    work.mkdir(parents=True, exist_ok=True)
    jobs = [(f, change) for f, changes in cases.items() for change in [None, *changes]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = sum(pool.map(lambda job: check_one(
            job[0], job[1] and job[1].lstrip("!"), not (job[1] or "").startswith("!"), operation, inputs, feeds, work,
            tolerance), jobs), [])  # fmt: skip
    print("\n".join([*problems, f"{len(jobs)} spellings"]))
    return bool(problems)
