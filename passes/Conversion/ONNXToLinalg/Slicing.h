//===- Slicing.h - Parts of tensors
//---------------------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_SLICING_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_SLICING_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// The part of `tensor` from `offsets` on, of the given sizes; `steps` are all 1 if left out. The
/// part must lie inside.
mlir::Value extractSlice(NodeLowering &lowering, mlir::Value tensor,
                         llvm::ArrayRef<SymExpr> offsets, llvm::ArrayRef<SymExpr> sizes,
                         llvm::ArrayRef<int64_t> steps = {});

/// A tensor of sizes `to` whose elements are read from `tensor`, of the same rank: on each axis at
/// the position that `position` makes of the index in the result.
mlir::Value readAt(NodeLowering &lowering, mlir::Value tensor, llvm::ArrayRef<SymExpr> to,
                   llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, int64_t axis,
                                                  mlir::Value index)>
                       position);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_SLICING_H
