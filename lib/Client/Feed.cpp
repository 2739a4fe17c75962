//===- Feed.cpp - Arrays of .npz files as inputs and outputs of a model
//----------------------------===//
#include "moec/Client/Feed.h"

#include "moec/Client/Tensors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace moec {
namespace {

/// What else the file has: the cases that hold `name`, else its keys.
std::string describeAlternatives(const NpzReader &file, StringRef name) {
  SetVector<StringRef> cases;
  for (StringRef key : file.keys())
    if (key.consume_back(name) && key.consume_back("/"))
      cases.insert(key);
  if (cases.empty())
    return "the file has " + listForMessage(file.keys());
  std::vector<std::string> names;
  for (StringRef name : cases)
    names.push_back(name.str());
  return "the file has the cases " + listForMessage(names);
}

} // namespace

std::string caseKey(StringRef prefix, StringRef name) {
  return prefix.empty() ? name.str() : (prefix + "/" + name).str();
}

std::string listForMessage(ArrayRef<std::string> keys) {
  constexpr size_t shown = 8;
  if (keys.empty())
    return "no arrays";
  std::string list = join(keys.take_front(shown), ", ");
  if (keys.size() > shown)
    list += " and " + utostr(keys.size() - shown) + " more";
  return list;
}

bool hasType(NpyKind kind, int32_t type) { return bytesOfType(type) && kind == npyKindOf(type); }

Expected<InputSet> readInputs(NpzReader &file, StringRef prefix, const moec_model_info &model) {
  InputSet inputs;
  for (const moec_tensor_info &info : ArrayRef(model.inputs, model.num_inputs)) {
    std::string key = caseKey(prefix, info.name);
    if (!file.contains(key))
      return createStringError(file.path() + ": no array '" + key + "' for input '" + info.name +
                               "' of the model; " + describeAlternatives(file, info.name));
    Expected<NpyArray> array = file.read(key);
    if (!array)
      return array.takeError();
    if (!hasType(array->kind(), info.type)) {
      std::string expected = describeType(info.type);
      if (info.type == MOEC_BFLOAT16)
        expected += " (stored as uint16)";
      return createStringError(file.path() + ": array '" + key + "' is " + array->typeName() +
                               ", input '" + info.name + "' of the model is " + expected);
    }
    if (array->rank() > MOEC_MAX_RANK)
      return createStringError(file.path() + ": array '" + key + "' has " + Twine(array->rank()) +
                               " dimensions");
    inputs.tensors.push_back(makeTensor(array->data(), info.type, array->shape()));
    inputs.arrays.push_back(std::move(*array));
  }
  return std::move(inputs);
}

Error writeOutputs(StringRef path, StringRef prefix, const moec_model_info &model,
                   ArrayRef<moec_tensor> outputs) {
  Expected<NpzWriter> file = NpzWriter::create(path);
  if (!file)
    return file.takeError();
  for (auto [info, tensor] : zip(ArrayRef(model.outputs, model.num_outputs), outputs)) {
    NpyHeader header;
    header.kind = npyKindOf(tensor.type);
    header.elementSize = npyElementSize(header.kind);
    header.shape.assign(shapeOf(tensor).begin(), shapeOf(tensor).end());
    if (Error error = file->add(caseKey(prefix, info.name), header, tensor.data))
      return error;
  }
  return file->finish();
}

} // namespace moec
