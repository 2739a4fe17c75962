#include "dialects/ONNX/NodeSchema.h"

#include "dialects/ONNX/NodeProto.h"
#include "dialects/ONNX/TensorProto.h"
#include "moec/OnnxLibrary/NodeInference.h"

#include "onnx/onnx_pb.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;

namespace {

/// The facts in the form of the library's facade. `contents` owns the tensors.
std::vector<NodeOperandInfo> toOperandInfos(ArrayRef<OperandFacts> operands,
                                            std::vector<::onnx::TensorProto> &contents) {
  std::vector<NodeOperandInfo> infos;
  contents.reserve(operands.size());
  for (const OperandFacts &operand : operands) {
    NodeOperandInfo &info = infos.emplace_back();
    if (!operand.type)
      continue;
    info.isPresent = true;
    info.type.dataType = getDataType(operand.type.getElementType());
    info.type.isRanked = operand.type.hasRank();
    if (info.type.isRanked)
      for (int64_t dim : operand.type.getShape())
        info.type.dims.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
    if (operand.contents) {
      llvm::Expected<::onnx::TensorProto> tensor = exportTensor(operand.contents);
      if (tensor) {
        contents.push_back(std::move(*tensor));
        info.contents = &contents.back();
      } else {
        llvm::consumeError(tensor.takeError()); // then they are not known to the library
      }
    }
    info.elements = operand.elements;
  }
  return infos;
}

} // namespace

bool moec::onnx::hasSchema(NodeOp node) {
  return findSchemaVersion(node.getDomain(), node.getOpType(), node.getVersion()).has_value();
}

llvm::Expected<SmallVector<TensorType>>
moec::onnx::inferResultTypes(NodeOp node, ArrayRef<OperandFacts> operands) {
  llvm::Expected<::onnx::NodeProto> proto = exportNode(node);
  if (!proto)
    return proto.takeError();
  std::vector<::onnx::TensorProto> contents;
  llvm::Expected<std::vector<PartialTensorType>> inferred =
      inferNodeTypes(*proto, node.getVersion(), toOperandInfos(operands, contents));
  if (!inferred)
    return inferred.takeError();
  SmallVector<TensorType> types;
  for (auto [result, partial] : llvm::zip(node.getOutputs(), *inferred)) {
    Type elementType = getElementType(node.getContext(), partial.dataType);
    bool isKnown = partial.dataType != 0 || partial.isRanked;
    if (!elementType || !isKnown || isa<NoneType>(result.getType())) {
      types.push_back({});
      continue;
    }
    if (!partial.isRanked) {
      types.push_back(UnrankedTensorType::get(elementType));
      continue;
    }
    SmallVector<int64_t> shape;
    for (int64_t dim : partial.dims)
      shape.push_back(dim < 0 ? ShapedType::kDynamic : dim);
    types.push_back(RankedTensorType::get(shape, elementType));
  }
  types.resize(node->getNumResults());
  return types;
}

bool moec::onnx::hasFunctionBody(NodeOp node) {
  return moec::hasFunctionBody(node.getDomain(), node.getOpType(), node.getVersion());
}

llvm::Expected<SmallVector<Value>> moec::onnx::expandNode(OpBuilder &builder, NodeOp node,
                                                          ArrayRef<OperandFacts> operands) {
  llvm::Expected<::onnx::NodeProto> proto = exportNode(node);
  if (!proto)
    return proto.takeError();
  std::vector<::onnx::TensorProto> contents;
  llvm::Expected<std::unique_ptr<::onnx::FunctionProto>> body =
      buildFunctionBody(*proto, node.getVersion(), toOperandInfos(operands, contents));
  if (!body)
    return body.takeError();
  const ::onnx::FunctionProto &function = **body;
  llvm::StringMap<int64_t> opsets;
  for (const auto &import : function.opset_import())
    opsets[import.domain() == "ai.onnx" ? "" : import.domain()] = import.version();
  NodeImporter importer(builder, std::move(opsets));
  for (int i = 0; i < function.input_size(); ++i) {
    Value operand = i < static_cast<int>(node.getInputs().size())
                        ? node.getInputs()[i]
                        : NoneOp::create(builder, node.getLoc()).getResult();
    importer.define(function.input(i), operand);
  }
  for (const ::onnx::NodeProto &inner : function.node())
    if (llvm::Error error = importer.importNode(inner, node.getLoc()))
      return error;
  SmallVector<Value> results;
  for (auto [i, result] : llvm::enumerate(node.getOutputs())) {
    if (isa<NoneType>(result.getType())) {
      results.push_back({});
      continue;
    }
    Value value = static_cast<int>(i) < function.output_size()
                      ? importer.lookup(function.output(i), node.getLoc())
                      : Value();
    if (!value)
      return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                     "the definition of '" + node.getQualifiedName() +
                                         "' has no result " + Twine(i));
    results.push_back(value);
  }
  return results;
}
