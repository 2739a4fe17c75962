#include "ValueChecks.h"

#include "ModelWalk.h"

#include "onnx/defs/schema.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

using namespace moec;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::OpSchema;
using ::onnx::TensorProto;

Error moec::checkName(StringRef what, StringRef name, const OnnxLimits &limits) {
  if (name.size() > limits.maxNameBytes)
    return makeModelError(what + " " + quoteName(name) + " has " + Twine(name.size()) +
                          " bytes, the limit is " + Twine(limits.maxNameBytes));
  if (name.contains('\0'))
    return makeModelError(what + " " + quoteName(name) + " contains a NUL");
  if (!llvm::json::isUTF8(name))
    return makeModelError(what + " " + quoteName(name) + " is not UTF-8");
  return Error::success();
}

template <typename Dims>
static Error checkShape(const Dims &dims, const OnnxLimits &limits) {
  if (static_cast<int64_t>(dims.size()) > limits.maxRank)
    return makeModelError("has " + Twine(dims.size()) + " dimensions, the limit is " +
                          Twine(limits.maxRank));
  int64_t elements = 1;
  for (int64_t dim : dims)
    if (dim < 0)
      return makeModelError("has the size " + Twine(dim) + " in its shape");
  for (int64_t dim : dims)
    if (dim == 0)
      return Error::success();
  for (int64_t dim : dims)
    if (llvm::MulOverflow(elements, dim, elements) || elements > limits.maxElements)
      return makeModelError("has a shape of more elements than " + Twine(limits.maxElements) +
                            ", which is the limit");
  return Error::success();
}

Error moec::checkTensor(const TensorProto &tensor, const OnnxLimits &limits) {
  if (!TensorProto::DataType_IsValid(tensor.data_type()) ||
      tensor.data_type() == TensorProto::UNDEFINED)
    return makeModelError("has the element type " + Twine(tensor.data_type()) +
                          ", which ONNX does not define");
  if (Error error = checkShape(tensor.dims(), limits))
    return error;
  if (tensor.has_segment())
    return makeModelError("is a segment of a tensor, which is not supported");
  int fields = (tensor.float_data_size() > 0) + (tensor.int32_data_size() > 0) +
               (tensor.string_data_size() > 0) + (tensor.int64_data_size() > 0) +
               (tensor.double_data_size() > 0) + (tensor.uint64_data_size() > 0) +
               !tensor.raw_data().empty();
  if (fields > 1)
    return makeModelError("has data in " + Twine(fields) + " fields, expected one");
  if (tensor.data_location() != TensorProto::EXTERNAL)
    return Error::success();
  if (fields)
    return makeModelError("has data both in the model and in an external file");
  for (const auto &entry : tensor.external_data())
    if (entry.key() == "location")
      return Error::success();
  return makeModelError("has external data without a location");
}

Error moec::checkType(const ::onnx::TypeProto &type, const OnnxLimits &limits) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape())
    return Error::success();
  std::vector<int64_t> dims;
  for (const auto &dim : type.tensor_type().shape().dim()) {
    if (Error error = checkName("dimension", dim.dim_param(), limits))
      return error;
    // Some writers give unknown sizes as -1; 1 stands for any size here.
    dims.push_back(dim.has_dim_value() && dim.dim_value() != -1 ? dim.dim_value() : 1);
  }
  return checkShape(dims, limits);
}

/// The kind of value that an attribute holds; UNDEFINED if none, std::nullopt if several.
static std::optional<AttributeProto::AttributeType> findValueKind(const AttributeProto &attribute) {
  std::optional<AttributeProto::AttributeType> kind;
  bool isUnique = true;
  auto add = [&](bool isSet, AttributeProto::AttributeType type) {
    if (!isSet)
      return;
    isUnique &= !kind;
    kind = type;
  };
  add(attribute.has_f(), AttributeProto::FLOAT);
  add(attribute.has_i(), AttributeProto::INT);
  add(attribute.has_s(), AttributeProto::STRING);
  add(attribute.has_t(), AttributeProto::TENSOR);
  add(attribute.has_g(), AttributeProto::GRAPH);
  add(attribute.has_sparse_tensor(), AttributeProto::SPARSE_TENSOR);
  add(attribute.has_tp(), AttributeProto::TYPE_PROTO);
  add(attribute.floats_size(), AttributeProto::FLOATS);
  add(attribute.ints_size(), AttributeProto::INTS);
  add(attribute.strings_size(), AttributeProto::STRINGS);
  add(attribute.tensors_size(), AttributeProto::TENSORS);
  add(attribute.graphs_size(), AttributeProto::GRAPHS);
  add(attribute.sparse_tensors_size(), AttributeProto::SPARSE_TENSORS);
  add(attribute.type_protos_size(), AttributeProto::TYPE_PROTOS);
  if (!isUnique)
    return std::nullopt;
  return kind.value_or(AttributeProto::UNDEFINED);
}

