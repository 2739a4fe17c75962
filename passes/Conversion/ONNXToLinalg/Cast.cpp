//===- Cast.cpp - Conversions between element types
//-------------------------------------------------===//
//
// What ONNX leaves undefined is as x86 does it, and with it NumPy and ONNX Runtime: see
// emitFloatToInteger.
//
//===------------------------------------------------------------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Elementwise.h"

using namespace mlir;
using namespace moec;

/// `x` towards zero as a signed integer of 32 or 64 bits; its lowest value where that does not fit,
/// and for NaN.
static Value emitGuardedConversion(ScalarEmitter &s, Value x, IntegerType type) {
  double bound = std::ldexp(1.0, type.getWidth() - 1);
  Value low = s.constant(-bound);
  // -bound - 1, the first number that does not fit, is -bound in floats, but for f64 and 32 bits.
  Value fitsBelow = type.getWidth() == 32 && s.type.isF64() ? s.less(s.constant(-bound - 1), x)
                                                            : s.lessOrEqual(low, x);
  Value fits = s.create<arith::AndIOp>(fitsBelow, s.less(x, s.constant(bound)));
  return s.create<arith::FPToSIOp>(type, s.select(fits, x, low));
}

Value moec::emitFloatToInteger(ScalarEmitter &s, Value x, IntegerType type, bool isUnsigned) {
  unsigned width = type.getWidth();
  IntegerType i32 = s.builder.getI32Type(), i64 = s.builder.getI64Type();
  if (width < 32)
    return s.create<arith::TruncIOp>(type, emitGuardedConversion(s, x, i32));
  if (!isUnsigned)
    return emitGuardedConversion(s, x, type);
  if (width == 32)
    return s.create<arith::TruncIOp>(type, emitGuardedConversion(s, x, i64));
  // The upper half of the unsigned numbers, shifted down and back.
  Value half = s.constant(0x1p63);
  Value isUpper = s.lessOrEqual(half, x);
  Value signedPart = emitGuardedConversion(s, s.select(isUpper, s.sub(x, half), x), i64);
  ScalarEmitter integers(s.builder, s.loc, i64);
  Value shift = s.select(isUpper, integers.lowest(), integers.constantBits(0));
  return s.create<arith::XOrIOp>(signedPart, shift);
}

namespace {

/// An element type of the model.
struct ElementType {
  Type type; ///< signless
  bool isUnsigned;
  explicit ElementType(Type model)
      : type(model), isUnsigned(model.isInteger(1) || model.isUnsignedInteger()) {
    if (auto integer = dyn_cast<IntegerType>(model))
      type = IntegerType::get(model.getContext(), integer.getWidth());
  }
  bool isFloat() const { return isa<FloatType>(type); }
  bool isBool() const { return type.isInteger(1); }
  unsigned getWidth() const { return type.getIntOrFloatBitWidth(); }
  /// Types that are converted: not strings, nor floats and integers narrower than 8 bits.
  bool isSupported() const {
    if (auto integer = dyn_cast<IntegerType>(type))
      return integer.getWidth() == 1 || integer.getWidth() >= 8;
    return type.isF16() || type.isBF16() || type.isF32() || type.isF64();
  }
};

Value emitCast(OpBuilder &builder, Location loc, Value x, const ElementType &from,
               const ElementType &to) {
  if (from.type == to.type)
    return x;
  if (!from.isFloat()) {
    ScalarEmitter s(builder, loc, from.type, from.isUnsigned);
    if (to.isBool())
      return s.create<arith::CmpIOp>(arith::CmpIPredicate::ne, x, s.constantBits(0));
    if (to.isFloat()) {
      // f16 and bf16 from the f32 that is nearest.
      Type wide = getComputeType(to.type);
      Value number =
          from.isUnsigned ? s.create<arith::UIToFPOp>(wide, x) : s.create<arith::SIToFPOp>(wide, x);
      return narrow(builder, loc, number, to.type);
    }
    if (to.getWidth() < from.getWidth())
      return s.create<arith::TruncIOp>(to.type, x);
    return from.isUnsigned ? s.create<arith::ExtUIOp>(to.type, x)
                           : s.create<arith::ExtSIOp>(to.type, x);
  }
  Type wide = getComputeType(from.type);
  x = widen(builder, loc, x, wide);
  ScalarEmitter s(builder, loc, wide);
  if (to.isBool())
    return s.create<arith::CmpFOp>(arith::CmpFPredicate::UNE, x, s.constant(0));
  if (!to.isFloat())
    return emitFloatToInteger(s, x, cast<IntegerType>(to.type), to.isUnsigned);
  if (to.type.isF64())
    return widen(builder, loc, x, to.type);
  // f16 and bf16 from the f32 that is nearest.
  x = narrow(builder, loc, x, builder.getF32Type());
  return narrow(builder, loc, x, to.type);
}

/// Cast, CastLike: the type is that of the result.
NodeResults lowerCast(NodeLowering &lowering) {
  Type target = cast<TensorType>(lowering.node->getResult(0).getType()).getElementType();
  ElementType from(lowering.modelElementType(0)), to(target);
  if (!from.isSupported() || !to.isSupported())
    return lowering.refuse("there is no conversion from this element type to that");
  if (from.type == to.type)
    return SmallVector<Value>{lowering.operand(0)};
  BroadcastOperand operand{lowering.operand(0), lowering.dims(0)};
  Value result = emitElementwise(lowering, operand, lowering.resultDims(0), to.type,
                                 [&](OpBuilder &builder, Location loc, ValueRange x) {
                                   return emitCast(builder, loc, x[0], from, to);
                                 });
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

} // namespace

void moec::addCastHandlers(NodeHandlerTable &table) {
  table.add("Cast", 6, lowerCast);
  table.add("CastLike", 15, lowerCast);
}
