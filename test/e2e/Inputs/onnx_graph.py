"""ONNX graphs from calls: a node for each call of a Graph, constants by value."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes with names of their own; the weights depend on the seed only."""

    def __init__(self, seed):
        self.nodes, self.initializers, self.random = [], [], np.random.default_rng(seed)

    def __call__(self, operator, *inputs, outputs=1, **attributes):
        """The name of the result, or a list of names. Inputs are names or numbers; "" is an absent one."""
        names = [f"{operator}_{len(self.nodes)}_{i}" for i in range(outputs)]
        operands = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        self.nodes.append(helper.make_node(operator, operands, names, f"n{len(self.nodes)}_{operator}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32) / np.sqrt(shape[-2] if len(shape) > 1 else 1)

    def model(self, results, inputs, opset=18, **attributes):
        """`inputs` are {name: sizes}, of floats, or {name: (type, sizes)}; results have unknown sizes."""
        tensor = helper.make_tensor_value_info
        types = {n: t if isinstance(t, tuple) else (TensorProto.FLOAT, t) for n, t in inputs.items()}
        values = results if isinstance(results, dict) else {name: TensorProto.FLOAT for name in results}
        graph = helper.make_graph(
            self.nodes, "g", [tensor(n, *t) for n, t in types.items()], [tensor(n, t, None) for n, t in values.items()],
            self.initializers,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, **attributes)
