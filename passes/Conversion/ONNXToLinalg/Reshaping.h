//===- Reshaping.h - Reshapes between shapes of expressions
//--------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_RESHAPING_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_RESHAPING_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// `tensor`, of sizes `from`, with the sizes `to`: collapse_shape and expand_shape in the finest
/// groups whose sizes have provably equal products. Where no such groups exist, emits a check that
/// the numbers of elements agree, and goes through one dimension. Null, with an error at the node,
/// if they never agree.
mlir::Value reshape(NodeLowering &lowering, mlir::Value tensor, llvm::ArrayRef<SymExpr> from,
                    llvm::ArrayRef<SymExpr> to);

/// `tensor`, of sizes `dims`, with its dimensions permuted: result dimension i is dimension
/// `permutation[i]`. A reshape where only dimensions of size 1 move.
mlir::Value transpose(NodeLowering &lowering, mlir::Value tensor, llvm::ArrayRef<SymExpr> dims,
                      llvm::ArrayRef<int64_t> permutation);

/// The sizes in permuted order.
llvm::SmallVector<SymExpr> permute(llvm::ArrayRef<SymExpr> dims,
                                   llvm::ArrayRef<int64_t> permutation);

/// A tensor of sizes `dims` seen as [outer, axis, inner].
struct AxisView {
  SymExpr outer, axis, inner;
  llvm::SmallVector<SymExpr, 3> dims() const { return {outer, axis, inner}; }
};
/// Operand 0 and the attribute `axis`, counted from the front; without one, the operand as a
/// vector.
struct AxisOperand {
  mlir::Value tensor;
  llvm::SmallVector<SymExpr> dims;
  int64_t axis = 0;
};
/// std::nullopt, with an error at the node, if the axis is out of range.
std::optional<AxisOperand> getAxisOperand(NodeLowering &lowering);

AxisView getAxisView(SymContext &symbols, llvm::ArrayRef<SymExpr> dims, int64_t axis);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_RESHAPING_H
