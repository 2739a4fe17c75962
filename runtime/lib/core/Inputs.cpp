#include "core/Inputs.h"

namespace moec::rt {

namespace {

struct TypeTraits {
  int32_t type;
  int32_t size;
  const char *name;
};

constexpr TypeTraits types[] = {
    {MOEC_FLOAT32, 4, "float32"},  {MOEC_UINT8, 1, "uint8"},   {MOEC_INT8, 1, "int8"},
    {MOEC_UINT16, 2, "uint16"},    {MOEC_INT16, 2, "int16"},   {MOEC_INT32, 4, "int32"},
    {MOEC_INT64, 8, "int64"},      {MOEC_BOOL, 1, "bool"},     {MOEC_FLOAT16, 2, "float16"},
    {MOEC_FLOAT64, 8, "float64"},  {MOEC_UINT32, 4, "uint32"}, {MOEC_UINT64, 8, "uint64"},
    {MOEC_BFLOAT16, 2, "bfloat16"}};

TypeTraits traitsOf(int32_t type) {
  for (const TypeTraits &traits : types)
    if (traits.type == type)
      return traits;
  return {type, 0, "unknown"};
}

/// Says which input a message is about.
struct InputChecker {
  const moec_model_info &info;
  int32_t index;
  Message &message;

  const char *name() const { return info.inputs[index].name; }

  moec_status typeAndRank(const moec_tensor &tensor) {
    const moec_tensor_info &expected = info.inputs[index];
    if (tensor.device != MOEC_CPU)
      return message.fail(MOEC_INVALID_ARGUMENT,
                          "input %d ('%s') is on device %d, expected %d (CPU)", index, name(),
                          tensor.device, MOEC_CPU);
    if (tensor.type != expected.type)
      return message.fail(MOEC_INVALID_ARGUMENT, "input %d ('%s') has type %s (%d), expected %s",
                          index, name(), traitsOf(tensor.type).name, tensor.type,
                          traitsOf(expected.type).name);
    if (tensor.rank != expected.rank)
      return message.fail(MOEC_INVALID_ARGUMENT, "input %d ('%s') has rank %d, expected %d", index,
                          name(), tensor.rank, expected.rank);
    return MOEC_OK;
  }

  moec_status size(int32_t dimension, int64_t size, SymbolValue *symbols) {
    if (size < 0)
      return message.fail(MOEC_INVALID_ARGUMENT,
                          "input %d ('%s'): size %lld of dimension %d is negative", index, name(),
                          (long long)size, dimension);
    int64_t expected = info.inputs[index].shape[dimension];
    if (expected >= 0) {
      if (size != expected)
        return message.fail(MOEC_INVALID_ARGUMENT,
                            "input %d ('%s'): dimension %d has size %lld, expected %lld", index,
                            name(), dimension, (long long)size, (long long)expected);
      return MOEC_OK;
    }
    SymbolValue &symbol = symbols[-1 - expected];
    if (symbol.input < 0) {
      symbol = {size, index, dimension};
      return MOEC_OK;
    }
    if (size != symbol.size)
      return message.fail(MOEC_INVALID_ARGUMENT,
                          "input %d ('%s'): dimension %d ('%s') has size %lld, but dimension %d of "
                          "input %d ('%s'), "
                          "which must be equal, has %lld",
                          index, name(), dimension, info.symbols[-1 - expected], (long long)size,
                          symbol.dimension, symbol.input, info.inputs[symbol.input].name,
                          (long long)symbol.size);
    return MOEC_OK;
  }

