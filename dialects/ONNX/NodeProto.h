//===- NodeProto.h - Nodes to and from ONNX messages, and what the library knows of them ------*-
// C++
//-*-===//
//
// Includers see the namespace ::onnx beside moec::onnx: write the latter in full, or inside
// namespace moec.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_DIALECTS_ONNX_NODEPROTO_H
#define MOEC_DIALECTS_ONNX_NODEPROTO_H

#include "dialects/ONNX/ONNXOps.h"

#include "llvm/ADT/ScopedHashTable.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <functional>

namespace onnx {
class AttributeProto;
class GraphProto;
class NodeProto;
class TensorProto;
} // namespace onnx

namespace moec::onnx {

/// The node with operands named i0, i1, … and results o0, o1, …; "" where they are absent. Regions
/// are left out.
llvm::Expected<::onnx::NodeProto> exportNode(NodeOp node);

/// An attribute of any kind but GRAPH (see ONNX_NodeOp for the forms).
llvm::Expected<mlir::NamedAttribute> importAttribute(mlir::MLIRContext *context,
                                                     const ::onnx::AttributeProto &attribute);

/// The node's name, with its metadata if it has any; `otherwise` if it has no name.
mlir::Location getNodeLocation(mlir::MLIRContext *context, const ::onnx::NodeProto &node,
                               mlir::Location otherwise);

/// Turns the nodes of a graph into operations, in a scope of names. Subgraphs become regions and
/// see the names around them. Results have the type tensor<*x!onnx.unknown>; Constant becomes
/// onnx.constant. The names that are defined or imported must outlive the importer.
class NodeImporter {
public:
  /// `opsets`: the version of the operator set of each domain ("ai.onnx" is "").
  NodeImporter(mlir::OpBuilder &builder, llvm::StringMap<int64_t> opsets)
      : builder(builder), opsets(std::move(opsets)), scope(names) {}

  /// Makes a value of a tensor that is called `name`: of a Constant, or an initializer of a
  /// subgraph.
  using TensorImporter = std::function<llvm::Expected<mlir::Value>(
      const ::onnx::TensorProto &tensor, llvm::StringRef name, mlir::Location loc)>;
  /// Without one, they become onnx.constant.
  void setTensorImporter(TensorImporter importer) { importTensorValue = std::move(importer); }

  /// Nodes keep the names of their results (kValueNamesAttr).
  void keepValueNames() { keepsValueNames = true; }

  void define(llvm::StringRef name, mlir::Value value) { names.insert(name, value); }
  /// The value of a name (an absent operand for ""); null if there is none.
  mlir::Value lookup(llvm::StringRef name, mlir::Location loc);

  /// Appends the node; its results are defined after that.
  llvm::Error importNode(const ::onnx::NodeProto &node, mlir::Location loc);

private:
  llvm::Error importConstant(const ::onnx::NodeProto &node, mlir::Location loc);
  llvm::Error importGraph(const ::onnx::GraphProto &graph, mlir::Region &region,
                          mlir::Location loc);

  llvm::Error importTensorAs(const ::onnx::TensorProto &tensor, llvm::StringRef name,
                             mlir::Location loc);

  mlir::OpBuilder &builder;
  llvm::StringMap<int64_t> opsets;
  TensorImporter importTensorValue;
  bool keepsValueNames = false;
  llvm::ScopedHashTable<llvm::StringRef, mlir::Value> names;
  llvm::ScopedHashTable<llvm::StringRef, mlir::Value>::ScopeTy scope;
};

} // namespace moec::onnx

#endif // MOEC_DIALECTS_ONNX_NODEPROTO_H
