//===- ElementwiseUnary.cpp - Functions of one element
//----------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Elementwise.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace moec;

namespace {

using UnaryFn = Value (*)(ScalarEmitter &, Value);

template <UnaryFn fn>
NodeResults lowerUnary(NodeLowering &lowering) {
  return lowerByFormula(lowering, {0}, [](ScalarEmitter &s, ValueRange x) { return fn(s, x[0]); });
}

/// An operation of the math dialect of that meaning.
template <typename OpTy>
Value emitMath(ScalarEmitter &s, Value x) {
  return s.create<OpTy>(x);
}

Value emitAbs(ScalarEmitter &s, Value x) { return s.abs(x); }
Value emitNeg(ScalarEmitter &s, Value x) { return s.neg(x); }
Value emitReciprocal(ScalarEmitter &s, Value x) { return s.div(s.constant(1), x); }

/// -1, 0 or 1; NaN of NaN.
Value emitSign(ScalarEmitter &s, Value x) {
  Value zero = s.constant(0), one = s.constant(1);
  if (s.isUnsigned)
    return s.select(s.equal(x, zero), zero, one);
  Value notPositive = s.select(s.less(x, zero), s.constant(-1), s.isFloat() ? x : zero);
  return s.select(s.less(zero, x), one, notPositive);
}

Value emitBitwiseNot(ScalarEmitter &s, Value x) {
  return s.create<arith::XOrIOp>(x, s.constantBits(-1));
}

Value emitIsNan(ScalarEmitter &s, Value x) { return s.isNan(x); }

NodeResults lowerIsInf(NodeLowering &lowering) {
  bool positive = lowering.node.getInt("detect_positive", 1);
  bool negative = lowering.node.getInt("detect_negative", 1);
  return lowerByFormula(lowering, {0}, [&](ScalarEmitter &s, ValueRange x) -> Value {
    if (positive && negative)
      return s.equal(s.abs(x[0]), s.infinity());
    if (!positive && !negative)
      return s.create<arith::ConstantOp>(s.builder.getBoolAttr(false));
    return s.equal(x[0], s.infinity(/*isNegative=*/negative));
  });
}

/// Clip between bounds that are scalars; NaN stays NaN, and the upper bound wins.
NodeResults lowerClip(NodeLowering &lowering) {
  Value bounds[2];
  for (unsigned i : {1u, 2u}) {
    if (!lowering.hasOperand(i))
      continue;
    if (!llvm::all_of(lowering.dims(i), [](SymExpr size) { return size.isConstant(1); }))
      return lowering.refuse("a bound is not a scalar");
    bounds[i - 1] = lowering.scalarOperand(i);
  }
  return lowerByFormula(lowering, {0}, [&](ScalarEmitter &s, ValueRange elements) {
    Value x = elements[0];
    if (bounds[0]) {
      Value low = widen(s.builder, s.loc, bounds[0], s.type);
      x = s.select(s.less(x, low), low, x);
    }
    if (bounds[1]) {
      Value high = widen(s.builder, s.loc, bounds[1], s.type);
      x = s.select(s.less(high, x), high, x);
    }
    return x;
  });
}

Value emitNot(NodeLowering &lowering, Value flag) {
  return arith::XOrIOp::create(lowering.builder, lowering.loc, flag,
                               lowering.scalarInt(flag.getType(), 1));
}

/// Refuses a Dropout that drops something: at compile time where that is known, else in the call.
LogicalResult checkKeepsAll(NodeLowering &lowering) {
  if (!lowering.hasOperand(2))
    return success();
  std::optional<SmallVector<int64_t>> training = lowering.constants(2);
  if (training && training->size() == 1 && training->front() == 0)
    return success();
  StringRef message = "training is not supported: 'training_mode' is true and 'ratio' is not 0";
  if (!lowering.hasOperand(1)) {
    if (training)
      return lowering.refuse(message); // the default ratio is 0.5
    Value isTraining = lowering.scalarOperand(2);
    lowering.check(emitNot(lowering, isTraining), message);
    return success();
  }
  OpBuilder &builder = lowering.builder;
  DenseElementsAttr constant;
  if (training && matchPattern(lowering.operand(1), m_Constant(&constant)) && constant.isSplat())
    return constant.getSplatValue<APFloat>().isZero() ? success() : lowering.refuse(message);
  Value ratio = lowering.scalarOperand(1);
  Value isZero = arith::CmpFOp::create(builder, lowering.loc, arith::CmpFPredicate::OEQ, ratio,
                                       lowering.scalar(ratio.getType(), 0));
  Value isInference = emitNot(lowering, lowering.scalarOperand(2));
  lowering.check(arith::OrIOp::create(builder, lowering.loc, isZero, isInference), message);
  return success();
}

/// Inference, or training that drops nothing: the operand, and a mask of what is kept, which is
/// all.
NodeResults lowerDropout(NodeLowering &lowering) {
  if (failed(checkKeepsAll(lowering)))
    return failure();
  SmallVector<Value> results{lowering.operand(0)};
  if (lowering.getNumResults() > 1)
    results.push_back(
        lowering.hasResult(1)
            ? lowering.filled(lowering.dims(0), lowering.scalarInt(lowering.builder.getI1Type(), 1))
            : Value());
  return results;
}

} // namespace

