//===- Reduction.h - Reductions over axes of a tensor -------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_REDUCTION_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_REDUCTION_H

#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/ScalarEmitter.h"
#include "llvm/ADT/SmallBitVector.h"

namespace moec {

/// The axes that go away, one bit a dimension.
using AxisSet = llvm::SmallBitVector;

enum class ReductionKind { Sum, Product, Max, Min };

/// The sizes with those of the axes made 1.
llvm::SmallVector<SymExpr> keepAxes(NodeLowering &lowering, llvm::ArrayRef<SymExpr> dims,
                                    const AxisSet &axes);

/// Reduces over `axes` what `element` makes of the elements of the operands, which broadcast to
/// `dims`: one linalg.generic. The result has the sizes keepAxes(dims, axes), elements of `type`,
/// and is the kind's identity where an axis has size 0. Additions of floats may be reordered. Max
/// and Min give NaN where there is one. Null after an error.
///
/// `element` gets the elements in their compute types, and gives a value of `type`.
mlir::Value
emitReduction(NodeLowering &lowering, llvm::ArrayRef<BroadcastOperand> operands,
              llvm::ArrayRef<SymExpr> dims, const AxisSet &axes, ReductionKind kind,
              mlir::Type type, bool isUnsigned,
              llvm::function_ref<mlir::Value(ScalarEmitter &, mlir::ValueRange)> element);

/// The number of elements that are reduced to one, as a scalar of `type`.
mlir::Value emitCount(NodeLowering &lowering, llvm::ArrayRef<SymExpr> dims, const AxisSet &axes,
                      mlir::Type type);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_REDUCTION_H
