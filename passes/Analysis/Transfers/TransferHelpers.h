//===- TransferHelpers.h - What transfer functions share
//-----------------------------------------===//
#ifndef MOEC_PASSES_ANALYSIS_TRANSFERS_TRANSFERHELPERS_H
#define MOEC_PASSES_ANALYSIS_TRANSFERS_TRANSFERHELPERS_H

#include "passes/Analysis/SymbolicShapes.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace moec {

using SymVector = llvm::SmallVector<SymExpr>;
using Index = llvm::ArrayRef<int64_t>;

/// The axis counted from the front; std::nullopt if it is outside [-rank, rank).
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

/// Axes that older versions of an operator have as an attribute and newer ones as an operand.
struct AxesSource {
  /// Neither attribute nor operand is there: the operator's default.
  bool isAbsent = false;
  /// The axes as written; std::nullopt if they are only known at run time (or isAbsent).
  std::optional<llvm::SmallVector<int64_t>> values;
  /// How many there are, where that is known.
  std::optional<int64_t> count;
};
AxesSource getAxes(ShapeTransfer &t, unsigned operand, llvm::StringRef attribute = "axes");

/// All axes normalised; std::nullopt if one is out of range or named twice.
std::optional<llvm::SmallVector<int64_t>> normalizeAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

/// The sizes if all are constants.
std::optional<llvm::SmallVector<int64_t>> getConstants(llvm::ArrayRef<SymExpr> exprs);

/// The elements of a tensor of these sizes, element by element; std::nullopt if a size is no
/// constant or there are more than kMaxElements.
std::optional<SymVector> makeElements(llvm::ArrayRef<SymExpr> dims,
                                      llvm::function_ref<SymExpr(Index)> element);

/// The row-major number of an element.
int64_t getFlatIndex(Index index, llvm::ArrayRef<SymExpr> constantDims);

/// Element `index` of a tensor that is broadcast (numpy) to the rank of `index`; null if its
/// elements are not followed.
SymExpr getBroadcastElement(const SymbolicValue &value, Index index);

/// The sizes of the numpy-style broadcast.
SymVector broadcastDims(SymContext &symbols, llvm::ArrayRef<SymExpr> a, llvm::ArrayRef<SymExpr> b);

/// The number of elements.
inline SymExpr getCount(SymContext &symbols, llvm::ArrayRef<SymExpr> dims) {
  return symbols.product(dims);
}

/// ceil(a / b) for a of any sign and a known positive b, or null; not below zero.
SymExpr getCeilDivClamped(SymContext &symbols, SymExpr a, int64_t b);

/// Result i has the sizes (not the elements) of operand j.
void copyDims(ShapeTransfer &t, unsigned result, unsigned operand);

/// copyDims of result 0 from operand 0 as a transfer function.
void transferSameShape(ShapeTransfer &t);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_TRANSFERS_TRANSFERHELPERS_H
