//===- LayerLabel.h - Names of layers that outlive changes -------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_LAYERLABEL_H
#define MOEC_PASSES_ANALYSIS_LAYERLABEL_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <optional>
#include <string>

namespace moec {

/// What a layer is called and what it is for, written down in the locations of its operations: who
/// takes a layer apart gives the parts its location, or one with another label, and later passes
/// find it by the same name, whatever its neighbours have become.
struct LayerLabel {
  std::string name;
  std::string kind; ///< of a linear layer, see stringifyLinearKind; else empty
};

/// The label of a location; std::nullopt if it has none.
std::optional<LayerLabel> getLayerLabel(mlir::Location loc);
/// The location with this label, in place of one that it had.
mlir::Location withLayerLabel(mlir::Location loc, const LayerLabel &label);

/// Gives operations names that are unique: labels to those that have them, other names in order,
/// with #2, #3, … behind them where they are taken.
class LayerNames {
public:
  /// Before all calls of `take`: operations with labels keep them.
  void reserve(mlir::Operation *op);
  std::string take(mlir::Operation *op, std::string otherwise);

private:
  llvm::DenseMap<mlir::Operation *, std::string> labels;
  llvm::StringSet<> used;
  llvm::StringMap<unsigned> counts;
};

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_LAYERLABEL_H