static StringRef kindName(AttributeProto::AttributeType kind) {
  return AttributeProto::AttributeType_Name(kind);
}

/// Writers in proto3 leave out zeros, and empty lists have no elements; messages must be there.
static bool mayBeAbsent(AttributeProto::AttributeType kind) {
  return kind != AttributeProto::TENSOR && kind != AttributeProto::GRAPH &&
         kind != AttributeProto::SPARSE_TENSOR && kind != AttributeProto::TYPE_PROTO;
}

static Error checkAttribute(const AttributeProto &attribute, bool inFunction,
                            const OnnxLimits &limits) {
  if (!attribute.ref_attr_name().empty()) {
    if (!inFunction)
      return makeModelError("refers to the attribute " + quoteName(attribute.ref_attr_name()) +
                            " of a function, but is in none");
    return checkName("attribute", attribute.ref_attr_name(), limits);
  }
  std::optional<AttributeProto::AttributeType> found = findValueKind(attribute);
  if (!found)
    return makeModelError("has values of several kinds");
  AttributeProto::AttributeType stated = attribute.type();
  if (stated == AttributeProto::UNDEFINED)
    return makeModelError("does not state its kind");
  if (*found == AttributeProto::UNDEFINED ? !mayBeAbsent(stated) : *found != stated)
    return makeModelError("is of kind " + kindName(stated) + " but holds " +
                          (*found == AttributeProto::UNDEFINED ? "nothing" : kindName(*found)));
  if (attribute.has_t())
    if (Error error = checkTensor(attribute.t(), limits))
      return error;
  for (const TensorProto &tensor : attribute.tensors())
    if (Error error = checkTensor(tensor, limits))
      return error;
  return Error::success();
}

Error moec::checkAttributes(const NodeProto &node, bool inFunction, const OnnxLimits &limits) {
  llvm::StringSet<> names;
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.name().empty())
      return makeModelError("has an attribute without a name");
    if (Error error = checkName("attribute", attribute.name(), limits))
      return error;
    if (!names.insert(attribute.name()).second)
      return makeModelError("has the attribute " + quoteName(attribute.name()) + " twice");
    if (Error error = checkAttribute(attribute, inFunction, limits))
      return makeModelError("attribute " + quoteName(attribute.name()) + " " +
                            llvm::toString(std::move(error)));
  }
  return Error::success();
}

/// Checks operands or results against their formal parameters; `what` is "operand" or "result".
template <typename Names>
static Error checkParameters(const char *what, const Names &actual,
                             const std::vector<OpSchema::FormalParameter> &formal, int min,
                             int max) {
  int count = actual.size();
  if (count < min || count > max)
    return makeModelError("has " + Twine(count) + " " + what + (count == 1 ? "" : "s") +
                          ", expected " + (count < min ? "at least " : "at most ") +
                          Twine(count < min ? min : max));
  for (int i = 0, end = std::min<int>(count, formal.size()); i < end; ++i)
    if (actual.Get(i).empty() && formal[i].GetOption() == OpSchema::Single)
      return makeModelError(Twine("lacks ") + what + " " + Twine(i) + " (" +
                            quoteName(formal[i].GetName()) + "), which is not optional");
  return Error::success();
}

Error moec::checkSchema(const NodeProto &node, int64_t opset) {
  StringRef domain = normalizeDomain(node.domain());
  const OpSchema *schema =
      ::onnx::OpSchemaRegistry::Schema(node.op_type(), static_cast<int>(opset), domain.str());
  if (!schema)
    return Error::success(); // whoever lowers the node says what is supported
  if (Error error = checkParameters("operand", node.input(), schema->inputs(), schema->min_input(),
                                    schema->max_input()))
    return error;
  if (Error error = checkParameters("result", node.output(), schema->outputs(),
                                    schema->min_output(), schema->max_output()))
    return error;
  for (const auto &[name, expected] : schema->attributes()) {
    auto found = llvm::find_if(node.attribute(),
                               [&](const AttributeProto &set) { return set.name() == name; });
    if (found == node.attribute().end()) {
      if (expected.required)
        return makeModelError("lacks the attribute " + quoteName(name));
    } else if (found->type() != expected.type) {
      return makeModelError("attribute " + quoteName(name) + " is of kind " +
                            kindName(found->type()) + ", expected " + kindName(expected.type));
    }
  }
  for (const AttributeProto &attribute : node.attribute())
    if ((attribute.has_g() || attribute.graphs_size()) &&
        !schema->attributes().count(attribute.name()))
      return makeModelError("attribute " + quoteName(attribute.name()) +
                            " is a graph, which this operator does not have");
  return Error::success();
}
