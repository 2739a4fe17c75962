//===- Padding.cpp - Pad
//---------------------------------------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Movement.h"
#include "passes/Conversion/ONNXToLinalg/Slicing.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

namespace {
struct Padding {
  SmallVector<SymExpr> before, after;
};
} // namespace

static FailureOr<Padding> getPadding(NodeLowering &lowering, int64_t rank) {
  SymExpr zero = lowering.symbols.constant(0);
  Padding padding{SmallVector<SymExpr>(rank, zero), SmallVector<SymExpr>(rank, zero)};
  std::optional<ArrayRef<SymExpr>> pads = lowering.elements(1);
  SmallVector<SymExpr> axes;
  for (int64_t d = 0; d < rank; ++d)
    axes.push_back(lowering.symbols.constant(d));
  if (std::optional<ArrayRef<SymExpr>> given = lowering.elements(3))
    axes.assign(given->begin(), given->end());
  else if (lowering.hasOperand(3))
    return lowering.refuse("'axes' is not a small tensor");
  if (!pads || pads->size() != 2 * axes.size())
    return lowering.refuse("'pads' is not a small tensor of two elements an axis");
  SymContext &symbols = lowering.symbols;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    std::optional<SymExpr> normal = lowering.normalizeAxis(axis, rank);
    if (!normal)
      return failure();
    for (int64_t d = 0; d < rank; ++d) {
      SymExpr isHere = symbols.eq(*normal, symbols.constant(d));
      padding.before[d] = symbols.select(isHere, (*pads)[i], padding.before[d]);
      padding.after[d] = symbols.select(isHere, (*pads)[axes.size() + i], padding.after[d]);
    }
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

void moec::addPadHandlers(NodeHandlerTable &table) { table.add("Pad", 13, lowerPad); }
