//===- Activations.h - Activation functions as arithmetic --------------------------------*- C++
//-*-===//
//
// One formula a function, whoever computes it: loops over elements, or a product's kernel. See
// dialects/Numerics.md for what the results are.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_KERNELS_ACTIVATIONS_H
#define MOEC_KERNELS_ACTIVATIONS_H

#include "dialects/MoE/MoEOps.h"

#include "mlir/IR/Builders.h"

namespace moec {

/// The function of `x`, an f32 or f64 or a vector of such, in arith and math operations. `alpha` is
/// of its type, and read by SiLU alone: null is 1.
mlir::Value emitActivation(mlir::OpBuilder &builder, mlir::Location loc, moe::ActivationKind kind,
                           mlir::Value x, mlir::Value alpha = {});

/// `moe.glu` of two elements (or vectors). `alpha`, `offset` and `limit` are of their type; null if
/// there is none.
mlir::Value emitGLU(mlir::OpBuilder &builder, mlir::Location loc, moe::ActivationKind kind,
                    mlir::Value gate, mlir::Value up, mlir::Value alpha, mlir::Value offset,
                    mlir::Value limit);

} // namespace moec

#endif // MOEC_KERNELS_ACTIVATIONS_H
