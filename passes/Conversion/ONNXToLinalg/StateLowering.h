//===- StateLowering.h - Session state as memory that is handed in
//-------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_STATELOWERING_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_STATELOWERING_H

#include "dialects/MoE/MoEOps.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace moec {

/// Lowers what a function does with states. The function takes, behind its inputs, the number of
/// rows that the states hold, and each state's memory, all of its capacity; it gives back, behind
/// its outputs, what has become of that memory. In between a state is a tensor (outer sizes,
/// capacity, inner sizes): rows are inserted into it, and what is read of it are slices, so that
/// bufferization sees one buffer that is updated in place.
class StateLowering {
public:
  /// `state` has the function's other arguments mapped before `addArguments`.
  StateLowering(mlir::func::FuncOp function, LoweringState &state, mlir::OpBuilder &builder)
      : function(function), state(state), builder(builder) {}

  /// Adds the arguments, and maps the old ones to the rows that are there.
  llvm::LogicalResult addArguments(mlir::Block *body, llvm::SmallVectorImpl<mlir::Type> &types);
  /// Inserts the rows; the past and the result are slices of the new tensor.
  llvm::LogicalResult lower(moe::CacheAppendOp append);
  /// The states after the call.
  llvm::SmallVector<mlir::Value> getUpdated() const;
  /// Says of the function's arguments which are states.
  void markArguments();

private:
  struct Entry {
    mlir::BlockArgument past; ///< in the function as it was
    moe::StateOp state;
    mlir::Value memory; ///< its dimensions in up to three groups
    llvm::SmallVector<mlir::ReassociationIndices> groups;
    unsigned axisGroup;
    bool isAppended = false;
  };

  mlir::Value slice(const Entry &entry, mlir::Value original, SymExpr rows);
  llvm::SmallVector<mlir::OpFoldResult> sliceSizes(const Entry &entry, SymExpr rows);
  mlir::OpFoldResult size(SymExpr expr);

  mlir::func::FuncOp function;
  LoweringState &state;
  mlir::OpBuilder &builder;
  mlir::Value length;
  llvm::SmallVector<Entry> entries;
  unsigned numInputs = 0;
};

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_STATELOWERING_H
