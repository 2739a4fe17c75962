#include "moec/OnnxLibrary/OnnxModel.h"

#include "FunctionExpansion.h"
#include "GraphStructure.h"
#include "ModelChecker.h"
#include "ModelWalk.h"
#include "OpsetConversion.h"

#include "onnx/onnx_pb.h"
#include "llvm/ADT/Twine.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace moec;
using ::onnx::ModelProto;

OnnxModel::OnnxModel() : proto(std::make_unique<ModelProto>()) {}
OnnxModel::OnnxModel(OnnxModel &&) = default;
OnnxModel &OnnxModel::operator=(OnnxModel &&) = default;
OnnxModel::~OnnxModel() = default;

namespace {

llvm::Error parse(llvm::ArrayRef<char> bytes, const OnnxLimits &limits, ModelProto &model) {
  if (static_cast<int64_t>(bytes.size()) > limits.maxBytes ||
      bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return makeModelError("the model without its weights has " + llvm::Twine(bytes.size()) +
                          " bytes, the limit is " + llvm::Twine(limits.maxBytes));
  google::protobuf::io::ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
  stream.SetRecursionLimit(limits.maxMessageDepth);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return makeModelError("is no ONNX model: the protobuf message does not parse");
  if (!model.has_graph())
    return makeModelError("is no ONNX model: it has no graph");
  return llvm::Error::success();
}

llvm::Error countNodes(const ModelProto &model, const OnnxLimits &limits) {
  int64_t count = 0;
  if (forEachNode(model.graph().node(),
                  [&](const ::onnx::NodeProto &) { return ++count <= limits.maxNodes; }))
    return llvm::Error::success();
  return makeModelError("the model has more than " + llvm::Twine(limits.maxNodes) +
                        " nodes, which is the limit");
}

llvm::Error prepare(OnnxModel &model, const OnnxLimits &limits) {
  ModelProto &proto = *model.proto;
  std::optional<int64_t> opset = getOpset(proto);
  if (opset && *opset > kMaxOpset)
    return makeModelError("the model uses operator set " + llvm::Twine(*opset) +
                          " of ai.onnx, the newest known is " + llvm::Twine(kMaxOpset));
  if (llvm::Error error = countNodes(proto, limits))
    return error;
  if (llvm::Error error = checkStructure(proto, limits, model.warnings))
    return error;
  // The checker sees functions as they are in the file.
  if (std::optional<std::string> fault = findFault(proto))
    model.warnings.push_back("the ONNX checker says: " + *fault);
  if (proto.functions_size()) {
    if (llvm::Error error = expandFunctions(proto, limits))
      return error;
    if (llvm::Error error = countNodes(proto, limits))
      return error;
    if (llvm::Error error = checkStructure(proto, limits, model.warnings))
      return error;
  }
  if (!opset || *opset >= kMinOpset)
    return llvm::Error::success();
  if (llvm::Error error = convertOpset(proto))
    return error;
  model.warnings.push_back("converted from operator set " + std::to_string(*opset) + " to " +
                           std::to_string(kConvertedOpset));
  return checkStructure(proto, limits, model.warnings);
}

} // namespace

llvm::Expected<OnnxModel> moec::loadOnnxModel(llvm::ArrayRef<char> bytes,
                                              const OnnxLimits &limits) {
  try {
    OnnxModel model;
    if (llvm::Error error = parse(bytes, limits, *model.proto))
      return error;
    if (llvm::Error error = prepare(model, limits))
      return error;
    return model;
  } catch (const std::exception &exception) {
    return makeModelError(llvm::Twine("the ONNX library rejects the model: ") + exception.what());
  }
}
