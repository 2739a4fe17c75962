#include "passes/Transforms/Math/FloatEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec;

static Type getWithElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

FloatEmitter::FloatEmitter(OpBuilder &builder, Location loc, Type type)
    : builder(builder), loc(loc), type(type),
      intType(getWithElement(
          type, builder.getIntegerType(getElementTypeOrSelf(type).getIntOrFloatBitWidth()))) {
  assert((getElementTypeOrSelf(type).isF32() || getElementTypeOrSelf(type).isF64()) &&
         "narrower floats are computed in f32");
}

FloatEmitter FloatEmitter::getWide() const {
  return FloatEmitter(builder, loc, getWithElement(type, builder.getF64Type()));
}

Value FloatEmitter::widen(Value x) const {
  return isDouble() ? x : create<arith::ExtFOp>(getWide().type, x);
}

Value FloatEmitter::narrow(Value x) const {
  return isDouble() ? x : create<arith::TruncFOp>(type, x);
}

static Value createConstant(const FloatEmitter &s, Type type, TypedAttr scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    return s.create<arith::ConstantOp>(DenseElementsAttr::get(vector, Attribute(scalar)));
  return s.create<arith::ConstantOp>(scalar);
}

Value FloatEmitter::constant(double value) const {
  return createConstant(*this, type, builder.getFloatAttr(getElementTypeOrSelf(type), value));
}

Value FloatEmitter::integer(uint64_t bits) const {
  Type element = getElementTypeOrSelf(intType);
  APInt value(element.getIntOrFloatBitWidth(), bits, /*isSigned=*/false, /*implicitTrunc=*/true);
  return createConstant(*this, intType, builder.getIntegerAttr(element, value));
}

Value FloatEmitter::infinity() const { return constant(std::numeric_limits<double>::infinity()); }
Value FloatEmitter::nan() const { return constant(std::numeric_limits<double>::quiet_NaN()); }

Value FloatEmitter::abs(Value a) const { return create<math::AbsFOp>(a); }
Value FloatEmitter::sqrt(Value a) const { return create<math::SqrtOp>(a); }

Value FloatEmitter::copySign(Value magnitude, Value sign) const {
  return create<math::CopySignOp>(magnitude, sign);
}

Value FloatEmitter::mulAdd(Value a, Value b, Value c) const {
  auto contract = arith::FastMathFlags::contract;
  return create<arith::AddFOp>(create<arith::MulFOp>(a, b, contract), c, contract);
}

Value FloatEmitter::polynomial(Value x, ArrayRef<double> coefficients) const {
  Value result = constant(coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    result = mulAdd(result, x, coefficient);
  return result;
}

Value FloatEmitter::less(Value a, Value b) const {
  return create<arith::CmpFOp>(arith::CmpFPredicate::OLT, a, b);
}

Value FloatEmitter::equal(Value a, Value b) const {
  return create<arith::CmpFOp>(arith::CmpFPredicate::OEQ, a, b);
}

Value FloatEmitter::select(Value condition, Value a, Value b) const {
  return create<arith::SelectOp>(condition, a, b);
}

Value FloatEmitter::isNot(Value condition) const {
  Type type = condition.getType();
  return create<arith::XOrIOp>(condition, createConstant(*this, type, builder.getBoolAttr(true)));
}

Value FloatEmitter::clamp(Value x, double low, double high) const {
  Value lowest = constant(low), highest = constant(high);
  x = select(less(x, lowest), lowest, x);
  return select(less(highest, x), highest, x);
}

Value FloatEmitter::toBits(Value x) const { return create<arith::BitcastOp>(intType, x); }
Value FloatEmitter::fromBits(Value bits) const { return create<arith::BitcastOp>(type, bits); }

Value FloatEmitter::andInt(Value a, uint64_t mask) const {
  return create<arith::AndIOp>(a, integer(mask));
}

Value FloatEmitter::shiftLeft(Value a, unsigned count) const {
  return create<arith::ShLIOp>(a, integer(count));
}

Value FloatEmitter::shiftRight(Value a, unsigned count) const {
  return create<arith::ShRUIOp>(a, integer(count));
}

Value FloatEmitter::fromInt(Value a) const {
  Value shifter = constant(getShifter());
  return sub(fromBits(addInt(a, toBits(shifter))), shifter);
}

FloatEmitter::Rounded FloatEmitter::round(Value x, double scale) const {
  Value shifter = constant(getShifter());
  Value shifted = scale == 1 ? add(x, shifter) : mulAdd(x, scale, shifter);
  return {sub(shifted, shifter), subInt(toBits(shifted), toBits(shifter))};
}
