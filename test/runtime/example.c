/* example.c - runs a compiled model on zeros: cc example.c -ldl && ./a.out ./model.so
 * Sizes that the model leaves open are 1. */
#include "moec_rt/model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  moec_model_v1_fn entry = library ? (moec_model_v1_fn)dlsym(library, MOEC_MODEL_SYMBOL) : NULL;
  if (!entry)
    return fprintf(stderr, "usage: %s MODEL.so\n", argv[0]), 1;
  const moec_model_table *table = entry();
  const moec_model_info *info = table->info();

  char message[MOEC_MESSAGE_SIZE];
  moec_model *model;
  moec_session *session;
  if (table->load(NULL, &model, message, sizeof message) ||
      table->create_session(model, NULL, &session, message, sizeof message))
    return fprintf(stderr, "%s\n", message), 1;

  moec_tensor *inputs = calloc(info->num_inputs + 1, sizeof *inputs);
  moec_tensor *outputs = calloc(info->num_outputs + 1, sizeof *outputs);
  for (int i = 0; i < info->num_inputs; ++i) {
    size_t count = 1;
    inputs[i].device = MOEC_CPU;
    inputs[i].type = info->inputs[i].type;
    inputs[i].rank = info->inputs[i].rank;
    for (int d = 0; d < inputs[i].rank; ++d) {
      int64_t size = info->inputs[i].shape[d];
      count *= inputs[i].shape[d] = size < 0 ? 1 : size;
    }
    inputs[i].data = calloc(count + 1, 8); /* no element is larger than 8 bytes */
  }

  if (table->run(session, inputs, info->num_inputs, outputs, info->num_outputs, NULL))
    return fprintf(stderr, "%s\n", table->last_error(session)), 1;
  for (int i = 0; i < info->num_outputs; ++i) {
    printf("%s:", info->outputs[i].name);
    for (int d = 0; d < outputs[i].rank; ++d)
      printf(" %lld", (long long)outputs[i].shape[d]);
    printf("\n");
  }
  table->destroy_session(session);
  table->unload(model);
  return 0;
}
