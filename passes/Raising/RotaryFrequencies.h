//===- RotaryFrequencies.h - Cosines and sines that are there twice ----------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_RAISING_ROTARYFREQUENCIES_H
#define MOEC_PASSES_RAISING_ROTARYFREQUENCIES_H

#include "dialects/ONNX/ONNXOps.h"

#include "llvm/ADT/DenseMap.h"

namespace moec {

/// Exporters write the cosines and sines of a rotary embedding for every element of a head, though
/// two elements share one. This proves that they do, and gives the half that is enough.
class RotaryFrequencies {
public:
  /// How elements share along the last axis of 2·R.
  enum class Sharing {
    Halves, ///< i and R + i
    Pairs,  ///< 2·i and 2·i + 1
  };

  /// Whether the elements of `value` are proven to be shared like that.
  bool isShared(mlir::Value value, Sharing sharing) { return isShared(value, sharing, 16); }

  /// The first of each two elements, [..., R], of a value that is shared. Computed from the half
  /// of what it was computed from, as far as possible; it stands right after `value`.
  mlir::Value takeHalf(mlir::Value value, Sharing sharing);

private:
  bool isShared(mlir::Value value, Sharing sharing, int depth);
  bool isSharedNode(onnx::NodeOp node, mlir::Value value, Sharing sharing, int depth);
  mlir::Value makeHalf(mlir::Value value, Sharing sharing);

  using Key = std::pair<mlir::Value, int>;
  llvm::DenseMap<Key, bool> proven;
  llvm::DenseMap<Key, mlir::Value> halves;
};

} // namespace moec

#endif // MOEC_PASSES_RAISING_ROTARYFREQUENCIES_H
