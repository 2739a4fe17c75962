//===- Match.h - What passes look at nodes with ----------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_MATCH_H
#define MOEC_PASSES_ANALYSIS_MATCH_H

#include "dialects/ONNX/ONNXOps.h"

#include <optional>
#include <utility>

namespace moec {

/// The node of the default domain that gives `value` as its first result, if its operator is
/// `opType`; else null.
onnx::NodeOp getNode(mlir::Value value, llvm::StringRef opType);

/// The shape, if the rank is known; else std::nullopt.
std::optional<llvm::ArrayRef<int64_t>> getShape(mlir::Value value);
/// The size of the last axis, if it is static.
std::optional<int64_t> getLastSize(mlir::Value value);
mlir::Type getElementType(mlir::Value value);

/// What a float value was before it was converted between float types (or passed on by Identity).
mlir::Value skipCasts(mlir::Value value);

/// The number that all elements of a tensor are, whatever its shape: a constant, what is spread
/// from one, a ConstantOfShape.
std::optional<double> getSplat(mlir::Value value);

/// The elements of a small constant tensor of integers.
std::optional<llvm::SmallVector<int64_t>> getIntegers(mlir::Value value);

/// Whether the node works along the last axis alone, by its attribute `axis`, or `defaultAxis`
/// where it has none.
bool isAlongLastAxis(onnx::NodeOp node, int64_t defaultAxis);

/// Whether a reduction is over the last axis alone; sets `keepDims`.
bool isReductionOfLastAxis(onnx::NodeOp node, bool &keepDims);

/// The two operands of a commutative node of that operator, in either order: calls `match` with
/// (a, b), then (b, a), until it says yes.
bool matchEitherOrder(mlir::Value value, llvm::StringRef opType,
                      llvm::function_ref<bool(mlir::Value, mlir::Value)> match);

/// Whether an operation computes each element of its one result from those at the same place of its
/// operands, spread as in numpy.
bool isElementwise(mlir::Operation *op);

/// The columns of the operand that columns of a part of it are, of a Slice or Split of the last
/// axis by constants; std::nullopt of others.
std::optional<llvm::SmallVector<int64_t>> getCutColumns(mlir::Value value,
                                                        llvm::ArrayRef<int64_t> columns);

/// The only node that uses `value`, of that operator; null if there is none or another use.
onnx::NodeOp getOnlyUser(mlir::Value value, llvm::StringRef opType);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_MATCH_H
