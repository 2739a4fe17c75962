//===- NodeSchema.h - What the ONNX library knows of a node -----------------------------------*-
// C++
//-*-===//
//
// Type inference and function bodies of the ONNX library (moec/OnnxLibrary/NodeInference.h) in the
// terms of the IR.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_DIALECTS_ONNX_NODESCHEMA_H
#define MOEC_DIALECTS_ONNX_NODESCHEMA_H

#include "dialects/ONNX/ONNXOps.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/Error.h"

namespace moec::onnx {

/// What is known of an operand of a node beyond its IR type.
struct OperandFacts {
  /// Null for an absent operand.
  mlir::TensorType type;
  /// The contents, or null.
  mlir::DenseElementsAttr contents;
  /// The elements of a one-dimensional integer tensor of which some are known.
  std::optional<llvm::SmallVector<std::optional<int64_t>, 4>> elements;
};

/// Whether the ONNX library knows the operator of the node.
bool hasSchema(NodeOp node);

/// The types of the results by the library's inference: null where nothing is known (or the result
/// is absent); sizes and element types (!onnx.unknown) may be open. Fails with the library's
/// message if it rejects the node, or has no schema for it.
llvm::Expected<llvm::SmallVector<mlir::TensorType>>
inferResultTypes(NodeOp node, llvm::ArrayRef<OperandFacts> operands);

/// Whether the operator is defined by other operators (for some operand types).
bool hasFunctionBody(NodeOp node);

/// Inserts the nodes of the operator's definition at `builder`. The values are one a result of the
/// node, null for absent ones. The inserted nodes have the location of the node. Inserts nothing
/// useful on failure: the caller drops what is there.
llvm::Expected<llvm::SmallVector<mlir::Value>> expandNode(mlir::OpBuilder &builder, NodeOp node,
                                                          llvm::ArrayRef<OperandFacts> operands);

} // namespace moec::onnx

#endif // MOEC_DIALECTS_ONNX_NODESCHEMA_H
