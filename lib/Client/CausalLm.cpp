//===- CausalLm.cpp - Feeding a causal language model
//----------------------------------------------===//
#include "moec/Client/CausalLm.h"

#include "moec/Client/Tensors.h"
#include "moec/Support/CacheNames.h"
#include "moec/Support/Float16.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>
#include <limits>

using namespace llvm;

namespace moec {
namespace {

/// Writes `value` as one element of the type; false if it does not fit or is no such type.
bool storeInteger(int32_t type, int64_t value, char *target) {
  auto store = [&]<typename T>(T) {
    if (value < int64_t(std::numeric_limits<T>::min()) ||
        (sizeof(T) < 8 && value > int64_t(std::numeric_limits<T>::max())))
      return false;
    T narrow = T(value);
    std::memcpy(target, &narrow, sizeof(T));
    return true;
  };
  switch (type) {
  case MOEC_BOOL:
  case MOEC_UINT8:
    return store(uint8_t());
  case MOEC_INT8:
    return store(int8_t());
  case MOEC_UINT16:
    return store(uint16_t());
  case MOEC_INT16:
    return store(int16_t());
  case MOEC_UINT32:
    return store(uint32_t());
  case MOEC_INT32:
    return store(int32_t());
  case MOEC_UINT64:
    return store(uint64_t());
  case MOEC_INT64:
    return store(int64_t());
  case MOEC_FLOAT32: {
    float number = float(value);
    std::memcpy(target, &number, sizeof(number));
    return true;
  }
  default:
    return false;
  }
}

} // namespace

ArrayRef<float> Logits::at(int64_t row, int64_t position, std::vector<float> &scratch) const {
  int64_t begin = (row * length + position) * vocabulary;
  if (type == MOEC_FLOAT32)
    return {static_cast<const float *>(data) + begin, size_t(vocabulary)};
  scratch.resize(vocabulary);
  for (int64_t i = 0; i < vocabulary; ++i) {
    if (type == MOEC_FLOAT64)
      scratch[i] = float(static_cast<const double *>(data)[begin + i]);
    else if (type == MOEC_FLOAT16)
      scratch[i] = floatFromHalf(static_cast<const uint16_t *>(data)[begin + i]);
    else
      scratch[i] = floatFromBfloat16(static_cast<const uint16_t *>(data)[begin + i]);
  }
  return scratch;
}

Expected<CausalLm> CausalLm::create(Session session) {
  CausalLm model(std::move(session));
  if (Error error = model.recogniseInputs())
    return std::move(error);
  if (Error error = model.recogniseCaches())
    return std::move(error);
  if (Error error = model.recogniseLogits())
    return std::move(error);
  return std::move(model);
}

int64_t CausalLm::fixedSize(int dim) const {
  int64_t size = session.info().inputs[tokensInput].shape[dim];
  return size < 0 ? -1 : size;
}

Error CausalLm::recogniseInputs() {
  const moec_model_info &info = session.info();
  for (int32_t i = 0; i < info.num_inputs; ++i) {
    const moec_tensor_info &input = info.inputs[i];
    StringRef name = input.name;
    bool integers = isIntegerType(input.type);
    char probe[8];
    if (name == "attention_mask" && input.rank == 2 && storeInteger(input.type, 1, probe)) {
      roles.push_back(Role::Mask);
    } else if ((name == "position_ids" || name == "cache_position") && integers &&
               input.rank >= 1 && input.rank <= 2) {
      roles.push_back(Role::Positions);
    } else if (isCacheName(name) && isFloatType(input.type)) {
      roles.push_back(Role::Cache);
      caches.push_back({i, -1, {}, {}});
    } else if (integers && input.rank == 2 && tokensInput < 0) {
      roles.push_back(Role::Tokens);
      tokensInput = i;
    } else {
      return createStringError("not used as a language model: input '" + name + "' (" +
                               describeType(input.type) + describeShape(input, info) +
                               ") is neither tokens, mask, positions nor cache");
    }
  }
  if (tokensInput < 0)
    return createStringError("not a language model: no integer input [batch, length]");
  return Error::success();
}

Error CausalLm::recogniseCaches() {
  const moec_model_info &info = session.info();
  for (Cache &cache : caches) {
    const moec_tensor_info &input = info.inputs[cache.input];
    for (const std::string &name : presentNames(input.name))
      if (std::optional<int32_t> output = findOutput(info, name); output && cache.output < 0)
        cache.output = *output;
    if (cache.output < 0 || info.outputs[cache.output].type != input.type)
      return createStringError("no output goes with the cache input '" + Twine(input.name) +
                               "', as present… does with past…");
    // Axis 0 is the batch; the other open size is the length of the past.
    if (input.rank < 2 ||
        count_if(shapeOf(input).drop_front(), [](int64_t size) { return size < 0; }) != 1)
      return createStringError("cache input '" + Twine(input.name) + "' " +
                               describeShape(input, info) +
                               " has not one open size, its length, behind the batch");
  }
  return Error::success();
}

Error CausalLm::recogniseLogits() {
  const moec_model_info &info = session.info();
  auto fits = [&](int32_t i) {
    return info.outputs[i].rank == 3 && isFloatType(info.outputs[i].type);
  };
  if (std::optional<int32_t> named = findOutput(info, "logits"); named && fits(*named))
    logitsOutput = *named;
  for (int32_t i = 0; i < info.num_outputs && logitsOutput < 0; ++i)
    if (fits(i))
      logitsOutput = i;
  if (logitsOutput < 0)
    return createStringError("not a language model: no floating-point output [batch, length, "
                             "vocabulary]");
  return Error::success();
}

Expected<moec_tensor> CausalLm::makeInput(int32_t input, ArrayRef<int64_t> tokens, int64_t batch,
                                          std::vector<char> &memory) {
  const moec_tensor_info &info = session.info().inputs[input];
  int64_t length = int64_t(tokens.size()) / batch;
  int64_t size = bytesOfType(info.type);
  auto fill = [&](ArrayRef<int64_t> shape, auto valueAt) -> Expected<moec_tensor> {
    int64_t count = 1;
    for (int64_t n : shape)
      count *= n;
    // A mask grows with every step.
    if (int64_t bytes = std::max<int64_t>(count * size, 1); bytes > int64_t(memory.capacity()))
      memory.reserve(2 * bytes);
    memory.resize(std::max<int64_t>(count * size, 1));
    for (int64_t i = 0; i < count; ++i)
      if (!storeInteger(info.type, valueAt(i), memory.data() + i * size))
        return createStringError("value " + Twine(int64_t(valueAt(i))) + " does not fit input '" +
                                 info.name + "' of type " + describeType(info.type));
    return makeTensor(memory.data(), info.type, shape);
  };
  switch (roles[input]) {
  case Role::Tokens:
    return fill({batch, length}, [&](int64_t i) { return tokens[i]; });
  case Role::Mask:
    return fill({batch, pastLength + length}, [](int64_t) { return int64_t(1); });
  case Role::Positions: {
    SmallVector<int64_t, 2> shape = {batch, length};
    return fill(ArrayRef(shape).take_back(info.rank),
                [&](int64_t i) { return pastLength + i % length; });
  }
  case Role::Cache:
    break;
  }
  Cache &cache = *find_if(caches, [&](const Cache &c) { return c.input == input; });
  if (pastLength == 0) {
    cache.data.assign(1, 0);
    cache.shape.clear();
    for (auto [dim, n] : enumerate(shapeOf(info)))
      cache.shape.push_back(n >= 0 ? n : dim == 0 ? batch : 0);
  }
  return makeTensor(cache.data.data(), info.type, cache.shape);
}

Expected<Logits> CausalLm::run(ArrayRef<int64_t> tokens, int64_t batch, bool keepCache) {
  int64_t length = int64_t(tokens.size()) / batch;
  if (session.hasState()) {
    if (!isContinued)
      if (Error error = session.resetState())
        return std::move(error);
    isContinued = keepCache;
    pastLength = session.state().rows;
  }
  memory.resize(roles.size());
  inputs.clear();
  for (int32_t i = 0; i < int32_t(roles.size()); ++i) {
    Expected<moec_tensor> tensor = makeInput(i, tokens, batch, memory[i]);
    if (!tensor)
      return tensor.takeError();
    inputs.push_back(*tensor);
  }
  Expected<ArrayRef<moec_tensor>> outputs = session.run(inputs);
  if (!outputs)
    return outputs.takeError();

  // The outputs' memory may be written by the next call, which reads the cache: keep a copy.
  pastLength = keepCache ? pastLength + length : 0;
  if (keepCache)
    for (Cache &cache : caches) {
      const moec_tensor &present = (*outputs)[cache.output];
      const char *begin = static_cast<const char *>(present.data);
      cache.data.assign(begin, begin + moec::numElements(present) * bytesOfType(present.type));
      cache.shape.assign(shapeOf(present).begin(), shapeOf(present).end());
      if (cache.data.empty())
        cache.data.assign(1, 0);
    }

  const moec_tensor &logits = (*outputs)[logitsOutput];
  if (logits.rank != 3 || logits.shape[0] != batch || logits.shape[2] < 1)
    return createStringError("logits have shape " + describeShape(shapeOf(logits)) +
                             ", expected [" + Twine(batch) + ", " + Twine(length) +
                             ", vocabulary]");
  return Logits{logits.data, logits.type, batch, logits.shape[1], logits.shape[2]};
}

} // namespace moec
