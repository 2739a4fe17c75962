#include "core/Session.h"

#include <new>
#include <stdlib.h>

namespace moec::rt {

Session *Session::create(int32_t workers, const moec_allocator *allocator,
                         const moec_executor *executor, int64_t stateCapacity) {
  // Aligned for the pool's atomics, which have cache lines of their own.
  void *storage = nullptr;
  if (posix_memalign(&storage, alignof(Session), sizeof(Session)) != 0)
    return nullptr;
  Session *session = new (storage) Session;
  session->info = &moec_rt_model_program.info;
  session->workers = workers;
  session->root.session = session;
  session->memory.initialize(allocator);
  session->arena.initialize(session->memory);

  // calloc(0) may be NULL: one more of each.
  const moec_model_info &info = *session->info;
  session->contexts = (moec_rt_context *)calloc(workers, sizeof(moec_rt_context));
  session->symbols = (SymbolValue *)calloc(info.num_symbols + 1, sizeof(SymbolValue));
  session->inputBuffers =
      (moec_rt_buffer *)calloc(info.num_inputs + info.num_states + 1, sizeof(moec_rt_buffer));
  session->outputBuffers = (moec_rt_buffer *)calloc(info.num_outputs + 1, sizeof(moec_rt_buffer));
  if (!session->state.initialize(info, session->memory, stateCapacity) || !session->contexts ||
      !session->symbols || !session->inputBuffers || !session->outputBuffers) {
    session->destroy();
    return nullptr;
  }
  for (int32_t i = 0; i < workers; ++i) {
    session->contexts[i].session = session;
    session->contexts[i].worker = i;
    session->contexts[i].inTask = true;
  }
  session->pool.start(workers, executor);
  return session;
}

void Session::destroy() {
  pool.stop();
  arena.destroy();
  state.destroy();
  memory.destroy();
  profile.destroy();
  free(contexts);
  free(symbols);
  free(inputBuffers);
  free(outputBuffers);
  free(this);
}

moec_status Session::run(const moec_tensor *inputs, int32_t numInputs, moec_tensor *outputs,
                         int32_t numOutputs, const moec_run_options *options) {
  if (busy.exchange(true, std::memory_order_acquire))
    return MOEC_BUSY;
  message.clear();
  failure.store(None, std::memory_order_relaxed);
  cancel = MOEC_RT_HAS(options, cancel) ? options->cancel : nullptr;
  moec_status result = checkInputs(*info, inputs, numInputs, symbols, message);
  if (!result && numOutputs != info->num_outputs)
    result = message.fail(MOEC_INVALID_ARGUMENT, "room for %d outputs given, expected %d",
                          numOutputs, info->num_outputs);
  if (!result && !outputs && numOutputs > 0)
    result = message.fail(MOEC_INVALID_ARGUMENT, "the array of outputs is NULL");
  if (!result)
    result = state.prepare(symbols, message);
  if (!result)
    result = runChecked(inputs, outputs);
  state.finish(result == MOEC_OK);
  cancel = nullptr;
  busy.store(false, std::memory_order_release);
  return result;
}

moec_status Session::runChecked(const moec_tensor *inputs, moec_tensor *outputs) {
  memory.startCall();
  arena.startCall(state.numRows(), state.exists() ? state.getCapacity() : 0);
  moec_status result = bindInputs(*info, inputs, memory, arena, inputBuffers, message);
  state.bind(inputBuffers + info->num_inputs);
  memory.releaseKept(); // inputs that lie there have been copied
  if (!result && !enter())
    result = status;
  if (!result) {
    for (int32_t i = 0; i < info->num_outputs; ++i) {
      if (!arena.contains(outputBuffers[i].data))
        memory.keep(outputBuffers[i].data);
      outputs[i] = {};
      outputs[i].data = outputBuffers[i].data;
      outputs[i].device = MOEC_CPU;
      outputs[i].type = info->outputs[i].type;
      outputs[i].rank = info->outputs[i].rank;
      memcpy(outputs[i].shape, outputBuffers[i].shape, outputs[i].rank * sizeof(int64_t));
    }
  }
  memory.recycle();
  return result;
}

/// Runs the entry function; false if the call failed.
bool Session::enter() {
  if (_setjmp(root.exit) != 0) {
    pool.endCall();
    return false;
  }
  pool.beginCall();
  moec_rt_check(&root);
  moec_rt_model_program.entry(&root, inputBuffers, outputBuffers);
  moec_rt_check(&root);
  pool.endCall();
  return true;
}

void Session::report(moec_status newStatus, const char *node, const char *text) {
  int expected = None;
  if (!failure.compare_exchange_strong(expected, Writing))
    return;
  status = newStatus;
  message.fail(newStatus, node && *node ? "%s: %s" : "%s%s", node ? node : "", text ? text : "");
  failure.store(Set, std::memory_order_release);
}

bool Session::isStopping() {
  if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED))
    report(MOEC_CANCELLED, nullptr, "the call was cancelled");
  return failure.load(std::memory_order_acquire) != None;
}

