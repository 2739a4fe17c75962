//===- FloatEmitter.h - Arithmetic on scalars or vectors of a float type -----------------*- C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_MATH_FLOATEMITTER_H
#define MOEC_PASSES_TRANSFORMS_MATH_FLOATEMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

namespace moec {

/// Emits operations on values of one type: f32 or f64, or a vector of them. Integers have the
/// floats' width and shape.
///
/// Only `mulAdd` may be contracted to a fused operation. Everything else is rounded where it is
/// written: algorithms rely on it.
class FloatEmitter {
public:
  using Value = mlir::Value;

  FloatEmitter(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Type type;
  mlir::Type intType;

  bool isDouble() const { return mlir::getElementTypeOrSelf(type).isF64(); }
  /// An emitter of f64 values of the same shape.
  FloatEmitter getWide() const;
  Value widen(Value x) const;  ///< to getWide()'s type
  Value narrow(Value x) const; ///< from getWide()'s type, rounded

  template <typename OpTy, typename... Args>
  Value create(Args &&...args) const {
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }

  Value constant(double value) const;
  Value integer(uint64_t bits) const;
  Value infinity() const;
  Value nan() const;

  Value add(Value a, Value b) const { return create<mlir::arith::AddFOp>(a, b); }
  Value sub(Value a, Value b) const { return create<mlir::arith::SubFOp>(a, b); }
  Value mul(Value a, Value b) const { return create<mlir::arith::MulFOp>(a, b); }
  Value div(Value a, Value b) const { return create<mlir::arith::DivFOp>(a, b); }
  Value neg(Value a) const { return create<mlir::arith::NegFOp>(a); }
  Value abs(Value a) const;
  Value sqrt(Value a) const;
  Value copySign(Value magnitude, Value sign) const;
  /// a * b + c, rounded once or twice.
  Value mulAdd(Value a, Value b, Value c) const;
  Value mulAdd(Value a, double b, Value c) const { return mulAdd(a, constant(b), c); }
  Value mulAdd(Value a, Value b, double c) const { return mulAdd(a, b, constant(c)); }
  /// c[0] + c[1] x + …
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients) const;

  Value less(Value a, Value b) const;
  Value equal(Value a, Value b) const;
  Value select(Value condition, Value a, Value b) const;
  Value both(Value a, Value b) const { return create<mlir::arith::AndIOp>(a, b); }
  Value isNot(Value condition) const;
  /// x between bounds; NaN stays NaN.
  Value clamp(Value x, double low, double high) const;

  Value toBits(Value x) const;
  Value fromBits(Value bits) const;
  Value addInt(Value a, Value b) const { return create<mlir::arith::AddIOp>(a, b); }
  Value subInt(Value a, Value b) const { return create<mlir::arith::SubIOp>(a, b); }
  Value andInt(Value a, uint64_t mask) const;
  Value shiftLeft(Value a, unsigned count) const;
  Value shiftRight(Value a, unsigned count) const; ///< zeros come in
  /// A signed integer of magnitude below 2^22 (f32) or 2^51 (f64) as a float.
  Value fromInt(Value a) const;

  /// `x` rounded to an integer, ties to even, as a float and as a signed integer. Its magnitude
  /// must be below 2^22 (f32) or 2^51 (f64). `scale` is multiplied first.
  struct Rounded {
    Value number, integer;
  };
  Rounded round(Value x, double scale = 1) const;

  /// The number of bits of the mantissa after the point, and the exponent's bias.
  unsigned mantissaBits() const { return isDouble() ? 52 : 23; }
  unsigned bias() const { return isDouble() ? 1023 : 127; }

private:
  /// 1.5 * 2^mantissaBits: added to a number, it leaves the nearest integer in the low bits.
  double getShifter() const { return isDouble() ? 0x1.8p52 : 0x1.8p23; }
};

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_MATH_FLOATEMITTER_H
