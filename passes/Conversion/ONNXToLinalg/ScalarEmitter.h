//===- ScalarEmitter.h - Scalar arithmetic in the bodies of structured operations ---------*- C++
//-*-===//
//
// The operators' formulas in terms of scalars of one type, so that a formula is written once for
// all element types. See dialects/Numerics.md for what the results are.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_SCALAREMITTER_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_SCALAREMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace moec {

/// The type that arithmetic on elements of `type` is done in: f32 for f16 and bf16, else the same.
mlir::Type getComputeType(mlir::Type type);

/// Emits scalar operations on values of a compute type.
class ScalarEmitter {
public:
  /// `type` is signless; `isUnsigned` says how an integer is to be read.
  ScalarEmitter(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type,
                bool isUnsigned = false)
      : builder(builder), loc(loc), type(type), isUnsigned(isUnsigned) {}

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Type type;
  bool isUnsigned;

  bool isFloat() const { return llvm::isa<mlir::FloatType>(type); }
  unsigned getWidth() const { return type.getIntOrFloatBitWidth(); }

  template <typename OpTy, typename... Args>
  mlir::Value create(Args &&...args) const {
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }

  /// A constant of the type, rounded to it.
  mlir::Value constant(double value) const;
  /// An integer constant, reduced to the type's width.
  mlir::Value constantBits(int64_t value) const;
  mlir::Value infinity(bool isNegative = false) const;
  /// The smallest and the largest value of the type: infinities of floats.
  mlir::Value lowest() const;
  mlir::Value highest() const;

  mlir::Value add(mlir::Value a, mlir::Value b) const;
  mlir::Value sub(mlir::Value a, mlir::Value b) const;
  mlir::Value mul(mlir::Value a, mlir::Value b) const;
  /// Integers: towards zero; x / 0 = 0 and lowest / -1 = lowest.
  mlir::Value div(mlir::Value a, mlir::Value b) const;
  /// The remainder of `div`, with the sign of the dividend; x rem 0 = 0.
  mlir::Value rem(mlir::Value a, mlir::Value b) const;
  mlir::Value neg(mlir::Value a) const;
  mlir::Value abs(mlir::Value a) const;
  /// NaN if one is NaN.
  mlir::Value min(mlir::Value a, mlir::Value b) const;
  mlir::Value max(mlir::Value a, mlir::Value b) const;

  mlir::Value equal(mlir::Value a, mlir::Value b) const;
  /// False if one is NaN.
  mlir::Value less(mlir::Value a, mlir::Value b) const;
  mlir::Value lessOrEqual(mlir::Value a, mlir::Value b) const;
  mlir::Value isNan(mlir::Value a) const;
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) const;

private:
  mlir::Value divide(mlir::Value a, mlir::Value b, bool remainder) const;
};

/// `value` in the wider float type, or itself.
mlir::Value widen(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Type type);
/// `value` rounded to the narrower float type, or itself.
mlir::Value narrow(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                   mlir::Type type);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_SCALAREMITTER_H
