//===- Squeeze.cpp - Squeeze and Unsqueeze, with constant and computed axes
//-------------------------===//
#include "passes/Conversion/ONNXToLinalg/Movement.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

using namespace mlir;
using namespace moec;

/// For each of `rank` axes whether the axes in operand 1 name it, as an expression of value 0 or 1.
/// Refuses the node (and returns failure) if they are not a small tensor, or lie outside.
static FailureOr<SmallVector<SymExpr>> getNamedAxes(NodeLowering &lowering, int64_t rank) {
  SymContext &symbols = lowering.symbols;
  std::optional<ArrayRef<SymExpr>> axes = lowering.elements(1);
  if (!axes)
    return lowering.refuse("the axes are not a small tensor");
  SmallVector<SymExpr> named(rank, symbols.constant(0));
  for (SymExpr axis : *axes) {
    std::optional<SymExpr> normal = lowering.normalizeAxis(axis, rank);
    if (!normal)
      return failure();
    for (int64_t d = 0; d < rank; ++d)
      named[d] =
          symbols.select(symbols.eq(*normal, symbols.constant(d)), symbols.constant(1), named[d]);
  }
  return named;
}

static Results reshapeTo(NodeLowering &lowering, ArrayRef<SymExpr> from,
                         ArrayRef<SymExpr> computed) {
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  Value result = reshape(lowering, lowering.operand(0), from, *to);
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

static Results lowerSqueeze(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  SmallVector<SymExpr> from(lowering.dims(0));
  // Without axes all sizes of 1 go, which the analysis must have decided.
  if (!lowering.hasOperand(1))
    return reshapeTo(lowering, from, SmallVector<SymExpr>(lowering.resultDims(0).size()));
  FailureOr<SmallVector<SymExpr>> named = getNamedAxes(lowering, from.size());
  if (failed(named))
    return failure();
  // Axis `d` of the operand becomes axis `position` of the result, unless it goes.
  SmallVector<SymExpr> computed(lowering.resultDims(0).size(), zero);
  SymExpr position = zero;
  for (auto [size, goes] : llvm::zip(from, *named)) {
    if (failed(lowering.checkEqual(symbols.select(goes, size, one), one,
                                   "a squeezed axis has a size other than 1")))
      return failure();
    for (auto [i, result] : llvm::enumerate(computed)) {
      SymExpr isHere =
          symbols.mul(symbols.logicalNot(goes), symbols.eq(position, symbols.constant(i)));
      result = symbols.select(isHere, size, result);
    }
    position = symbols.add(position, symbols.logicalNot(goes));
    size = symbols.select(goes, one, size);
  }
  return reshapeTo(lowering, from, computed);
}

static Results lowerUnsqueeze(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  ArrayRef<SymExpr> from = lowering.dims(0);
  int64_t rank = lowering.resultDims(0).size();
  FailureOr<SmallVector<SymExpr>> named = getNamedAxes(lowering, rank);
  if (failed(named))
    return failure();
  // Axes that are not new are those of the operand in order.
  SmallVector<SymExpr> computed;
  SymExpr position = zero;
  for (SymExpr isNew : *named) {
    SymExpr size = zero;
    for (auto [i, source] : llvm::enumerate(from))
      size = symbols.select(symbols.eq(position, symbols.constant(i)), source, size);
    computed.push_back(symbols.select(isNew, one, size));
    position = symbols.add(position, symbols.logicalNot(isNew));
  }
  return reshapeTo(lowering, from, computed);
}

void moec::addSqueezeHandlers(NodeHandlerTable &table) {
  table.add("Squeeze", 13, lowerSqueeze);
  table.add("Unsqueeze", 13, lowerUnsqueeze);
}
