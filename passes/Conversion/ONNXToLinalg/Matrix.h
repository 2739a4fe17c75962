//===- Matrix.h - Products of stacks of matrices
//---------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIX_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIX_H

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

/// The handler of Einsum, in Einsum.cpp.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> lowerEinsum(NodeLowering &lowering);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIX_H
