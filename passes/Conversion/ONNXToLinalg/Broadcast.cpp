#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

LogicalResult moec::checkBroadcastable(NodeLowering &lowering, SymExpr from, SymExpr to) {
  if (from == to || from.isConstant(1))
    return success();
  StringRef message = "a size is neither 1 nor the size that it is broadcast to";
  SymContext &symbols = lowering.symbols;
  SymExpr holds = symbols.logicalOr(symbols.eq(from, symbols.constant(1)), symbols.eq(from, to));
  if (!holds)
    return lowering.refuse("the sizes are too large");
  return lowering.checkEqual(holds, symbols.constant(1), message);
}

Value moec::broadcastTo(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> from,
                        ArrayRef<SymExpr> to) {
  if (from == to)
    return tensor;
  if (from.size() > to.size()) {
    (void)lowering.refuse("a tensor of rank " + Twine(from.size()) +
                          " does not broadcast to rank " + Twine(to.size()));
    return {};
  }
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  size_t lead = to.size() - from.size();
  SymExpr one = lowering.symbols.constant(1);
  // Dimensions of size 1 are dropped, so that the rest is read by a projected permutation; those
  // that may be 1 at run time are read at a selected index.
  SmallVector<SymExpr> kept;
  SmallVector<int64_t> sources;
  SmallVector<Value> isUnit;
  for (auto [d, size] : llvm::enumerate(from)) {
    SymExpr target = to[lead + d];
    if (failed(checkBroadcastable(lowering, size, target)))
      return {};
    if (size == one)
      continue;
    kept.push_back(size);
    sources.push_back(lead + d);
    bool isCertain = size == target || size.getConstant() || target == one;
    isUnit.push_back(isCertain ? Value()
                               : arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                                       lowering.index(size), lowering.index(1)));
  }
  tensor = reshape(lowering, tensor, from, kept);
  bool readsDirectly = llvm::none_of(isUnit, [](Value value) { return bool(value); });
  if (readsDirectly && kept.size() == to.size())
    return lowering.castTo(tensor, lowering.tensorType(to, elementType));
  Value zero = lowering.index(0);
  Value init = lowering.empty(to, elementType);
  SmallVector<AffineMap> maps{builder.getMultiDimIdentityMap(to.size())};
  SmallVector<Value> inputs;
  if (readsDirectly) {
    SmallVector<AffineExpr> exprs;
    for (int64_t source : sources)
      exprs.push_back(builder.getAffineDimExpr(source));
    maps.insert(maps.begin(), AffineMap::get(to.size(), 0, exprs, builder.getContext()));
    inputs.push_back(tensor);
  }
  SmallVector<utils::IteratorType> iterators(to.size(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               Value element = args[0];
               if (!readsDirectly) {
                 SmallVector<Value> position;
                 for (auto [source, unit] : llvm::zip(sources, isUnit)) {
                   Value i = linalg::IndexOp::create(b, loc, source);
                   position.push_back(unit ? arith::SelectOp::create(b, loc, unit, zero, i) : i);
                 }
                 element = tensor::ExtractOp::create(b, loc, tensor, position);
               }
               linalg::YieldOp::create(b, loc, element);
             })
      .getResult(0);
}

/// The one value of all elements, as a constant or a scalar from before; null if there is none.
static Value getUniformElement(OpBuilder &builder, Location loc, Value tensor) {
  if (auto constant = tensor.getDefiningOp<arith::ConstantOp>()) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!elements || !elements.isSplat())
      return {};
    return arith::ConstantOp::create(builder, loc, elements.getSplatValue<TypedAttr>());
  }
  auto fromElements = tensor.getDefiningOp<tensor::FromElementsOp>();
  return fromElements && fromElements.getElements().size() == 1 ? fromElements.getElements()[0]
                                                                : Value();
}

/// How an operand of sizes `from` is read in loops over `to`: a loop's index, or 0 where the size
/// is
/// 1. Null where that is only known at run time; a failure after an error.
static FailureOr<AffineMap> getBroadcastMap(NodeLowering &lowering, ArrayRef<SymExpr> from,
                                            ArrayRef<SymExpr> to) {
  if (from.size() > to.size())
    return lowering.refuse("a tensor of rank " + Twine(from.size()) +
                           " does not broadcast to rank " + Twine(to.size()));
  size_t lead = to.size() - from.size();
  SmallVector<AffineExpr> exprs;
  bool isCertain = true;
  for (auto [d, size] : llvm::enumerate(from)) {
    SymExpr target = to[lead + d];
    if (failed(checkBroadcastable(lowering, size, target)))
      return failure();
    bool isUnit = size != target && size.isConstant(1);
    // A constant other than 1 is the target's size, or the check above fails.
    isCertain &= size == target || size.getConstant() || target.isConstant(1);
    exprs.push_back(isUnit ? lowering.builder.getAffineConstantExpr(0)
                           : lowering.builder.getAffineDimExpr(lead + d));
  }
  if (!isCertain)
    return AffineMap();
  return AffineMap::get(to.size(), 0, exprs, lowering.builder.getContext());
}

SmallVector<Value> BroadcastReads::getElements(ValueRange arguments) const {
  SmallVector<Value> elements;
  unsigned next = 0;
  for (Value scalar : uniform)
    elements.push_back(scalar ? scalar : Value(arguments[next++]));
  return elements;
}

std::optional<BroadcastReads> moec::readBroadcast(NodeLowering &lowering,
                                                  ArrayRef<BroadcastOperand> operands,
                                                  ArrayRef<SymExpr> dims) {
  BroadcastReads reads;
  for (const BroadcastOperand &operand : operands) {
    Value tensor = operand.tensor;
    FailureOr<AffineMap> map = getBroadcastMap(lowering, operand.dims, dims);
    if (failed(map))
      return std::nullopt;
    reads.uniform.push_back(getUniformElement(lowering.builder, lowering.loc, tensor));
    if (reads.uniform.back())
      continue;
    if (*map) {
      Type type = cast<RankedTensorType>(tensor.getType()).getElementType();
      tensor = lowering.castTo(tensor, lowering.tensorType(operand.dims, type));
    } else {
      tensor = broadcastTo(lowering, tensor, operand.dims, dims);
      if (!tensor)
        return std::nullopt;
      map = lowering.builder.getMultiDimIdentityMap(dims.size());
    }
    reads.inputs.push_back(tensor);
    reads.maps.push_back(*map);
  }
  return reads;
}

Value moec::emitElementwise(NodeLowering &lowering, ArrayRef<BroadcastOperand> operands,
                            ArrayRef<SymExpr> dims, Type elementType, ElementwiseBody body) {
  OpBuilder &builder = lowering.builder;
  std::optional<BroadcastReads> reads = readBroadcast(lowering, operands, dims);
  if (!reads)
    return {};
  Value init = lowering.empty(dims, elementType);
  SmallVector<AffineMap> maps(reads->maps);
  maps.push_back(builder.getMultiDimIdentityMap(dims.size()));
  SmallVector<utils::IteratorType> iterators(dims.size(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, lowering.loc, init.getType(), reads->inputs, init, maps, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange arguments) {
               Value element = body(nested, loc, reads->getElements(arguments));
               linalg::YieldOp::create(nested, loc, element);
             })
      .getResult(0);
}
