//===- Cast.cpp - Conversions between element types
//-------------------------------------------------===//
//
// What ONNX leaves undefined is as x86 does it, and with it NumPy and ONNX Runtime: see
// emitFloatToInteger.
//
//===------------------------------------------------------------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Codes.h"
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
  Type model, type; ///< as in the model; of the elements here
  bool isUnsigned;
  explicit ElementType(Type model)
      : model(model), type(getStorageType(model)),
        isUnsigned(model.isInteger(1) || model.isUnsignedInteger()) {}
  bool isFloat() const { return isa<FloatType>(type); }
  bool isBool() const { return type.isInteger(1); }
  bool isFloatCode() const { return moec::isFloatCode(model); }
  unsigned getWidth() const { return type.getIntOrFloatBitWidth(); }
  /// Numbers, not strings.
  bool isSupported() const { return isa<IntegerType, FloatType>(type); }
};

/// The low bits of an integer as a code of the model's narrower type.
Value emitNarrowCode(ScalarEmitter &s, Value x, const ElementType &to) {
  Value unused = s.constantBits(to.getWidth() - to.model.getIntOrFloatBitWidth());
  x = s.create<arith::ShLIOp>(x, unused);
  return to.isUnsigned ? s.create<arith::ShRUIOp>(x, unused) : s.create<arith::ShRSIOp>(x, unused);
}

Value emitCast(OpBuilder &builder, Location loc, Value x, const ElementType &from,
               const ElementType &to, bool saturates) {
  if (from.model == to.model)
    return x;
  // Codes of floats are f32 on the way.
  ElementType f32(builder.getF32Type());
  if (from.isFloatCode()) {
    x = emitDecodedFloat(builder, loc, x, cast<FloatType>(from.model));
    return emitCast(builder, loc, x, f32, to, saturates);
  }
  if (to.isFloatCode()) {
    x = emitCast(builder, loc, x, from, f32, saturates);
    return emitEncodedFloat(builder, loc, x, cast<FloatType>(to.model), saturates);
  }
  if (to.model.getIntOrFloatBitWidth() < to.getWidth()) {
    ElementType byte(IntegerType::get(
        builder.getContext(), 8, to.isUnsigned ? IntegerType::Unsigned : IntegerType::Signless));
    ScalarEmitter s(builder, loc, to.type);
    return emitNarrowCode(s, emitCast(builder, loc, x, from, byte, saturates), to);
  }
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
  if (from.model == to.model)
    return SmallVector<Value>{lowering.operand(0)};
  if (isa<Float8E8M0FNUType>(to.model))
    return lowering.refuse("there is no conversion to f8E8M0FNU");
  bool saturates = lowering.node.getInt("saturate", 1) != 0;
  BroadcastOperand operand{lowering.operand(0), lowering.dims(0)};
  Value result = emitElementwise(lowering, operand, lowering.resultDims(0), to.type,
                                 [&](OpBuilder &builder, Location loc, ValueRange x) {
                                   return emitCast(builder, loc, x[0], from, to, saturates);
                                 });
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

/// The bits in another type of that width; a Boolean is a byte.
NodeResults lowerBitCast(NodeLowering &lowering) {
  Value x = lowering.operand(0);
  Type from = cast<RankedTensorType>(x.getType()).getElementType();
  Type to = lowering.resultType(0).getElementType();
  if (from == to)
    return SmallVector<Value>{x};
  BroadcastOperand operand{x, lowering.dims(0)};
  Value result = emitElementwise(lowering, operand, lowering.resultDims(0), to,
                                 [&](OpBuilder &builder, Location loc, ValueRange x) -> Value {
                                   if (from.isInteger(1))
                                     return arith::ExtUIOp::create(builder, loc, to, x[0]);
                                   if (to.isInteger(1)) {
                                     ScalarEmitter s(builder, loc, from);
                                     return s.create<arith::CmpIOp>(arith::CmpIPredicate::ne, x[0],
                                                                    s.constantBits(0));
                                   }
                                   return arith::BitcastOp::create(builder, loc, to, x[0]);
                                 });
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

} // namespace

void moec::addCastHandlers(NodeHandlerTable &table) {
  table.add("BitCast", 26, lowerBitCast);
  table.add("Cast", 6, lowerCast);
  table.add("CastLike", 15, lowerCast);
}
