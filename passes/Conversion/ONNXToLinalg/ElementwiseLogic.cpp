//===- ElementwiseLogic.cpp - Comparisons, Booleans, bits
//-------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Elementwise.h"

using namespace mlir;
using namespace moec;

namespace {

using BinaryFn = Value (*)(ScalarEmitter &, Value, Value);

template <BinaryFn fn>
NodeResults lowerBinary(NodeLowering &lowering) {
  return lowerByFormula(lowering, {0, 1},
                        [](ScalarEmitter &s, ValueRange x) { return fn(s, x[0], x[1]); });
}

Value emitEqual(ScalarEmitter &s, Value a, Value b) { return s.equal(a, b); }
Value emitLess(ScalarEmitter &s, Value a, Value b) { return s.less(a, b); }
Value emitLessOrEqual(ScalarEmitter &s, Value a, Value b) { return s.lessOrEqual(a, b); }
Value emitGreater(ScalarEmitter &s, Value a, Value b) { return s.less(b, a); }
Value emitGreaterOrEqual(ScalarEmitter &s, Value a, Value b) { return s.lessOrEqual(b, a); }
Value emitAnd(ScalarEmitter &s, Value a, Value b) { return s.create<arith::AndIOp>(a, b); }
Value emitOr(ScalarEmitter &s, Value a, Value b) { return s.create<arith::OrIOp>(a, b); }
Value emitXor(ScalarEmitter &s, Value a, Value b) { return s.create<arith::XOrIOp>(a, b); }

/// Bits that leave the element are lost, also all of them. What comes in at the left of a signed
/// number is its sign.
NodeResults lowerBitShift(NodeLowering &lowering) {
  StringRef direction = lowering.node.getString("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return lowering.refuse("'direction' is \"" + direction + "\", expected \"LEFT\" or \"RIGHT\"");
  return lowerByFormula(lowering, {0, 1}, [&](ScalarEmitter &s, ValueRange x) -> Value {
    // A shift by the width or more is poison to LLVM. Negative amounts are large, too.
    Value isInside =
        s.create<arith::CmpIOp>(arith::CmpIPredicate::ult, x[1], s.constantBits(s.getWidth()));
    Value zero = s.constantBits(0);
    if (direction == "RIGHT" && !s.isUnsigned) {
      Value last = s.constantBits(s.getWidth() - 1);
      return s.create<arith::ShRSIOp>(x[0], s.select(isInside, x[1], last));
    }
    Value amount = s.select(isInside, x[1], zero);
    Value shifted = direction == "LEFT" ? s.create<arith::ShLIOp>(x[0], amount)
                                        : s.create<arith::ShRUIOp>(x[0], amount);
    return s.select(isInside, shifted, zero);
  });
}

NodeResults lowerWhere(NodeLowering &lowering) {
  SmallVector<BroadcastOperand> operands;
  for (unsigned i : {0u, 1u, 2u})
    operands.push_back({lowering.operand(i), lowering.dims(i)});
  Value result = emitElementwise(lowering, operands, lowering.resultDims(0),
                                 lowering.resultType(0).getElementType(),
                                 [](OpBuilder &builder, Location loc, ValueRange x) -> Value {
                                   return arith::SelectOp::create(builder, loc, x[0], x[1], x[2]);
                                 });
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

} // namespace

void moec::addLogicHandlers(NodeHandlerTable &table) {
  table.add("And", 7, lowerBinary<emitAnd>);
  table.add("BitShift", 11, lowerBitShift);
  table.add("BitwiseAnd", 18, lowerBinary<emitAnd>);
  table.add("BitwiseOr", 18, lowerBinary<emitOr>);
  table.add("BitwiseXor", 18, lowerBinary<emitXor>);
  table.add("Equal", 7, lowerBinary<emitEqual>);
  table.add("Greater", 7, lowerBinary<emitGreater>);
  table.add("GreaterOrEqual", 12, lowerBinary<emitGreaterOrEqual>);
  table.add("Less", 7, lowerBinary<emitLess>);
  table.add("LessOrEqual", 12, lowerBinary<emitLessOrEqual>);
  table.add("Or", 7, lowerBinary<emitOr>);
  table.add("Where", 9, lowerWhere);
  table.add("Xor", 7, lowerBinary<emitXor>);
}
