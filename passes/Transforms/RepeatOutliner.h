//===- RepeatOutliner.h - Equal stretches of operations become one function -------------*- C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_REPEATOUTLINER_H
#define MOEC_PASSES_TRANSFORMS_REPEATOUTLINER_H

#include "passes/Transforms/OperationClasses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace moec {

/// Whether the operation is nothing but a value: it can stand anywhere, any number of times.
bool isLeaf(mlir::Operation *op);

/// Stretches of operations of the same classes in the same order, and with the same uses of each
/// other's results: what they may differ in is what comes from outside.
class RepeatedCode {
public:
  /// `stretches` have one length; there are no leaves in them.
  RepeatedCode(llvm::SmallVector<llvm::ArrayRef<mlir::Operation *>, 0> stretches,
               OperationClasses &classes);

  unsigned getNumStretches() const { return stretches.size(); }
  unsigned getNumArguments() const { return arguments.size(); }
  unsigned getNumResults() const { return results.size(); }

  /// Operations that there are less of afterwards, if a call counts as one and each two values that
  /// are passed as another.
  int64_t getSaved() const;

  /// Makes the function, which is in no module yet.
  mlir::func::FuncOp createFunction(llvm::StringRef name);
  /// Replaces the stretches by calls of the function.
  void replaceBy(mlir::func::FuncOp function);

private:
  /// An operand from outside: what it is in each of the stretches.
  using Column = llvm::SmallVector<mlir::Value, 0>;

  /// An operand of the stretch.
  struct Slot {
    unsigned column = 0;  ///< that it is of, if from outside
    unsigned definer = 0; ///< 1 + the operation in the stretch that defines it; 0: outside
    unsigned result = 0;
  };

  void findColumns();
  void findResults();
  void findArguments();
  mlir::Value emitColumn(unsigned column, mlir::Block &body, mlir::OpBuilder &builder);

  llvm::SmallVector<llvm::ArrayRef<mlir::Operation *>, 0> stretches;
  OperationClasses &classes;
  std::vector<Slot> slots;
  std::vector<Column> columns;
  llvm::SmallVector<unsigned> arguments; ///< columns that are passed
  /// Column to (argument, difference), for those that are an argument plus a constant.
  llvm::DenseMap<unsigned, std::pair<unsigned, int64_t>> derived;
  llvm::SmallVector<std::pair<unsigned, unsigned>> results; ///< (operation, result)
};

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_REPEATOUTLINER_H
