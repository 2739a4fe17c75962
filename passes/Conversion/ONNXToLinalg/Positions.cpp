#include "passes/Conversion/ONNXToLinalg/Positions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

static constexpr StringLiteral kOutside = "an index lies outside of its axis";

Value moec::mapElements(NodeLowering &lowering, ValueRange inputs, ArrayRef<SymExpr> dims,
                        Type elementType, ElementBody body) {
  OpBuilder &builder = lowering.builder;
  Value init = lowering.empty(dims, elementType);
  SmallVector<AffineMap> maps(inputs.size() + 1, builder.getMultiDimIdentityMap(dims.size()));
  SmallVector<utils::IteratorType> iterators(dims.size(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, lowering.loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args.drop_back()));
             })
      .getResult(0);
}

void moec::checkElements(NodeLowering &lowering, ValueRange inputs, ArrayRef<SymExpr> dims,
                         StringRef message, ElementBody body) {
  OpBuilder &builder = lowering.builder;
  Value init = lowering.filled({}, lowering.scalarInt(builder.getI1Type(), 1));
  SmallVector<AffineMap> maps(inputs.size(), builder.getMultiDimIdentityMap(dims.size()));
  maps.push_back(AffineMap::get(dims.size(), 0, builder.getContext()));
  SmallVector<utils::IteratorType> iterators(dims.size(), utils::IteratorType::reduction);
  Value all = linalg::GenericOp::create(builder, lowering.loc, init.getType(), inputs, init, maps,
                                        iterators,
                                        [&](OpBuilder &b, Location loc, ValueRange args) {
                                          Value holds = body(b, loc, args.drop_back());
                                          holds = arith::AndIOp::create(b, loc, args.back(), holds);
                                          linalg::YieldOp::create(b, loc, holds);
                                        })
                  .getResult(0);
  lowering.check(tensor::ExtractOp::create(builder, lowering.loc, all, ValueRange()), message);
}

Value moec::wrapIndex(OpBuilder &builder, Location loc, Value integer, Value size) {
  Value index = integer;
  if (!index.getType().isIndex())
    index = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), integer);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value isNegative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, index, zero);
  Value fromEnd = arith::AddIOp::create(builder, loc, index, size);
  return arith::SelectOp::create(builder, loc, isNegative, fromEnd, index);
}

/// Whether all elements lie on an axis of `size` elements; std::nullopt where that is not decided.
static std::optional<bool> decideInside(SymContext &symbols, ArrayRef<SymExpr> elements,
                                        SymExpr size) {
  bool isCertain = true;
  for (SymExpr element : elements) {
    SymExpr low = symbols.le(symbols.sub(symbols.constant(0), size), element);
    SymExpr high = symbols.lt(element, size);
    if (!low || !high)
      return std::nullopt;
    if (low.isConstant(0) || high.isConstant(0))
      return false;
    isCertain &= low.isConstant(1) && high.isConstant(1);
  }
  return isCertain ? std::optional<bool>(true) : std::nullopt;
}

/// Whether an index lies in [0, size): as unsigned numbers, negative ones are large.
static Value isInside(OpBuilder &builder, Location loc, Value index, Value size) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, index, size);
}

Value moec::getPositions(NodeLowering &lowering, unsigned operand, SymExpr size) {
  Value indices = lowering.operand(operand);
  ArrayRef<SymExpr> dims = lowering.dims(operand);
  Value axis = lowering.index(size);
  std::optional<bool> inside;
  if (std::optional<ArrayRef<SymExpr>> elements = lowering.elements(operand))
    inside = decideInside(lowering.symbols, *elements, size);
  if (inside == false) {
    (void)lowering.refuse(kOutside);
    return {};
  }
  if (!inside)
    checkElements(lowering, indices, dims, kOutside,
                  [&](OpBuilder &b, Location loc, ValueRange args) {
                    return isInside(b, loc, wrapIndex(b, loc, args[0], axis), axis);
                  });
  return mapElements(lowering, indices, dims, lowering.builder.getIndexType(),
                     [&](OpBuilder &b, Location loc, ValueRange args) {
                       return wrapIndex(b, loc, args[0], axis);
                     });
}

Value moec::getLinearPositions(NodeLowering &lowering, Value indices, SymExpr count,
                               ArrayRef<SymExpr> sizes) {
  SmallVector<Value> axes, columns;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    axes.push_back(lowering.index(size));
    columns.push_back(lowering.index(static_cast<int64_t>(i)));
  }
  Value yes = lowering.scalarInt(lowering.builder.getI1Type(), 1);
  auto getCoordinate = [&](OpBuilder &b, Location loc, size_t i) -> Value {
    Value row = linalg::IndexOp::create(b, loc, 0);
    Value integer = tensor::ExtractOp::create(b, loc, indices, ValueRange{row, columns[i]});
    return wrapIndex(b, loc, integer, axes[i]);
  };
  checkElements(lowering, lowering.empty({count}, lowering.builder.getI1Type()), {count}, kOutside,
                [&](OpBuilder &b, Location loc, ValueRange) {
                  Value all = yes;
                  for (size_t i = 0; i < axes.size(); ++i) {
                    Value inside = isInside(b, loc, getCoordinate(b, loc, i), axes[i]);
                    all = arith::AndIOp::create(b, loc, all, inside);
                  }
                  return all;
                });
  Value zero = lowering.index(0);
  return mapElements(lowering, {}, {count}, lowering.builder.getIndexType(),
                     [&](OpBuilder &b, Location loc, ValueRange) {
                       Value linear = zero;
                       for (size_t i = 0; i < axes.size(); ++i) {
                         linear = arith::MulIOp::create(b, loc, linear, axes[i]);
                         linear = arith::AddIOp::create(b, loc, linear, getCoordinate(b, loc, i));
                       }
                       return linear;
                     });
}
