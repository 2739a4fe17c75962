#include "passes/Conversion/ONNXToLinalg/ScalarEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec;

Type moec::getComputeType(Type type) {
  return type.isF16() || type.isBF16() ? Type(Float32Type::get(type.getContext())) : type;
}

Value moec::widen(OpBuilder &builder, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::ExtFOp::create(builder, loc, type, value);
}

Value moec::narrow(OpBuilder &builder, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::TruncFOp::create(builder, loc, type, value);
}

Value ScalarEmitter::constant(double value) const {
  if (isFloat())
    return create<arith::ConstantOp>(builder.getFloatAttr(type, value));
  return constantBits(static_cast<int64_t>(value));
}

Value ScalarEmitter::constantBits(int64_t value) const {
  APInt bits(getWidth(), value, /*isSigned=*/true, /*implicitTrunc=*/true);
  return create<arith::ConstantOp>(builder.getIntegerAttr(type, bits));
}

Value ScalarEmitter::infinity(bool isNegative) const {
  APFloat value = APFloat::getInf(cast<FloatType>(type).getFloatSemantics(), isNegative);
  return create<arith::ConstantOp>(builder.getFloatAttr(type, value));
}

Value ScalarEmitter::lowest() const {
  if (isFloat())
    return infinity(/*isNegative=*/true);
  APInt bits = isUnsigned ? APInt::getMinValue(getWidth()) : APInt::getSignedMinValue(getWidth());
  return create<arith::ConstantOp>(builder.getIntegerAttr(type, bits));
}

Value ScalarEmitter::highest() const {
  if (isFloat())
    return infinity();
  APInt bits = isUnsigned ? APInt::getMaxValue(getWidth()) : APInt::getSignedMaxValue(getWidth());
  return create<arith::ConstantOp>(builder.getIntegerAttr(type, bits));
}

Value ScalarEmitter::add(Value a, Value b) const {
  return isFloat() ? create<arith::AddFOp>(a, b) : create<arith::AddIOp>(a, b);
}

Value ScalarEmitter::sub(Value a, Value b) const {
  return isFloat() ? create<arith::SubFOp>(a, b) : create<arith::SubIOp>(a, b);
}

Value ScalarEmitter::mul(Value a, Value b) const {
  return isFloat() ? create<arith::MulFOp>(a, b) : create<arith::MulIOp>(a, b);
}

Value ScalarEmitter::divide(Value a, Value b, bool remainder) const {
  // The hardware traps on division by 0, and of the lowest number by -1.
  Value zero = constantBits(0), one = constantBits(1);
  Value isZero = equal(b, zero), traps = isZero, isMinusOne;
  if (!isUnsigned) {
    isMinusOne = equal(b, constantBits(-1));
    traps = create<arith::OrIOp>(isZero, isMinusOne);
  }
  Value divisor = select(traps, one, b);
  if (remainder) // by 0, 1 and -1: 0
    return isUnsigned ? create<arith::RemUIOp>(a, divisor) : create<arith::RemSIOp>(a, divisor);
  Value quotient =
      isUnsigned ? create<arith::DivUIOp>(a, divisor) : create<arith::DivSIOp>(a, divisor);
  if (isMinusOne)
    quotient = select(isMinusOne, sub(zero, a), quotient);
  return select(isZero, zero, quotient);
}

Value ScalarEmitter::div(Value a, Value b) const {
  return isFloat() ? create<arith::DivFOp>(a, b) : divide(a, b, /*remainder=*/false);
}

Value ScalarEmitter::rem(Value a, Value b) const {
  return isFloat() ? create<arith::RemFOp>(a, b) : divide(a, b, /*remainder=*/true);
}

Value ScalarEmitter::neg(Value a) const {
  return isFloat() ? create<arith::NegFOp>(a) : sub(constantBits(0), a);
}

Value ScalarEmitter::abs(Value a) const {
  if (isFloat())
    return create<math::AbsFOp>(a);
  return isUnsigned ? a : select(less(a, constantBits(0)), neg(a), a);
}

Value ScalarEmitter::min(Value a, Value b) const {
  if (isFloat())
    return create<arith::MinimumFOp>(a, b);
  return isUnsigned ? create<arith::MinUIOp>(a, b) : create<arith::MinSIOp>(a, b);
}

Value ScalarEmitter::max(Value a, Value b) const {
  if (isFloat())
    return create<arith::MaximumFOp>(a, b);
  return isUnsigned ? create<arith::MaxUIOp>(a, b) : create<arith::MaxSIOp>(a, b);
}

Value ScalarEmitter::equal(Value a, Value b) const {
  return isFloat() ? create<arith::CmpFOp>(arith::CmpFPredicate::OEQ, a, b)
                   : create<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b);
}

Value ScalarEmitter::less(Value a, Value b) const {
  if (isFloat())
    return create<arith::CmpFOp>(arith::CmpFPredicate::OLT, a, b);
  return create<arith::CmpIOp>(isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt,
                               a, b);
}

Value ScalarEmitter::lessOrEqual(Value a, Value b) const {
  if (isFloat())
    return create<arith::CmpFOp>(arith::CmpFPredicate::OLE, a, b);
  return create<arith::CmpIOp>(isUnsigned ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle,
                               a, b);
}

Value ScalarEmitter::isNan(Value a) const {
  return create<arith::CmpFOp>(arith::CmpFPredicate::UNO, a, a);
}

Value ScalarEmitter::select(Value condition, Value a, Value b) const {
  return create<arith::SelectOp>(condition, a, b);
}
