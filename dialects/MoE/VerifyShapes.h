//===- VerifyShapes.h - What the verifiers of the moe dialect share -----------------------*- C++
//-*-===//
#ifndef MOEC_DIALECTS_MOE_VERIFYSHAPES_H
#define MOEC_DIALECTS_MOE_VERIFYSHAPES_H

#include "dialects/MoE/MoEOps.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

namespace moec::moe {

using Shape = llvm::ArrayRef<int64_t>;

inline Shape shapeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}
inline mlir::Type elementOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getElementType();
}

/// Whether two sizes may be equal: they are, or one is known at run time only.
inline bool mayEqual(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b);
}
inline bool mayEqual(Shape a, Shape b) {
  return a.size() == b.size() && llvm::all_of(llvm::zip(a, b), [](auto pair) {
           return mayEqual(std::get<0>(pair), std::get<1>(pair));
         });
}

/// "[2, ?, 64]".
std::string toString(Shape shape);

/// Errors that name the operand, what it has and what is expected; all return failure() if they
/// hit.
mlir::LogicalResult verifyRank(mlir::Operation *op, llvm::StringRef what, mlir::Value value,
                               int64_t rank);
mlir::LogicalResult verifyShape(mlir::Operation *op, llvm::StringRef what, mlir::Value value,
                                Shape expected);
/// The shape broadcasts (as in numpy) to `target`.
mlir::LogicalResult verifyBroadcast(mlir::Operation *op, llvm::StringRef what, mlir::Value value,
                                    Shape target);
/// The width of the result for a product of `width` columns; failure after an error.
mlir::FailureOr<int64_t> verifyEpilogue(mlir::Operation *op, EpilogueAttr epilogue, int64_t width);
mlir::LogicalResult verifyElementType(mlir::Operation *op, llvm::StringRef what, mlir::Value value,
                                      mlir::Type expected);

} // namespace moec::moe

#endif // MOEC_DIALECTS_MOE_VERIFYSHAPES_H
