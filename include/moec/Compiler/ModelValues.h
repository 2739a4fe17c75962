//===- ModelValues.h - The inner values of a model ---------------------------------------*- C++
//-*-===//
#ifndef MOEC_COMPILER_MODELVALUES_H
#define MOEC_COMPILER_MODELVALUES_H

#include "moec/Frontend/ImportOnnx.h"

#include <string>
#include <vector>

namespace moec {

/// An operand of a node.
struct ModelOperand {
  enum Kind { Input, Value, Constant };
  Kind kind = Constant;
  std::string name; ///< "" for a constant
};

/// A result of a node.
struct ModelValue {
  std::string name; ///< distinct
  std::string node, op;
  std::vector<ModelOperand> operands;
  /// Whether it can be an output of a compiled model (CompileOptions::observe): a tensor of a type
  /// that the C interface has.
  bool isObservable = false;
  bool isOutput = false; ///< of the model
};

/// The values that the nodes of an ONNX model give, but not those of its subgraphs, in the order of
/// the nodes, which is topological. Errors are diagnostics of the context.
mlir::FailureOr<std::vector<ModelValue>>
listModelValues(mlir::MLIRContext &context, llvm::StringRef path, ImportOptions options);

} // namespace moec

#endif // MOEC_COMPILER_MODELVALUES_H
