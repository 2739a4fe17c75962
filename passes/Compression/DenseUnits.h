//===- DenseUnits.h - The inner units of dense feed-forward layers -------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_DENSEUNITS_H
#define MOEC_PASSES_COMPRESSION_DENSEUNITS_H

#include "passes/Compression/InnerUnits.h"

#include <map>

namespace moec {

/// The units between the first linear layers of a dense feed-forward layer and its last: columns of
/// the former, rows of the latter, and functions of each unit by itself between, whose results
/// nobody else uses.
class DenseUnits {
public:
  /// Whether only functions of single elements lie between the last linear layer and some other, so
  /// that the two look like a feed-forward layer.
  static bool isLast(moe::LinearOp linear);
  /// Fails with the reason where units are not of this kind.
  static llvm::Expected<DenseUnits> find(moe::LinearOp last);

  int64_t getNumUnits() { return last.getInWidth(); }
  /// Of its linear layers.
  LayerCost getCost() const;

  /// As of experts, of which it is one.
  llvm::Expected<std::vector<std::vector<UnitMagnitude>>> getMagnitudes(WeightEditor &editor);
  /// Makes a layer of the units `kept[0]` alone (ascending, at least one). A linear layer whose
  /// result is cut into parts becomes one for each part. Fails, with nothing changed, where a
  /// weight is not stored in the model.
  llvm::Expected<KeptUnits> keep(WeightEditor &editor,
                                 llvm::ArrayRef<llvm::SmallVector<int64_t>> kept);

private:
  using Columns = std::vector<int64_t>;
  /// A first linear layer, and which of its columns units have; or a vector that meets them.
  struct Leaf {
    moe::LinearOp linear;
    mlir::Value vector;
    Columns columns;
  };

  explicit DenseUnits(moe::LinearOp last) : last(last) {}

  llvm::Error visit(mlir::Value value, const Columns &columns);
  llvm::Error visitElementwise(mlir::Operation *op, const Columns &columns);
  llvm::Error checkUses();
  /// The value of the kept units alone, made of the new `leaves`.
  mlir::Value build(mlir::OpBuilder &builder, mlir::Value value, const Columns &columns,
                    int64_t width);

  moe::LinearOp last;
  std::vector<Leaf> leaves;
  bool hasFunction = false;
  std::map<std::pair<void *, Columns>, mlir::Value> known; ///< null values in analysis
  llvm::SmallVector<mlir::Operation *> inside; ///< what computes the units, but the last layer
};

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_DENSEUNITS_H
