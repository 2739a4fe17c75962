"""Single-node models of every operator that is lowered, against ONNX Runtime.

REQUIRES: moec-test-python
RUN: %python %s moec

node_tests.py MOEC [REGEX]: prints what is wrong, and `N of M`; fails unless N is M.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import elementwise_cases
import indexing_cases
import matrix_cases
import movement_cases
import reduction_cases
import single_node

FAMILIES = (elementwise_cases, indexing_cases, matrix_cases, movement_cases, reduction_cases)


def main(moec, pattern="", families=FAMILIES):
    cases = [case for family in families for case in family.cases()]
    chosen = [case for case in cases if re.search(pattern, f"{case.op}/{case.name}")]
    results = single_node.run_cases(moec, chosen)
    for name, problem in results:
        if problem:
            print(f"{name}: {problem}")
    good = sum(problem is None for _, problem in results)
    print(f"{good} of {len(results)}")
    return good != len(results)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
