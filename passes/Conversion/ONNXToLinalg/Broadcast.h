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

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_BROADCAST_H
