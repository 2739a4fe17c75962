//===- EntrySizes.h - Sizes that are known when a function starts ------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_ENTRYSIZES_H
#define MOEC_PASSES_TRANSFORMS_ENTRYSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace moec {

/// Computes scalars at the start of a function that its body computes later, if they follow from
/// the sizes of its arguments, scalar arguments and constants.
///
/// What a check guards may be computed before the check: a division whose divisor is 0 then gives
/// some number instead of undefined behaviour.
class EntrySizes {
public:
  explicit EntrySizes(mlir::func::FuncOp function);

  /// The value at the start; null if it depends on something else.
  mlir::Value get(mlir::Value scalar);
  /// The size of a dimension of a buffer.
  mlir::Value getDim(mlir::Value buffer, int64_t dim);

  /// Where the values that were asked for are known.
  mlir::OpBuilder &getBuilder() { return builder; }

private:
  mlir::Value compute(mlir::Value scalar);
  mlir::Value computeDim(mlir::Value buffer, int64_t dim);
  mlir::Value clone(mlir::Operation *op, unsigned result);
  mlir::Value get(mlir::OpFoldResult size);
  mlir::Value getConstant(int64_t value);

  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  llvm::DenseMap<mlir::Value, mlir::Value> known;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> knownDims;
  llvm::DenseMap<int64_t, mlir::Value> constants;
};

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_ENTRYSIZES_H
