//===- BufferLifetime.h - When a buffer is in use ----------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_BUFFERLIFETIME_H
#define MOEC_PASSES_ANALYSIS_BUFFERLIFETIME_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace moec {

/// The buffer that a value views, followed through views to the end.
mlir::Value getBufferRoot(mlir::Value buffer);

/// Whether the operation only makes another value for the buffer, reads its sizes, or frees it.
bool isBookkeeping(mlir::Operation *op);

/// Calls `visit` for each use of the buffer and of everything that may be a view of it, until it
/// returns false. Whatever an operation that takes a buffer gives out may be a view of that buffer.
/// Returns whether all uses were visited.
bool forEachBufferUse(mlir::Value buffer, llvm::function_ref<bool(mlir::OpOperand &)> visit);

/// Operations are those of the block that defines the buffer; a use in a region counts as one of
/// the operation with the region.
struct BufferLifetime {
  mlir::Operation *first = nullptr; ///< the first to touch the contents; null: none does
  mlir::Operation *last = nullptr;  ///< the last to do so; its definition if none does
  bool isReturned = false;          ///< by the block's terminator
  bool escapes = false;             ///< by the terminator of an inner region: the rest is not known
};
/// `buffer` is the result of an operation.
BufferLifetime getBufferLifetime(mlir::Value buffer);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_BUFFERLIFETIME_H
