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
