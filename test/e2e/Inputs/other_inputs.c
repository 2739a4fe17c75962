/* other_inputs MODEL.so LENGTH CALLS: calls a language model with other tokens each time, of which
 * experts get other numbers; prints the session's allocations after the first call and after all. */
#include "moec_rt/model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  void *library = argc == 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  moec_model_v1_fn entry = library ? (moec_model_v1_fn)dlsym(library, MOEC_MODEL_SYMBOL) : NULL;
  if (!entry)
    return fprintf(stderr, "usage: %s MODEL.so LENGTH CALLS\n", argv[0]), 1;

  const moec_model_table *table = entry();
  char message[MOEC_MESSAGE_SIZE];
  moec_model *model;
  moec_session *session;
  if (table->load(NULL, &model, message, sizeof message) ||
      table->create_session(model, NULL, &session, message, sizeof message))
    return fprintf(stderr, "%s\n", message), 1;

  long length = atol(argv[2]), calls = atol(argv[3]);
  int64_t *ids = calloc(length, sizeof *ids);
  moec_tensor logits, input = {ids, MOEC_CPU, MOEC_INT64, 2, 0, {1, length}, NULL};
  moec_memory_info info = {sizeof info, 0, 0, 0};
  unsigned long state = 1;
  for (long call = 0; call < calls; ++call) {
    for (long i = 0; i < length; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      /* Sometimes all the same, so that few experts get all. */
      ids[i] = call % 4 == 1 ? call : (long)(state >> 52);
    }
    if (table->run(session, &input, 1, &logits, 1, NULL))
      return fprintf(stderr, "%s\n", table->last_error(session)), 1;
    if (table->memory(session, &info))
      return fprintf(stderr, "no counters\n"), 1;
    if (call == 0)
      printf("%lld ", (long long)info.allocations);
  }
  printf("%lld\n", (long long)info.allocations);
  table->destroy_session(session);
  table->unload(model);
  return 0;
}
