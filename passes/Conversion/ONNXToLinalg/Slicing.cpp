//===- Slicing.cpp - Slice, Split, Pad, Trilu
//-----------------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Movement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

using Results = FailureOr<SmallVector<Value>>;

/// extract_slice of unit strides, or an empty tensor: the operation does not take an offset at the
/// end of an axis.
static Value extractSlice(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> offsets,
                          ArrayRef<SymExpr> sizes, ArrayRef<int64_t> steps) {
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  if (llvm::any_of(sizes, [](SymExpr size) { return size.isConstant(0); }))
    return lowering.empty(sizes, elementType);
  SmallVector<OpFoldResult> strides;
  for (int64_t step : steps)
    strides.push_back(lowering.builder.getIndexAttr(step));
  strides.resize(sizes.size(), lowering.builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(lowering.builder, lowering.loc, tensor,
                                        lowering.sizes(offsets), lowering.sizes(sizes), strides);
}

/// linalg.generic that makes a tensor of sizes `to` by reading `tensor` at computed positions.
static Value
readAt(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> to,
       function_ref<Value(OpBuilder &, Location, int64_t axis, Value index)> position) {
  OpBuilder &builder = lowering.builder;
  Value init = lowering.empty(to, cast<RankedTensorType>(tensor.getType()).getElementType());
  SmallVector<utils::IteratorType> iterators(to.size(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, lowering.loc, init.getType(), ValueRange(), init,
             builder.getMultiDimIdentityMap(to.size()), iterators,
             [&](OpBuilder &b, Location loc, ValueRange) {
               SmallVector<Value> indices;
               for (int64_t axis = 0, rank = to.size(); axis < rank; ++axis)
                 indices.push_back(position(b, loc, axis, linalg::IndexOp::create(b, loc, axis)));
               Value element = tensor::ExtractOp::create(b, loc, tensor, indices);
               linalg::YieldOp::create(b, loc, element);
             })
      .getResult(0);
}

//===- Slice
//--------------------------------------------------------------------------------------===//

/// `position` counted from the front (numpy), clamped to [low, high].
static SymExpr clampPosition(SymContext &symbols, SymExpr position, SymExpr size, SymExpr low,
                             SymExpr high) {
  SymExpr isNegative = symbols.lt(position, symbols.constant(0));
  SymExpr fromFront = symbols.select(isNegative, symbols.add(position, size), position);
  return symbols.max(symbols.min(fromFront, high), low);
}

namespace {
struct SliceRange {
  SymExpr start, size;
  int64_t step = 1;
};
} // namespace

static SliceRange getSliceRange(SymContext &symbols, SymExpr size, SymExpr start, SymExpr end,
                                int64_t step) {
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  SliceRange range;
  range.step = step;
  SymExpr length;
  if (step > 0) {
    range.start = clampPosition(symbols, start, size, zero, size);
    length = symbols.sub(clampPosition(symbols, end, size, zero, size), range.start);
  } else {
    SymExpr last = symbols.sub(size, one), minusOne = symbols.constant(-1);
    range.start = clampPosition(symbols, start, size, minusOne, last);
    length = symbols.sub(range.start, clampPosition(symbols, end, size, minusOne, last));
  }
  int64_t distance = std::abs(step);
  length = symbols.max(length, zero);
  range.size = distance == 1 ? length
                             : symbols.div(symbols.add(length, symbols.constant(distance - 1)),
                                           symbols.constant(distance));
  return range;
}

static Results lowerSlice(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  std::optional<ArrayRef<SymExpr>> starts = lowering.elements(1), ends = lowering.elements(2);
  if (!starts || !ends || starts->size() != ends->size())
    return lowering.refuse("'starts' and 'ends' are not small tensors of the same size");
  int64_t count = starts->size();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, count));
  SmallVector<int64_t> steps(count, 1);
  for (auto [operand, values] :
       {std::pair<unsigned, SmallVector<int64_t> *>{3, &axes}, {4, &steps}})
    if (lowering.hasOperand(operand)) {
      std::optional<SmallVector<int64_t>> given = lowering.constants(operand);
      if (!given || static_cast<int64_t>(given->size()) != count)
        return lowering.refuse("'axes' and 'steps' are not constants, one a start");
      *values = std::move(*given);
    }
  SmallVector<SliceRange> ranges;
  for (SymExpr dim : dims)
    ranges.push_back({symbols.constant(0), dim, 1});
  bool reverses = false;
  for (int64_t i = 0; i < count; ++i) {
    std::optional<int64_t> axis = lowering.normalizeAxis(axes[i], dims.size());
    if (!axis)
      return failure();
    if (steps[i] == 0)
      return lowering.refuse("a step of 0");
    // A larger step selects one element, as this one does.
    int64_t step = std::clamp(steps[i], -kMaxSize, kMaxSize);
    ranges[*axis] = getSliceRange(symbols, dims[*axis], (*starts)[i], (*ends)[i], step);
    reverses |= step < 0;
  }
  SmallVector<SymExpr> offsets, computed;
  SmallVector<int64_t> strides;
  for (const SliceRange &range : ranges) {
    if (!range.start || !range.size)
      return lowering.refuse("the positions are too large");
    offsets.push_back(range.start);
    computed.push_back(range.size);
    strides.push_back(range.step);
  }
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  Value tensor = lowering.operand(0);
  tensor = lowering.castTo(
      tensor, lowering.tensorType(dims, cast<RankedTensorType>(tensor.getType()).getElementType()));
  if (*to == dims && !reverses)
    return SmallVector<Value>{tensor};
  if (!reverses)
    return SmallVector<Value>{extractSlice(lowering, tensor, offsets, *to, strides)};
  SmallVector<Value> starting, stepping;
  for (const SliceRange &range : ranges) {
    starting.push_back(lowering.index(range.start));
    stepping.push_back(lowering.index(range.step));
  }
  return SmallVector<Value>{readAt(lowering, tensor, *to,
                                   [&](OpBuilder &b, Location loc, int64_t axis, Value i) -> Value {
                                     i = arith::MulIOp::create(b, loc, i, stepping[axis]);
                                     return arith::AddIOp::create(b, loc, i, starting[axis]);
                                   })};
}

