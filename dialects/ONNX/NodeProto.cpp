#include "dialects/ONNX/NodeProto.h"

#include "dialects/ONNX/TensorProto.h"
#include "moec/OnnxLibrary/NodeInference.h"

#include "onnx/onnx_pb.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using ::onnx::AttributeProto;

namespace {

llvm::Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// A tensor type of ONNX; null if it is not a tensor of a type that the dialect has.
TensorType importType(MLIRContext *context, const ::onnx::TypeProto &type) {
  if (!type.has_tensor_type())
    return {};
  Type elementType = getElementType(context, type.tensor_type().elem_type());
  if (!elementType)
    return {};
  if (!type.tensor_type().has_shape())
    return UnrankedTensorType::get(elementType);
  SmallVector<int64_t> shape;
  for (const auto &dim : type.tensor_type().shape().dim())
    shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value()
                                                                : ShapedType::kDynamic);
  return RankedTensorType::get(shape, elementType);
}

void exportType(TensorType type, ::onnx::TypeProto &into) {
  auto *tensor = into.mutable_tensor_type();
  tensor->set_elem_type(getDataType(type.getElementType()));
  if (!type.hasRank())
    return;
  auto *shape = tensor->mutable_shape();
  for (int64_t dim : type.getShape()) {
    auto *added = shape->add_dim();
    if (!ShapedType::isDynamic(dim))
      added->set_dim_value(dim);
  }
}

llvm::Error exportAttribute(NamedAttribute attribute, AttributeProto &into) {
  into.set_name(attribute.getName().str());
  Attribute value = attribute.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    into.set_type(AttributeProto::INT);
    into.set_i(integer.getInt());
  } else if (auto number = dyn_cast<FloatAttr>(value)) {
    into.set_type(AttributeProto::FLOAT);
    into.set_f(number.getValue().convertToFloat());
  } else if (auto string = dyn_cast<StringAttr>(value)) {
    into.set_type(AttributeProto::STRING);
    into.set_s(string.str());
  } else if (auto integers = dyn_cast<DenseI64ArrayAttr>(value)) {
    into.set_type(AttributeProto::INTS);
    for (int64_t element : integers.asArrayRef())
      into.add_ints(element);
  } else if (auto numbers = dyn_cast<DenseF32ArrayAttr>(value)) {
    into.set_type(AttributeProto::FLOATS);
    for (float element : numbers.asArrayRef())
      into.add_floats(element);
  } else if (auto strings = dyn_cast<ArrayAttr>(value)) {
    into.set_type(AttributeProto::STRINGS);
    for (Attribute element : strings)
      if (auto string = dyn_cast<StringAttr>(element))
        into.add_strings(string.str());
      else
        return makeError("attribute '" + attribute.getName().str() + "' has no form in ONNX");
  } else if (auto elements = dyn_cast<ElementsAttr>(value)) {
    llvm::Expected<::onnx::TensorProto> tensor = exportTensor(elements);
    if (!tensor)
      return tensor.takeError();
    into.set_type(AttributeProto::TENSOR);
    *into.mutable_t() = std::move(*tensor);
  } else if (auto type = dyn_cast<TypeAttr>(value); type && isa<TensorType>(type.getValue())) {
    into.set_type(AttributeProto::TYPE_PROTO);
    exportType(cast<TensorType>(type.getValue()), *into.mutable_tp());
  } else {
    return makeError("attribute '" + attribute.getName().str() + "' has no form in ONNX");
  }
  return llvm::Error::success();
}

} // namespace

llvm::Expected<::onnx::NodeProto> moec::onnx::exportNode(NodeOp node) {
  ::onnx::NodeProto proto;
  proto.set_op_type(node.getOpType().str());
  proto.set_domain(node.getDomain().str());
  proto.set_name(node.getNodeName().str());
  for (auto [i, operand] : llvm::enumerate(node.getInputs()))
    proto.add_input(isa<NoneType>(operand.getType()) ? "" : "i" + std::to_string(i));
  for (auto [i, result] : llvm::enumerate(node.getOutputs()))
    proto.add_output(isa<NoneType>(result.getType()) ? "" : "o" + std::to_string(i));
  for (NamedAttribute attribute : node.getOnnxAttrs())
    if (llvm::Error error = exportAttribute(attribute, *proto.add_attribute()))
      return error;
  return proto;
}

