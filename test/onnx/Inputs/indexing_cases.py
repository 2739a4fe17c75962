"""Gathers, scatters, sorting, and what counts."""

import numpy as np
from movement_cases import F32, i64, ramp
from single_node import Case

OUTSIDE = "lies outside"


def gather_cases():
    x = ramp(3, 4, 5)
    rows = i64(2, 0, -1, 1).reshape(2, 2)
    for axis in (0, 1, 2, -1):
        yield Case(f"axis{axis}", "Gather", [x, rows], {"axis": axis})
    yield Case("scalar", "Gather", [x, np.array(1)], {"axis": 1})
    yield Case("scalar_constant", "Gather", [x, np.array(-1)], {"axis": 1}, constants=(1,))
    yield Case("one", "Gather", [x, i64(2)], {"axis": 0})
    yield Case("constants", "Gather", [x, i64(2, 0)], {"axis": 0}, constants=(1,))
    yield Case("int32", "Gather", [x, i64(0, 2).astype(np.int32)], {"axis": 2})
    yield Case("empty", "Gather", [x, np.zeros((0, 2), np.int64)], {"axis": 1})
    yield Case("of_vector", "Gather", [ramp(7), i64(6, 1, -7)])
    yield Case("long_rows", "Gather", [ramp(50, 300), i64(*range(49, -1, -1))])
    yield Case("bool", "Gather", [x > 7, rows])
    yield Case("float16", "Gather", [x.astype(np.float16), rows])
    yield Case("int8", "Gather", [x.astype(np.int8), rows])
    for index in (3, -4, 2**40, -(2**62)):
        yield Case(f"outside{index}", "Gather", [x, i64(0, index)], error=OUTSIDE, expected=[])
        yield Case(f"outside_one{index}", "Gather", [x, i64(index)], error=OUTSIDE, expected=[])
    yield Case("of_nothing", "Gather", [ramp(0, 3), i64(0)], error=OUTSIDE, expected=[])

    for axis in (0, 1, -1):
        at = np.array([[0, 2, 1], [-1, 0, 1]])
        yield Case(f"axis{axis}", "GatherElements", [ramp(3, 3), at], {"axis": axis})
    yield Case("outside", "GatherElements", [ramp(3, 3), i64(0, 3).reshape(2, 1)], error=OUTSIDE, expected=[])
    yield Case("too_wide", "GatherElements", [ramp(3, 2), np.zeros((3, 3), np.int64)], error="larger|shape", expected=[])

    for depth in (1, 2, 3):
        at = np.array([[0, 1, -1], [2, -4, 0]])[:, :depth]
        yield Case(f"depth{depth}", "GatherND", [x, at])
    yield Case("batch", "GatherND", [x, i64(3, 0, -2).reshape(3, 1)], {"batch_dims": 1})
    yield Case("batch_two", "GatherND", [x, np.arange(12).reshape(3, 4, 1) % 5], {"batch_dims": 2})
    yield Case("many", "GatherND", [x, np.array([[[[0, 1]], [[2, 3]]]])])
    yield Case("empty", "GatherND", [x, np.zeros((0, 2), np.int64)])
    yield Case("bool", "GatherND", [x > 3, np.array([[0, 1, 2], [2, 3, 4]])])
    yield Case("outside", "GatherND", [x, np.array([[0, 4]])], error=OUTSIDE, expected=[])
    yield Case("outside_low", "GatherND", [x, np.array([[-4, 0]])], error=OUTSIDE, expected=[])


