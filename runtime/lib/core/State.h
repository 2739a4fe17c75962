// What a session keeps from call to call.
#ifndef MOEC_RT_LIB_CORE_STATE_H
#define MOEC_RT_LIB_CORE_STATE_H

#include "core/Inputs.h"
#include "core/Memory.h"
#include "core/Message.h"
#include "moec_rt/kernel_abi.h"

namespace moec::rt {

/// The states of a session: caches with room for `capacity` rows, of which the first `rows` are
/// there. Their memory is made when the first call says how large the other sizes are, and stays
/// where it is: a call writes its rows behind those that are there.
class State {
public:
  bool initialize(const moec_model_info &info, Memory &memory, int64_t capacity);
  void destroy();

  bool exists() const { return info && info->num_states > 0; }
  int64_t numRows() const { return rows; }
  int64_t getCapacity() const { return capacity; }
  int64_t bytes() const;

  /// Makes memory for the sizes of a call whose inputs have been checked, and checks that what is
  /// there has them.
  moec_status prepare(SymbolValue *symbols, Message &message);
  /// What the entry function takes behind its inputs: the number of rows, and each state's memory.
  void bind(moec_rt_buffer *buffers) const;
  /// The call is about to write that many rows.
  moec_status append(int64_t newRows, Message &message);
  /// The call has succeeded, or not.
  void finish(bool succeeded);

  moec_status reset(int64_t newCapacity, Message &message);
  moec_status truncate(int64_t newRows, Message &message);
  moec_status reorder(const int64_t *sources, int64_t count, Message &message);
  moec_status copyFrom(const State &other, Message &message);
  moec_status view(int32_t index, moec_tensor *tensor, Message &message) const;

private:
  struct Cache {
    char *data;
    int64_t bytes;
    int64_t shape[MOEC_MAX_RANK]; ///< With the capacity along the axis.
    int64_t strides[MOEC_MAX_RANK];
  };

  /// Puts caches of the shapes that shapeOf(index, shape) says, filled by fill(index, cache), in
  /// place of the present ones; these stay if there is no memory.
  template <typename ShapeOf, typename Fill>
  moec_status replaceCaches(ShapeOf shapeOf, Fill fill, Message &message);
  moec_status reshape(Cache &cache, int32_t index, const int64_t *shape, Message &message);
  void copyRows(const Cache &from, Cache &to, int32_t index, int64_t fromBatch,
                int64_t toBatch) const;
  void free(Cache &cache);

  const moec_model_info *info = nullptr;
  Memory *memory = nullptr;
  Cache *caches = nullptr;
  int64_t capacity = 0, rows = 0, added = 0;
};

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_STATE_H