llvm::Expected<NamedAttribute> moec::onnx::importAttribute(MLIRContext *context,
                                                           const AttributeProto &attribute) {
  Builder builder(context);
  auto named = [&](Attribute value) { return builder.getNamedAttr(attribute.name(), value); };
  switch (attribute.type()) {
  case AttributeProto::INT:
    return named(builder.getI64IntegerAttr(attribute.i()));
  case AttributeProto::FLOAT:
    return named(builder.getF32FloatAttr(attribute.f()));
  case AttributeProto::STRING:
    return named(builder.getStringAttr(attribute.s()));
  case AttributeProto::INTS:
    return named(builder.getDenseI64ArrayAttr(
        ArrayRef<int64_t>(attribute.ints().data(), attribute.ints_size())));
  case AttributeProto::FLOATS:
    return named(builder.getDenseF32ArrayAttr(
        ArrayRef<float>(attribute.floats().data(), attribute.floats_size())));
  case AttributeProto::STRINGS: {
    SmallVector<Attribute> strings;
    for (const std::string &string : attribute.strings())
      strings.push_back(builder.getStringAttr(string));
    return named(builder.getArrayAttr(strings));
  }
  case AttributeProto::TENSOR: {
    llvm::Expected<DenseElementsAttr> tensor = importTensor(context, attribute.t());
    if (!tensor)
      return makeError("attribute '" + attribute.name() +
                       "': " + llvm::toString(tensor.takeError()));
    return named(*tensor);
  }
  case AttributeProto::TYPE_PROTO:
    if (TensorType type = importType(context, attribute.tp()))
      return named(TypeAttr::get(type));
    [[fallthrough]];
  default:
    return makeError("attribute '" + attribute.name() + "' has a kind that is not supported");
  }
}

Location moec::onnx::getNodeLocation(MLIRContext *context, const ::onnx::NodeProto &node,
                                     Location otherwise) {
  Builder builder(context);
  Location loc =
      node.name().empty() ? otherwise : Location(NameLoc::get(builder.getStringAttr(node.name())));
  NamedAttrList metadata;
  for (const auto &entry : node.metadata_props())
    if (!entry.key().empty())
      metadata.set(entry.key(), builder.getStringAttr(entry.value()));
  return metadata.empty() ? loc : FusedLoc::get({loc}, metadata.getDictionary(context), context);
}

//===- NodeImporter
//-----------------------------------------------------------------------------------===//

Value NodeImporter::lookup(StringRef name, Location loc) {
  return name.empty() ? NoneOp::create(builder, loc).getResult() : names.lookup(name);
}

llvm::Error NodeImporter::importTensorAs(const ::onnx::TensorProto &tensor, StringRef name,
                                         Location loc) {
  if (importTensorValue) {
    llvm::Expected<Value> value = importTensorValue(tensor, name, loc);
    if (!value)
      return value.takeError();
    names.insert(name, *value);
    return llvm::Error::success();
  }
  llvm::Expected<DenseElementsAttr> elements = importTensor(builder.getContext(), tensor);
  if (!elements)
    return elements.takeError();
  names.insert(name, ConstantOp::create(builder, loc, *elements));
  return llvm::Error::success();
}

llvm::Error NodeImporter::importConstant(const ::onnx::NodeProto &node, Location loc) {
  if (node.attribute_size() != 1 || node.output_size() != 1)
    return makeError("node '" + node.name() + "' of type Constant has " +
                     Twine(node.attribute_size()) + " attributes, expected 1");
  if (node.attribute(0).has_t())
    return importTensorAs(node.attribute(0).t(), node.output(0), loc);
  llvm::Expected<NamedAttribute> attribute =
      importAttribute(builder.getContext(), node.attribute(0));
  if (!attribute)
    return attribute.takeError();
  Attribute value = attribute->getValue();
  auto scalar = [](Type type) { return RankedTensorType::get({}, type); };
  DenseElementsAttr elements = dyn_cast<DenseElementsAttr>(value);
  if (auto integer = dyn_cast<IntegerAttr>(value))
    elements = DenseElementsAttr::get(scalar(integer.getType()), integer.getInt());
  else if (auto number = dyn_cast<FloatAttr>(value))
    elements = DenseElementsAttr::get(scalar(number.getType()), number.getValue());
  else if (auto integers = dyn_cast<DenseI64ArrayAttr>(value))
    elements = DenseElementsAttr::get(RankedTensorType::get(integers.size(), builder.getI64Type()),
                                      integers.asArrayRef());
  else if (auto numbers = dyn_cast<DenseF32ArrayAttr>(value))
    elements = DenseElementsAttr::get(RankedTensorType::get(numbers.size(), builder.getF32Type()),
                                      numbers.asArrayRef());
  if (!elements)
    return makeError("node '" + node.name() + "' of type Constant has a value of a kind that is " +
                     "not supported");
  names.insert(node.output(0), ConstantOp::create(builder, loc, elements));
  return llvm::Error::success();
}

