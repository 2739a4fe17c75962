//===- Functions.h - Elementary functions in terms of arithmetic -------------------------*- C++
//-*-===//
//
// Each emits the function of values of the emitter's type, without branches, calls or tables.
// Bounds of their errors are in dialects/Numerics.md, measured by
// test/passes/Transforms/expand-math-accuracy.py.
//
// Polynomials are minimax approximations of the relative error of the function, found by Remez'
// exchange in 200 bits; arguments are reduced as in Cody and Waite, "Software Manual for the
// Elementary Functions".
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_TRANSFORMS_MATH_FUNCTIONS_H
#define MOEC_PASSES_TRANSFORMS_MATH_FUNCTIONS_H

#include "passes/Transforms/Math/FloatEmitter.h"

namespace moec {

// Exponential.cpp
/// Of x + low, where low is tiny beside x; null for 0.
mlir::Value emitExp(const FloatEmitter &s, mlir::Value x, mlir::Value low = {});
/// exp(x) / 2, without overflow where that is finite.
mlir::Value emitHalfExp(const FloatEmitter &s, mlir::Value x);
mlir::Value emitExp2(const FloatEmitter &s, mlir::Value x);
mlir::Value emitExpM1(const FloatEmitter &s, mlir::Value x);
mlir::Value emitSinh(const FloatEmitter &s, mlir::Value x);
mlir::Value emitCosh(const FloatEmitter &s, mlir::Value x);
mlir::Value emitTanh(const FloatEmitter &s, mlir::Value x);

// Logarithm.cpp
mlir::Value emitLog(const FloatEmitter &s, mlir::Value x);
/// log(x) as the sum of two numbers, in f64, to 60 bits; the first alone is what log(x) is.
struct LongFloat {
  mlir::Value high, low;
};
LongFloat emitLongLog(const FloatEmitter &s, mlir::Value x);
mlir::Value emitLog2(const FloatEmitter &s, mlir::Value x);
mlir::Value emitLog10(const FloatEmitter &s, mlir::Value x);
mlir::Value emitLog1p(const FloatEmitter &s, mlir::Value x);
mlir::Value emitAsinh(const FloatEmitter &s, mlir::Value x);
mlir::Value emitAcosh(const FloatEmitter &s, mlir::Value x);
mlir::Value emitAtanh(const FloatEmitter &s, mlir::Value x);

// Power.cpp
mlir::Value emitPow(const FloatEmitter &s, mlir::Value x, mlir::Value y);

// Trigonometric.cpp
// The sine, cosine and tangent of f32 only: reducing large arguments of f64 needs a table.
mlir::Value emitSin(const FloatEmitter &s, mlir::Value x);
mlir::Value emitCos(const FloatEmitter &s, mlir::Value x);
mlir::Value emitTan(const FloatEmitter &s, mlir::Value x);
mlir::Value emitAsin(const FloatEmitter &s, mlir::Value x);
mlir::Value emitAcos(const FloatEmitter &s, mlir::Value x);
mlir::Value emitAtan(const FloatEmitter &s, mlir::Value x);

// ErrorFunction.cpp
mlir::Value emitErf(const FloatEmitter &s, mlir::Value x);

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_MATH_FUNCTIONS_H
