//===- Codes.h - Elements narrower than a byte, and small floats, in bytes -----------------*- C++
//-*-===//
//
// Below the onnx dialect an element of fewer than 8 bits, or an 8-bit float, is a byte, its code:
//
// | in the model | the byte |
// | --- | --- |
// | i2, i4 | the number, sign-extended |
// | ui2, ui4 | the number, zero-extended |
// | f8…, f4E2M1FN | the bits |
//
// Weights stay packed, low bits first, and are taken apart where they are read.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODES_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODES_H

#include "dialects/Kernel/KernelOps.h"
#include "passes/Conversion/ONNXToLinalg/ScalarEmitter.h"

#include "mlir/IR/BuiltinAttributes.h"

namespace moec {

/// The element type below the onnx dialect: integers without a sign, codes as i8.
mlir::Type getStorageType(mlir::Type modelType);
/// … of the elements of a ranked tensor; other types are themselves.
mlir::Type getStorageTensorType(mlir::Type modelType);

/// Whether elements of that type are codes of floats.
bool isFloatCode(mlir::Type modelType);

/// The constant with elements of the storage type.
mlir::DenseElementsAttr getStorageConstant(mlir::DenseElementsAttr constant);

/// The weight whose bytes are `packed`, of type `type` in the model, as a tensor of the storage
/// type. Codes of fewer than 8 bits are read from the bytes element by element, which fuses into
/// what reads the tensor.
mlir::Value readWeight(mlir::OpBuilder &builder, mlir::Location loc, kernel::PackedOp packed,
                       mlir::RankedTensorType type);

/// Codes of `bits` (2, 4 or 8) bits each that lie in bytes, low bits first: the code whose bits
/// start at bit `position` (an affine expression of the loops) of a line of bytes.
mlir::AffineExpr getCodeByte(mlir::AffineExpr position, unsigned bits);
/// The code in a byte, zero-extended; `position` (index) counts codes.
mlir::Value emitCode(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value byte,
                     mlir::Value position, unsigned bits);

/// The number that a code stands for, as f32. Exact.
mlir::Value emitDecodedFloat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value code,
                             mlir::FloatType modelType);
/// The code of an f32: the nearest number, ties to even. What is too large becomes the largest
/// number if `saturates`, else an infinity or NaN where the type has one; f4E2M1FN always
/// saturates. Null for types that are never made here (f8E8M0FNU).
mlir::Value emitEncodedFloat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value number,
                             mlir::FloatType modelType, bool saturates);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODES_H
