#include "moec/OnnxLibrary/OnnxModel.h"

#include "onnx/checker.h"
#include "onnx/inliner/inliner.h"
#include "onnx/onnx_pb.h"
#include "onnx/version_converter/convert.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace moec;
using ::onnx::FunctionProto;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;

OnnxModel::OnnxModel() : proto(std::make_unique<ModelProto>()) {}
OnnxModel::OnnxModel(OnnxModel &&) = default;
OnnxModel &OnnxModel::operator=(OnnxModel &&) = default;
OnnxModel::~OnnxModel() = default;

namespace {

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Error parse(llvm::ArrayRef<char> bytes, const OnnxLimits &limits, ModelProto &model) {
  if (static_cast<int64_t>(bytes.size()) > limits.maxBytes ||
      bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return makeError("the model without its weights has " + llvm::Twine(bytes.size()) +
                     " bytes, the limit is " + llvm::Twine(limits.maxBytes));
  google::protobuf::io::ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(std::numeric_limits<int>::max());
  stream.SetRecursionLimit(limits.maxMessageDepth);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return makeError("is no ONNX model: the protobuf message does not parse");
  if (!model.has_graph())
    return makeError("is no ONNX model: it has no graph");
  return llvm::Error::success();
}

/// Counts nodes, without recursion; false above the limit.
bool countNodes(const GraphProto &root, int64_t limit) {
  int64_t count = 0;
  std::vector<const GraphProto *> worklist{&root};
  while (!worklist.empty()) {
    const GraphProto *graph = worklist.back();
    worklist.pop_back();
    count += graph->node_size();
    if (count > limit)
      return false;
    for (const NodeProto &node : graph->node())
      for (const auto &attribute : node.attribute()) {
        if (attribute.has_g())
          worklist.push_back(&attribute.g());
        for (const GraphProto &nested : attribute.graphs())
          worklist.push_back(&nested);
      }
  }
  return true;
}

/// Refuses functions that call themselves, call too deep, or would expand to too many nodes, before
/// the library's inliner recurses over them.
class FunctionCheck {
public:
  FunctionCheck(const ModelProto &model, const OnnxLimits &limits) : limits(limits) {
    for (const FunctionProto &function : model.functions())
      functions[key(function.domain(), function.name())].function = &function;
  }

  llvm::Error run(const ModelProto &model) {
    if (model.functions_size() > limits.maxFunctions)
      return makeError("the model has " + llvm::Twine(model.functions_size()) +
                       " functions, the limit is " + llvm::Twine(limits.maxFunctions));
    for (const FunctionProto &function : model.functions())
      if (llvm::Error error = visit(functions[key(function.domain(), function.name())]))
        return error;
    int64_t nodes = 0;
    for (const NodeProto &node : model.graph().node()) {
      nodes += sizeOf(node);
      if (nodes > limits.maxNodes)
        return makeError("the model's functions expand to more than " +
                         llvm::Twine(limits.maxNodes) + " nodes");
    }
    return llvm::Error::success();
  }

private:
  struct Entry {
    const FunctionProto *function = nullptr;
    int64_t size = 0; ///< nodes after expansion, saturated
    int depth = 0;
    enum { New, Open, Done } state = New;
  };

  static std::string key(const std::string &domain, const std::string &name) {
    return (domain == "ai.onnx" ? "" : domain) + "::" + name;
  }

  Entry *find(const NodeProto &node) {
    auto it = functions.find(key(node.domain(), node.op_type()));
    return it == functions.end() ? nullptr : &it->second;
  }

  int64_t sizeOf(const NodeProto &node) {
    Entry *callee = find(node);
    return callee ? callee->size : 1;
  }

  /// Depth-first over calls, with a stack of its own.
  llvm::Error visit(Entry &root) {
    std::vector<std::pair<Entry *, int>> stack;
    auto open = [&](Entry &entry) {
      entry.state = Entry::Open;
      stack.emplace_back(&entry, 0);
    };
    if (root.state == Entry::New)
      open(root);
    while (!stack.empty()) {
      auto &[entry, next] = stack.back();
      if (static_cast<int>(stack.size()) > limits.maxCallDepth)
        return makeError("the model's functions call each other deeper than " +
                         llvm::Twine(limits.maxCallDepth));
      if (next == entry->function->node_size()) {
        for (const NodeProto &node : entry->function->node()) {
          Entry *callee = find(node);
          entry->size = std::min(entry->size + sizeOf(node), limits.maxNodes + 1);
          entry->depth = std::max(entry->depth, callee ? callee->depth + 1 : 1);
        }
        if (entry->depth > limits.maxCallDepth)
          return makeError("the model's functions call each other deeper than " +
                           llvm::Twine(limits.maxCallDepth));
        entry->state = Entry::Done;
        stack.pop_back();
        continue;
      }
      Entry *callee = find(entry->function->node(next++));
      if (!callee || callee->state == Entry::Done)
        continue;
      if (callee->state == Entry::Open)
        return makeError("function '" + callee->function->name() + "' of the model calls itself");
      open(*callee);
    }
    return llvm::Error::success();
  }

  const OnnxLimits &limits;
  llvm::StringMap<Entry> functions;
};

int64_t getOpset(const ModelProto &model) {
  for (const auto &opset : model.opset_import())
    if (opset.domain().empty() || opset.domain() == "ai.onnx")
      return opset.version();
  return 0;
}

/// The version converter goes through a form that loses the nodes' metadata: put it back by name.
void restoreMetadata(const ModelProto &from, ModelProto &to) {
  llvm::StringMap<const NodeProto *> named;
  for (const NodeProto &node : from.graph().node())
    if (!node.name().empty() && node.metadata_props_size())
      named[node.name()] = &node;
  for (NodeProto &node : *to.mutable_graph()->mutable_node()) {
    auto it = named.find(node.name());
    if (it != named.end() && node.metadata_props_size() == 0)
      *node.mutable_metadata_props() = it->second->metadata_props();
  }
}

llvm::Error prepare(OnnxModel &model, const OnnxLimits &limits) {
  ModelProto &proto = *model.proto;
  try {
    ::onnx::checker::check_model(proto, /*full_check=*/false);
  } catch (const std::exception &finding) {
    model.warnings.push_back(std::string("the checker says: ") + finding.what());
  }
  if (llvm::Error error = FunctionCheck(proto, limits).run(proto))
    return error;
  if (proto.functions_size())
    ::onnx::inliner::InlineLocalFunctions(proto);
  if (!countNodes(proto.graph(), limits.maxNodes))
    return makeError("the model has more than " + llvm::Twine(limits.maxNodes) + " nodes");
  int64_t opset = getOpset(proto);
  if (opset > kMaxOpset)
    return makeError("the model uses operator set " + llvm::Twine(opset) +
                     " of ai.onnx, the newest known is " + llvm::Twine(kMaxOpset));
  if (opset > 0 && opset < kMinOpset) {
    ModelProto converted = ::onnx::version_conversion::ConvertVersion(proto, kConvertedOpset);
    restoreMetadata(proto, converted);
    proto = std::move(converted);
    model.warnings.push_back("converted from operator set " + std::to_string(opset) + " to " +
                             std::to_string(kConvertedOpset));
  }
  return llvm::Error::success();
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
    return makeError(llvm::Twine("the ONNX library rejects the model: ") + exception.what());
  }
}
