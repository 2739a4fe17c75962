//===- EraseUnused.h - What only a replaced value used -----------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_RAISING_ERASEUNUSED_H
#define MOEC_PASSES_RAISING_ERASEUNUSED_H

#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SetVector.h"

namespace moec {

/// Removes `op` if nothing uses it, and then what only it used. Calls `isErased` with each
/// operation before it goes.
inline void eraseUnused(mlir::Operation *op,
                        llvm::function_ref<void(mlir::Operation *)> isErased = nullptr) {
  llvm::SmallSetVector<mlir::Operation *, 8> candidates;
  candidates.insert(op);
  while (!candidates.empty()) {
    mlir::Operation *candidate = candidates.pop_back_val();
    if (!mlir::isOpTriviallyDead(candidate))
      continue;
    llvm::SmallVector<mlir::Value> operands(candidate->getOperands());
    if (isErased)
      isErased(candidate);
    candidate->erase();
    for (mlir::Value operand : operands)
      if (mlir::Operation *definition = operand.getDefiningOp())
        candidates.insert(definition);
  }
}

/// The same of what gives the values.
inline void eraseUnusedDefinitions(llvm::ArrayRef<mlir::Value> values) {
  llvm::SmallSetVector<mlir::Operation *, 8> definitions;
  for (mlir::Value value : values)
    if (mlir::Operation *definition = value.getDefiningOp())
      definitions.insert(definition);
  while (!definitions.empty())
    eraseUnused(definitions.pop_back_val(),
                [&](mlir::Operation *erased) { definitions.remove(erased); });
}

} // namespace moec

#endif // MOEC_PASSES_RAISING_ERASEUNUSED_H
