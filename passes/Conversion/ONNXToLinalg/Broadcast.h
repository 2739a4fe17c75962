//===- Broadcast.h - Broadcasts between shapes of expressions
//------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_BROADCAST_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_BROADCAST_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// `tensor`, of sizes `from`, broadcast to the sizes `to` by numpy's rules; a linalg.generic with a
/// projected map. A size that is `to`'s or 1 only at run time is checked, and its index selected
/// there. Null, with an error at the node, if the shapes can never agree.
mlir::Value broadcastTo(NodeLowering &lowering, mlir::Value tensor, llvm::ArrayRef<SymExpr> from,
                        llvm::ArrayRef<SymExpr> to);

/// Ends the call with an error unless `from` is `to` or 1. Emits nothing where that is proven.
llvm::LogicalResult checkBroadcastable(NodeLowering &lowering, SymExpr from, SymExpr to);

/// A tensor that takes part in an elementwise operation, and its sizes.
struct BroadcastOperand {
  mlir::Value tensor;
  llvm::ArrayRef<SymExpr> dims;
};

/// Operands of a structured operation whose loops run over the sizes that they are broadcast to.
struct BroadcastReads {
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::AffineMap> maps; ///< of the inputs
  llvm::SmallVector<mlir::Value> uniform;  ///< per operand: the value of all its elements, or null

  /// One element an operand, from the block arguments of the inputs.
  llvm::SmallVector<mlir::Value> getElements(mlir::ValueRange arguments) const;
};

/// Dimensions of size 1 are read at a constant 0; a constant with one value is no input, but a
/// constant of the body. std::nullopt, with an error at the node, if the shapes can never agree.
std::optional<BroadcastReads> readBroadcast(NodeLowering &lowering,
                                            llvm::ArrayRef<BroadcastOperand> operands,
                                            llvm::ArrayRef<SymExpr> dims);

using ElementwiseBody =
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// A tensor of sizes `dims`, element by element from operands that are broadcast to them: one
/// linalg.generic. `body` gets one element of each operand. Null, with an error at the node, if the
/// shapes can never agree.
mlir::Value emitElementwise(NodeLowering &lowering, llvm::ArrayRef<BroadcastOperand> operands,
                            llvm::ArrayRef<SymExpr> dims, mlir::Type elementType,
                            ElementwiseBody body);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_BROADCAST_H
