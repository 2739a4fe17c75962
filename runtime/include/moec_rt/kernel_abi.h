/* moec_rt/kernel_abi.h - what compiled code and the runtime know of each other. Included by the
 * runtime and, for names and layouts, by the compiler; not for users of a compiled model.
 *
 * The compiler emits, with hidden visibility, one constant `moec_program` per model. Every function
 * of generated code takes the context of the running call as its first argument. */
#ifndef MOEC_RT_KERNEL_ABI_H
#define MOEC_RT_KERNEL_ABI_H

#include "moec_rt/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The call that is running: the session's side of generated code. Opaque to generated code. */
typedef struct moec_rt_context moec_rt_context;

/* A dense row-major buffer handed over between the runtime and the entry function. */
typedef struct moec_rt_buffer {
  void *data;
  int64_t shape[MOEC_MAX_RANK];
} moec_rt_buffer;

/* A range [begin, end) of a parallel loop, run by one worker. */
typedef void (*moec_rt_task)(moec_rt_context *context, const void *arguments, int64_t begin,
                             int64_t end, int64_t worker);

/* Runs `task` over [0, count). Splits into ranges of at least `grain` iterations that depend only on
 * count, grain and the session's logical worker count, never on timing; returns when all ran. With a
 * single range the task runs on the calling thread. */
void moec_rt_parallel(moec_rt_context *context, moec_rt_task task, const void *arguments,
                      int64_t count, int64_t grain);

/* Memory of one call, aligned to 64 bytes. Out of memory does not return: the call ends with
 * MOEC_OUT_OF_MEMORY (see moec_rt_fail). Size 0 gives a valid pointer. */
void *moec_rt_alloc(moec_rt_context *context, int64_t size);
void moec_rt_free(moec_rt_context *context, void *pointer);

/* Ends the call with MOEC_RUNTIME_ERROR. Callable from the entry function's thread only; from inside
 * a task use moec_rt_report, which records the first error and lets the loop finish. `node` is the
 * model's name of the node. */
void moec_rt_fail(moec_rt_context *context, const char *node, const char *message)
    __attribute__((noreturn));
void moec_rt_report(moec_rt_context *context, const char *node, const char *message);
/* Leaves the call if an error was reported or the caller cancelled it. Called between nodes. */
void moec_rt_check(moec_rt_context *context);

/* The first byte of the packed weights. */
extern const char *moec_rt_weights __attribute__((visibility("hidden")));

/* The entry function. Outputs: memory from moec_rt_alloc, each its own, handed over to the runtime;
 * `shape` holds as many sizes as the output's rank. */
typedef void (*moec_rt_entry)(moec_rt_context *context, const moec_rt_buffer *inputs,
                              moec_rt_buffer *outputs);

/* CPU features the code needs, as bits (moec_rt_feature). */
typedef enum moec_rt_feature {
  MOEC_FEATURE_AVX2 = 1 << 0,
  MOEC_FEATURE_FMA = 1 << 1,
  MOEC_FEATURE_BMI2 = 1 << 2,
  MOEC_FEATURE_F16C = 1 << 3,
  MOEC_FEATURE_AVX512F = 1 << 4,
  MOEC_FEATURE_AVX512BW = 1 << 5,
  MOEC_FEATURE_AVX512VL = 1 << 6,
  MOEC_FEATURE_AVX512DQ = 1 << 7,
  MOEC_FEATURE_AVX512VNNI = 1 << 8,
  MOEC_FEATURE_AVX512BF16 = 1 << 9,
  MOEC_FEATURE_AVX512FP16 = 1 << 10
} moec_rt_feature;

/* All of a model that is code and constants. */
typedef struct moec_rt_program {
  uint64_t features; /* needed: moec_rt_feature bits */
  uint64_t weights_size; /* bytes of packed weights; 0: there are none */
  moec_rt_entry entry;
  moec_model_info info;
} moec_rt_program;

/* Emitted by the compiler. */
extern const moec_rt_program moec_rt_model_program __attribute__((visibility("hidden")));

/* --- The segment of the file ------------------------------------------------------------------
 * Behind the linked image, at an offset and address aligned to 2 MiB, one more PT_LOAD (read only):
 *
 *   moec_rt_segment_header   one page (4096 bytes), zero padded
 *   JSON signature           json_size bytes, zero padded to 64
 *   packed weights           from weights_offset, weights_size bytes (absent with --weights-file)
 *
 * The runtime finds it by walking its own program headers for a read-only PT_LOAD that starts with
 * the magic; tools find it the same way in the file, before dlopen. */
#define MOEC_SEGMENT_MAGIC "moec.art"
#define MOEC_FORMAT_MAJOR 1
#define MOEC_FORMAT_MINOR 0

typedef struct moec_rt_segment_header {
  char magic[8];
  uint16_t format_major;
  uint16_t format_minor;
  uint32_t header_size;     /* sizeof(moec_rt_segment_header) */
  uint64_t features;        /* as in the program */
  uint64_t image_size;      /* bytes of the file before the segment */
  uint64_t json_offset;     /* from the start of the segment */
  uint64_t json_size;
  uint64_t weights_offset;  /* from the start of the segment, or of the weights file */
  uint64_t weights_size;
  uint32_t weights_external; /* 1: the weights are in a file beside */
  uint32_t reserved;
  uint8_t model_hash[32];   /* SHA-256 of the input model (its weights included) */
  uint64_t weights_checksum; /* xxh3-64 of the packed weights */
  uint64_t image_checksum;   /* xxh3-64 of the image, as linked with the patched program header */
  uint64_t json_checksum;
  char target[64];           /* CPU name and triple, for messages */
  char weights_file[256];    /* base name, when external */
  uint64_t header_checksum;  /* xxh3-64 of the header up to here */
} moec_rt_segment_header;

#ifdef __cplusplus
}
#endif
#endif /* MOEC_RT_KERNEL_ABI_H */