void moec::addUnaryHandlers(NodeHandlerTable &table) {
  table.add("Abs", 6, lowerUnary<emitAbs>);
  table.add("Acos", 7, lowerUnary<emitMath<math::AcosOp>>);
  table.add("Acosh", 9, lowerUnary<emitMath<math::AcoshOp>>);
  table.add("Asin", 7, lowerUnary<emitMath<math::AsinOp>>);
  table.add("Asinh", 9, lowerUnary<emitMath<math::AsinhOp>>);
  table.add("Atan", 7, lowerUnary<emitMath<math::AtanOp>>);
  table.add("Atanh", 9, lowerUnary<emitMath<math::AtanhOp>>);
  table.add("BitwiseNot", 18, lowerUnary<emitBitwiseNot>);
  table.add("Ceil", 6, lowerUnary<emitMath<math::CeilOp>>);
  table.add("Clip", 11, lowerClip);
  table.add("Cos", 7, lowerUnary<emitMath<math::CosOp>>);
  table.add("Cosh", 9, lowerUnary<emitMath<math::CoshOp>>);
  table.add("Dropout", 7, lowerDropout);
  table.add("Erf", 9, lowerUnary<emitMath<math::ErfOp>>);
  table.add("Exp", 6, lowerUnary<emitMath<math::ExpOp>>);
  table.add("Floor", 6, lowerUnary<emitMath<math::FloorOp>>);
  table.add("IsInf", 10, lowerIsInf);
  table.add("IsNaN", 9, lowerUnary<emitIsNan>);
  table.add("Log", 6, lowerUnary<emitMath<math::LogOp>>);
  table.add("Neg", 6, lowerUnary<emitNeg>);
  table.add("Not", 1, lowerUnary<emitBitwiseNot>);
  table.add("Reciprocal", 6, lowerUnary<emitReciprocal>);
  table.add("Round", 11, lowerUnary<emitMath<math::RoundEvenOp>>);
  table.add("Sign", 9, lowerUnary<emitSign>);
  table.add("Sin", 7, lowerUnary<emitMath<math::SinOp>>);
  table.add("Sinh", 9, lowerUnary<emitMath<math::SinhOp>>);
  table.add("Sqrt", 6, lowerUnary<emitMath<math::SqrtOp>>);
  table.add("Tan", 7, lowerUnary<emitMath<math::TanOp>>);
  table.add("Tanh", 6, lowerUnary<emitMath<math::TanhOp>>);
}
