// The table of a compiled model, and loading it.

#include "core/Segment.h"
#include "core/Session.h"
#include "cpu/Features.h"
#include "moec_rt/kernel_abi.h"

#include <pthread.h>

extern "C" {
const char *moec_rt_weights = nullptr;
}

/// A shared object is one model, so there is one of these, however often it is loaded.
struct moec_model {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  int64_t loads = 0;
  moec::rt::WeightsFile weightsFile;
};

using namespace moec::rt;

namespace {

moec_model theModel;

Session *unwrap(moec_session *session) { return reinterpret_cast<Session *>(session); }

moec_status prepare(moec_model &model, const char *weightsPath, Message &message) {
  const moec_rt_program &program = moec_rt_model_program;
  if (program.version != MOEC_RT_PROGRAM_VERSION)
    return message.fail(MOEC_BAD_ARTIFACT, "the code has version %llu, its runtime has %d",
                        (unsigned long long)program.version, MOEC_RT_PROGRAM_VERSION);
  if (moec_status status = checkFeatures(program.features, message))
    return status;
  const moec_rt_segment_header *header;
  if (moec_status status = findSegment(header, message))
    return status;
  if (!header->weights_external) {
    moec_rt_weights = (const char *)header + header->weights_offset;
    return MOEC_OK;
  }
  if (moec_status status = model.weightsFile.map(weightsPath, *header, message))
    return status;
  moec_rt_weights = model.weightsFile.weights;
  return MOEC_OK;
}

moec_status load(const moec_load_options *options, moec_model **model, char *text, size_t size) {
  Message message;
  moec_status status = MOEC_OK;
  pthread_mutex_lock(&theModel.mutex);
  if (!model)
    status = message.fail(MOEC_INVALID_ARGUMENT, "no place for the model given");
  else if (theModel.loads == 0)
    status = prepare(theModel, MOEC_RT_HAS(options, weights_file) ? options->weights_file : nullptr,
                     message);
  if (!status) {
    ++theModel.loads;
    *model = &theModel;
  }
  pthread_mutex_unlock(&theModel.mutex);
  message.copyTo(text, size);
  return status;
}

void unload(moec_model *model) {
  if (!model)
    return;
  pthread_mutex_lock(&model->mutex);
  if (--model->loads == 0) {
    model->weightsFile.unmap();
    moec_rt_weights = nullptr;
  }
  pthread_mutex_unlock(&model->mutex);
}

moec_model_info theInfo;
pthread_once_t infoOnce = PTHREAD_ONCE_INIT;

void initializeInfo() {
  theInfo = moec_rt_model_program.info;
  const moec_rt_segment_header *header;
  Message message;
  theInfo.json =
      findSegment(header, message) == MOEC_OK ? (const char *)header + header->json_offset : "";
}

const moec_model_info *info() {
  pthread_once(&infoOnce, initializeInfo);
  return &theInfo;
}

moec_status createSession(moec_model *model, const moec_session_options *options,
                          moec_session **session, char *text, size_t size) {
  Message message;
  int32_t threads = MOEC_RT_HAS(options, threads) ? options->threads : 0;
  const moec_allocator *allocator = MOEC_RT_HAS(options, allocator) ? options->allocator : nullptr;
  const moec_executor *executor = MOEC_RT_HAS(options, executor) ? options->executor : nullptr;
  int64_t capacity = MOEC_RT_HAS(options, state_capacity) ? options->state_capacity : 0;
  moec_status status = MOEC_OK;
  if (!model || !session)
    status = message.fail(MOEC_INVALID_ARGUMENT, "no model or no place for the session given");
  else if (threads < 0 || threads > Pool::maxWorkers)
    status = message.fail(MOEC_INVALID_ARGUMENT, "%d threads asked for, expected 0 to %d", threads,
                          Pool::maxWorkers);
  else if ((allocator && (!allocator->allocate || !allocator->free)) ||
           (executor && !executor->run))
    status = message.fail(MOEC_INVALID_ARGUMENT, "a function of the allocator or executor is NULL");
  else if (capacity < 0)
    status = message.fail(MOEC_INVALID_ARGUMENT, "a state with room for %lld rows asked for",
                          (long long)capacity);
  if (!status) {
    Session *created =
        Session::create(threads ? threads : Pool::availableCpus(), allocator, executor, capacity);
    if (created)
      *session = reinterpret_cast<moec_session *>(created);
    else
      status = message.fail(MOEC_OUT_OF_MEMORY, "no memory for a session");
  }
  message.copyTo(text, size);
  return status;
}

void destroySession(moec_session *session) {
  if (session)
    unwrap(session)->destroy();
}

moec_status run(moec_session *session, const moec_tensor *inputs, int32_t numInputs,
                moec_tensor *outputs, int32_t numOutputs, const moec_run_options *options) {
  if (!session)
    return MOEC_INVALID_ARGUMENT;
  return unwrap(session)->run(inputs, numInputs, outputs, numOutputs, options);
}

const char *lastError(const moec_session *session) {
  return session ? reinterpret_cast<const Session *>(session)->lastError() : "no session given";
}

moec_status memoryInfo(const moec_session *session, moec_memory_info *into) {
  if (!session || !into)
    return MOEC_INVALID_ARGUMENT;
  reinterpret_cast<const Session *>(session)->fill(*into);
  return MOEC_OK;
}

moec_status profileInfo(const moec_session *session, moec_profile_info *into) {
  if (!session || !into)
    return MOEC_INVALID_ARGUMENT;
  reinterpret_cast<const Session *>(session)->fill(*into);
  return MOEC_OK;
}

moec_status getState(moec_session *session, moec_state_use *use) {
  return session && use ? unwrap(session)->getState(*use) : MOEC_INVALID_ARGUMENT;
}

moec_status resetState(moec_session *session, int64_t capacity) {
  return session ? unwrap(session)->resetState(capacity) : MOEC_INVALID_ARGUMENT;
}

moec_status truncateState(moec_session *session, int64_t rows) {
  return session ? unwrap(session)->truncateState(rows) : MOEC_INVALID_ARGUMENT;
}

moec_status reorderState(moec_session *session, const int64_t *sources, int64_t count) {
  return session ? unwrap(session)->reorderState(sources, count) : MOEC_INVALID_ARGUMENT;
}

moec_status forkState(moec_session *session, moec_session *from) {
  return session && from ? unwrap(session)->forkState(*unwrap(from)) : MOEC_INVALID_ARGUMENT;
}

moec_status exportState(moec_session *session, int32_t index, moec_tensor *tensor) {
  return session ? unwrap(session)->exportState(index, tensor) : MOEC_INVALID_ARGUMENT;
}

constexpr moec_model_table table = {sizeof(moec_model_table),
                                    MOEC_ABI_MAJOR,
                                    MOEC_ABI_MINOR,
                                    load,
                                    unload,
                                    info,
                                    createSession,
                                    destroySession,
                                    run,
                                    lastError,
                                    memoryInfo,
                                    profileInfo,
                                    getState,
                                    resetState,
                                    truncateState,
                                    reorderState,
                                    forkState,
                                    exportState};

} // namespace

extern "C" __attribute__((visibility("default"))) const moec_model_table *moec_model_v1(void) {
  return &table;
}
