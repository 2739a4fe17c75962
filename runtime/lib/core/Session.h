// One stream of calls.
#ifndef MOEC_RT_LIB_CORE_SESSION_H
#define MOEC_RT_LIB_CORE_SESSION_H

#include "core/Arena.h"
#include "core/Inputs.h"
#include "core/Memory.h"
#include "core/Message.h"
#include "core/Profile.h"
#include "core/State.h"
#include "cpu/Pool.h"
#include "moec_rt/kernel_abi.h"

#include <atomic>
#include <setjmp.h>

namespace moec::rt {
class Session;
} // namespace moec::rt

/// A call as one thread sees it. Ending it jumps to where that thread entered generated code: to
/// run() for the call itself, to the start of the range for a task.
struct moec_rt_context {
  moec::rt::Session *session;
  int64_t worker;
  bool inTask;
  jmp_buf exit;
};

namespace moec::rt {

class Session {
public:
  /// NULL when there is no memory.
  static Session *create(int32_t workers, const moec_allocator *allocator,
                         const moec_executor *executor, int64_t stateCapacity = 0);
  void destroy();

  moec_status run(const moec_tensor *inputs, int32_t numInputs, moec_tensor *outputs,
                  int32_t numOutputs, const moec_run_options *options);
  const char *lastError() const { return message.text; }
  void fill(moec_memory_info &info) const;
  void fill(moec_profile_info &info) const;

  // The session's state; MOEC_BUSY while a call runs.

  moec_status getState(moec_state_use &use);
  moec_status resetState(int64_t capacity);
  moec_status truncateState(int64_t rows);
  moec_status reorderState(const int64_t *sources, int64_t count);
  moec_status forkState(Session &from);
  moec_status exportState(int32_t index, moec_tensor *tensor);

  // For generated code, by way of the moec_rt_* functions.

  void *allocate(moec_rt_context *context, int64_t size);
  void release(void *pointer) {
    if (!arena.contains(pointer))
      memory.release(pointer);
  }
  void *plan(const moec_rt_arena &table, const int64_t *sizes, const int64_t *&offsets);
  void *place(moec_rt_context *context, int32_t entry, int64_t size);
  void appendState(moec_rt_context *context, int64_t rows);
  /// Records an error unless there is one already.
  void report(moec_status status, const char *node, const char *text);
  /// The call is to end: an error was recorded or the caller cancelled.
  bool isStopping();
  void parallel(moec_rt_context *context, moec_rt_task task, const void *arguments, int64_t count,
                int64_t grain);
  void startProfile(moec_rt_context *context, int64_t count);
  void beginStretch(int64_t stretch) { profile.begin(stretch, parallelRegions); }
  void endStretch(int64_t stretch, int64_t flops, int64_t bytes) {
    profile.end(stretch, parallelRegions, flops, bytes);
  }

private:
  struct Loop;

  template <typename Function>
  moec_status whileIdle(Function function);
  moec_status runChecked(const moec_tensor *inputs, moec_tensor *outputs);
  bool enter();
  [[noreturn]] void failAllocation(moec_rt_context *context, int64_t size);
  static void runRange(void *loop, uint32_t chunk, int32_t worker);

  const moec_model_info *info = nullptr;
  int32_t workers = 1;
  moec_rt_context root = {};
  moec_rt_context *contexts = nullptr; ///< One per worker.
  Memory memory;
  Arena arena;
  Pool pool;
  Profile profile;
  State state;
  int64_t parallelRegions = 0; ///< Loops that went to the pool, since the session's start.
  std::atomic<bool> busy{false};
  const volatile int32_t *cancel = nullptr;

  // The call's failure. `failure` goes from none to being written to set, once a call.
  enum Failure { None, Writing, Set };
  std::atomic<int> failure{None};
  moec_status status = MOEC_OK;
  Message message;

  // Arguments of the entry function, and scratch for the check of inputs; sized by the model.
  SymbolValue *symbols = nullptr;
  moec_rt_buffer *inputBuffers = nullptr;
  moec_rt_buffer *outputBuffers = nullptr;
};

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_SESSION_H
