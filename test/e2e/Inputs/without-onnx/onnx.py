"""Stands before the package of this name on the path of a Python that has it."""

raise ImportError("No module named 'onnx'")
