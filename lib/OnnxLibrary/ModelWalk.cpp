#include "ModelWalk.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"
#include <vector>

using namespace moec;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::ModelProto;
using ::onnx::NodeProto;

using NodeList = google::protobuf::RepeatedPtrField<NodeProto>;

bool moec::forEachNode(const NodeList &nodes, llvm::function_ref<bool(const NodeProto &)> visit) {
  std::vector<const NodeList *> worklist{&nodes};
  while (!worklist.empty()) {
    const NodeList *list = worklist.back();
    worklist.pop_back();
    for (const NodeProto &node : *list) {
      if (!visit(node))
        return false;
      for (const AttributeProto &attribute : node.attribute()) {
        if (attribute.has_g())
          worklist.push_back(&attribute.g().node());
        for (const GraphProto &graph : attribute.graphs())
          worklist.push_back(&graph.node());
      }
    }
  }
  return true;
}

void moec::forEachNode(NodeList &nodes, llvm::function_ref<void(NodeProto &)> visit) {
  std::vector<NodeList *> worklist{&nodes};
  while (!worklist.empty()) {
    NodeList *list = worklist.back();
    worklist.pop_back();
    for (NodeProto &node : *list) {
      visit(node);
      for (AttributeProto &attribute : *node.mutable_attribute()) {
        if (attribute.has_g())
          worklist.push_back(attribute.mutable_g()->mutable_node());
        for (GraphProto &graph : *attribute.mutable_graphs())
          worklist.push_back(graph.mutable_node());
      }
    }
  }
}

void moec::forEachTensor(ModelProto &model, llvm::function_ref<void(::onnx::TensorProto &)> visit) {
  std::vector<GraphProto *> graphs{model.mutable_graph()};
  auto visitNodes = [&](NodeList &nodes) {
    for (NodeProto &node : nodes)
      for (AttributeProto &attribute : *node.mutable_attribute()) {
        if (attribute.has_t())
          visit(*attribute.mutable_t());
        for (::onnx::TensorProto &tensor : *attribute.mutable_tensors())
          visit(tensor);
        if (attribute.has_g())
          graphs.push_back(attribute.mutable_g());
        for (GraphProto &graph : *attribute.mutable_graphs())
          graphs.push_back(&graph);
      }
  };
  for (::onnx::FunctionProto &function : *model.mutable_functions())
    visitNodes(*function.mutable_node());
  while (!graphs.empty()) {
    GraphProto *graph = graphs.back();
    graphs.pop_back();
    for (::onnx::TensorProto &tensor : *graph->mutable_initializer())
      visit(tensor);
    visitNodes(*graph->mutable_node());
  }
}

std::string moec::quoteName(llvm::StringRef name) {
  std::string text = "'";
  llvm::raw_string_ostream stream(text);
  llvm::printEscapedString(name.take_front(256), stream);
  stream << (name.size() > 256 ? "...'" : "'");
  return text;
}

std::string moec::describeNode(const NodeProto &node) {
  std::string text = "node ";
  if (!node.name().empty())
    text += quoteName(node.name()) + " ";
  text += "of type " + quoteName(node.op_type());
  if (node.name().empty() && node.output_size())
    text += " that computes " + quoteName(node.output(0));
  return text;
}