//===- Split
//--------------------------------------------------------------------------------------===//

/// The sizes of the parts of an axis; refuses the node (and returns failure) where there are none.
static FailureOr<SmallVector<SymExpr>> getPartSizes(NodeLowering &lowering, SymExpr size) {
  SymContext &symbols = lowering.symbols;
  int64_t count = lowering.getNumResults();
  if (lowering.hasOperand(1)) {
    std::optional<ArrayRef<SymExpr>> sizes = lowering.elements(1);
    if (!sizes || static_cast<int64_t>(sizes->size()) != count)
      return lowering.refuse("'split' is not a small tensor of one element a result");
    if (failed(lowering.checkSizes(*sizes)))
      return failure();
    return SmallVector<SymExpr>(*sizes);
  }
  // Parts of equal size, the last of what remains (opset 18); before, the size is a multiple.
  SymExpr part =
      symbols.div(symbols.add(size, symbols.constant(count - 1)), symbols.constant(count));
  SmallVector<SymExpr> sizes(count, part);
  sizes.back() = symbols.sub(size, symbols.mul(part, symbols.constant(count - 1)));
  if (failed(lowering.checkLessEqual(symbols.constant(0), sizes.back(),
                                     "the axis is too short to be split")))
    return failure();
  return sizes;
}

static Results lowerSplit(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  SmallVector<SymExpr> dims(lowering.dims(0));
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", 0), dims.size());
  if (!axis)
    return failure();
  FailureOr<SmallVector<SymExpr>> sizes = getPartSizes(lowering, dims[*axis]);
  if (failed(sizes) || failed(lowering.checkEqual(symbols.sum(*sizes), dims[*axis],
                                                  "the split sizes do not add up to the axis")))
    return failure();
  Value tensor = lowering.operand(0);
  SmallVector<SymExpr> offsets(dims.size(), symbols.constant(0));
  SmallVector<Value> results;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    dims[*axis] = size;
    results.push_back(lowering.hasResult(i) ? extractSlice(lowering, tensor, offsets, dims, {})
                                            : Value());
    offsets[*axis] = symbols.add(offsets[*axis], size);
  }
  return results;
}