  /// Every address that the tensor spans can be computed without overflow, and there is data.
  moec_status extent(const moec_tensor &tensor) {
    int64_t bytes = traitsOf(tensor.type).size, farthest = 0;
    bool overflow = false, empty = false;
    for (int32_t d = 0; d < tensor.rank; ++d) {
      int64_t size = tensor.shape[d];
      empty |= size == 0;
      if (size == 0)
        continue;
      overflow |= __builtin_mul_overflow(bytes, size, &bytes);
      if (tensor.strides) {
        int64_t distance;
        int64_t stride = tensor.strides[d] < 0 ? -(tensor.strides[d] + 1) : tensor.strides[d];
        overflow |= __builtin_mul_overflow(stride, size, &distance);
        overflow |= __builtin_add_overflow(farthest, distance, &farthest);
      }
    }
    overflow |= __builtin_mul_overflow(farthest, (int64_t)8, &farthest);
    if (overflow)
      return message.fail(MOEC_INVALID_ARGUMENT, "input %d ('%s') has too many bytes to address",
                          index, name());
    if (!tensor.data && !empty)
      return message.fail(MOEC_INVALID_ARGUMENT, "input %d ('%s') has no data", index, name());
    return MOEC_OK;
  }
};

bool isDense(const moec_tensor &tensor) {
  if (!tensor.strides)
    return true;
  int64_t expected = 1;
  for (int32_t d = tensor.rank - 1; d >= 0; --d) {
    if (tensor.shape[d] != 1 && tensor.strides[d] != expected)
      return false;
    expected *= tensor.shape[d];
  }
  return true;
}

int64_t countElements(const moec_tensor &tensor) {
  int64_t count = 1;
  for (int32_t d = 0; d < tensor.rank; ++d)
    count *= tensor.shape[d];
  return count;
}

/// Copies into row-major order, a run along the last dimension at a time. Not empty.
void copyDense(const moec_tensor &tensor, int64_t elementSize, char *to) {
  const int32_t last = tensor.rank - 1;
  const char *from = (const char *)tensor.data;
  if (!tensor.strides || tensor.rank == 0) {
    memcpy(to, from, countElements(tensor) * elementSize);
    return;
  }
  int64_t index[MOEC_MAX_RANK] = {};
  while (true) {
    if (tensor.strides[last] == 1) {
      memcpy(to, from, tensor.shape[last] * elementSize);
    } else {
      for (int64_t i = 0; i < tensor.shape[last]; ++i)
        memcpy(to + i * elementSize, from + i * tensor.strides[last] * elementSize, elementSize);
    }
    to += tensor.shape[last] * elementSize;
    int32_t d = last - 1;
    for (; d >= 0; --d) {
      from += tensor.strides[d] * elementSize;
      if (++index[d] < tensor.shape[d])
        break;
      from -= tensor.strides[d] * elementSize * tensor.shape[d];
      index[d] = 0;
    }
    if (d < 0)
      return;
  }
}

} // namespace

int32_t sizeOfType(int32_t type) { return traitsOf(type).size; }

moec_status checkInputs(const moec_model_info &info, const moec_tensor *inputs, int32_t count,
                        SymbolValue *symbols, Message &message) {
  if (count != info.num_inputs)
    return message.fail(MOEC_INVALID_ARGUMENT, "%d inputs given, expected %d", count,
                        info.num_inputs);
  if (!inputs && count > 0)
    return message.fail(MOEC_INVALID_ARGUMENT, "the array of inputs is NULL");
  for (int32_t i = 0; i < info.num_symbols; ++i)
    symbols[i].input = -1;
  for (int32_t i = 0; i < count; ++i) {
    InputChecker checker{info, i, message};
    if (moec_status status = checker.typeAndRank(inputs[i]))
      return status;
    for (int32_t d = 0; d < inputs[i].rank; ++d)
      if (moec_status status = checker.size(d, inputs[i].shape[d], symbols))
        return status;
    if (moec_status status = checker.extent(inputs[i]))
      return status;
  }
  return MOEC_OK;
}

moec_status bindInputs(const moec_model_info &info, const moec_tensor *inputs, Memory &memory,
                       const Arena &arena, moec_rt_buffer *buffers, Message &message) {
  for (int32_t i = 0; i < info.num_inputs; ++i) {
    const moec_tensor &input = inputs[i];
    const int64_t elementSize = traitsOf(input.type).size;
    const int64_t count = countElements(input);
    memcpy(buffers[i].shape, input.shape, sizeof buffers[i].shape);
    buffers[i].data = input.data;
    bool aligned = (uintptr_t)input.data % elementSize == 0;
    bool isOutput = arena.contains(input.data) || memory.isKept(input.data);
    if (input.data && aligned && (count == 0 || (isDense(input) && !isOutput)))
      continue;
    buffers[i].data = memory.allocate(count * elementSize);
    if (!buffers[i].data)
      return message.fail(MOEC_OUT_OF_MEMORY, "no memory for a copy of input %d ('%s')", i,
                          info.inputs[i].name);
    if (count > 0)
      copyDense(input, elementSize, (char *)buffers[i].data);
  }
  return MOEC_OK;
}

} // namespace moec::rt
