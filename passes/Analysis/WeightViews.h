//===- WeightViews.h - Values that are parts of weights ----------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_WEIGHTVIEWS_H
#define MOEC_PASSES_ANALYSIS_WEIGHTVIEWS_H

#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/SymbolicShapes.h"

namespace moec {

/// A strided view of a tensor of static shape. Element (i…) of the view is element offset + Σ
/// i·stride of `base`, in row-major order.
struct TensorView {
  mlir::Value base;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> shape, strides;
};

/// Follows `value` back to what nodes move about by constants only: transpose, slice, split, index,
/// or reshape where that needs no copy. std::nullopt if that has no static shape, or a node is none
/// of these ways.
std::optional<TensorView> traceTensorView(mlir::Value value, const SymbolicShapes &shapes);

/// A strided view of a weight. Element (i…) of the view is element offset + Σ i·stride of the
/// weight.
struct WeightView {
  moe::WeightOp weight;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> shape, strides;

  mlir::Type getElementType() { return weight.getResult().getType().getElementType(); }
};

/// The view that `value` is, if it is one of a weight. Packing reads a weight through its view, so
/// that none of this costs anything when the model runs.
std::optional<WeightView> traceWeightView(mlir::Value value, const SymbolicShapes &shapes);
/// The same where the constants are literal and the types static, as after `normalize`.
std::optional<WeightView> traceWeightView(mlir::Value value);

/// The views that `value` has side by side along its axis `axis`, in order: one, or those of a
/// Concat, perhaps transposed after it. Empty if it is none of these.
llvm::SmallVector<TensorView> traceTensorColumns(mlir::Value value, int64_t axis,
                                                 const SymbolicShapes &shapes);
/// The same if all are views of weights.
llvm::SmallVector<WeightView> traceWeightColumns(mlir::Value value, int64_t axis,
                                                 const SymbolicShapes &shapes);

/// Of views side by side the left halves of all stacks, then the right ones, each alone: two views
/// of as many columns, or one that is cut. Columns are the last axis, or the one before if
/// `transposed`. Empty if one is neither.
template <typename View>
llvm::SmallVector<llvm::SmallVector<View>>
halveColumns(llvm::ArrayRef<llvm::SmallVector<View>> stacks, bool transposed) {
  llvm::SmallVector<llvm::SmallVector<View>> left, right;
  for (llvm::SmallVector<View> views : stacks) {
    if (views.size() == 1) {
      size_t axis = views[0].shape.size() - 1 - transposed;
      int64_t columns = views[0].shape[axis];
      views[0].shape[axis] = columns / 2;
      views.push_back(views[0]);
      views[1].offset += columns / 2 * views[0].strides[axis];
      if (columns % 2 != 0)
        return {};
    }
    if (views.size() != 2 || views[0].shape != views[1].shape)
      return {};
    left.push_back({views[0]});
    right.push_back({views[1]});
  }
  left.append(right);
  return left;
}

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_WEIGHTVIEWS_H