void *Session::allocate(moec_rt_context *context, int64_t size) {
  if (void *pointer = memory.allocate(size))
    return pointer;
  failAllocation(context, size);
}

void *Session::plan(const moec_rt_arena &table, const int64_t *sizes, const int64_t *&offsets) {
  int64_t missing;
  if (void *block = arena.plan(table, sizes, offsets, missing))
    return block;
  failAllocation(&root, missing);
}

void *Session::place(moec_rt_context *context, int32_t entry, int64_t size) {
  if (void *pointer = arena.place(entry, size))
    return pointer;
  return allocate(context, size);
}

void Session::appendState(moec_rt_context *context, int64_t rows) {
  Message why;
  if (moec_status full = state.append(rows, why)) {
    report(full, nullptr, why.text);
    _longjmp(context->exit, 1);
  }
}

template <typename Function>
moec_status Session::whileIdle(Function function) {
  if (busy.exchange(true, std::memory_order_acquire))
    return MOEC_BUSY;
  message.clear();
  moec_status result = function();
  busy.store(false, std::memory_order_release);
  return result;
}

moec_status Session::getState(moec_state_use &use) {
  return whileIdle([&] {
    const moec_state_use known = {use.size, state.numRows(), state.getCapacity(), state.bytes()};
    memcpy(&use, &known, use.size < sizeof known ? use.size : sizeof known);
    return MOEC_OK;
  });
}

moec_status Session::resetState(int64_t capacity) {
  return whileIdle([&] { return state.reset(capacity, message); });
}

moec_status Session::truncateState(int64_t rows) {
  return whileIdle([&] { return state.truncate(rows, message); });
}

moec_status Session::reorderState(const int64_t *sources, int64_t count) {
  return whileIdle([&] { return state.reorder(sources, count, message); });
}

moec_status Session::forkState(Session &from) {
  return whileIdle([&] {
    if (&from == this)
      return MOEC_OK;
    // The other session lends its rows: its last error stays.
    if (from.busy.exchange(true, std::memory_order_acquire))
      return message.fail(MOEC_BUSY, "the other session is running");
    moec_status result = state.copyFrom(from.state, message);
    from.busy.store(false, std::memory_order_release);
    return result;
  });
}

moec_status Session::exportState(int32_t index, moec_tensor *tensor) {
  return whileIdle([&] { return state.view(index, tensor, message); });
}

void Session::fill(moec_memory_info &into) const {
  const moec_memory_info known = {into.size, memory.numAllocations(),
                                  memory.peakBytes() + arena.usedBytes(), arena.liveBytes()};
  memcpy(&into, &known, into.size < sizeof known ? into.size : sizeof known);
}

void Session::fill(moec_profile_info &into) const {
  const moec_profile_info known = {into.size, profile.size(), profile.data()};
  memcpy(&into, &known, into.size < sizeof known ? into.size : sizeof known);
}

