//===- ExpertWidths.h - How wide experts of different sizes are inside ---------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_EXPERTWIDTHS_H
#define MOEC_PASSES_TRANSFORMS_EXPERTWIDTHS_H

#include "dialects/MoE/MoEOps.h"

namespace moec {

/// The sizes of the last axis of what a body computes, one for each of some experts. Experts that
/// are narrower than others can share rows with them, as wide as the widest, if each element of a
/// row depends on the one at its place, and linear layers read only as many as they have weights.
class ExpertWidths {
public:
  ExpertWidths(moe::ExpertsOp op, llvm::ArrayRef<int64_t> experts) : op(op), experts(experts) {}

  /// Why experts cannot share rows; empty if they can.
  std::string measure();

  /// The widest of a value of the body; std::nullopt if that is not known.
  std::optional<int64_t> getWidest(mlir::Value value) const;

private:
  using Widths = llvm::SmallVector<int64_t>;

  /// The number of the parameter that a value of the body is.
  std::optional<int64_t> parameterOf(mlir::Value value) const;
  /// Of axis `axis` of each expert's tensor of a parameter.
  Widths getSizes(int64_t p, int64_t axis) const;
  /// Of a value's last axis; empty if it is not known.
  Widths getWidths(mlir::Value value) const;
  bool isRagged(mlir::Value value) const { return !llvm::all_equal(getWidths(value)); }

  std::string measureLinear(mlir::Operation *op, mlir::Value input, mlir::Value weight,
                            mlir::Value bias, bool transposed);
  std::string measureElementwise(mlir::Operation *op);

  moe::ExpertsOp op;
  llvm::ArrayRef<int64_t> experts;
  llvm::DenseMap<mlir::Value, Widths> known;
};

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_EXPERTWIDTHS_H
