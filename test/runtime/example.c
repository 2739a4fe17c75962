/* example.c - asks a compiled language model for the next token:
 *   cc example.c -o example -ldl && ./example ./model.so 11 42 7
 * The model takes int64 token ids [batch, sequence] and gives float32 logits [batch, sequence,
 * vocabulary]. */
#include "moec_rt/model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  void *library = argc > 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  moec_model_v1_fn entry = library ? (moec_model_v1_fn)dlsym(library, MOEC_MODEL_SYMBOL) : NULL;
  if (!entry)
    return fprintf(stderr, "usage: %s MODEL.so TOKEN…\n", argv[0]), 1;

  const moec_model_table *table = entry();
  char message[MOEC_MESSAGE_SIZE];
  moec_model *model;
  moec_session *session;
  if (table->load(NULL, &model, message, sizeof message) ||
      table->create_session(model, NULL, &session, message, sizeof message))
    return fprintf(stderr, "%s\n", message), 1;

  int64_t *ids = calloc(argc, sizeof *ids);
  for (int i = 2; i < argc; ++i)
    ids[i - 2] = atoll(argv[i]);
  moec_tensor logits, input = {ids, MOEC_CPU, MOEC_INT64, 2, 0, {1, argc - 2}, NULL};
  if (table->run(session, &input, 1, &logits, 1, NULL))
    return fprintf(stderr, "%s\n", table->last_error(session)), 1;

  int64_t best = 0, vocabulary = logits.shape[2];
  const float *last = (const float *)logits.data + (logits.shape[1] - 1) * vocabulary;
  for (int64_t i = 1; i < vocabulary; ++i)
    best = last[i] > last[best] ? i : best;
  printf("%lld\n", (long long)best);
  table->destroy_session(session);
  table->unload(model);
  return 0;
}
