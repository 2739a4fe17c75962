//===- WeightRows.h - Parts of weights as weights of their own ---------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_WEIGHTROWS_H
#define MOEC_PASSES_COMPRESSION_WEIGHTROWS_H

#include "passes/Compression/WeightEditor.h"

namespace moec {

/// The indices of `axis` that are listed, in that order, as a new weight at the builder's place. Of
/// dequantised values codes, scales and zero points are cut, where the axis is not the one they are
/// packed or grouped along. Fails, with the reason, where the value is not stored in the model.
llvm::Expected<mlir::Value> takeRows(WeightEditor &editor, mlir::OpBuilder &builder,
                                     mlir::Value value, int64_t axis,
                                     llvm::ArrayRef<int64_t> indices);

/// The same elements of any value: a weight as above, else cut when the model runs.
mlir::Value takeElements(WeightEditor &editor, mlir::OpBuilder &builder, mlir::Value value,
                         int64_t axis, llvm::ArrayRef<int64_t> indices);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_WEIGHTROWS_H