def scatter_cases():
    x = ramp(4, 3)
    at = np.array([[1, 0, 2], [3, -1, 0]])
    updates = np.array([[10, 11, 12], [13, 14, 15]], F32)
    for reduction in ("none", "add", "mul", "min", "max"):
        indices = at if reduction == "none" else np.array([[1, 0, 2], [1, -4, 2]])
        yield Case(f"{reduction}0", "ScatterElements", [x, indices, updates], {"axis": 0, "reduction": reduction})
        yield Case(f"int_{reduction}", "ScatterElements",
                   [x.astype(np.int64), indices, updates.astype(np.int64)], {"reduction": reduction})
        rows = i64(1, 3, 1).reshape(3, 1) if reduction != "none" else i64(1, 3, 0).reshape(3, 1)
        yield Case(f"{reduction}_rows", "ScatterND", [x, rows, -ramp(3, 3) + 4], {"reduction": reduction})
    yield Case("axis1", "ScatterElements", [x, np.array([[2, 0], [1, -1]]), updates[:, :2]], {"axis": 1})
    yield Case("float16", "ScatterElements", [x.astype(np.float16), at, updates.astype(np.float16)],
               {"reduction": "add"})
    yield Case("bool", "ScatterElements", [x > 2, at, updates > 12])
    yield Case("empty", "ScatterElements", [x, at[:0], updates[:0]])
    yield Case("outside", "ScatterElements", [x, at + 2, updates], error=OUTSIDE, expected=[])
    yield Case("shapes_differ", "ScatterElements", [x, at, updates[:1]], error="different sizes|shape", expected=[])
    yield Case("opset13", "ScatterElements", [x, at, updates], {"axis": 0}, opset=13)

    y = ramp(3, 4, 5)
    yield Case("elements", "ScatterND", [y, np.array([[0, 1, 2], [2, -1, 0]]), np.array([100, 200], F32)])
    yield Case("depth2", "ScatterND", [y, np.array([[0, 1], [2, -1]]), -ramp(2, 5)])
    yield Case("many", "ScatterND", [y, np.array([[[0], [2]]]), -ramp(1, 2, 4, 5)])
    yield Case("empty", "ScatterND", [y, np.zeros((0, 1), np.int64), ramp(0, 4, 5)])
    yield Case("outside", "ScatterND", [y, np.array([[3]]), ramp(1, 4, 5)], error=OUTSIDE, expected=[])
    yield Case("wide", "ScatterND", [ramp(9, 500), i64(3, 3, 8).reshape(3, 1), ramp(3, 500)], {"reduction": "add"})

    cache, update = ramp(2, 3, 6, 4), -ramp(2, 3, 2, 4)
    yield Case("linear", "TensorScatter", [cache, update, i64(1, 4)], opset=24)
    yield Case("circular", "TensorScatter", [cache, update, i64(5, 2)], {"mode": "circular"}, opset=24)
    yield Case("from_zero", "TensorScatter", [cache, update], opset=24)
    yield Case("too_far", "TensorScatter", [cache, update, i64(1, 5)], opset=24, error=OUTSIDE, expected=[])

    values = np.array([-1, 5], F32)
    depth = np.array(4)
    for axis in (-1, 0, 1):
        yield Case(f"axis{axis}", "OneHot", [np.array([[0, 3], [-1, 7]]), depth, values], {"axis": axis}, constants=(1,))
    yield Case("computed_depth", "OneHot", [i64(0, 3, -4, -5), depth, values])
    yield Case("float_indices", "OneHot", [np.array([0, 2], F32), depth, values.astype(np.int64)], constants=(1,))
    yield Case("float_depth", "OneHot", [i64(0, 2), np.array(3, F32), values], constants=(1,))


