//===- WeightReaders.h - Who reads a stored weight ---------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_WEIGHTREADERS_H
#define MOEC_PASSES_COMPRESSION_WEIGHTREADERS_H

#include "dialects/MoE/MoEOps.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace moec {

/// The operands that read each stored weight of a module, where its shape, type or order of axes
/// may have been changed before: layers that share a weight, a head that is the embedding. To be
/// asked before the module changes.
class WeightReaders {
public:
  explicit WeightReaders(mlir::ModuleOp module);

  /// Of what is stored behind a value. Of a part of a weight, or one that is computed, those of the
  /// value itself.
  llvm::SmallVector<mlir::OpOperand *> get(mlir::Value value) const;

  /// After the module has changed: calls `report` with an operation that still reads a weight which
  /// some of its readers at the beginning have left, and the weight's name. Both forms are stored.
  void forEachDivided(
      mlir::ModuleOp module,
      llvm::function_ref<void(mlir::Operation *op, llvm::StringRef weight)> report) const;

private:
  using Readers = llvm::StringMap<llvm::SmallVector<mlir::OpOperand *>>;
  static Readers find(mlir::ModuleOp module);

  Readers readers; ///< by the weights' symbols
  llvm::StringMap<size_t> counts;
};

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_WEIGHTREADERS_H
