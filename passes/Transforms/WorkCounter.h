//===- WorkCounter.h - How much operations on buffers do, counted as they run ------------*- C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_WORKCOUNTER_H
#define MOEC_PASSES_TRANSFORMS_WORKCOUNTER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace moec {

/// Both of type index.
struct Work {
  mlir::Value flops; ///< multiplications and additions of matrix products; other arithmetic is none
  mlir::Value bytes; ///< of buffers read, plus those of buffers written
};

/// Emits index arithmetic that counts. Work inside loops and tasks adds up in memory, as it runs.
class WorkCounter {
public:
  explicit WorkCounter(mlir::func::FuncOp function) : function(function) {}

  /// The work of operations of the function's block that follow each other: emits code before,
  /// inside and, at `builder`, after them.
  Work count(llvm::ArrayRef<mlir::Operation *> ops, mlir::OpBuilder &builder);

private:
  mlir::Value getMemory(mlir::Operation *first);
  void countInside(mlir::Operation *op, mlir::Operation *first);

  mlir::func::FuncOp function;
  mlir::Value memory;      ///< memref<2xi64>: flops, bytes; null until it is needed
  bool usesMemory = false; ///< by the operations that are counted now
};

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_WORKCOUNTER_H
