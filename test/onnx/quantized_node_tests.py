"""Single-node models of quantised operators, and of those of ONNX Runtime, against ONNX Runtime.

REQUIRES: moec-test-python
RUN: %python %s moec

quantized_node_tests.py MOEC [REGEX]: as node_tests.py.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))
import attention_cases
import contrib_cases
import node_tests
import quantized_cases

if __name__ == "__main__":
    moec, pattern = (*sys.argv[1:], "")[:2]
    sys.exit(node_tests.main(moec, pattern, (attention_cases, contrib_cases, quantized_cases)))
