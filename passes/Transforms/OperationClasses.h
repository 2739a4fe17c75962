//===- OperationClasses.h - Numbers for operations that do the same ---------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_OPERATIONCLASSES_H
#define MOEC_PASSES_TRANSFORMS_OPERATIONCLASSES_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include <vector>

namespace moec {

/// Calls `visit` for the operands of the operation and of what is in its regions, in order, that
/// are defined outside of it.
void forEachOutsideOperand(mlir::Operation *op, llvm::function_ref<void(mlir::OpOperand &)> visit);

/// Operations are of one class if they are the same but for their locations and the values that
/// they take from outside, whose types are the same.
class OperationClasses {
public:
  unsigned get(mlir::Operation *op);

  /// A class that no other operation is of.
  unsigned getUnique() { return representatives.push_back(nullptr), representatives.size() - 1; }

  /// Before `op` is erased; `equal` is of its class and stays.
  void replace(mlir::Operation *op, mlir::Operation *equal);

private:
  llvm::DenseMap<mlir::Operation *, unsigned> known;
  llvm::DenseMap<uint64_t, llvm::SmallVector<unsigned, 1>> byHash;
  std::vector<mlir::Operation *> representatives;
};

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_OPERATIONCLASSES_H