def sorting_cases():
    rng = np.random.default_rng(7)

    def topk(name, x, k, axis=-1, largest=1, constant=True, **more):
        return Case(name, "TopK", [x, i64(k)], {"axis": axis, "largest": largest}, outputs=2,
                    constants=(1,) if constant else (), **more)

    x = rng.permutation(60).reshape(3, 4, 5).astype(F32)
    for axis in (-1, 0, 1):
        for largest in (0, 1):
            yield topk(f"axis{axis}_largest{largest}", x, 2, axis, largest)
    ties = rng.integers(0, 5, (4, 90)).astype(F32)
    for k in (0, 1, 8, 16, 17, 40, 90):
        yield topk(f"ties{k}", ties, k)
        yield topk(f"ties_smallest{k}", ties, k, largest=0)
    for dtype in (np.float16, np.float64, np.int8, np.int32, np.int64, np.uint8, np.uint64):
        yield topk(np.dtype(dtype).name, rng.integers(0, 200, (3, 40)).astype(dtype), 30)
    yield topk("infinities", np.array([1, np.inf, -np.inf, 0, -0.0, np.inf], F32), 6)
    yield topk("computed", ties, 20, constant=False)
    yield topk("computed_too_large", ties, 91, constant=False, error="larger than the axis", expected=[])
    yield topk("computed_negative", ties, -1, constant=False, error="negative", expected=[])
    yield topk("no_rows", ties[:0], 3)
    nan = np.array([3, np.nan, 1, np.nan, 5], F32)
    nan_largest = [np.array([np.nan, np.nan, 5], F32), i64(1, 3, 4)]
    yield topk("nan_largest", nan, 3, expected=nan_largest)
    yield topk("nan_smallest", nan, 3, largest=0, expected=[np.array([1, 3, 5], F32), i64(2, 0, 4)])
    long = rng.integers(0, 500, 5000)
    yield topk("sort", long, 5000, largest=0)

    for op in ("ArgMax", "ArgMin"):
        for axis in (0, 1, -1):
            yield Case(f"axis{axis}", op, [x], {"axis": axis})
            yield Case(f"axis{axis}_flat", op, [x], {"axis": axis, "keepdims": 0})
        yield Case("ties", op, [ties], {"axis": 1})
        yield Case("ties_last", op, [ties], {"axis": 1, "select_last_index": 1})
        yield Case("int32", op, [ties.astype(np.int32)], {"axis": 0})
        yield Case("uint8", op, [(ties * 60).astype(np.uint8)], {"axis": 0})
        yield Case("nan", op, [nan], {"axis": 0}, expected=[i64(1)])
        yield Case("of_nothing", op, [ramp(0, 3)], {"axis": 0}, error="empty axis", expected=[])

    for axis in (0, 1, -1):
        for exclusive in (0, 1):
            for reverse in (0, 1):
                yield Case(f"axis{axis}_exclusive{exclusive}_reverse{reverse}", "CumSum", [x, np.array(axis)],
                           {"exclusive": exclusive, "reverse": reverse}, constants=(1,))
    yield Case("int64", "CumSum", [i64(3, 1, 4, 1, 5), np.array(0)], constants=(1,))
    yield Case("int32", "CumSum", [i64(3, 1, 4).astype(np.int32), np.array(0)], constants=(1,))
    yield Case("empty", "CumSum", [ramp(0, 3), np.array(1)], constants=(1,))


    for axis in (-1, 0, 1):
        # ONNX Runtime has none; as NumPy has it.
        yield Case(f"axis{axis}", "CumProd", [x, np.array(axis)], constants=(1,), opset=26,
                   expected=[np.cumprod(x, axis=axis)])  # fmt: skip
    for axis in (-1, 0, 1):
        yield Case(f"axis{axis}", "Hardmax", [np.array([[1, 3, 3], [7, 0, 7]], F32)], {"axis": axis})
    yield Case("flat", "Hardmax", [ramp(2, 3, 4)], {"axis": 1}, opset=11, error="before 13")


def different_cases():
    """Slices and elements that are not equal."""
    random = np.random.default_rng(3)
    kinds = [(0,), (0, 1, 2, 3)]
    for is_sorted in (0, 1):
        # The oracle of other types is onnx's, which always sorts.
        for dtype in (F32, np.int64, *[np.uint8] * is_sorted):
            x = random.integers(0, 6, (5, 40)).astype(dtype)
            for outputs in kinds:
                types = (dtype, *[np.int64] * (len(outputs) - 1))
                options = {"outputs": outputs, "result_types": types}
                name = f"{np.dtype(dtype).name}_{len(outputs)}_{is_sorted}"
                yield Case(name, "Unique", [x], {"sorted": is_sorted}, **options)
                few = random.integers(0, 2, (3, 70, 2)).astype(dtype)
                yield Case(name + "_axis", "Unique", [few], {"sorted": is_sorted, "axis": 1}, **options)
                yield Case(name + "_last", "Unique", [few], {"sorted": is_sorted, "axis": -1}, **options)
    types = (F32, np.int64, np.int64, np.int64)
    yield Case("equal", "Unique", [np.full(70, 2, F32)], outputs=(0, 1, 2, 3), result_types=types)
    yield Case("one", "Unique", [np.array([5], F32)], outputs=(0, 1, 2, 3), result_types=types)
    none = np.zeros(0, F32)
    expected = [none, *[none.astype(np.int64)] * 3]
    yield Case("empty", "Unique", [none], outputs=(0, 1, 2, 3), result_types=types, expected=expected)


