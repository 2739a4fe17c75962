//===- BufferSizes.h - Sizes of buffers that are known to be equal -----------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_BUFFERSIZES_H
#define MOEC_PASSES_ANALYSIS_BUFFERSIZES_H

#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace moec {

/// A size as a product of a constant and of what is known by name only: values, and sizes of
/// buffers that come from outside. Sizes with equal products are equal; others may be.
struct BufferSize {
  /// A value (dimension -1) or a dimension of a buffer.
  using Factor = std::pair<const void *, int64_t>;

  int64_t constant = 1;
  llvm::SmallVector<Factor, 2> factors; ///< Sorted.

  bool isConstant(int64_t value) const { return factors.empty() && constant == value; }
  bool operator==(const BufferSize &) const = default;
};

/// The size of a dimension, followed through views to the allocation.
BufferSize getBufferSize(mlir::Value buffer, int64_t dim);

/// A size as a value, of which products are taken apart.
BufferSize getBufferSize(mlir::OpFoldResult size);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_BUFFERSIZES_H
