//===- MatrixSource.h - Where the matrices of a product come from
//--------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIXSOURCE_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIXSOURCE_H

#include "passes/Analysis/SymbolicShapes.h"

namespace moec {

/// A stack of matrices in terms of one that holds each of them once. Number i is number i /
/// `repeat` of `value`, with its last two dimensions swapped if `transposed`, times the elements of
/// `scales`.
struct MatrixSource {
  mlir::Value value;
  SymExpr repeat;
  bool transposed = false;
  llvm::SmallVector<mlir::Value, 1> scales; ///< floats, one element each

  bool isItself(mlir::Value stack) const { return value == stack; }
};

/// Follows the matrices in the last two dimensions of `stack` (rank >= 2) back through what
/// exporters put between a cache and the products that read it: heads that are repeated for their
/// group (Unsqueeze, Expand, Reshape), a swap of rows and columns, a factor for all elements. None
/// of it has to be computed: the product reads the source.
MatrixSource traceMatrices(mlir::Value stack, SymbolicShapes &shapes);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_MATRIXSOURCE_H