//===- Pad
//----------------------------------------------------------------------------------------===//

namespace {
struct Padding {
  SmallVector<SymExpr> before, after;
};
} // namespace

static FailureOr<Padding> getPadding(NodeLowering &lowering, int64_t rank) {
  SymExpr zero = lowering.symbols.constant(0);
  Padding padding{SmallVector<SymExpr>(rank, zero), SmallVector<SymExpr>(rank, zero)};
  std::optional<ArrayRef<SymExpr>> pads = lowering.elements(1);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (lowering.hasOperand(3)) {
    std::optional<SmallVector<int64_t>> given = lowering.constants(3);
    if (!given)
      return lowering.refuse("'axes' is not constant");
    axes = std::move(*given);
  }
  if (!pads || pads->size() != 2 * axes.size())
    return lowering.refuse("'pads' is not a small tensor of two elements an axis");
  for (auto [i, axis] : llvm::enumerate(axes)) {
    std::optional<int64_t> normal = lowering.normalizeAxis(axis, rank);
    if (!normal)
      return failure();
    padding.before[*normal] = (*pads)[i];
    padding.after[*normal] = (*pads)[axes.size() + i];
  }
  return padding;
}

static Value padConstant(NodeLowering &lowering, const Padding &padding, ArrayRef<SymExpr> dims,
                         ArrayRef<SymExpr> to) {
  SymContext &symbols = lowering.symbols;
  OpBuilder &builder = lowering.builder;
  Value tensor = lowering.operand(0);
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  Value fill = lowering.hasOperand(2) ? lowering.scalarOperand(2)
                                      : arith::ConstantOp::create(builder, lowering.loc,
                                                                  builder.getZeroAttr(elementType));
  // Negative paddings cut.
  SymExpr zero = symbols.constant(0);
  SmallVector<SymExpr> sources, sizes, destinations;
  for (auto [dim, before, after] : llvm::zip(dims, padding.before, padding.after)) {
    destinations.push_back(symbols.max(before, zero));
    sources.push_back(symbols.sub(destinations.back(), before));
    sizes.push_back(
        symbols.add(dim, symbols.add(symbols.min(before, zero), symbols.min(after, zero))));
  }
  if (failed(lowering.checkSizes(sizes)))
    return {};
  Value result = lowering.filled(to, fill);
  if (llvm::any_of(sizes, [](SymExpr size) { return size.isConstant(0); }))
    return result;
  if (ArrayRef<SymExpr>(sizes) != dims)
    tensor = extractSlice(lowering, tensor, sources, sizes, {});
  SmallVector<OpFoldResult> strides(dims.size(), builder.getIndexAttr(1));
  return tensor::InsertSliceOp::create(builder, lowering.loc, tensor, result,
                                       lowering.sizes(destinations), lowering.sizes(sizes),
                                       strides);
}

/// The index on an axis of `size` elements that padding in `mode` reads for index `i` (counted from
/// the first element of the operand).
static Value getPaddedIndex(OpBuilder &b, Location loc, StringRef mode, Value i, Value size) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  Value last = arith::SubIOp::create(b, loc, size, constant(1));
  if (mode == "edge") {
    i = arith::MaxSIOp::create(b, loc, i, constant(0));
    return arith::MinSIOp::create(b, loc, i, last);
  }
  auto floorModulo = [&](Value a, Value modulus) -> Value {
    a = arith::RemSIOp::create(b, loc, a, modulus);
    a = arith::AddIOp::create(b, loc, a, modulus);
    return arith::RemSIOp::create(b, loc, a, modulus);
  };
  if (mode == "wrap")
    return floorModulo(i, size);
  // reflect: a period is the axis forth and back without its ends
  Value period = arith::AddIOp::create(b, loc, last, last);
  period = arith::MaxSIOp::create(b, loc, period, constant(1));
  i = floorModulo(i, period);
  Value back = arith::SubIOp::create(b, loc, period, i);
  Value mirrored = arith::MinSIOp::create(b, loc, i, back);
  return arith::MinSIOp::create(b, loc, mirrored, last);
}