llvm::Error NodeImporter::importNode(const ::onnx::NodeProto &node, Location loc) {
  if (node.domain().empty() && node.op_type() == "Constant")
    return importConstant(node, loc);
  StringRef domain = node.domain() == "ai.onnx" ? "" : StringRef(node.domain());
  auto opset = opsets.find(domain);
  if (opset == opsets.end())
    return makeError("node '" + node.name() + "' is of domain '" + domain +
                     "', of which no operator set is imported");
  int64_t version =
      findSchemaVersion(domain, node.op_type(), opset->second).value_or(opset->second);
  // Trailing absent operands and results are left out.
  auto countPresent = [](const auto &names) {
    int count = names.size();
    while (count > 0 && names.Get(count - 1).empty())
      --count;
    return count;
  };
  SmallVector<Value> operands;
  for (const std::string &name :
       llvm::make_range(node.input().begin(), node.input().begin() + countPresent(node.input()))) {
    Value operand = lookup(name, loc);
    if (!operand)
      return makeError("node '" + node.name() + "' of type " + node.op_type() +
                       " has the undefined operand '" + name + "'");
    operands.push_back(operand);
  }
  SmallVector<Type> results;
  auto outputs =
      llvm::make_range(node.output().begin(), node.output().begin() + countPresent(node.output()));
  for (const std::string &name : outputs) {
    Type unknown = UnrankedTensorType::get(UnknownType::get(builder.getContext()));
    results.push_back(name.empty() ? Type(builder.getNoneType()) : unknown);
  }
  SmallVector<NamedAttribute> attributes;
  SmallVector<const AttributeProto *> graphs;
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.type() == AttributeProto::GRAPH) {
      graphs.push_back(&attribute);
      continue;
    }
    llvm::Expected<NamedAttribute> imported = importAttribute(builder.getContext(), attribute);
    if (!imported)
      return imported.takeError();
    attributes.push_back(*imported);
  }
  auto op = NodeOp::create(builder, loc, results, domain, node.op_type(), version, operands,
                           attributes, graphs.size());
  if (keepsValueNames)
    op->setAttr(kValueNamesAttr, builder.getStrArrayAttr(SmallVector<StringRef>(outputs)));
  SmallVector<StringRef> regionNames;
  for (auto [graph, region] : llvm::zip_equal(graphs, op.getBodies())) {
    regionNames.push_back(graph->name());
    if (llvm::Error error = importGraph(graph->g(), region, loc))
      return error;
  }
  if (!regionNames.empty())
    op.setRegionNamesAttr(builder.getStrArrayAttr(regionNames));
  for (auto [name, result] : llvm::zip(outputs, op.getOutputs()))
    if (!name.empty())
      names.insert(name, result);
  return llvm::Error::success();
}

llvm::Error NodeImporter::importGraph(const ::onnx::GraphProto &graph, Region &region,
                                      Location loc) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  llvm::ScopedHashTableScope<StringRef, Value> inner(names);
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    Type type = importType(builder.getContext(), input.type());
    if (!type)
      type = UnrankedTensorType::get(UnknownType::get(builder.getContext()));
    names.insert(input.name(), block->addArgument(type, loc));
  }
  for (const ::onnx::TensorProto &initializer : graph.initializer())
    if (llvm::Error error = importTensorAs(initializer, initializer.name(), loc))
      return error;
  for (const ::onnx::NodeProto &node : graph.node())
    if (llvm::Error error = importNode(node, getNodeLocation(builder.getContext(), node, loc)))
      return error;
  SmallVector<Value> results;
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    Value value = names.lookup(output.name());
    if (!value)
      return makeError("graph '" + graph.name() + "' has the undefined output '" + output.name() +
                       "'");
    results.push_back(value);
  }
  YieldOp::create(builder, loc, results);
  return llvm::Error::success();
}
