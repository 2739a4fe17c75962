//===- LinearEditing.h - Linear layers with other weights --------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_LINEAREDITING_H
#define MOEC_PASSES_COMPRESSION_LINEAREDITING_H

#include "passes/Analysis/LayerLabel.h"
#include "passes/Analysis/Layers.h"

#include "mlir/IR/Builders.h"

namespace moec {

/// What stands behind the name of a layer in those of its factors.
inline constexpr llvm::StringLiteral kFirstFactor = ".first", kSecondFactor = ".second";

/// The moe.experts whose parameter a value is; null for other values.
moe::ExpertsOp getExpertsOfParameter(mlir::Value weight);

/// What a weight is read from: the segments of a parameter of experts, each a stack of one for each
/// expert; any other is itself.
llvm::SmallVector<mlir::Value> getSegments(mlir::Value weight);

/// A weight that is read from `segments` and takes the place of `weight` in new operations: a new
/// parameter behind it, expert by expert in the same order, where `weight` is one; else the only
/// segment.
mlir::Value bindSegments(llvm::ArrayRef<mlir::Value> segments, mlir::Value weight);

/// Takes a weight that nothing uses any more out of the experts it is a parameter of, and with it
/// what only it was made from.
void dropWeight(mlir::Value weight);

/// The type of a weight, or of one of its segments, of `blocks` matrices [depth, columns] each;
/// without that axis for one block. `segment` tells whether it is a stack, and its element type.
mlir::RankedTensorType getSegmentType(mlir::Value weight, mlir::Value segment, int64_t blocks,
                                      int64_t depth, int64_t columns);

/// moe.linear with a matrix, moe.block_linear with a stack of them. A shuffle is for the latter,
/// empty for none; the bias may be null.
mlir::Value createLinear(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value input,
                         mlir::Value weight, mlir::Value bias, llvm::ArrayRef<int64_t> shuffle);

/// Of a moe.linear or moe.block_linear.
LayerCost getLinearCost(mlir::Operation *linear);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_LINEAREDITING_H
