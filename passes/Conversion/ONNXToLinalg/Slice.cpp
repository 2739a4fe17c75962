//===- Slice.cpp - Slice, with constant and computed axes and steps
//--------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Movement.h"
#include "passes/Conversion/ONNXToLinalg/Slicing.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace moec;

namespace {

/// What the operands say of one axis.
struct AxisSlice {
  SymExpr start, end, step;
};

/// What that selects: `size` elements from `start` on, `step` apart.
struct Selection {
  SymExpr start, size;
};

} // namespace

/// `position` counted from the front (numpy), clamped to [low, high].
static SymExpr clampPosition(SymContext &symbols, SymExpr position, SymExpr size, SymExpr low,
                             SymExpr high) {
  SymExpr isNegative = symbols.lt(position, symbols.constant(0));
  SymExpr fromFront = symbols.select(isNegative, symbols.add(position, size), position);
  return symbols.max(symbols.min(fromFront, high), low);
}

/// The selection of a slice in the direction that is named; the step is not 0.
static Selection getSelection(SymContext &symbols, SymExpr size, const AxisSlice &slice,
                              bool forward) {
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  SymExpr low = forward ? zero : symbols.constant(-1);
  SymExpr high = forward ? size : symbols.sub(size, one);
  SymExpr start = clampPosition(symbols, slice.start, size, low, high);
  SymExpr end = clampPosition(symbols, slice.end, size, low, high);
  SymExpr length = forward ? symbols.sub(end, start) : symbols.sub(start, end);
  SymExpr distance = forward ? slice.step : symbols.sub(zero, slice.step);
  SymExpr rounded = symbols.add(symbols.max(length, zero), symbols.sub(distance, one));
  return {start, symbols.div(rounded, distance)};
}

static Selection getSelection(SymContext &symbols, SymExpr size, const AxisSlice &slice) {
  if (std::optional<int64_t> step = slice.step.getConstant())
    return getSelection(symbols, size, slice, *step > 0);
  Selection up = getSelection(symbols, size, slice, /*forward=*/true);
  Selection down = getSelection(symbols, size, slice, /*forward=*/false);
  SymExpr isForward = symbols.lt(symbols.constant(0), slice.step);
  return {symbols.select(isForward, up.start, down.start),
          symbols.select(isForward, up.size, down.size)};
}

/// One slice an axis, from the operands of the node; refuses the node (and returns failure) if they
/// are not small tensors of the same size.
static FailureOr<SmallVector<AxisSlice>> getAxisSlices(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  int64_t rank = lowering.dims(0).size();
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  std::optional<ArrayRef<SymExpr>> starts = lowering.elements(1), ends = lowering.elements(2);
  if (!starts || !ends)
    return lowering.refuse("'starts' and 'ends' are not small tensors");
  SmallVector<SymExpr> axes, steps(starts->size(), one);
  for (size_t i = 0; i < starts->size(); ++i)
    axes.push_back(symbols.constant(i));
  for (auto [operand, values] :
       {std::pair<unsigned, SmallVector<SymExpr> *>{3, &axes}, {4, &steps}}) {
    std::optional<ArrayRef<SymExpr>> given = lowering.elements(operand);
    if (given)
      values->assign(given->begin(), given->end());
    else if (lowering.hasOperand(operand))
      return lowering.refuse("'axes' and 'steps' are not small tensors");
  }
  if (ends->size() != starts->size() || axes.size() != starts->size() ||
      steps.size() != starts->size())
    return lowering.refuse("its operands do not have the same number of elements");
  SmallVector<AxisSlice> slices(rank,
                                {zero, symbols.constant(std::numeric_limits<int64_t>::max()), one});
  for (auto [start, end, axis, step] : llvm::zip(*starts, *ends, axes, steps)) {
    std::optional<SymExpr> normal = lowering.normalizeAxis(axis, rank);
    if (!normal || failed(lowering.checkEqual(symbols.eq(step, zero), zero, "a step is 0")))
      return failure();
    // A larger step selects one element, as these do.
    SymExpr clamped =
        symbols.max(symbols.min(step, symbols.constant(kMaxSize)), symbols.constant(-kMaxSize));
    for (int64_t d = 0; d < rank; ++d) {
      SymExpr isHere = symbols.eq(*normal, symbols.constant(d));
      AxisSlice &slice = slices[d];
      slice = {symbols.select(isHere, start, slice.start), symbols.select(isHere, end, slice.end),
               symbols.select(isHere, clamped, slice.step)};
    }
  }
  return slices;
}

static Results lowerSlice(NodeLowering &lowering) {
  ArrayRef<SymExpr> dims = lowering.dims(0);
  FailureOr<SmallVector<AxisSlice>> slices = getAxisSlices(lowering);
  if (failed(slices))
    return failure();
  SmallVector<SymExpr> offsets, computed;
  SmallVector<int64_t> strides;
  for (auto [dim, slice] : llvm::zip(dims, *slices)) {
    Selection selection = getSelection(lowering.symbols, dim, slice);
    if (!selection.start || !selection.size)
      return lowering.refuse("the positions are too large");
    offsets.push_back(selection.start);
    computed.push_back(selection.size);
    strides.push_back(slice.step.getConstant().value_or(0));
  }
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  Value tensor = lowering.operand(0);
  tensor = lowering.castTo(
      tensor, lowering.tensorType(dims, cast<RankedTensorType>(tensor.getType()).getElementType()));
  bool isForward = llvm::all_of(strides, [](int64_t stride) { return stride > 0; });
  if (isForward && *to == dims)
    return SmallVector<Value>{tensor};
  if (isForward)
    return SmallVector<Value>{extractSlice(lowering, tensor, offsets, *to, strides)};
  SmallVector<Value> starts, steps;
  for (auto [offset, slice] : llvm::zip(offsets, *slices)) {
    starts.push_back(lowering.index(offset));
    steps.push_back(lowering.index(slice.step));
  }
  return SmallVector<Value>{readAt(lowering, tensor, *to,
                                   [&](OpBuilder &b, Location loc, int64_t axis, Value i) -> Value {
                                     i = arith::MulIOp::create(b, loc, i, steps[axis]);
                                     return arith::AddIOp::create(b, loc, i, starts[axis]);
                                   })};
}

void moec::addSliceHandlers(NodeHandlerTable &table) { table.add("Slice", 10, lowerSlice); }
