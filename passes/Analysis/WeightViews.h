//===- WeightViews.h - Values that are parts of weights ----------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_WEIGHTVIEWS_H
#define MOEC_PASSES_ANALYSIS_WEIGHTVIEWS_H

#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/SymbolicShapes.h"

namespace moec {

/// A strided view of a weight. Element (i…) of the view is element offset + Σ i·stride of the
/// weight.
struct WeightView {
  moe::WeightOp weight;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> shape, strides;

  mlir::Type getElementType() { return weight.getResult().getType().getElementType(); }
};

/// The view that `value` is, if it is a weight moved about by constants only: transposed, sliced,
/// split, indexed, or reshaped where that needs no copy. Packing reads a weight through its view,
/// so that none of this costs anything when the model runs.
std::optional<WeightView> traceWeightView(mlir::Value value, const SymbolicShapes &shapes);
/// The same where the constants are literal and the types static, as after `normalize`.
std::optional<WeightView> traceWeightView(mlir::Value value);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_WEIGHTVIEWS_H
