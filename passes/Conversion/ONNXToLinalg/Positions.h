//===- Positions.h - Indices from tensors, wrapped and checked
//-----------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_POSITIONS_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_POSITIONS_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

using ElementBody =
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// A tensor of sizes `dims` made element by element; the inputs have these sizes, too.
mlir::Value mapElements(NodeLowering &lowering, mlir::ValueRange inputs,
                        llvm::ArrayRef<SymExpr> dims, mlir::Type elementType, ElementBody body);

/// Ends the call with an error unless `body` gives true (i1) for every element of the inputs, of
/// sizes `dims`.
void checkElements(NodeLowering &lowering, mlir::ValueRange inputs, llvm::ArrayRef<SymExpr> dims,
                   llvm::StringRef message, ElementBody body);

/// A number read from an index tensor, as an index; negative ones count from the end of an axis of
/// `size` elements.
mlir::Value wrapIndex(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value integer,
                      mlir::Value size);

/// The elements of operand `operand` as positions on an axis of `size` elements: a tensor of index
/// values in [0, size), wrapped and checked. Null, with an error at the node, if one is known to
/// lie outside.
mlir::Value getPositions(NodeLowering &lowering, unsigned operand, SymExpr size);

/// Rows of a tensor whose leading dimensions `sizes` are taken as one: `indices` has the sizes
/// [count, sizes.size()], each row a coordinate in `sizes`. The result is [count], checked.
mlir::Value getLinearPositions(NodeLowering &lowering, mlir::Value indices, SymExpr count,
                               llvm::ArrayRef<SymExpr> sizes);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_POSITIONS_H
