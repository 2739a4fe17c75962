//===- NodeInference.h - What the ONNX library knows of one node ------------------------------*-
// C++
//-*-===//
//
// Type and shape inference and function bodies of single nodes, from the schemas of the official
// ONNX library. Schemas are named by (domain, operator, version), where any version from a schema's
// own to the one before the next names it. The domain "ai.onnx" is "".
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_ONNXLIBRARY_NODEINFERENCE_H
#define MOEC_ONNXLIBRARY_NODEINFERENCE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace onnx {
class FunctionProto;
class NodeProto;
class TensorProto;
} // namespace onnx

namespace moec {

/// A tensor type, as far as it is known.
struct PartialTensorType {
  int32_t dataType = 0; ///< TensorProto::DataType; 0 (UNDEFINED): not known
  bool isRanked = false;
  llvm::SmallVector<int64_t, 4> dims; ///< -1: not known
};

/// One operand of a node.
struct NodeOperandInfo {
  bool isPresent = false; ///< false: an optional operand that is left out
  PartialTensorType type;
  /// The contents, where they are known: not owned, may be null.
  const ::onnx::TensorProto *contents = nullptr;
  /// The elements of a one-dimensional integer tensor of which some are known.
  std::optional<llvm::SmallVector<std::optional<int64_t>, 4>> elements;
};

/// The version of the schema that `opset` of the domain has for an operator; std::nullopt if it has
/// none (or it is deprecated there).
std::optional<int64_t> findSchemaVersion(llvm::StringRef domain, llvm::StringRef opType,
                                         int64_t opset);

/// The types of the results of a node, by the schema's inference function. Names in the node do not
/// matter, except that an empty one is an absent operand or result. Results of which nothing is
/// known have an empty type. Attributes that hold graphs are not looked into.
///
/// Fails with the library's message if the schema rejects the node, and if there is no schema
/// (findSchemaVersion tells before).
llvm::Expected<std::vector<PartialTensorType>>
inferNodeTypes(const ::onnx::NodeProto &node, int64_t version,
               llvm::ArrayRef<NodeOperandInfo> operands);

/// Whether the operator is defined by other operators, for all operand types or for some.
bool hasFunctionBody(llvm::StringRef domain, llvm::StringRef opType, int64_t version);

/// The body of such an operator for this node, attributes of the node (and defaults) filled in. The
/// operator sets that its nodes are of are in `opset_import`. Fails where the operator has no body
/// for these operands.
llvm::Expected<std::unique_ptr<::onnx::FunctionProto>>
buildFunctionBody(const ::onnx::NodeProto &node, int64_t version,
                  llvm::ArrayRef<NodeOperandInfo> operands);

} // namespace moec

#endif // MOEC_ONNXLIBRARY_NODEINFERENCE_H
