//===- ExpertBodyUnits.h - The body of experts with fewer inner units --------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_EXPERTBODYUNITS_H
#define MOEC_PASSES_COMPRESSION_EXPERTBODYUNITS_H

#include "InnerUnits.h"

#include "mlir/IR/IRMapping.h"
#include <map>

namespace moec {

/// Walks a body from its result back, with the values that units have columns of. Without a builder
/// it only finds out whether and how; with one it makes the body anew.
class ExpertBodyUnits {
public:
  ExpertBodyUnits(moe::ExpertsOp experts, moe::LinearOp last,
                  llvm::SmallVectorImpl<UnitSlice> &slices)
      : experts(experts), last(last), slices(slices) {}

  /// Collects the parameters that the body needs in `slices`. Fails with the reason.
  llvm::Error analyze();
  /// Fills a body whose arguments are tokens and `slices`, units being `width` (perhaps dynamic).
  void build(mlir::Block &block, int64_t width);

private:
  using Columns = llvm::ArrayRef<int64_t>;

  /// A value that no unit has a part of.
  llvm::Expected<mlir::Value> visitWhole(mlir::Value value);
  /// The columns of a value that belong to the units, in their order.
  llvm::Expected<mlir::Value> visitUnits(mlir::Value value, Columns columns);
  llvm::Expected<mlir::Value> visitLinear(moe::LinearOp linear, Columns columns);
  llvm::Expected<mlir::Value> visitElementwise(mlir::Operation *op, Columns columns);
  llvm::Expected<mlir::Value> visitLast();
  /// The argument of a parameter, or of its part.
  mlir::Value getArgument(UnitSlice slice);
  std::optional<int64_t> getParameter(mlir::Value value);

  moe::ExpertsOp experts;
  moe::LinearOp last;
  llvm::SmallVectorImpl<UnitSlice> &slices;
  mlir::Block *block = nullptr; ///< null in analysis
  int64_t width = 0;
  std::optional<mlir::OpBuilder> builder;
  std::map<std::pair<void *, std::vector<int64_t>>, mlir::Value> known;
};

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_EXPERTBODYUNITS_H
