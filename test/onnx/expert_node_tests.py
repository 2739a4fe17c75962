"""Single-node models of layers of experts, against ONNX Runtime.

REQUIRES: moec-test-python
RUN: %python %s moec

expert_node_tests.py MOEC [REGEX]: as node_tests.py.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import experts_cases
import node_tests

if __name__ == "__main__":
    moec, pattern = (*sys.argv[1:], "")[:2]
    sys.exit(node_tests.main(moec, pattern, (experts_cases,)))