void Session::startProfile(moec_rt_context *context, int64_t count) {
  if (!profile.start(count))
    failAllocation(context, count * sizeof(moec_profile_record));
}

void Session::failAllocation(moec_rt_context *context, int64_t size) {
  char text[64];
  snprintf(text, sizeof text, "no memory for %lld bytes", (long long)size);
  report(MOEC_OUT_OF_MEMORY, nullptr, text);
  _longjmp(context->exit, 1);
}

// --- Parallel loops -----------------------------------------------------------------------------

struct Session::Loop {
  Session *session;
  moec_rt_task task;
  const void *arguments;
  int64_t count;
  uint32_t chunks;
};

void Session::runRange(void *self, uint32_t chunk, int32_t worker) {
  const Loop &loop = *(const Loop *)self;
  if (loop.session->isStopping())
    return;
  // Ranges of equal size, but for one iteration; count * chunk could overflow.
  const int64_t size = loop.count / loop.chunks, larger = loop.count % loop.chunks;
  const int64_t begin = size * chunk + (chunk < larger ? chunk : larger);
  const int64_t end = begin + size + (chunk < larger ? 1 : 0);
  moec_rt_context &context = loop.session->contexts[worker];
  if (_setjmp(context.exit) == 0)
    loop.task(&context, loop.arguments, begin, end, worker);
}

void Session::parallel(moec_rt_context *context, moec_rt_task task, const void *arguments,
                       int64_t count, int64_t grain) {
  if (count <= 0)
    return;
  // A few ranges a worker, so that one that is late does not hold up the others.
  const int64_t rangesPerWorker = 4;
  int64_t chunks = count / (grain < 1 ? 1 : grain);
  if (chunks > workers * rangesPerWorker)
    chunks = workers * rangesPerWorker;
  if (chunks <= 1 || workers == 1 || context->inTask) {
    task(context, arguments, 0, count, context->worker);
  } else {
    Loop loop = {this, task, arguments, count, (uint32_t)chunks};
    ++parallelRegions;
    pool.run(runRange, &loop, (uint32_t)chunks);
  }
  if (isStopping())
    _longjmp(context->exit, 1);
}

} // namespace moec::rt

// --- What generated code calls ------------------------------------------------------------------

extern "C" {

void moec_rt_parallel(moec_rt_context *context, moec_rt_task task, const void *arguments,
                      int64_t count, int64_t grain) {
  context->session->parallel(context, task, arguments, count, grain);
}

void *moec_rt_alloc(moec_rt_context *context, int64_t size) {
  return context->session->allocate(context, size);
}

void moec_rt_free(moec_rt_context *context, void *pointer) { context->session->release(pointer); }

void *moec_rt_plan(moec_rt_context *context, const moec_rt_arena *arena, const int64_t *sizes,
                   const int64_t **offsets) {
  return context->session->plan(*arena, sizes, *offsets);
}

void *moec_rt_place(moec_rt_context *context, int32_t entry, int64_t size) {
  return context->session->place(context, entry, size);
}

void moec_rt_append_state(moec_rt_context *context, int64_t rows) {
  context->session->appendState(context, rows);
}

void moec_rt_profile_start(moec_rt_context *context, int64_t count) {
  context->session->startProfile(context, count);
}

void moec_rt_profile_begin(moec_rt_context *context, int64_t stretch) {
  context->session->beginStretch(stretch);
}

void moec_rt_profile_end(moec_rt_context *context, int64_t stretch, int64_t flops, int64_t bytes) {
  context->session->endStretch(stretch, flops, bytes);
}

void moec_rt_report(moec_rt_context *context, const char *node, const char *message) {
  context->session->report(MOEC_RUNTIME_ERROR, node, message);
}

void moec_rt_fail(moec_rt_context *context, const char *node, const char *message) {
  moec_rt_report(context, node, message);
  _longjmp(context->exit, 1);
}

void moec_rt_check(moec_rt_context *context) {
  if (context->session->isStopping())
    _longjmp(context->exit, 1);
}

} // extern "C"
