//===- Tensors.cpp - Types and shapes of a compiled model's tensors
//--------------------------------===//
#include "moec/Client/Tensors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

using namespace llvm;

namespace moec {
namespace {

struct TypeInfo {
  moec_type type;
  StringLiteral name;
  int64_t size;
  NpyKind kind;
};

constexpr TypeInfo types[] = {
    {MOEC_FLOAT32, "float32", 4, NpyKind::Float32}, {MOEC_UINT8, "uint8", 1, NpyKind::UInt8},
    {MOEC_INT8, "int8", 1, NpyKind::Int8},          {MOEC_UINT16, "uint16", 2, NpyKind::UInt16},
    {MOEC_INT16, "int16", 2, NpyKind::Int16},       {MOEC_INT32, "int32", 4, NpyKind::Int32},
    {MOEC_INT64, "int64", 8, NpyKind::Int64},       {MOEC_BOOL, "bool", 1, NpyKind::Bool},
    {MOEC_FLOAT16, "float16", 2, NpyKind::Float16}, {MOEC_FLOAT64, "float64", 8, NpyKind::Float64},
    {MOEC_UINT32, "uint32", 4, NpyKind::UInt32},    {MOEC_UINT64, "uint64", 8, NpyKind::UInt64},
    {MOEC_BFLOAT16, "bfloat16", 2, NpyKind::UInt16}};

const TypeInfo *findType(int32_t type) {
  const TypeInfo *found = find_if(types, [&](const TypeInfo &info) { return info.type == type; });
  return found == std::end(types) ? nullptr : found;
}

std::optional<int32_t> findByName(const moec_tensor_info *infos, int32_t count, StringRef name) {
  for (int32_t i = 0; i < count; ++i)
    if (name == infos[i].name)
      return i;
  return std::nullopt;
}

} // namespace

std::string describeType(int32_t type) {
  const TypeInfo *info = findType(type);
  return info ? info->name.str() : "type " + itostr(type);
}

int64_t bytesOfType(int32_t type) {
  const TypeInfo *info = findType(type);
  return info ? info->size : 0;
}

bool isFloatType(int32_t type) {
  return type == MOEC_FLOAT32 || type == MOEC_FLOAT64 || type == MOEC_FLOAT16 ||
         type == MOEC_BFLOAT16;
}

bool isIntegerType(int32_t type) {
  return findType(type) && !isFloatType(type) && type != MOEC_BOOL;
}

NpyKind npyKindOf(int32_t type) {
  const TypeInfo *info = findType(type);
  return info ? info->kind : NpyKind::UInt8;
}

ArrayRef<int64_t> shapeOf(const moec_tensor &tensor) { return {tensor.shape, size_t(tensor.rank)}; }

ArrayRef<int64_t> shapeOf(const moec_tensor_info &info) { return {info.shape, size_t(info.rank)}; }

int64_t numElements(const moec_tensor &tensor) {
  int64_t count = 1;
  for (int64_t size : shapeOf(tensor))
    count *= size;
  return count;
}

moec_tensor makeTensor(const void *data, int32_t type, ArrayRef<int64_t> shape) {
  moec_tensor tensor = {};
  tensor.data = const_cast<void *>(data);
  tensor.device = MOEC_CPU;
  tensor.type = type;
  tensor.rank = int32_t(shape.size());
  copy(shape, tensor.shape);
  return tensor;
}

std::string describeShape(ArrayRef<int64_t> shape) {
  return "[" + join(map_range(shape, [](int64_t size) { return itostr(size); }), ", ") + "]";
}

std::string describeShape(const moec_tensor_info &info, const moec_model_info &model) {
  auto describe = [&](int64_t size) -> std::string {
    if (size >= 0)
      return itostr(size);
    StringRef symbol = model.symbols[-1 - size];
    return symbol.empty() ? "?" : symbol.str();
  };
  return "[" + join(map_range(shapeOf(info), describe), ", ") + "]";
}

std::optional<int32_t> findInput(const moec_model_info &model, StringRef name) {
  return findByName(model.inputs, model.num_inputs, name);
}

std::optional<int32_t> findOutput(const moec_model_info &model, StringRef name) {
  return findByName(model.outputs, model.num_outputs, name);
}

} // namespace moec
