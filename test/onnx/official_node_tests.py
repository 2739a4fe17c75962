"""The node tests of the ONNX project, as the installed package makes them.

REQUIRES: moec-test-python
RUN: %python %s moec

official_node_tests.py MOEC [REGEX]: prints what is wrong, and `N of M`, M being all tests whose inputs and
outputs are tensors of numbers. What is expected to fail is listed in Inputs/official_failures.txt; fails if
another test does, and if a line of the list has no test or one that passes.
"""

import concurrent.futures
import pathlib
import re
import sys
import tempfile
import warnings

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "Inputs"))
import numpy as np
import onnx
import single_node
from onnx.backend.test.loader import load_model_tests

FAILURES = HERE / "Inputs" / "official_failures.txt"
BATCH_SIZE = 16


class OfficialCase:
    """One test: a model, and the arrays of its first data set."""

    def __init__(self, test):
        self.name = test.name.removeprefix("test_")
        self.model = test.model
        inputs, self.expected = test.data_sets[0]
        graph = self.model.graph
        self.feeds = dict(zip([value.name for value in graph.input], inputs))
        self.tolerance = max(test.rtol, test.atol, 1e-5)

    def operators(self):
        return {node.op_type for node in self.model.graph.node}

    def has_tensors_only(self):
        values = [*self.model.graph.input, *self.model.graph.output]
        arrays = [*self.feeds.values(), *self.expected]
        return all(value.type.HasField("tensor_type") for value in values) and all(
            isinstance(array, (np.ndarray, np.generic)) and single_node.to_interface(array).dtype.kind in "biuf"
            for array in arrays
        )


def official_cases(pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            tests = load_model_tests(kind="node")
    unique = {test.name: test for test in tests if re.search(pattern, test.name)}
    found = (OfficialCase(test) for test in unique.values() if test.data_sets)
    return [case for case in found if case.has_tensors_only()]


def signature_of(model):
    """What models must share to be merged."""
    opsets = tuple(sorted((opset.domain, opset.version) for opset in model.opset_import))
    return opsets, model.ir_version, bool(model.functions)


def merge(cases):
    """One model of all, the names of case n starting with c<n>_; its inputs, and the outputs' names."""
    merged, feeds, outputs = None, {}, []
    for n, case in enumerate(cases):
        prefix = f"c{n}_"
        model = onnx.compose.add_prefix(case.model, prefix)
        feeds |= {prefix + name: array for name, array in case.feeds.items()}
        outputs.append([value.name for value in model.graph.output])
        if merged is None:
            merged = model
            continue
        for field in ("node", "input", "output", "initializer", "value_info", "sparse_initializer"):
            getattr(merged.graph, field).extend(getattr(model.graph, field))
    return merged, feeds, outputs


def check(moec, cases):
    """What is wrong with each, or None."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            model, feeds, outputs = merge(cases)
            found, code = single_node.compile_and_run(moec, model, feeds, folder)
        except Exception as problem:
            found, code = f"{type(problem).__name__}: {problem}", 1
    if code != 0:
        if len(cases) > 1:
            return [check(moec, [case])[0] for case in cases]
        errors = [line for line in found.splitlines() if "error" in line] or found.splitlines()
        return [errors[0] if errors else f"exit code {code}"]
    problems = []
    for case, names in zip(cases, outputs):
        wrong = [
            single_node.difference(found[name], expected, case.tolerance)
            for name, expected in zip(names, case.expected)
        ]
        problems.append(next(filter(None, wrong), None))
    return problems


def main(moec, pattern=""):
    cases = official_cases(pattern)
    lines = [line.split() for line in FAILURES.read_text().splitlines() if line and line[0] != "#"]
    listed = {tuple(words[:2]) for words in lines}
    batches, suspects = {}, {}
    for case in cases:
        reasons = listed & {("test", case.name), *(("operator", name) for name in case.operators())}
        if not reasons:
            batches.setdefault(signature_of(case.model), []).append(case)
        # One test a reason, if there is one that has no other: has it been overcome?
        for reason in reasons:
            if reason not in suspects or len(reasons) < suspects[reason][0]:
                suspects[reason] = len(reasons), case
    alone = [[case] for case in {case.name: case for _, case in suspects.values()}.values()]
    work = [all[i : i + BATCH_SIZE] for all in batches.values() for i in range(0, len(all), BATCH_SIZE)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = {
            case.name: problem
            for group, problems in zip(work + alone, pool.map(lambda group: check(moec, group), work + alone))
            for case, problem in zip(group, problems)
        }
    overcome = [case.name for (case,) in alone if results[case.name] is None]
    unexpected = [case.name for group in work for case in group if results[case.name]]
    for name in unexpected:
        print(f"{name}: {results[name]}")
    for name in overcome:
        print(f"{name}: passes; strike what {FAILURES.name} says of it")
    unused = [] if pattern else sorted(listed - suspects.keys())
    for reason in unused:
        print(f"{' '.join(reason)}: no test has it; strike it from {FAILURES.name}")
    print(f"{sum(problem is None for problem in results.values())} of {len(cases)}")
    return bool(unexpected or overcome or unused)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
