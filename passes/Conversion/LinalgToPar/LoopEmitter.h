//===- LoopEmitter.h - The loops of a structured operation on buffers --------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_LINALGTOPAR_LOOPEMITTER_H
#define MOEC_PASSES_CONVERSION_LINALGTOPAR_LOOPEMITTER_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace moec {

/// Emits the loops of one operation, as a parallel loop of its own or as a part of a loop over
/// rows.
class LoopEmitter {
public:
  /// `builder` stands where the loops go. A builder of one's own for what is emitted inside others.
  LoopEmitter(mlir::linalg::LinalgOp op, mlir::OpBuilder &builder);

  /// A parallel loop, with the rest inside.
  void emitAlone();

  mlir::ArrayRef<mlir::Value> getSizes() const { return sizes; }
  /// Makes one of neighbouring loops from `first` on, where that is possible.
  void collapseFrom(unsigned first);
  /// Whether loops `loop` and `loop + 1` may be one; what makes them one.
  bool canCollapse(unsigned loop);
  void collapse(unsigned loop);

  /// From now on the first `numRowLoops` loops, parallel ones, belong to the caller. Returns the
  /// number of iterations of the loops inside, in all.
  mlir::Value beginRows(unsigned numRowLoops);
  /// The loops inside, at the given indices of the caller's.
  void emitRow(mlir::ArrayRef<mlir::Value> rowIndices);

private:
  /// Which loops run in which order, and how many of the outermost ones form the parallel loop.
  struct LoopOrder {
    mlir::SmallVector<unsigned> outer; ///< parallel, linearised into the parallel loop
    mlir::SmallVector<unsigned> inner; ///< the rest, outermost first
    bool accumulates = false; ///< all of `inner` from `firstReduction` on carry values in registers
    unsigned firstReduction = 0;
  };

  mlir::Value constant(int64_t value);
  bool isParallel(unsigned loop) const {
    return iterators[loop] == mlir::utils::IteratorType::parallel;
  }
  mlir::Value collapseBuffer(mlir::Value buffer, unsigned position);
  LoopOrder chooseOrder(unsigned numRowLoops) const;
  mlir::Value emitInnerWork();
  void emitInner(unsigned depth);
  mlir::SmallVector<mlir::Value> emitReduction(unsigned depth, mlir::ArrayRef<mlir::Value> values);
  /// Runs `emit` with the builder inside a loop over `loop`, which carries `values`.
  mlir::ValueRange
  emitLoop(unsigned loop, mlir::ValueRange values,
           llvm::function_ref<mlir::SmallVector<mlir::Value>(mlir::ValueRange carried)> emit);
  mlir::SmallVector<mlir::Value> position(unsigned operand);
  mlir::Value load(mlir::OpOperand &operand);
  void store(mlir::OpOperand &operand, mlir::Value value);
  void loadInvariants();
  mlir::SmallVector<mlir::Value> emitBody(mlir::ArrayRef<mlir::Value> outputs);

  mlir::linalg::LinalgOp op;
  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::SmallVector<mlir::AffineMap> maps;
  mlir::SmallVector<mlir::utils::IteratorType> iterators;
  mlir::SmallVector<mlir::Value> buffers, sizes, indices;
  mlir::SmallVector<mlir::Value> loaded; ///< by input: its element, if the loops inside keep it
  LoopOrder order;
};

/// The product of sizes.
mlir::Value emitProduct(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::ArrayRef<mlir::Value> sizes);

/// A parallel loop over `sizes`, of which each point is `work` innermost iterations; `emit` makes
/// the body from their indices.
void emitParallelLoop(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::ArrayRef<mlir::Value> sizes, mlir::Value work,
                      llvm::function_ref<void(mlir::ArrayRef<mlir::Value> indices)> emit);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_LINALGTOPAR_LOOPEMITTER_H
