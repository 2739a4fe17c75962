//===- TypeInference.h - Types of all values of a graph ----------------------------------------*-
// C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_TYPEINFERENCE_H
#define MOEC_PASSES_TRANSFORMS_TYPEINFERENCE_H

#include "dialects/ONNX/NodeSchema.h"
#include "passes/Analysis/SymbolicShapes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace moec {

/// The contents of a small tensor, where they are known; else null.
mlir::DenseElementsAttr getContents(mlir::Value value, const SymbolicShapes &shapes);

/// What the ONNX library is told of the operands of a node.
llvm::SmallVector<onnx::OperandFacts> getOperandFacts(onnx::NodeOp node,
                                                      const SymbolicShapes &shapes);

/// Gives the results of every node the types that follow from the arguments (see
/// onnx-infer-types), and the function the types of what it returns. One walk. On failure an error
/// has been emitted at a node.
///
/// The analysis holds for the function as it then is.
llvm::FailureOr<std::unique_ptr<SymbolicShapes>> inferTypes(mlir::func::FuncOp function);

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_TYPEINFERENCE_H
