/* fixture.h - what the hand-written models of these tests share. A model defines `fixture_run`,
 * ends with FIXTURE_MODEL(its moec_model_info), and becomes either
 *   - with -DFIXTURE_PROGRAM an object as the compiler emits them, which moec-test-link makes a
 * model;
 *   - else a library that implements moec_model_v1 by itself, without runtime and without the
 * segment of the file that names it a compiled model. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "moec_rt/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct moec_session {
  char message[MOEC_MESSAGE_SIZE];
  void *memory[8]; /* of the outputs */
  size_t sizes[8];
};

static const moec_model_info fixture_info;
static moec_status fixture_run(moec_session *session, const moec_tensor *inputs,
                               moec_tensor *outputs);

/* Sets up an output of the session's, of `size` bytes; returns its memory, zeros. */
static void *fixture_output(moec_session *session, moec_tensor *outputs, int index, size_t size,
                            const int64_t *shape) {
  const moec_tensor_info *info = &fixture_info.outputs[index];
  free(session->memory[index]);
  session->memory[index] = calloc(size + 1, 1);
  session->sizes[index] = size;
  memset(&outputs[index], 0, sizeof(moec_tensor));
  outputs[index].data = session->memory[index];
  outputs[index].device = MOEC_CPU;
  outputs[index].type = info->type;
  outputs[index].rank = info->rank;
  memcpy(outputs[index].shape, shape, info->rank * sizeof(int64_t));
  return session->memory[index];
}

#ifdef FIXTURE_PROGRAM

#include "moec_rt/kernel_abi.h"

#ifndef FIXTURE_FEATURES
#define FIXTURE_FEATURES 0
#endif

static void fixture_entry(moec_rt_context *context, const moec_rt_buffer *inputs,
                          moec_rt_buffer *outputs) {
  moec_session session;
  moec_tensor in[8], out[8];
  memset(&session, 0, sizeof(session));
  for (int32_t i = 0; i < fixture_info.num_inputs; ++i) {
    in[i].data = inputs[i].data;
    in[i].type = fixture_info.inputs[i].type;
    in[i].rank = fixture_info.inputs[i].rank;
    memcpy(in[i].shape, inputs[i].shape, sizeof(in[i].shape));
  }
  moec_status status = fixture_run(&session, in, out);
  for (int32_t i = 0; i < fixture_info.num_outputs && status == MOEC_OK; ++i) {
    memcpy(outputs[i].shape, out[i].shape, sizeof(out[i].shape));
    outputs[i].data = moec_rt_alloc(context, session.sizes[i]);
    memcpy(outputs[i].data, out[i].data, session.sizes[i]);
  }
  for (int i = 0; i < 8; ++i)
    free(session.memory[i]);
  if (status != MOEC_OK)
    moec_rt_fail(context, "fixture", session.message);
}

#define FIXTURE_MODEL(...)                                                                         \
  static const moec_model_info fixture_info = {__VA_ARGS__};                                       \
  const moec_rt_program moec_rt_model_program = {                                                  \
      MOEC_RT_PROGRAM_VERSION, FIXTURE_FEATURES, 0, fixture_entry, {__VA_ARGS__}}

#else

#define FIXTURE_MODEL(...) static const moec_model_info fixture_info = {__VA_ARGS__}

/* Types, ranks and sizes of the inputs; equal symbols must have equal sizes. */
static moec_status fixture_check(moec_session *session, const moec_tensor *inputs, int32_t count) {
  int64_t symbols[MOEC_MAX_RANK];
  memset(symbols, -1, sizeof(symbols));
  if (count != fixture_info.num_inputs)
    return MOEC_INVALID_ARGUMENT;
  for (int32_t i = 0; i < count; ++i) {
    const moec_tensor_info *info = &fixture_info.inputs[i];
    if (inputs[i].type != info->type || inputs[i].rank != info->rank) {
      snprintf(session->message, MOEC_MESSAGE_SIZE, "input '%s' has rank %d, expected %d",
               info->name, inputs[i].rank, info->rank);
      return MOEC_INVALID_ARGUMENT;
    }
    for (int32_t dim = 0; dim < info->rank; ++dim) {
      int64_t expected = info->shape[dim], found = inputs[i].shape[dim];
      if (expected < 0) {
        int64_t *size = &symbols[-1 - expected];
        if (*size < 0)
          *size = found;
        expected = *size;
      }
      if (found != expected) {
        snprintf(session->message, MOEC_MESSAGE_SIZE,
                 "dimension %d of input '%s' has size %lld, expected %lld", dim, info->name,
                 (long long)found, (long long)expected);
        return MOEC_INVALID_ARGUMENT;
      }
    }
  }
  return MOEC_OK;
}

static moec_status fixture_load(const moec_load_options *options, moec_model **model, char *message,
                                size_t message_size) {
  (void)options, (void)message, (void)message_size;
  static char nothing;
  *model = (moec_model *)&nothing;
  return MOEC_OK;
}
static void fixture_unload(moec_model *model) { (void)model; }
static const moec_model_info *fixture_get_info(void) { return &fixture_info; }

static moec_status fixture_create(moec_model *model, const moec_session_options *options,
                                  moec_session **session, char *message, size_t message_size) {
  (void)model, (void)options, (void)message, (void)message_size;
  *session = calloc(1, sizeof(moec_session));
  return *session ? MOEC_OK : MOEC_OUT_OF_MEMORY;
}
static void fixture_destroy(moec_session *session) {
  for (int i = 0; i < 8; ++i)
    free(session->memory[i]);
  free(session);
}

static moec_status fixture_call(moec_session *session, const moec_tensor *inputs,
                                int32_t num_inputs, moec_tensor *outputs, int32_t num_outputs,
                                const moec_run_options *options) {
  (void)num_outputs, (void)options;
  session->message[0] = 0;
  moec_status status = fixture_check(session, inputs, num_inputs);
  return status ? status : fixture_run(session, inputs, outputs);
}
static const char *fixture_last_error(const moec_session *session) { return session->message; }

#ifndef FIXTURE_ABI_MAJOR
#define FIXTURE_ABI_MAJOR MOEC_ABI_MAJOR
#endif
const moec_model_table *moec_model_v1(void) {
  static const moec_model_table table = {.size = sizeof(table),
                                         .abi_major = FIXTURE_ABI_MAJOR,
                                         .abi_minor = MOEC_ABI_MINOR,
                                         .load = fixture_load,
                                         .unload = fixture_unload,
                                         .info = fixture_get_info,
                                         .create_session = fixture_create,
                                         .destroy_session = fixture_destroy,
                                         .run = fixture_call,
                                         .last_error = fixture_last_error};
  return &table;
}

#endif /* FIXTURE_PROGRAM */
#endif /* FIXTURE_H */
