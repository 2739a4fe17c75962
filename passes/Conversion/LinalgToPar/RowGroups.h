//===- RowGroups.h - Operations that share a loop over rows ------------------------------*- C++
//-*-===//
//
// A softmax is five operations, a norm three, each of which walks all rows. Where row i of one
// needs no more of the others than their row i, one parallel loop does them all, row by row: the
// row stays in the first-level cache, and the threads meet once.
//
//===-----------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_LINALGTOPAR_ROWGROUPS_H
#define MOEC_PASSES_CONVERSION_LINALGTOPAR_ROWGROUPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace moec {

/// Operations of one block, in order, whose first `depth` loops are common. A group of one
/// operation has depth 0.
struct RowGroup {
  mlir::SmallVector<mlir::linalg::LinalgOp> members;
  unsigned depth = 0;
  /// Deallocations among the members; they belong behind the last one, where the loop goes.
  mlir::SmallVector<mlir::Operation *> deallocations;
};

/// `memref.copy` between buffers that are not both dense becomes a structured copy, which may be a
/// member of a group.
void expandStridedCopies(mlir::Operation *root);

/// All structured operations of the block, in groups as large as they get. Buffers are allocations
/// as yet: views of one arena cannot be told apart.
mlir::SmallVector<RowGroup> findRowGroups(mlir::Block &block);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_LINALGTOPAR_ROWGROUPS_H
