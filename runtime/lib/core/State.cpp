#include "core/State.h"

#include <stdlib.h>

namespace moec::rt {

bool State::initialize(const moec_model_info &modelInfo, Memory &source, int64_t ownCapacity) {
  info = &modelInfo;
  memory = &source;
  capacity = ownCapacity ? ownCapacity : modelInfo.state_capacity;
  if (!exists())
    return true;
  caches = (Cache *)calloc(info->num_states, sizeof(Cache));
  return caches != nullptr;
}

void State::destroy() {
  for (int32_t i = 0; caches && i < info->num_states; ++i)
    free(caches[i]);
  ::free(caches);
}

void State::free(Cache &cache) {
  if (cache.data)
    memory->systemFree(cache.data, cache.bytes);
  cache = {};
}

int64_t State::bytes() const {
  int64_t sum = 0;
  for (int32_t i = 0; caches && i < info->num_states; ++i)
    sum += caches[i].bytes;
  return sum;
}

/// Makes the cache's memory new.
moec_status State::reshape(Cache &cache, int32_t index, const int64_t *shape, Message &message) {
  const moec_state_info &state = info->states[index];
  Cache made = {};
  int64_t bytes = sizeOfType(state.type);
  bool overflow = false;
  int64_t stride = 1;
  for (int32_t d = state.rank - 1; d >= 0; --d) {
    made.shape[d] = shape[d];
    made.strides[d] = stride;
    overflow |= __builtin_mul_overflow(bytes, shape[d], &bytes);
    overflow |= __builtin_mul_overflow(stride, shape[d], &stride);
  }
  made.bytes = bytes > 0 ? bytes : 64;
  if (!overflow)
    made.data = (char *)memory->systemAllocate(made.bytes);
  if (!made.data)
    return message.fail(MOEC_OUT_OF_MEMORY, "no memory for %lld rows of state '%s'",
                        (long long)capacity, state.name);
  free(cache);
  cache = made;
  return MOEC_OK;
}

moec_status State::prepare(SymbolValue *symbols, Message &message) {
  added = 0;
  for (int32_t i = 0; exists() && i < info->num_states; ++i) {
    const moec_state_info &state = info->states[i];
    Cache &cache = caches[i];
    int64_t shape[MOEC_MAX_RANK];
    bool isSame = cache.data != nullptr;
    for (int32_t d = 0; d < state.rank; ++d) {
      const int64_t said = state.shape[d];
      shape[d] = said >= 0 ? said : symbols[-1 - said].size;
      if (d == state.axis) {
        const SymbolValue &symbol = symbols[-1 - said];
        if (symbol.input >= 0 && symbol.size != rows)
          return message.fail(MOEC_INVALID_ARGUMENT,
                              "dimension %d of input %d ('%s') has size %lld, but the session's "
                              "state '%s' has %lld rows, which must be equal",
                              symbol.dimension, symbol.input, info->inputs[symbol.input].name,
                              (long long)symbol.size, state.name, (long long)rows);
        shape[d] = capacity;
      } else if (said < 0 && symbols[-1 - said].input < 0) {
        return message.fail(MOEC_BAD_ARTIFACT, "no input gives size %d of state '%s'", d,
                            state.name);
      } else if (rows > 0 && cache.shape[d] != shape[d]) {
        return message.fail(MOEC_INVALID_ARGUMENT,
                            "dimension %d of state '%s' is %lld in this call, but %lld in the rows "
                            "that the session keeps: reset it first",
                            d, state.name, (long long)shape[d], (long long)cache.shape[d]);
      }
      isSame &= cache.shape[d] == shape[d];
    }
    if (!isSame)
      if (moec_status status = reshape(cache, i, shape, message))
        return status;
  }
  return MOEC_OK;
}

void State::bind(moec_rt_buffer *buffers) const {
  if (!exists())
    return;
  buffers[0] = {};
  buffers[0].shape[0] = rows;
  for (int32_t i = 0; i < info->num_states; ++i) {
    buffers[1 + i].data = caches[i].data;
    memcpy(buffers[1 + i].shape, caches[i].shape, sizeof caches[i].shape);
  }
}

moec_status State::append(int64_t newRows, Message &message) {
  if (newRows < 0 || newRows > capacity - rows)
    return message.fail(MOEC_STATE_FULL,
                        "the session's state has room for %lld rows and holds %lld: %lld more do "
                        "not fit (nothing was changed; truncate or reset it, or make a session "
                        "with a larger capacity)",
                        (long long)capacity, (long long)rows, (long long)newRows);
  added = newRows;
  return MOEC_OK;
}

void State::finish(bool succeeded) {
  rows += succeeded ? added : 0;
  added = 0;
}

moec_status State::reset(int64_t newCapacity, Message &message) {
  if (newCapacity < 0)
    return message.fail(MOEC_INVALID_ARGUMENT, "a capacity of %lld rows", (long long)newCapacity);
  rows = 0;
  if (newCapacity == 0 || newCapacity == capacity)
    return MOEC_OK;
  for (int32_t i = 0; caches && i < info->num_states; ++i)
    free(caches[i]);
  capacity = newCapacity;
  return MOEC_OK;
}

moec_status State::truncate(int64_t newRows, Message &message) {
  if (newRows < 0 || newRows > rows)
    return message.fail(MOEC_INVALID_ARGUMENT, "cannot keep %lld of the %lld rows of the state",
                        (long long)newRows, (long long)rows);
  rows = newRows;
  return MOEC_OK;
}

/// Copies the rows that are there, of one batch element of a state whose first dimension is not the
/// one that grows.
void State::copyRows(const Cache &from, Cache &to, int32_t index, int64_t fromBatch,
                     int64_t toBatch) const {
  const moec_state_info &state = info->states[index];
  const int64_t size = sizeOfType(state.type), axis = state.axis;
  int64_t outer = 1;
  for (int32_t d = 1; d < axis; ++d)
    outer *= from.shape[d];
  const int64_t rowBytes = from.strides[axis] * size;
  const char *source = from.data + fromBatch * from.strides[0] * size;
  char *target = to.data + toBatch * to.strides[0] * size;
  for (int64_t o = 0; o < outer; ++o)
    memcpy(target + o * to.shape[axis] * rowBytes, source + o * from.shape[axis] * rowBytes,
           rows * rowBytes);
}

/// All of the new memory before any of the old goes.
template <typename ShapeOf, typename Fill>
moec_status State::replaceCaches(ShapeOf shapeOf, Fill fill, Message &message) {
  Cache *made = (Cache *)calloc(info->num_states + 1, sizeof(Cache));
  moec_status status =
      made ? MOEC_OK : message.fail(MOEC_OUT_OF_MEMORY, "no memory for another state");
  for (int32_t i = 0; !status && i < info->num_states; ++i) {
    int64_t shape[MOEC_MAX_RANK];
    shapeOf(i, shape);
    status = reshape(made[i], i, shape, message);
    if (!status)
      fill(i, made[i]);
  }
  for (int32_t i = 0; made && i < info->num_states; ++i) {
    free(status ? made[i] : caches[i]);
    if (!status)
      caches[i] = made[i];
  }
  ::free(made);
  return status;
}

moec_status State::reorder(const int64_t *sources, int64_t count, Message &message) {
  if (count < 0 || (count > 0 && !sources))
    return message.fail(MOEC_INVALID_ARGUMENT, "no list of %lld elements", (long long)count);
  if (rows == 0)
    return MOEC_OK;
  for (int32_t i = 0; exists() && i < info->num_states; ++i) {
    const moec_state_info &state = info->states[i];
    if (state.axis == 0 || (state.shape[0] >= 0 && state.shape[0] != count))
      return message.fail(MOEC_INVALID_ARGUMENT, "state '%s' has no batch of %lld", state.name,
                          (long long)count);
    for (int64_t b = 0; b < count; ++b)
      if (sources[b] < 0 || sources[b] >= caches[i].shape[0])
        return message.fail(MOEC_INVALID_ARGUMENT, "element %lld of a batch of %lld",
                            (long long)sources[b], (long long)caches[i].shape[0]);
  }
  return replaceCaches(
      [&](int32_t i, int64_t *shape) {
        memcpy(shape, caches[i].shape, sizeof caches[i].shape);
        shape[0] = count;
      },
      [&](int32_t i, Cache &made) {
        for (int64_t b = 0; b < count; ++b)
          copyRows(caches[i], made, i, sources[b], b);
      },
      message);
}

moec_status State::copyFrom(const State &other, Message &message) {
  if (other.rows > capacity)
    return message.fail(MOEC_STATE_FULL, "%lld rows do not fit into a state with room for %lld",
                        (long long)other.rows, (long long)capacity);
  const int64_t kept = rows;
  rows = other.rows;
  auto shapeOf = [&](int32_t i, int64_t *shape) {
    memcpy(shape, other.caches[i].shape, sizeof other.caches[i].shape);
    shape[info->states[i].axis] = capacity;
  };
  auto fill = [&](int32_t i, Cache &cache) {
    const int64_t batch = info->states[i].axis == 0 ? 1 : cache.shape[0];
    for (int64_t b = 0; b < batch; ++b)
      copyRows(other.caches[i], cache, i, b, b);
  };
  bool fits = true;
  for (int32_t i = 0; rows > 0 && i < info->num_states; ++i) {
    int64_t shape[MOEC_MAX_RANK];
    shapeOf(i, shape);
    fits &= caches[i].data && memcmp(shape, caches[i].shape, sizeof shape) == 0;
  }
  moec_status status = fits ? MOEC_OK : replaceCaches(shapeOf, fill, message);
  for (int32_t i = 0; fits && rows > 0 && i < info->num_states; ++i)
    fill(i, caches[i]);
  if (status)
    rows = kept;
  return status;
}

moec_status State::view(int32_t index, moec_tensor *tensor, Message &message) const {
  if (!exists() || index < 0 || index >= info->num_states || !tensor)
    return message.fail(MOEC_INVALID_ARGUMENT, "there is no state %d, or no place for it", index);
  const moec_state_info &state = info->states[index];
  const Cache &cache = caches[index];
  if (rows == 0)
    return message.fail(MOEC_INVALID_ARGUMENT, "state '%s' is empty", state.name);
  *tensor = {};
  tensor->data = cache.data;
  tensor->device = MOEC_CPU;
  tensor->type = state.type;
  tensor->rank = state.rank;
  memcpy(tensor->shape, cache.shape, state.rank * sizeof(int64_t));
  tensor->shape[state.axis] = rows;
  tensor->strides = cache.strides;
  return MOEC_OK;
}

} // namespace moec::rt