def counting_cases():
    x = np.array([[0, 1.5, 0], [2, 0, -0.0], [0, np.nan, 3]], F32)
    yield Case("matrix", "NonZero", [x])
    yield Case("bool", "NonZero", [x > 1])
    yield Case("int64", "NonZero", [x[:2].astype(np.int64)])
    yield Case("none", "NonZero", [np.zeros((2, 3), F32)])
    yield Case("empty", "NonZero", [np.zeros((2, 0), F32)])
    yield Case("vector", "NonZero", [x[1]])
    yield Case("rank3", "NonZero", [(ramp(3, 4, 5) % 3).astype(np.int64)])

    y = ramp(3, 4)
    yield Case("axis0", "Compress", [y, np.array([True, False, True])], {"axis": 0})
    yield Case("axis1", "Compress", [y, np.array([False, True, True])], {"axis": 1})
    yield Case("flat", "Compress", [y, np.array([True, False, True, True, False])])
    yield Case("none", "Compress", [y, np.array([False, False, False])], {"axis": 0})


def generator_cases():
    def span(name, start, limit, delta, dtype, constants=(), **more):
        return Case(name, "Range", [np.array(v, dtype) for v in (start, limit, delta)], constants=constants, **more)

    for dtype in (np.int32, np.int64, np.float32, np.float64):
        yield span(np.dtype(dtype).name, 1, 10, 3, dtype)
        yield span(np.dtype(dtype).name + "_down", 10, 1, -3, dtype)
        yield span(np.dtype(dtype).name + "_empty", 10, 1, 3, dtype)
    yield span("constant", 0, 7, 1, np.int64, constants=(0, 1, 2))
    yield span("constant_step", 2, 7, 1, np.int64, constants=(0, 2))
    yield span("fraction", 0.5, 2, 0.25, np.float32)
    yield span("step0", 0, 5, 0, np.int64, error="step is 0", expected=[])
    yield span("float_step0", 0, 5, 0, np.float32, error="no end", expected=[])
    yield span("endless", 0, 2**62, 1, np.int64, error="too large|memory", expected=[])

    def fill(name, shape, value, constant=False, **more):
        import onnx.numpy_helper

        attributes = {} if value is None else {"value": onnx.numpy_helper.from_array(value)}
        return Case(name, "ConstantOfShape", [i64(*shape)], attributes, constants=(0,) if constant else (), **more)

    yield fill("float", (2, 3), np.array([2.5], F32))
    yield fill("int64", (2, 3), np.array([7], np.int64))
    yield fill("bool", (2,), np.array([True]))
    yield fill("float16", (2,), np.array([1.5], np.float16))
    yield fill("default", (2, 3), None)
    yield fill("constant", (100, 3), np.array([7], np.int64), constant=True)
    yield fill("empty", (0, 3), np.array([7], F32))
    yield fill("negative", (-1, 3), np.array([7], F32), error="negative", expected=[])

    for k in (-1, 0, 2):
        yield Case(f"k{k}", "EyeLike", [ramp(3, 4)], {"k": k})
    yield Case("int64", "EyeLike", [ramp(3, 3, dtype=np.int64)])


def cases():
    yield from gather_cases()
    yield from scatter_cases()
    yield from sorting_cases()
    yield from different_cases()
    yield from counting_cases()
    yield from generator_cases()
