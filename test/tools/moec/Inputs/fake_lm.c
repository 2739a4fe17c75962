/* fake_lm.c - a language model over VOCABULARY tokens whose logits depend on all tokens so far:
 * PEAK at the sum of the tokens modulo VOCABULARY, elsewhere ((7 * v + 3 * id) % 5) / 4.
 * With -DWITH_PAST it has attention_mask, position_ids and a cache, which holds the tokens. */
#include "fixture.h"

#ifndef VOCABULARY
#define VOCABULARY 16
#endif
#ifndef PEAK
#define PEAK 4.0f
#endif
#ifndef BATCH
#define BATCH -1
#endif
#ifndef PAST_NAME
#define PAST_NAME "past_key_values.0.key"
#define PRESENT_NAME "present.0.key"
#endif

enum { SEQ = -2, PAST = -3, TOTAL = -4 };
static const int64_t ids_shape[] = {BATCH, SEQ};
static const int64_t logits_shape[] = {BATCH, SEQ, VOCABULARY};
static const char *const symbols[] = {"batch", "seq", "past", "total"};
#ifdef WITH_PAST
static const int64_t mask_shape[] = {BATCH, TOTAL};
static const int64_t past_shape[] = {BATCH, 1, PAST, 1}, present_shape[] = {BATCH, 1, TOTAL, 1};
static const moec_tensor_info input_infos[] = {{"input_ids", MOEC_INT64, 2, ids_shape},
                                               {"attention_mask", MOEC_INT64, 2, mask_shape},
                                               {"position_ids", MOEC_INT64, 2, ids_shape},
                                               {PAST_NAME, MOEC_FLOAT32, 4, past_shape}};
static const moec_tensor_info output_infos[] = {{"logits", MOEC_FLOAT32, 3, logits_shape},
                                                {PRESENT_NAME, MOEC_FLOAT32, 4, present_shape}};
#else
static const moec_tensor_info input_infos[] = {{"input_ids", MOEC_INT64, 2, ids_shape}};
static const moec_tensor_info output_infos[] = {{"logits", MOEC_FLOAT32, 3, logits_shape}};
#endif

static moec_status fixture_run(moec_session *session, const moec_tensor *inputs,
                               moec_tensor *outputs) {
  const int64_t *ids = inputs[0].data;
  int64_t batch = inputs[0].shape[0], seq = inputs[0].shape[1], past = 0;
  int64_t shape[] = {batch, seq, VOCABULARY};
  float *logits =
      fixture_output(session, outputs, 0, batch * seq * VOCABULARY * sizeof(float), shape);
#ifdef WITH_PAST
  past = inputs[3].shape[2];
  const float *before = inputs[3].data;
  int64_t cache_shape[] = {batch, 1, past + seq, 1};
  float *present =
      fixture_output(session, outputs, 1, batch * (past + seq) * sizeof(float), cache_shape);
  const int64_t *mask = inputs[1].data, *positions = inputs[2].data;
#endif
  for (int64_t b = 0; b < batch; ++b) {
    int64_t sum = 0;
#ifdef WITH_PAST
    for (int64_t t = 0; t < past + seq; ++t)
      if (inputs[1].shape[1] != past + seq || mask[b * (past + seq) + t] != 1) {
        snprintf(session->message, MOEC_MESSAGE_SIZE, "attention_mask is not all ones");
        return MOEC_RUNTIME_ERROR;
      }
    for (int64_t t = 0; t < past; ++t)
      sum += (int64_t)(present[b * (past + seq) + t] = before[b * past + t]);
#endif
    for (int64_t t = 0; t < seq; ++t) {
      int64_t id = ids[b * seq + t];
      sum += id;
#ifdef WITH_PAST
      present[b * (past + seq) + past + t] = (float)id;
      if (positions[b * seq + t] != past + t) {
        snprintf(session->message, MOEC_MESSAGE_SIZE, "position_ids do not count from the past");
        return MOEC_RUNTIME_ERROR;
      }
#endif
      float *row = logits + (b * seq + t) * VOCABULARY;
      for (int64_t v = 0; v < VOCABULARY; ++v)
        row[v] = v == sum % VOCABULARY ? PEAK : (float)((7 * v + 3 * id) % 5) * 0.25f;
    }
  }
  (void)past;
  return MOEC_OK;
}

#ifdef WITH_PAST
FIXTURE_MODEL(4, 2, 4, 0, input_infos, output_infos, symbols, NULL, NULL, 0);
#else
FIXTURE_MODEL(1, 1, 2, 0, input_infos, output_infos, symbols, NULL, NULL, 0);
#endif
