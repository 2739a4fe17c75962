//===- InnerUnits.h - The inner units of experts -----------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_INNERUNITS_H
#define MOEC_PASSES_COMPRESSION_INNERUNITS_H

#include "passes/Analysis/Layers.h"
#include "passes/Compression/WeightEditor.h"

namespace moec {

/// A parameter of experts, or the part of it that belongs to their inner units: unit u has index
/// `indices[u]` of `axis` of each expert's tensor.
struct UnitSlice {
  int64_t parameter;
  int64_t axis; ///< −1: all of it, which no unit has a part of
  llvm::SmallVector<int64_t> indices;

  bool operator==(const UnitSlice &) const = default;
};

/// Of one unit: the product of the squared norms of its columns and rows of matrices, which grows
/// with what the unit contributes and stays when one is scaled up and another down; and their sum.
struct UnitMagnitude {
  double product = 1, sum = 0;
};

/// Takes a matrix into account, of which unit u has index `indices[u]` of `axis`.
void addMagnitudes(llvm::MutableArrayRef<UnitMagnitude> magnitudes, llvm::ArrayRef<int64_t> shape,
                   int64_t axis, llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> indices);

/// Appends the elements of a tensor whose index of `axis` is listed, in that order.
void appendIndices(std::vector<float> &result, llvm::ArrayRef<int64_t> shape, int64_t axis,
                   llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> indices);

/// A layer of fewer units.
struct KeptUnits {
  mlir::Operation *op = nullptr; ///< its experts, or its last linear layer
  LayerCost cost;
};

/// The units between the first linear layers of an expert and the last: columns of the former, rows
/// of the latter, and functions of each unit by itself between.
class InnerUnits {
public:
  /// Fails with the reason where an expert is not of this kind.
  static llvm::Expected<InnerUnits> find(moe::ExpertsOp experts);

  int64_t getNumUnits() const { return numUnits; }

  LayerCost getCost() const { return moec::getCost(experts); }

  /// Of each unit of each expert; null experts have none.
  llvm::Expected<std::vector<std::vector<UnitMagnitude>>> getMagnitudes(WeightEditor &editor);

  /// Makes experts of the units `kept[e]` alone (each once, at least one; ignored for null
  /// experts), in that order, in place of the old ones. A linear layer whose result is cut into
  /// parts becomes one for each part. Fails, with nothing changed, where a parameter is not stored
  /// in the model.
  llvm::Expected<KeptUnits> keep(WeightEditor &editor,
                                 llvm::ArrayRef<llvm::SmallVector<int64_t>> kept);

private:
  explicit InnerUnits(moe::ExpertsOp experts) : experts(experts) {}

  moe::ExpertsOp experts;
  moe::LinearOp last;
  int64_t numUnits = 0;
  llvm::SmallVector<UnitSlice> slices; ///< the parameters of the new experts
};

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_INNERUNITS_H
