//===- AttentionMask.h - What a mask of attention hides ----------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_RAISING_ATTENTIONMASK_H
#define MOEC_PASSES_RAISING_ATTENTIONMASK_H

#include "passes/Analysis/SymbolicShapes.h"

#include "mlir/IR/Builders.h"

namespace moec {

/// What has been proven of a mask whose last axes are queries and keys. Query i stands at
/// i + L − S.
struct MaskRules {
  bool causal = false;    ///< hides all keys after the query
  int64_t window = 0;     ///< > 0: hides the keys at least this far before the query
  bool isComplete = true; ///< hides nothing else
  /// This holds where the mask that the model is given has an element for each key, 1 but for keys
  /// at the start: the graph counts by it.
  bool isAssumed = false;

  /// As the attribute `hidden` of `moe.attention`; null if there are none.
  mlir::DictionaryAttr getFacts(mlir::Builder &builder) const;
};

/// The rules of a mask, boolean (true: visible) or added to the scores, for `queries` and `keys` of
/// them.
MaskRules findMaskRules(mlir::Value mask, SymExpr queries, SymExpr keys, SymbolicShapes &shapes);

} // namespace moec

#endif // MOEC_PASSES_RAISING_ATTENTIONMASK_H
