#include "moec/OnnxLibrary/NodeInference.h"

#include "onnx/defs/schema.h"
#include "onnx/onnx_pb.h"
#include "onnx/shape_inference/attribute_binder.h"

#include <algorithm>

using namespace moec;
using llvm::ArrayRef;
using llvm::StringRef;

namespace {

const ::onnx::OpSchema *findSchema(StringRef domain, StringRef opType, int64_t version) {
  if (domain == "ai.onnx")
    domain = "";
  if (version < 1 || version > std::numeric_limits<int>::max())
    return nullptr;
  const ::onnx::OpSchema *schema =
      ::onnx::OpSchemaRegistry::Schema(opType.str(), static_cast<int>(version), domain.str());
  return schema && !schema->Deprecated() ? schema : nullptr;
}

::onnx::TypeProto toTypeProto(const PartialTensorType &type) {
  ::onnx::TypeProto result;
  ::onnx::TypeProto_Tensor *tensor = result.mutable_tensor_type();
  tensor->set_elem_type(type.dataType);
  if (type.isRanked) {
    ::onnx::TensorShapeProto *shape = tensor->mutable_shape();
    for (int64_t dim : type.dims) {
      auto *added = shape->add_dim();
      if (dim >= 0)
        added->set_dim_value(dim);
    }
  }
  return result;
}

PartialTensorType fromTypeProto(const ::onnx::TypeProto &type) {
  PartialTensorType result;
  if (!type.has_tensor_type())
    return result;
  result.dataType = type.tensor_type().elem_type();
  result.isRanked = type.tensor_type().has_shape();
  if (result.isRanked)
    for (const auto &dim : type.tensor_type().shape().dim())
      result.dims.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
  return result;
}

/// A node and its operands, in the form in which the library asks for them.
class NodeContext final : public ::onnx::InferenceContext {
public:
  NodeContext(const ::onnx::NodeProto &node, ArrayRef<NodeOperandInfo> operands)
      : node(node), operands(operands), types(operands.size()), shapes(operands.size()),
        results(node.output_size()) {
    for (const ::onnx::AttributeProto &attribute : node.attribute())
      attributes.emplace(attribute.name(), &attribute);
    for (size_t i = 0; i < operands.size(); ++i) {
      if (!operands[i].isPresent)
        continue;
      types[i] = toTypeProto(operands[i].type);
      if (!operands[i].elements)
        continue;
      shapes[i].emplace();
      for (std::optional<int64_t> element : *operands[i].elements) {
        auto *dim = shapes[i]->add_dim();
        if (element)
          dim->set_dim_value(*element);
      }
    }
  }

  const ::onnx::AttributeProto *getAttribute(const std::string &name) const override {
    auto it = attributes.find(name);
    return it == attributes.end() ? nullptr : it->second;
  }
  size_t getNumInputs() const override { return operands.size(); }
  /// The library takes a null for "not known": so does an element type that is not known.
  const ::onnx::TypeProto *getInputType(size_t i) const override {
    bool isKnown = hasInput(i) && operands[i].type.dataType != 0;
    return isKnown ? &types[i] : nullptr;
  }
  bool hasInput(size_t i) const override { return i < operands.size() && operands[i].isPresent; }
  const ::onnx::TensorProto *getInputData(size_t i) const override {
    return hasInput(i) ? operands[i].contents : nullptr;
  }
  const ::onnx::TensorShapeProto *getSymbolicInput(size_t i) const override {
    return hasInput(i) && !operands[i].contents && shapes[i] ? &*shapes[i] : nullptr;
  }
  const ::onnx::SparseTensorProto *getInputSparseData(size_t) const override { return nullptr; }
  size_t getNumOutputs() const override { return results.size(); }
  ::onnx::TypeProto *getOutputType(size_t i) override { return &results.at(i); }
  bool hasOutput(size_t i) override {
    return i < results.size() && !node.output(static_cast<int>(i)).empty();
  }
  ::onnx::GraphInferencer *getGraphAttributeInferencer(const std::string &) override {
    return nullptr;
  }
  std::string getDisplayName() const override { return node.op_type(); }
  void clearResults() { results.assign(results.size(), ::onnx::TypeProto()); }

private:
  const ::onnx::NodeProto &node;
  ArrayRef<NodeOperandInfo> operands;
  std::vector<::onnx::TypeProto> types;
  std::vector<std::optional<::onnx::TensorShapeProto>> shapes;
  std::vector<::onnx::TypeProto> results;
  std::unordered_map<std::string, const ::onnx::AttributeProto *> attributes;
};

/// The version to ask a function body of: the schema's own, or the first that has one.
int pickBodyVersion(const ::onnx::OpSchema &schema) {
  std::vector<int> versions = schema.HasFunction()
                                  ? schema.function_opset_versions()
                                  : schema.context_dependent_function_opset_versions();
  return std::max(schema.SinceVersion(), *std::min_element(versions.begin(), versions.end()));
}

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Error makeNoSchemaError(const ::onnx::NodeProto &node, int64_t version) {
  return makeError(llvm::Twine("the ONNX library has no operator '") + node.op_type() +
                   "' version " + llvm::Twine(version) + " in domain '" + node.domain() + "'");
}

} // namespace

