//===- ElementwiseBinary.cpp - Arithmetic of two and more elements
//----------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Elementwise.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec;

namespace {

using BinaryFn = Value (*)(ScalarEmitter &, Value, Value);

/// Folds the operands, at least one, from the left.
template <BinaryFn fn>
NodeResults lowerFold(NodeLowering &lowering) {
  return lowerByFormula(lowering, [](ScalarEmitter &s, ValueRange elements) {
    Value result = elements[0];
    for (Value element : elements.drop_front())
      result = fn(s, result, element);
    return result;
  });
}

Value emitAdd(ScalarEmitter &s, Value a, Value b) { return s.add(a, b); }
Value emitSub(ScalarEmitter &s, Value a, Value b) { return s.sub(a, b); }
Value emitMul(ScalarEmitter &s, Value a, Value b) { return s.mul(a, b); }
Value emitDiv(ScalarEmitter &s, Value a, Value b) { return s.div(a, b); }
Value emitMin(ScalarEmitter &s, Value a, Value b) { return s.min(a, b); }
Value emitMax(ScalarEmitter &s, Value a, Value b) { return s.max(a, b); }

NodeResults lowerMean(NodeLowering &lowering) {
  return lowerByFormula(lowering, [](ScalarEmitter &s, ValueRange elements) {
    Value sum = elements[0];
    for (Value element : elements.drop_front())
      sum = s.add(sum, element);
    return s.div(sum, s.constant(elements.size()));
  });
}

/// The integer remainder with the sign of the divisor.
Value emitFloorMod(ScalarEmitter &s, Value a, Value b) {
  Value remainder = s.rem(a, b);
  if (s.isUnsigned)
    return remainder;
  Value zero = s.constantBits(0);
  Value signsDiffer = s.less(s.create<arith::XOrIOp>(remainder, b), zero);
  Value isWhole = s.equal(remainder, zero);
  return s.select(isWhole, remainder, s.select(signsDiffer, s.add(remainder, b), remainder));
}

/// The remainder of floats with the sign of the divisor, zeros included.
Value emitFloorModOfFloats(ScalarEmitter &s, Value a, Value b) {
  Value remainder = s.rem(a, b), zero = s.constant(0);
  Value signsDiffer = s.create<arith::XOrIOp>(s.less(remainder, zero), s.less(b, zero));
  Value shifted = s.select(signsDiffer, s.add(remainder, b), remainder);
  return s.select(s.equal(remainder, zero), s.create<math::CopySignOp>(zero, b), shifted);
}

NodeResults lowerMod(NodeLowering &lowering) {
  bool truncates = lowering.node.getInt("fmod", 0);
  bool isFloat = isa<FloatType>(lowering.modelElementType(0));
  if (!truncates && isFloat && lowering.node.getVersion() < 28)
    return lowering.refuse("floats need 'fmod' to be 1 before version 28");
  return lowerByFormula(lowering, [&](ScalarEmitter &s, ValueRange x) {
    if (truncates)
      return s.rem(x[0], x[1]);
    return isFloat ? emitFloorModOfFloats(s, x[0], x[1]) : emitFloorMod(s, x[0], x[1]);
  });
}

//===- Pow
//------------------------------------------------------------------------------------------===//

/// `value`, an element of model type `from`, in the float type.
Value toFloat(ScalarEmitter &s, Value value, Type from, FloatType type) {
  if (isa<FloatType>(from))
    return widen(s.builder, s.loc, value, type);
  return from.isUnsignedInteger() ? s.create<arith::UIToFPOp>(type, value)
                                  : s.create<arith::SIToFPOp>(type, value);
}

/// Powers that are cheaper, and at least as exact, as exp(y * log(x)); null for the others.
Value emitConstantPower(ScalarEmitter &s, Value x, double y) {
  if (y == 0)
    return s.constant(1);
  if (y == 1)
    return x;
  if (y == 2)
    return s.mul(x, x);
  if (y == 3)
    return s.mul(s.mul(x, x), x);
  if (y == -1)
    return s.div(s.constant(1), x);
  if (y == 0.5) {
    // The root of -0 is -0, its power +0; and the power of -inf is +inf.
    Value root = s.create<math::SqrtOp>(s.add(x, s.constant(0)));
    return s.select(s.equal(x, s.infinity(/*isNegative=*/true)), s.infinity(), root);
  }
  return {};
}

std::optional<double> getConstantFloat(Value value) {
  while (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  if (!constant)
    return std::nullopt;
  if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
    return number.getValueAsDouble();
  auto integer = dyn_cast<IntegerAttr>(constant.getValue());
  return integer ? std::optional<double>(integer.getValue().signedRoundToDouble()) : std::nullopt;
}

/// x to the power of an integer, by squaring; what does not fit wraps around. Negative powers are
/// those of reals, rounded towards zero: 0 but for 1 and -1.
Value emitIntegerPower(ScalarEmitter &s, Value x, Value y, ScalarEmitter &exponent) {
  Value one = s.constantBits(1), result = one, square = x;
  Value bit = exponent.constantBits(1), zero = exponent.constantBits(0);
  for (unsigned i = 0; i < exponent.getWidth(); ++i) {
    Value shifted = exponent.create<arith::ShRUIOp>(y, exponent.constantBits(i));
    Value isSet = exponent.create<arith::CmpIOp>(
        arith::CmpIPredicate::ne, exponent.create<arith::AndIOp>(shifted, bit), zero);
    result = s.select(isSet, s.mul(result, square), result);
    square = s.mul(square, square);
  }
  if (exponent.isUnsigned)
    return result;
  Value isUnit = s.equal(x, one);
  if (!s.isUnsigned)
    isUnit = s.create<arith::OrIOp>(isUnit, s.equal(x, s.constantBits(-1)));
  // (-1)^y depends on the lowest bit of y only, so that `result` is right for negative y, too.
  Value inverse = s.select(isUnit, result, s.constantBits(0));
  return s.select(exponent.less(y, zero), inverse, result);
}

NodeResults lowerPow(NodeLowering &lowering) {
  Type baseType = lowering.modelElementType(0), exponentType = lowering.modelElementType(1);
  MLIRContext *context = lowering.builder.getContext();
  return lowerByFormula(lowering, [&](ScalarEmitter &s, ValueRange elements) -> Value {
    Value x = elements[0], y = elements[1];
    if (!isa<FloatType>(baseType) && !isa<FloatType>(exponentType)) {
      ScalarEmitter exponent(s.builder, s.loc, y.getType(), exponentType.isUnsignedInteger());
      return emitIntegerPower(s, x, y, exponent);
    }
    bool isDouble = !isa<FloatType>(baseType) || baseType.isF64() || exponentType.isF64();
    FloatType type = isDouble ? FloatType(Float64Type::get(context)) : Float32Type::get(context);
    ScalarEmitter f(s.builder, s.loc, type);
    x = toFloat(s, x, baseType, type);
    Value power;
    if (std::optional<double> constant = getConstantFloat(y))
      power = emitConstantPower(f, x, *constant);
    if (!power)
      power = f.create<math::PowFOp>(x, toFloat(s, y, exponentType, type));
    if (isa<FloatType>(baseType))
      return narrow(s.builder, s.loc, power, s.type);
    return emitFloatToInteger(f, power, cast<IntegerType>(s.type), s.isUnsigned);
  });
}

} // namespace

void moec::addBinaryHandlers(NodeHandlerTable &table) {
  table.add("Add", 7, lowerFold<emitAdd>);
  table.add("Div", 7, lowerFold<emitDiv>);
  table.add("Max", 8, lowerFold<emitMax>);
  table.add("Mean", 8, lowerMean);
  table.add("Min", 8, lowerFold<emitMin>);
  table.add("Mod", 10, lowerMod);
  table.add("Mul", 7, lowerFold<emitMul>);
  table.add("Pow", 7, lowerPow);
  table.add("Sub", 7, lowerFold<emitSub>);
  table.add("Sum", 8, lowerFold<emitAdd>);
}
