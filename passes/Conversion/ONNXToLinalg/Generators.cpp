//===- Generators.cpp - Operators that make tensors from shapes and scalars
//----------------------===//
#include "passes/Conversion/ONNXToLinalg/Codes.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/Positions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

//===- Range
//--------------------------------------------------------------------------------------===//

/// The number of elements of a range of integers: max(0, ceil((limit - start) / delta)).
static SymExpr getRangeSize(SymContext &symbols, SymExpr start, SymExpr limit, SymExpr delta) {
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  auto ceilDiv = [&](SymExpr span, SymExpr step) {
    SymExpr clamped = symbols.max(span, zero);
    return symbols.div(symbols.add(clamped, symbols.sub(step, one)), step);
  };
  SymExpr up = ceilDiv(symbols.sub(limit, start), delta);
  SymExpr down = ceilDiv(symbols.sub(start, limit), symbols.sub(zero, delta));
  return symbols.select(symbols.lt(zero, delta), up, down);
}

static Results lowerIntegerRange(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  SymExpr bounds[3];
  for (unsigned i = 0; i < 3; ++i) {
    std::optional<ArrayRef<SymExpr>> elements = lowering.elements(i);
    if (!elements || elements->size() != 1)
      return lowering.refuse("its operands are not scalars");
    bounds[i] = (*elements)[0];
  }
  auto [start, limit, delta] = bounds;
  if (failed(lowering.checkEqual(symbols.eq(delta, symbols.constant(0)), symbols.constant(0),
                                 "the step is 0")))
    return failure();
  FailureOr<ArrayRef<SymExpr>> to =
      lowering.resolveResultDims(0, getRangeSize(symbols, start, limit, delta));
  if (failed(to))
    return failure();
  Value first = lowering.index(start), step = lowering.index(delta);
  Type elementType = lowering.resultType(0).getElementType();
  return SmallVector<Value>{mapElements(lowering, {}, *to, elementType,
                                        [&](OpBuilder &b, Location loc, ValueRange) -> Value {
                                          Value i = linalg::IndexOp::create(b, loc, 0);
                                          i = arith::MulIOp::create(b, loc, i, step);
                                          i = arith::AddIOp::create(b, loc, i, first);
                                          return arith::IndexCastOp::create(b, loc, elementType, i);
                                        })};
}

static Results lowerFloatRange(NodeLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Value start = lowering.scalarOperand(0), limit = lowering.scalarOperand(1);
  Value delta = lowering.scalarOperand(2);
  auto elementType = cast<FloatType>(start.getType());
  // The size as ONNX Runtime computes it: the quotient in f64.
  Type f64 = builder.getF64Type();
  auto widen = [&](Value value) -> Value {
    return elementType.isF64() ? value : arith::ExtFOp::create(builder, loc, f64, value);
  };
  Value span = arith::SubFOp::create(builder, loc, limit, start);
  Value quotient = arith::DivFOp::create(builder, loc, widen(span), widen(delta));
  Value size = math::CeilOp::create(builder, loc, quotient);
  size = arith::MaxNumFOp::create(builder, loc, size, lowering.scalar(f64, 0));
  Value isDefined =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ORD, quotient, quotient);
  Value isSmall = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, size,
                                        lowering.scalar(f64, kMaxSize));
  lowering.check(arith::AndIOp::create(builder, loc, isDefined, isSmall),
                 "the range has no end, or too many elements");
  Value count = arith::FPToSIOp::create(builder, loc, builder.getI64Type(), size);
  count = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), count);
  SymExpr to = lowering.bindResultDim(0, 0, count);
  return SmallVector<Value>{mapElements(lowering, {}, to, elementType,
                                        [&](OpBuilder &b, Location loc, ValueRange) -> Value {
                                          Value i = linalg::IndexOp::create(b, loc, 0);
                                          i = arith::IndexCastOp::create(b, loc, b.getI64Type(), i);
                                          i = arith::SIToFPOp::create(b, loc, elementType, i);
                                          i = arith::MulFOp::create(b, loc, i, delta);
                                          return arith::AddFOp::create(b, loc, start, i);
                                        })};
}

static Results lowerRange(NodeLowering &lowering) {
  return isa<FloatType>(lowering.resultType(0).getElementType()) ? lowerFloatRange(lowering)
                                                                 : lowerIntegerRange(lowering);
}

//===- ConstantOfShape, EyeLike, Shape, Size
//------------------------------------------------------===//

static Results lowerConstantOfShape(NodeLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  std::optional<ArrayRef<SymExpr>> shape = lowering.elements(0);
  if (!shape)
    return lowering.refuse("the shape is not a small tensor");
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, *shape);
  if (failed(to))
    return failure();
  Type elementType = lowering.resultType(0).getElementType();
  TypedAttr value = builder.getZeroAttr(elementType);
  if (auto given = dyn_cast_or_null<DenseElementsAttr>(lowering.node.getOnnxAttr("value"))) {
    if (given.getNumElements() != 1)
      return lowering.refuse("'value' does not have one element");
    value = cast<TypedAttr>(*getStorageConstant(given).getValues<Attribute>().begin());
  }
  return SmallVector<Value>{
      lowering.filled(*to, arith::ConstantOp::create(builder, lowering.loc, value))};
}

static Results lowerEyeLike(NodeLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  if (lowering.dims(0).size() != 2)
    return lowering.refuse("its operand is no matrix");
  Type elementType = lowering.resultType(0).getElementType();
  Value zero = arith::ConstantOp::create(builder, lowering.loc, builder.getZeroAttr(elementType));
  Value one = isa<FloatType>(elementType) ? lowering.scalar(elementType, 1)
                                          : lowering.scalarInt(elementType, 1);
  Value diagonal = lowering.index(std::clamp(lowering.node.getInt("k", 0), -kMaxSize, kMaxSize));
  return SmallVector<Value>{mapElements(lowering, {}, lowering.dims(0), elementType,
                                        [&](OpBuilder &b, Location loc, ValueRange) -> Value {
                                          Value row = linalg::IndexOp::create(b, loc, 0);
                                          Value column = linalg::IndexOp::create(b, loc, 1);
                                          Value at = arith::AddIOp::create(b, loc, row, diagonal);
                                          Value isOn = arith::CmpIOp::create(
                                              b, loc, arith::CmpIPredicate::eq, at, column);
                                          return arith::SelectOp::create(b, loc, isOn, one, zero);
                                        })};
}

void moec::addGeneratorHandlers(NodeHandlerTable &table) {
  table.add("ConstantOfShape", 9, lowerConstantOfShape);
  table.add("EyeLike", 9, lowerEyeLike);
  table.add("Range", 11, lowerRange);
}
