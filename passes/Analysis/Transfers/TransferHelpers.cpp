#include "passes/Analysis/Transfers/TransferHelpers.h"

using namespace mlir;
using namespace moec;

std::optional<int64_t> moec::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

AxesSource moec::getAxes(ShapeTransfer &t, unsigned operand, StringRef attribute) {
  AxesSource result;
  if (std::optional<ArrayRef<int64_t>> axes = t.node.getInts(attribute)) {
    result.values.emplace(axes->begin(), axes->end());
  } else if (t.node.getOptionalOperand(operand)) {
    result.values = t.constants(operand);
    if (const SymbolicValue *value = t.operand(operand); value && value->getRank() == 1)
      result.count = value->dims[0].getConstant();
  } else {
    result.isAbsent = true;
  }
  if (result.values)
    result.count = result.values->size();
  return result;
}

std::optional<SmallVector<int64_t>> moec::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    std::optional<int64_t> normalized = normalizeAxis(axis, rank);
    if (!normalized || llvm::is_contained(result, *normalized))
      return std::nullopt;
    result.push_back(*normalized);
  }
  return result;
}

std::optional<SmallVector<int64_t>> moec::getConstants(ArrayRef<SymExpr> exprs) {
  SmallVector<int64_t> result;
  for (SymExpr expr : exprs) {
    std::optional<int64_t> constant = expr.getConstant();
    if (!constant)
      return std::nullopt;
    result.push_back(*constant);
  }
  return result;
}

std::optional<SymVector> moec::makeElements(ArrayRef<SymExpr> dims,
                                            llvm::function_ref<SymExpr(Index)> element) {
  std::optional<SmallVector<int64_t>> sizes = getConstants(dims);
  if (!sizes)
    return std::nullopt;
  int64_t count = 1;
  for (int64_t size : *sizes) {
    if (size < 0 || size > kMaxElements || (count *= size) > kMaxElements)
      return std::nullopt;
  }
  SymVector result;
  SmallVector<int64_t> index(sizes->size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    result.push_back(element(index));
    for (int64_t axis = sizes->size() - 1; axis >= 0; --axis) {
      if (++index[axis] < (*sizes)[axis])
        break;
      index[axis] = 0;
    }
  }
  return result;
}

int64_t moec::getFlatIndex(Index index, ArrayRef<SymExpr> constantDims) {
  int64_t flat = 0;
  for (auto [position, dim] : llvm::zip_equal(index, constantDims))
    flat = flat * *dim.getConstant() + position;
  return flat;
}

SymExpr moec::getBroadcastElement(const SymbolicValue &value, Index index) {
  if (!value.elements)
    return {};
  SmallVector<int64_t> own(index.take_back(value.dims.size()));
  for (auto [position, dim] : llvm::zip_equal(own, value.dims))
    if (dim.isConstant(1))
      position = 0;
  size_t flat = getFlatIndex(own, value.dims);
  return flat < value.elements->size() ? (*value.elements)[flat] : SymExpr();
}

SymVector moec::broadcastDims(SymContext &symbols, ArrayRef<SymExpr> a, ArrayRef<SymExpr> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SymVector result(a);
  size_t offset = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i)
    result[offset + i] = symbols.broadcast(a[offset + i], b[i]);
  return result;
}

SymExpr moec::getCeilDivClamped(SymContext &symbols, SymExpr a, int64_t b) {
  // Division rounds towards zero: a negative `a` gives at most 0, which the maximum lifts to 0.
  SymExpr rounded =
      b == 1 ? a : symbols.div(symbols.add(a, symbols.constant(b - 1)), symbols.constant(b));
  return symbols.max(rounded, symbols.constant(0));
}

void moec::copyDims(ShapeTransfer &t, unsigned result, unsigned operand) {
  if (const SymbolicValue *value = t.operand(operand))
    t.setResult(result, value->dims);
}

void moec::transferSameShape(ShapeTransfer &t) { copyDims(t, 0, 0); }
