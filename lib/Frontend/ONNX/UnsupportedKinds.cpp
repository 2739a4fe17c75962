#include "UnsupportedKinds.h"

#include "onnx/onnx_pb.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

using namespace moec;
using llvm::StringRef;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using ::onnx::TypeProto;

/// What is wrong with an element type; "" if nothing is.
static std::string describeElements(int32_t type) {
  switch (type) {
  case TensorProto::STRING:
    return "strings";
  case TensorProto::COMPLEX64:
  case TensorProto::COMPLEX128:
    return "complex numbers";
  case TensorProto::FLOAT6E2M3:
  case TensorProto::FLOAT6E3M2:
    return "floats of 6 bits";
  default:
    return TensorProto::DataType_IsValid(type)
               ? ""
               : ("element type " + llvm::Twine(type) + ", which ONNX does not define").str();
  }
}

static std::string describeType(const TypeProto &type) {
  switch (type.value_case()) {
  case TypeProto::kTensorType:
    return describeElements(type.tensor_type().elem_type());
  case TypeProto::kSequenceType:
    return "a sequence";
  case TypeProto::kOptionalType:
    return "an optional";
  case TypeProto::kMapType:
    return "a map";
  case TypeProto::kSparseTensorType:
    return "a sparse tensor";
  case TypeProto::kOpaqueType:
    return "an opaque type";
  case TypeProto::VALUE_NOT_SET:
    return "";
  }
  return "";
}

namespace {

class KindFinder {
public:
  /// Recursion is bounded: the structure of the model has been checked.
  void visit(const GraphProto &graph, bool isMain) {
    for (const auto &input : graph.input()) {
      // Subgraphs need not state types.
      bool isUntyped = isMain && input.type().value_case() == TypeProto::VALUE_NOT_SET;
      add("input", input.name(), isUntyped ? "no type" : describeType(input.type()));
    }
    for (const auto &output : graph.output())
      add("output", output.name(), describeType(output.type()));
    for (const TensorProto &tensor : graph.initializer())
      add("initializer", tensor.name(), describeElements(tensor.data_type()));
    llvm::StringSet<> computed;
    for (const NodeProto &node : graph.node()) {
      for (const std::string &name : node.output())
        computed.insert(name);
      visit(node);
    }
    for (const auto &value : graph.value_info())
      if (computed.contains(value.name())) // others are leftovers of transformations
        add("value", value.name(), describeType(value.type()));
  }

  std::vector<std::string> found;

private:
  void add(StringRef what, StringRef name, const std::string &problem) {
    if (problem.empty() || !seen.insert(name).second)
      return;
    std::string text = what.str() + " '";
    llvm::raw_string_ostream stream(text);
    llvm::printEscapedString(name, stream);
    stream << "' (" << problem << ')';
    found.push_back(std::move(text));
  }

  void visit(const NodeProto &node) {
    bool isConstant = node.op_type() == "Constant" && node.output_size() == 1;
    for (const AttributeProto &attribute : node.attribute()) {
      if (isConstant && attribute.has_t())
        add("value", node.output(0), describeElements(attribute.t().data_type()));
      else if (isConstant &&
               (attribute.name() == "value_string" || attribute.name() == "value_strings"))
        add("value", node.output(0), "strings");
      else if (isConstant && attribute.has_sparse_tensor())
        add("value", node.output(0), "a sparse tensor");
      if (attribute.has_g())
        visit(attribute.g(), /*isMain=*/false);
      for (const GraphProto &graph : attribute.graphs())
        visit(graph, /*isMain=*/false);
    }
  }

  llvm::StringSet<> seen;
};

} // namespace

std::vector<std::string> moec::findUnsupportedKinds(const ::onnx::ModelProto &model) {
  KindFinder finder;
  finder.visit(model.graph(), /*isMain=*/true);
  return std::move(finder.found);
}
