#include "moec/Artifact/Signature.h"

#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace moec {

namespace {

struct TypeTraits {
  moec_type type;
  StringRef name;
  unsigned size;
};

constexpr TypeTraits types[] = {
    {MOEC_FLOAT32, "float32", 4},  {MOEC_UINT8, "uint8", 1},   {MOEC_INT8, "int8", 1},
    {MOEC_UINT16, "uint16", 2},    {MOEC_INT16, "int16", 2},   {MOEC_INT32, "int32", 4},
    {MOEC_INT64, "int64", 8},      {MOEC_BOOL, "bool", 1},     {MOEC_FLOAT16, "float16", 2},
    {MOEC_FLOAT64, "float64", 8},  {MOEC_UINT32, "uint32", 4}, {MOEC_UINT64, "uint64", 8},
    {MOEC_BFLOAT16, "bfloat16", 2}};

const TypeTraits *find(int32_t type) {
  for (const TypeTraits &traits : types)
    if (traits.type == type)
      return &traits;
  return nullptr;
}

template <typename... Ts>
Error bad(const char *format, Ts... arguments) {
  return createStringError(format, arguments...);
}

/// How a shape spells a symbol.
std::string spellSymbol(ArrayRef<std::string> symbols, int64_t index) {
  const std::string &name = symbols[index];
  return name.empty() || name.front() == '?' ? "?" + std::to_string(index) : name;
}

template <typename Tensor>
Error verifyTensors(StringRef kind, const std::vector<Tensor> &tensors, size_t numSymbols) {
  StringSet<> names;
  for (const TensorSignature &tensor : tensors) {
    const char *name = tensor.name.c_str();
    if (StringRef(tensor.name).contains('\0'))
      return bad("signature: a NUL in the name of %s '%s'", kind.data(), name);
    if (!names.insert(tensor.name).second)
      return bad("signature: two %ss named '%s'", kind.data(), name);
    if (!find(tensor.type))
      return bad("signature: %s '%s' has unknown type %d", kind.data(), name, int(tensor.type));
    if (tensor.shape.size() > MOEC_MAX_RANK)
      return bad("signature: %s '%s' has rank %zu, the largest is %d", kind.data(), name,
                 tensor.shape.size(), MOEC_MAX_RANK);
    for (int64_t size : tensor.shape)
      if (size < 0 && uint64_t(-1 - size) >= numSymbols)
        return bad("signature: %s '%s' has no symbol %lld", kind.data(), name,
                   static_cast<long long>(-1 - size));
  }
  return Error::success();
}

json::Object tensorToJSON(const TensorSignature &tensor, ArrayRef<std::string> symbols) {
  json::Array shape;
  for (int64_t size : tensor.shape) {
    if (size >= 0)
      shape.push_back(size);
    else
      shape.push_back(spellSymbol(symbols, -1 - size));
  }
  return json::Object{
      {"name", tensor.name}, {"type", *typeName(tensor.type)}, {"shape", std::move(shape)}};
}

json::Array tensorsToJSON(ArrayRef<TensorSignature> tensors, ArrayRef<std::string> symbols) {
  json::Array array;
  for (const TensorSignature &tensor : tensors)
    array.push_back(tensorToJSON(tensor, symbols));
  return array;
}

Expected<int64_t> sizeFromJSON(const json::Value &value, const StringMap<int64_t> &symbols) {
  if (std::optional<int64_t> size = value.getAsInteger(); size && *size >= 0)
    return *size;
  std::optional<StringRef> name = value.getAsString();
  if (!name)
    return bad("signature: a size is neither an integer >= 0 nor a symbol");
  auto symbol = symbols.find(*name);
  if (symbol == symbols.end())
    return bad("signature: unknown symbol '%s'", name->str().c_str());
  return -1 - symbol->second;
}

Expected<std::vector<TensorSignature>> tensorsFromJSON(const json::Object &object, StringRef key,
                                                       const StringMap<int64_t> &symbols) {
  const json::Array *array = object.getArray(key);
  if (!array)
    return bad("signature: no array \"%s\"", key.data());
  std::vector<TensorSignature> tensors;
  for (const json::Value &value : *array) {
    const json::Object *tensor = value.getAsObject();
    std::optional<StringRef> name = tensor ? tensor->getString("name") : std::nullopt;
    std::optional<StringRef> type = tensor ? tensor->getString("type") : std::nullopt;
    const json::Array *shape = tensor ? tensor->getArray("shape") : nullptr;
    if (!name || !type || !shape)
      return bad("signature: an element of \"%s\" lacks its name, type or shape", key.data());
    std::optional<moec_type> known = typeFromName(*type);
    if (!known)
      return bad("signature: unknown type '%s'", type->str().c_str());
    TensorSignature &result = tensors.emplace_back();
    result.name = name->str();
    result.type = *known;
    for (const json::Value &entry : *shape) {
      Expected<int64_t> size = sizeFromJSON(entry, symbols);
      if (!size)
        return size.takeError();
      result.shape.push_back(*size);
    }
  }
  return tensors;
}

} // namespace