std::optional<int64_t> moec::findSchemaVersion(StringRef domain, StringRef opType, int64_t opset) {
  const ::onnx::OpSchema *schema = findSchema(domain, opType, opset);
  return schema ? std::optional<int64_t>(schema->SinceVersion()) : std::nullopt;
}

llvm::Expected<std::vector<PartialTensorType>>
moec::inferNodeTypes(const ::onnx::NodeProto &node, int64_t version,
                     ArrayRef<NodeOperandInfo> operands) {
  const ::onnx::OpSchema *schema = findSchema(node.domain(), node.op_type(), version);
  if (!schema)
    return makeNoSchemaError(node, version);
  if (node.input_size() < schema->min_input())
    return makeError("it has " + llvm::Twine(node.input_size()) + " operands, expected at least " +
                     llvm::Twine(schema->min_input()));
  if (node.input_size() > schema->max_input())
    return makeError("it has " + llvm::Twine(node.input_size()) + " operands, expected at most " +
                     llvm::Twine(schema->max_input()));
  NodeContext context(node, operands);
  try {
    // Gives results the types that the schema's constraints decide. What it rejects is the
    // checker's business: runtimes take more types than the schemas list.
    schema->CheckInputOutputType(context);
  } catch (const std::exception &) {
    context.clearResults();
  }
  try {
    schema->GetTypeAndShapeInferenceFunction()(context);
    std::vector<PartialTensorType> results;
    for (int i = 0; i < node.output_size(); ++i)
      results.push_back(fromTypeProto(*context.getOutputType(i)));
    return results;
  } catch (const std::exception &error) {
    return makeError(error.what());
  }
}

bool moec::hasFunctionBody(StringRef domain, StringRef opType, int64_t version) {
  const ::onnx::OpSchema *schema = findSchema(domain, opType, version);
  return schema && (schema->HasFunction() || schema->HasContextDependentFunction());
}

llvm::Expected<std::unique_ptr<::onnx::FunctionProto>>
moec::buildFunctionBody(const ::onnx::NodeProto &node, int64_t version,
                        ArrayRef<NodeOperandInfo> operands) {
  const ::onnx::OpSchema *schema = findSchema(node.domain(), node.op_type(), version);
  if (!schema)
    return makeNoSchemaError(node, version);
  if (!schema->HasFunction() && !schema->HasContextDependentFunction())
    return makeError("it is not defined by other operators");
  try {
    // References to attributes want the schema's defaults where the node is silent.
    ::onnx::NodeProto call = node;
    for (const auto &[name, attribute] : schema->attributes()) {
      bool isSet = std::any_of(node.attribute().begin(), node.attribute().end(),
                               [&](const auto &set) { return set.name() == name; });
      if (!isSet && attribute.default_value.type() != ::onnx::AttributeProto::UNDEFINED) {
        *call.add_attribute() = attribute.default_value;
        call.mutable_attribute()->rbegin()->set_name(name);
      }
    }
    auto function = std::make_unique<::onnx::FunctionProto>();
    int bodyVersion = pickBodyVersion(*schema);
    if (schema->HasFunction()) {
      const ::onnx::FunctionProto *body = schema->GetFunction(bodyVersion);
      if (!body)
        return makeError("the ONNX library has no body for this version");
      *function = *body;
    } else {
      std::vector<::onnx::TypeProto> types;
      for (const NodeOperandInfo &operand : operands)
        types.push_back(operand.isPresent && operand.type.dataType ? toTypeProto(operand.type)
                                                                   : ::onnx::TypeProto());
      ::onnx::FunctionBodyBuildContextImpl context(node, types);
      if (!schema->BuildContextDependentFunction(context, *function, bodyVersion))
        return makeError("it is not defined by other operators for these operand types");
    }
    ::onnx::internal::AttributeBinder::BindAttributes(call, *function);
    return function;
  } catch (const std::exception &error) {
    return makeError(error.what());
  }
}
