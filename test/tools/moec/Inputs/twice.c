/* twice.c - a model with inputs x float32[n, 3], ids int64[n] and outputs twice = 2 * x, next = ids
 * + 1. Negative ids are an error at run time. */
#include "fixture.h"

static const int64_t x_shape[] = {-1, 3}, ids_shape[] = {-1};
static const moec_tensor_info input_infos[] = {{"x", MOEC_FLOAT32, 2, x_shape},
                                               {"ids", MOEC_INT64, 1, ids_shape}};
static const moec_tensor_info output_infos[] = {{"twice", MOEC_FLOAT32, 2, x_shape},
                                                {"next", MOEC_INT64, 1, ids_shape}};
static const char *const symbols[] = {"n"};
static moec_status fixture_run(moec_session *session, const moec_tensor *inputs,
                               moec_tensor *outputs) {
  const float *x = inputs[0].data;
  const int64_t *ids = inputs[1].data;
  int64_t n = inputs[1].shape[0];
  float *twice = fixture_output(session, outputs, 0, n * 3 * sizeof(float), inputs[0].shape);
  int64_t *next = fixture_output(session, outputs, 1, n * sizeof(int64_t), inputs[1].shape);
  for (int64_t i = 0; i < n * 3; ++i)
    twice[i] = 2 * x[i];
  for (int64_t i = 0; i < n; ++i) {
    if (ids[i] < 0) {
      snprintf(session->message, MOEC_MESSAGE_SIZE, "id %lld is negative", (long long)ids[i]);
      return MOEC_RUNTIME_ERROR;
    }
    next[i] = ids[i] + 1;
  }
  return MOEC_OK;
}

FIXTURE_MODEL(2, 2, 1, 0, input_infos, output_infos, symbols, NULL, NULL, 0);
