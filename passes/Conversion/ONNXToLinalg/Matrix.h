//===- Matrix.h - Products of stacks of matrices
//---------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIX_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIX_H

#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// A stack of matrices: `tensor` has the sizes (count, rows, columns); count may be 1 for all.
struct Matrices {
  mlir::Value tensor;
  SymExpr count, rows, columns;
  llvm::SmallVector<SymExpr> dims() const { return {count, rows, columns}; }
};

/// The products of two stacks of matrices, a tensor of sizes (count, rows, columns). The second
/// ones are (columns, rows) if `transposeB`. Depths agree.
mlir::Value emitMatrixProduct(NodeLowering &lowering, const Matrices &a, const Matrices &b,
                              bool transposeB, SymExpr count);

/// The operands of a product of numpy's kind as stacks of matrices.
struct MatrixOperands {
  Matrices left, right;
  SymExpr count; ///< of products
  llvm::SmallVector<SymExpr> resultDims() const { return {count, left.rows, right.columns}; }
};

/// Ends the call with an error unless the operands of a product of numpy's kind have the same
/// depth; refuses the node where they never have, or are scalars.
mlir::LogicalResult checkDepths(NodeLowering &lowering, llvm::ArrayRef<SymExpr> aDims,
                                llvm::ArrayRef<SymExpr> bDims);

/// Depths agree. Vectors become matrices, and the leading sizes of both operands are broadcast to
/// those of the node's result 0. Where there is one second matrix, the first ones are one tall
/// matrix, and the second's tensor may be null (and stays so). std::nullopt, with an error at the
/// node, if the sizes never agree.
std::optional<MatrixOperands> stackMatrices(NodeLowering &lowering, BroadcastOperand a,
                                            BroadcastOperand b);

/// The handler of Einsum, in Einsum.cpp.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> lowerEinsum(NodeLowering &lowering);

/// Products of quantised matrices.
void addQuantizedMatrixHandlers(NodeHandlerTable &table);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIX_H