static Results lowerPad(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  FailureOr<Padding> padding = getPadding(lowering, dims.size());
  if (failed(padding))
    return failure();
  SmallVector<SymExpr> computed;
  for (auto [dim, before, after] : llvm::zip(dims, padding->before, padding->after))
    computed.push_back(symbols.add(dim, symbols.add(before, after)));
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  StringRef mode = lowering.node.getString("mode", "constant");
  if (mode == "constant") {
    Value result = padConstant(lowering, *padding, dims, *to);
    if (!result)
      return failure();
    return SmallVector<Value>{result};
  }
  if (mode != "edge" && mode != "reflect" && mode != "wrap")
    return lowering.refuse("unknown mode '" + mode + "'");
  SmallVector<Value> starts, sizes;
  for (auto [dim, target, before] : llvm::zip(dims, *to, padding->before)) {
    SymExpr isFilled = symbols.lt(symbols.constant(0), target);
    if (failed(lowering.checkLessEqual(isFilled, dim, "an empty axis has nothing to pad with")))
      return failure();
    starts.push_back(before.isConstant(0) && dim == target ? Value() : lowering.index(before));
    sizes.push_back(lowering.index(dim));
  }
  return SmallVector<Value>{readAt(lowering, lowering.operand(0), *to,
                                   [&](OpBuilder &b, Location loc, int64_t axis, Value i) {
                                     if (!starts[axis])
                                       return i;
                                     i = arith::SubIOp::create(b, loc, i, starts[axis]);
                                     return getPaddedIndex(b, loc, mode, i, sizes[axis]);
                                   })};
}

//===- Trilu
//--------------------------------------------------------------------------------------===//

static Results lowerTrilu(NodeLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  SymContext &symbols = lowering.symbols;
  int64_t rank = lowering.dims(0).size();
  if (rank < 2)
    return lowering.refuse("it needs at least two dimensions");
  SymExpr diagonal = symbols.constant(0);
  if (lowering.hasOperand(1)) {
    std::optional<ArrayRef<SymExpr>> k = lowering.elements(1);
    if (!k || k->size() != 1)
      return lowering.refuse("'k' is not a scalar");
    diagonal =
        symbols.max(symbols.min((*k)[0], symbols.constant(kMaxSize)), symbols.constant(-kMaxSize));
  }
  bool isUpper = lowering.node.getInt("upper", 1) != 0;
  Value offset = lowering.index(diagonal);
  Value input = lowering.operand(0);
  Type elementType = cast<RankedTensorType>(input.getType()).getElementType();
  Value zero = arith::ConstantOp::create(builder, lowering.loc, builder.getZeroAttr(elementType));
  Value init = lowering.empty(lowering.dims(0), elementType);
  AffineMap map = builder.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  return SmallVector<Value>{
      linalg::GenericOp::create(
          builder, lowering.loc, init.getType(), input, init, ArrayRef{map, map}, iterators,
          [&](OpBuilder &b, Location loc, ValueRange args) {
            Value row = linalg::IndexOp::create(b, loc, rank - 2);
            Value column = linalg::IndexOp::create(b, loc, rank - 1);
            Value boundary = arith::AddIOp::create(b, loc, row, offset);
            auto predicate = isUpper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle;
            Value keeps = arith::CmpIOp::create(b, loc, predicate, column, boundary);
            Value kept = arith::SelectOp::create(b, loc, keeps, args[0], zero);
            linalg::YieldOp::create(b, loc, kept);
          })
          .getResult(0)};
}

void moec::addSlicingHandlers(NodeHandlerTable &table) {
  table.add("Pad", 13, lowerPad);
  table.add("Slice", 10, lowerSlice);
  table.add("Split", 13, lowerSplit);
  table.add("Trilu", 14, lowerTrilu);
}
