#include "OpsetConversion.h"

#include "ModelWalk.h"

#include "onnx/onnx_pb.h"
#include "onnx/version_converter/convert.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using ::onnx::ModelProto;
using ::onnx::NodeProto;

std::optional<int64_t> moec::getOpset(const ModelProto &model) {
  for (const auto &opset : model.opset_import())
    if (normalizeDomain(opset.domain()).empty())
      return opset.version();
  return std::nullopt;
}

/// The converter goes through a form that loses the metadata of nodes: put it back by name.
static void restoreMetadata(const ModelProto &from, ModelProto &to) {
  llvm::StringMap<const NodeProto *> named;
  forEachNode(from.graph().node(), [&](const NodeProto &node) {
    if (!node.name().empty() && node.metadata_props_size())
      named[node.name()] = &node;
    return true;
  });
  if (named.empty())
    return;
  forEachNode(*to.mutable_graph()->mutable_node(), [&](NodeProto &node) {
    auto it = named.find(node.name());
    if (it != named.end() && node.metadata_props_size() == 0)
      *node.mutable_metadata_props() = it->second->metadata_props();
  });
}

/// Whether there is a node whose meaning the converter changes: Hardmax was over all axes from one
/// on.
static bool isConvertedWrong(const ModelProto &model) {
  return !forEachNode(model.graph().node(), [](const NodeProto &node) {
    return node.op_type() != "Hardmax" || !normalizeDomain(node.domain()).empty();
  });
}

llvm::Error moec::convertOpset(ModelProto &model) {
  if (isConvertedWrong(model))
    return makeModelError(
        "'Hardmax' of an operator set before 13 is not converted; export the model "
        "with a newer one");
  // Before version 4 only inputs could be initialised, and the converter refuses version 1. What it
  // adds are initializers that are no inputs; nothing else that changed matters here.
  if (model.ir_version() < 4)
    model.set_ir_version(4);
  ModelProto converted = ::onnx::version_conversion::ConvertVersion(model, kConvertedOpset);
  if (!converted.has_graph())
    return makeModelError("the ONNX library cannot convert the model to operator set " +
                          llvm::Twine(kConvertedOpset));
  restoreMetadata(model, converted);
  model = std::move(converted);
  return llvm::Error::success();
}
