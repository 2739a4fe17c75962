//===- Quantization.h - Numbers to and from codes ------------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_QUANTIZATION_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_QUANTIZATION_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// An element of model type `modelType`, in its storage type, as an f32. Integers of 32 bits and
/// f64 are rounded.
mlir::Value emitToF32(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value element,
                      mlir::Type modelType);

/// A code minus its zero point (null: none), as an i32; integers of at most 32 bits.
mlir::Value emitCentred(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value code,
                        mlir::Value zeroPoint, mlir::Type modelType);

/// An f32, a multiple of the scale, as the nearest code, ties to even: round(number) + zero point
/// (null: 0), cut off at the ends of the type. The code has the storage type of `modelType`, an
/// integer of at most 16 bits; NaN becomes the lowest.
mlir::Value emitRoundedCode(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value number,
                            mlir::Value zeroPoint, mlir::Type modelType);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_QUANTIZATION_H
