"""Reshapes, transposes, slices, paddings, concatenations."""

import numpy as np
from single_node import Case

F32 = np.float32


def i64(*values):
    return np.array(values, np.int64)


def ramp(*shape, dtype=F32):
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


def reshape(name, x, shape, constant=True, **more):
    return Case(name, "Reshape", [x, i64(*shape)], constants=(1,) if constant else (), **more)


def slicing(name, x, *operands, constant=True, **more):
    operands = [x] + [None if o is None else i64(*o) for o in operands]
    constants = tuple(i for i in range(1, len(operands)) if operands[i] is not None)
    return Case(name, "Slice", operands, constants=constants if constant else constants[2:], **more)


def pad(name, x, pads, value=None, axes=None, mode="constant", constant=True, **more):
    operands = [x, i64(*pads), None if value is None else np.array(value, x.dtype),
                None if axes is None else i64(*axes)]
    while operands[-1] is None:
        operands.pop()
    return Case(name, "Pad", operands, {"mode": mode}, constants=(1, 3) if constant else (3,), **more)


def cases():
    x = ramp(2, 3, 4)
    for shape in [(6, 4), (24,), (2, 12), (4, 6), (-1,), (0, -1), (2, -1, 2), (1, 24, 1), (3, 2, 4), (2, 3, 2, 2)]:
        yield reshape("to_" + "_".join(map(str, shape)), x, shape)
    yield reshape("computed", x, (4, -1), constant=False)
    yield reshape("computed_copy", x, (0, 12), constant=False)
    yield reshape("computed_wrong", x, (5, 5), constant=False, error="another number of elements")
    yield reshape("empty", ramp(0, 3), (3, 0), allowzero_case=None) if False else Case(
        "empty_allowzero", "Reshape", [ramp(0, 3), i64(5, 0)], {"allowzero": 1}, constants=(1,))
    yield reshape("empty_inferred", ramp(0, 3), (-1, 3))
    yield reshape("scalar", ramp(1, 1), ())
    yield reshape("from_scalar", np.array(3, F32), (1, 1))
    yield reshape("bool", x > 5, (6, 4))
    yield reshape("int8", ramp(2, 6, dtype=np.int8), (3, 4))
    yield reshape("float16", ramp(2, 6, dtype=np.float16), (3, 4))
    yield Case("axis1", "Flatten", [x], {"axis": 1})
    yield Case("axis0", "Flatten", [x], {"axis": 0})
    yield Case("axis3", "Flatten", [x], {"axis": 3})
    yield Case("plain", "Identity", [x])
    yield Case("one", "Squeeze", [ramp(2, 1, 3), i64(1)], constants=(1,))
    yield Case("negative", "Squeeze", [ramp(2, 1, 3, 1), i64(-1, 1)], constants=(1,))
    yield Case("all", "Squeeze", [ramp(1, 3, 1)], dynamic=False)
    yield Case("scalar", "Squeeze", [ramp(1), i64(0)], constants=(1,))
    yield Case("wrong", "Squeeze", [ramp(2, 3), i64(0)], constants=(1,), error="other than 1|squeeze", expected=[])
    yield Case("front", "Unsqueeze", [x, i64(0)], constants=(1,))
    yield Case("two", "Unsqueeze", [x, i64(1, -1)], constants=(1,))
    yield Case("scalar", "Unsqueeze", [np.array(3, F32), i64(0)], constants=(1,))

    for perm in [(2, 1, 0), (0, 2, 1), (1, 0, 2)]:
        yield Case("".join(map(str, perm)), "Transpose", [x], {"perm": perm})
    yield Case("default", "Transpose", [x])
    yield Case("unit", "Transpose", [ramp(2, 1, 3)], {"perm": (1, 0, 2)})
    yield Case("empty", "Transpose", [ramp(2, 0, 3)], {"perm": (2, 0, 1)})
    yield Case("large", "Transpose", [ramp(67, 130)], {"perm": (1, 0)})
    yield Case("uint8", "Transpose", [ramp(3, 4, dtype=np.uint8)])

    yield Case("unit", "Expand", [ramp(3, 1), i64(3, 4)], constants=(1,))
    yield Case("leading", "Expand", [ramp(3, 1), i64(2, 1, 4)], constants=(1,))
    yield Case("ones_in_shape", "Expand", [ramp(3, 4), i64(1, 1)], constants=(1,))
    yield Case("scalar", "Expand", [np.array(7, np.int64), i64(2, 3)], constants=(1,))
    yield Case("computed", "Expand", [ramp(3, 1), i64(2, 1, 4)])
    yield Case("computed_one", "Expand", [ramp(3, 4), i64(2, 1, 1)])
    yield Case("computed_wrong", "Expand", [ramp(3, 4), i64(2, 4)], error="neither 1|broadcast", expected=[])
    yield Case("computed_negative", "Expand", [ramp(1, 4), i64(-2, 4)], error="negative", expected=[])
    yield Case("empty", "Expand", [ramp(3, 1), i64(3, 0)], constants=(1,))
    yield Case("bool", "Expand", [np.array([[True], [False]]), i64(2, 3)], constants=(1,))

    yield Case("two_axes", "Tile", [ramp(2, 3), i64(2, 3)], constants=(1,))
    yield Case("one_axis", "Tile", [x, i64(1, 2, 1)], constants=(1,))
    yield Case("none", "Tile", [x, i64(1, 1, 1)], constants=(1,))
    yield Case("zero", "Tile", [ramp(2, 3), i64(0, 3)], constants=(1,))
    yield Case("computed", "Tile", [ramp(2, 3), i64(2, 3)])

    for axis in (0, 1, -1):
        shapes = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
        for i, size in enumerate((1, 5, 2)):
            shapes[i][axis] = size
        yield Case(f"axis{axis}", "Concat", [ramp(*s) for s in shapes], {"axis": axis})
    yield Case("one", "Concat", [x], {"axis": 0})
    yield Case("empty_part", "Concat", [ramp(2, 0), ramp(2, 3)], {"axis": 1})
    yield Case("int32", "Concat", [ramp(2, dtype=np.int32), ramp(3, dtype=np.int32)], {"axis": 0})
    yield Case("bool", "Concat", [ramp(2) > 0, ramp(3) > 1], {"axis": 0})
    yield Case("twice_the_same_shape", "Concat", [x, x + 100], {"axis": 2})

    y = ramp(5, 6, 7)
    yield slicing("plain", y, (1, 2), (4, 5))
    yield slicing("axes", y, (1,), (3,), (2,))
    yield slicing("negative_axes", y, (1, 0), (3, 4), (-1, -2))
    yield slicing("steps", y, (0, 1), (5, 6), (0, 1), (2, 3))
    yield slicing("negative", y, (-3,), (-1,), (1,))
    yield slicing("to_the_end", y, (2,), (2**63 - 1,), (1,))
    yield slicing("reversed", y, (-1,), (-(2**63),), (1,), (-1,))
    yield slicing("reversed_steps", y, (5, 4), (0, -100), (2, 0), (-2, -1))
    yield slicing("past_the_end", y, (3,), (1000,), (0,))
    yield slicing("nothing", y, (3,), (2,), (0,))
    yield slicing("start_past_the_end", y, (9,), (12,), (0,))
    yield slicing("of_empty", ramp(0, 3), (0,), (5,), (0,))
    yield slicing("reverse_empty", ramp(0, 3), (-1,), (-9,), (0,), (-1,))
    yield slicing("computed", y, (1, 2), (4, 5), constant=False)
    yield slicing("computed_axes", y, (-4, 0), (-1, 100), (2, 0), constant=False)
    yield slicing("computed_reverse", y, (5,), (1,), (1,), (-2,), constant=False)
    yield slicing("everything", y, (0,), (2**62,), (0,))
    yield slicing("bool", y > 9, (1,), (3,), (0,))

    z = ramp(4, 6)
    yield Case("equal", "Split", [z], {"axis": 1, "num_outputs": 3}, outputs=3)
    yield Case("uneven", "Split", [z], {"axis": 1, "num_outputs": 4}, outputs=4)
    yield Case("sizes", "Split", [z, i64(1, 5)], {"axis": 1}, constants=(1,), outputs=2)
    yield Case("zero_size", "Split", [z, i64(0, 6)], {"axis": -1}, constants=(1,), outputs=2)
    yield Case("axis0", "Split", [z, i64(1, 2, 1)], constants=(1,), outputs=3)
    yield Case("computed", "Split", [z, i64(2, 4)], {"axis": 1}, outputs=2)
    yield Case("computed_zero", "Split", [z, i64(0, 4)], {"axis": 0}, outputs=2)
    yield Case("computed_wrong", "Split", [z, i64(2, 3)], {"axis": 1}, outputs=2, error="add up", expected=[])
    yield Case("computed_negative", "Split", [z, i64(-2, 8)], {"axis": 1}, outputs=2, error="negative", expected=[])
    yield Case("opset13", "Split", [z], {"axis": 1}, outputs=2, opset=13)

    yield pad("constant", ramp(2, 3), (1, 0, 0, 2), 7)
    yield pad("default_value", ramp(2, 3), (0, 1, 1, 0))
    yield pad("axes", x, (1, 2), 3, axes=(-1,))
    yield pad("cut", ramp(4, 5), (-1, 2, 0, -1), 9)
    yield pad("int64", ramp(2, 3, dtype=np.int64), (1, 1, 1, 1), -5)
    yield pad("bool", ramp(2, 3) > 1, (0, 1, 0, 1), True)
    yield pad("edge", ramp(2, 3), (2, 1, 0, 2), mode="edge")
    yield pad("reflect", ramp(4, 3), (3, 1, 0, 2), mode="reflect")
    yield pad("wrap", ramp(4, 3), (3, 1, 0, 2), mode="wrap")
    yield pad("computed", ramp(2, 3), (1, 0, 0, 2), 7, constant=False)
    yield pad("nothing", ramp(2, 3), (0, 0, 0, 0))
    yield pad("of_empty", ramp(0, 3), (1, 0, 1, 0), 2)

    square = ramp(2, 4, 5)
    for upper in (0, 1):
        yield Case(f"upper{upper}", "Trilu", [square], {"upper": upper})
        for k in (-1, 2, 100):
            yield Case(f"upper{upper}_k{k}", "Trilu", [square, i64(k).reshape(())], {"upper": upper}, constants=(1,))
    yield Case("computed", "Trilu", [square, i64(1).reshape(())])
    yield Case("bool", "Trilu", [square > 0])

    for mode in ("DCR", "CRD"):
        yield Case(mode, "DepthToSpace", [ramp(1, 8, 2, 3)], {"blocksize": 2, "mode": mode})
    yield Case("plain", "SpaceToDepth", [ramp(2, 3, 4, 6)], {"blocksize": 2})