std::optional<StringRef> typeName(int32_t type) {
  const TypeTraits *traits = find(type);
  return traits ? std::optional(traits->name) : std::nullopt;
}

std::optional<moec_type> typeFromName(StringRef name) {
  for (const TypeTraits &traits : types)
    if (traits.name == name)
      return traits.type;
  return std::nullopt;
}

unsigned typeSize(int32_t type) {
  const TypeTraits *traits = find(type);
  return traits ? traits->size : 0;
}

Error Signature::verify() const {
  StringSet<> names;
  for (const std::string &symbol : symbols) {
    if (StringRef(symbol).contains('\0'))
      return bad("signature: a NUL in the name of symbol '%s'", symbol.c_str());
    if (!symbol.empty() && !names.insert(symbol).second)
      return bad("signature: two symbols named '%s'", symbol.c_str());
  }
  if (Error error = verifyTensors("input", inputs, symbols.size()))
    return error;
  if (Error error = verifyTensors("output", outputs, symbols.size()))
    return error;
  if (Error error = verifyTensors("state", states, symbols.size()))
    return error;
  for (const StateSignature &state : states)
    if (state.axis < 0 || state.axis >= int64_t(state.shape.size()) || state.shape[state.axis] >= 0)
      return bad("signature: state '%s' grows along axis %lld, which has no symbol",
                 state.name.c_str(), static_cast<long long>(state.axis));
  if (!states.empty() && stateCapacity <= 0)
    return bad("signature: states with room for %lld rows", static_cast<long long>(stateCapacity));
  return Error::success();
}

json::Object Signature::toJSON() const {
  json::Object object{{"inputs", tensorsToJSON(inputs, symbols)},
                      {"outputs", tensorsToJSON(outputs, symbols)},
                      {"symbols", json::Array(symbols)}};
  if (states.empty())
    return object;
  json::Array array;
  for (const StateSignature &state : states) {
    json::Object item = tensorToJSON(state, symbols);
    item["output"] = state.output;
    item["axis"] = state.axis;
    array.push_back(std::move(item));
  }
  object["states"] = std::move(array);
  object["state_capacity"] = stateCapacity;
  return object;
}

Expected<Signature> Signature::fromJSON(const json::Object &object) {
  const json::Array *names = object.getArray("symbols");
  if (!names)
    return bad("signature: no array \"symbols\"");
  Signature signature;
  StringMap<int64_t> symbols;
  for (const json::Value &value : *names) {
    std::optional<StringRef> name = value.getAsString();
    if (!name)
      return bad("signature: a symbol is not a string");
    signature.symbols.push_back(name->str());
    int64_t index = signature.symbols.size() - 1;
    symbols.try_emplace(spellSymbol(signature.symbols, index), index);
  }
  Expected<std::vector<TensorSignature>> inputs = tensorsFromJSON(object, "inputs", symbols);
  if (!inputs)
    return inputs.takeError();
  signature.inputs = std::move(*inputs);
  Expected<std::vector<TensorSignature>> outputs = tensorsFromJSON(object, "outputs", symbols);
  if (!outputs)
    return outputs.takeError();
  signature.outputs = std::move(*outputs);
  if (const json::Array *array = object.getArray("states")) {
    Expected<std::vector<TensorSignature>> states = tensorsFromJSON(object, "states", symbols);
    if (!states)
      return states.takeError();
    for (auto [state, value] : zip(*states, *array)) {
      std::optional<StringRef> output = value.getAsObject()->getString("output");
      std::optional<int64_t> axis = value.getAsObject()->getInteger("axis");
      if (!output || !axis)
        return bad("signature: state '%s' lacks its output or axis", state.name.c_str());
      signature.states.push_back({std::move(state), output->str(), *axis});
    }
    signature.stateCapacity = object.getInteger("state_capacity").value_or(0);
  }
  if (Error error = signature.verify())
    return error;
  return signature;
}

} // namespace moec
