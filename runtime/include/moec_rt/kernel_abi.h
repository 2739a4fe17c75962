/* moec_rt/kernel_abi.h - what compiled code and the runtime know of each other. Included by the
 * runtime and, for names and layouts, by the compiler; not for users of a compiled model.
 *
 * The compiler emits, with hidden visibility, one constant `moec_rt_model_program` per model. Every
 * function of generated code takes a context as its first argument and hands on the one it got:
 * inside a task that is the context of the worker, outside it is that of the call. */
#ifndef MOEC_RT_KERNEL_ABI_H
#define MOEC_RT_KERNEL_ABI_H

#include "moec_rt/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The call that is running, as one thread sees it. Opaque to generated code. */
typedef struct moec_rt_context moec_rt_context;

/* A dense row-major buffer handed over between the runtime and the entry function. */
typedef struct moec_rt_buffer {
  void *data;
  int64_t shape[MOEC_MAX_RANK];
} moec_rt_buffer;

/* A range [begin, end) of a parallel loop, run by one worker; 0 <= worker < logical workers. */
typedef void (*moec_rt_task)(moec_rt_context *context, const void *arguments, int64_t begin,
                             int64_t end, int64_t worker);

/* Runs `task` over [0, count). Splits into ranges of at least `grain` iterations that depend only
 * on count, grain and the session's logical worker count, never on timing. With a single range, and
 * from inside a task, it runs on the calling thread. Returns when all ranges have run; if one
 * failed or the call was cancelled, the call ends instead. count <= 0 does nothing; grain < 1
 * counts as 1. */
void moec_rt_parallel(moec_rt_context *context, moec_rt_task task, const void *arguments,
                      int64_t count, int64_t grain);

/* Memory of one call, aligned to 64 bytes; what is not freed is taken back when the call ends. Out
 * of memory does not return: the call ends with MOEC_OUT_OF_MEMORY. Size 0 gives a valid pointer;
 * freeing NULL, or memory in the call's arena, does nothing. Both may be called from tasks. */
void *moec_rt_alloc(moec_rt_context *context, int64_t size);
void moec_rt_free(moec_rt_context *context, void *pointer);

/* A buffer of the arena. Positions count the operations of the entry function; the buffer is in use
 * from `first` to `last`, both included; its contents mean nothing outside. */
typedef struct moec_rt_arena_entry {
  int32_t size; /* index into the sizes; -1: not known before moec_rt_place */
  int32_t first;
  int32_t last; /* INT32_MAX: an output */
} moec_rt_arena_entry;

/* The buffers of a model's calls. Emitted by the compiler; one per model. The entries lie behind
 * it.
 */
typedef struct moec_rt_arena {
  int32_t num_sizes;
  int32_t num_entries;
} moec_rt_arena;

static inline const moec_rt_arena_entry *moec_rt_arena_entries(const moec_rt_arena *arena) {
  return (const moec_rt_arena_entry *)(arena + 1);
}

/* Finds places in one block of memory for the buffers whose sizes in bytes are known; `sizes` has
 * `num_sizes` of them. Returns the block, and where each entry starts in it, a multiple of 64. The
 * places for a tuple of sizes are computed once and kept by the session. At most once a call,
 * outside of tasks. Out of memory, or a size below 0, ends the call. */
void *moec_rt_plan(moec_rt_context *context, const moec_rt_arena *arena, const int64_t *sizes,
                   const int64_t **offsets);

/* Memory for an entry whose size is known only now, at its first use: where the arena has room
 * during the entry's life, else as from moec_rt_alloc. To be freed after its last use. Once per
 * entry and call, after moec_rt_plan, outside of tasks. */
void *moec_rt_place(moec_rt_context *context, int32_t entry, int64_t size);

/* Ends the call with MOEC_RUNTIME_ERROR. From inside a task it ends that range; the call ends when
 * the loop does. `node` is the model's name of the node; both strings are copied. */
void moec_rt_fail(moec_rt_context *context, const char *node, const char *message)
    __attribute__((noreturn));
/* Records an error, of which the first counts, and returns; the call ends at the next
 * moec_rt_check or at the end of a parallel loop. For loops that should not be left in the middle.
 */
void moec_rt_report(moec_rt_context *context, const char *node, const char *message);
/* Says that the call will write `rows` rows behind those that the session's state holds. Ends the
 * call with MOEC_STATE_FULL if there is no room; they count when the call has succeeded. At most
 * once a call, before they are written, outside of tasks. */
void moec_rt_append_state(moec_rt_context *context, int64_t rows);
/* Leaves the call if an error was reported or the caller cancelled it. Called between nodes. */
void moec_rt_check(moec_rt_context *context);

/* --- Counters, in code that was compiled for a profile ------------------------------------------
 * Such an entry function is cut into stretches, each the code of one node of the model or of
 * several that were fused, numbered from 0 in the order in which they run, each at most once a
 * call. Which nodes they are is in the artifact's JSON. Outside of tasks only. */

/* First of all in the entry function; `count` is the number of stretches, always the same. */
void moec_rt_profile_start(moec_rt_context *context, int64_t count);
void moec_rt_profile_begin(moec_rt_context *context, int64_t stretch);
/* Adds the time since its begin, and what the code knows of itself: operations on floating-point
 * numbers, and bytes of the tensors that it read or wrote. */
void moec_rt_profile_end(moec_rt_context *context, int64_t stretch, int64_t flops, int64_t bytes);

/* The first byte of the packed weights. */
extern const char *moec_rt_weights __attribute__((visibility("hidden")));

/* The entry function. Behind the inputs come, if the model has states, a buffer without data whose
 * shape[0] is the number of rows that they hold, and each state: its memory, with the capacity as
 * size of the axis that grows. Outputs: memory from moec_rt_alloc, each its own, handed over to the
 * runtime, or in the arena; `shape` holds as many sizes as the output's rank. */
typedef void (*moec_rt_entry)(moec_rt_context *context, const moec_rt_buffer *inputs,
                              moec_rt_buffer *outputs);

/* CPU features the code needs: name, bit, and LLVM's name of it. These are all that generated code
 * may use beyond the x86-64 baseline (SSE2): lib/Target turns a CPU's name into these bits and
 * switches nothing else on. X86_64_V2 stands for SSE3 to SSE4.2, POPCNT, CMPXCHG16B, LAHF/SAHF. */
#define MOEC_RT_FEATURES(X)                                                                        \
  X(X86_64_V2, 0, "x86-64-v2")                                                                     \
  X(AVX, 1, "avx")                                                                                 \
  X(AVX2, 2, "avx2")                                                                               \
  X(FMA, 3, "fma")                                                                                 \
  X(F16C, 4, "f16c")                                                                               \
  X(BMI1, 5, "bmi")                                                                                \
  X(BMI2, 6, "bmi2")                                                                               \
  X(LZCNT, 7, "lzcnt")                                                                             \
  X(MOVBE, 8, "movbe")                                                                             \
  X(AVX512F, 9, "avx512f")                                                                         \
  X(AVX512BW, 10, "avx512bw")                                                                      \
  X(AVX512CD, 11, "avx512cd")                                                                      \
  X(AVX512DQ, 12, "avx512dq")                                                                      \
  X(AVX512VL, 13, "avx512vl")                                                                      \
  X(AVX512VBMI, 14, "avx512vbmi")                                                                  \
  X(AVX512VBMI2, 15, "avx512vbmi2")                                                                \
  X(AVX512VNNI, 16, "avx512vnni")                                                                  \
  X(AVX512BITALG, 17, "avx512bitalg")                                                              \
  X(AVX512VPOPCNTDQ, 18, "avx512vpopcntdq")                                                        \
  X(AVX512BF16, 19, "avx512bf16")                                                                  \
  X(AVX512FP16, 20, "avx512fp16")                                                                  \
  X(AVXVNNI, 21, "avxvnni")                                                                        \
  X(GFNI, 22, "gfni")

typedef enum moec_rt_feature {
#define MOEC_RT_FEATURE(name, bit, text) MOEC_FEATURE_##name = 1 << bit,
  MOEC_RT_FEATURES(MOEC_RT_FEATURE)
#undef MOEC_RT_FEATURE
} moec_rt_feature;

/* The version of this header as generated code and runtime see it; both come from one build. */
#define MOEC_RT_PROGRAM_VERSION 3

/* All of a model that is code and constants. */
typedef struct moec_rt_program {
  uint64_t version;      /* MOEC_RT_PROGRAM_VERSION */
  uint64_t features;     /* needed: moec_rt_feature bits */
  uint64_t weights_size; /* bytes of packed weights; 0: there are none */
  moec_rt_entry entry;
  moec_model_info info; /* json is NULL here: it is in the segment */
} moec_rt_program;

/* Emitted by the compiler. */
extern const moec_rt_program moec_rt_model_program __attribute__((visibility("hidden")));

/* --- The segment of the file ------------------------------------------------------------------
 * Behind the linked image, at an offset and address aligned to 2 MiB, one more PT_LOAD (read only):
 *
 *   moec_rt_segment_header   one page (4096 bytes), zero padded
 *   JSON                     json_size bytes, at least one NUL, zero padded
 *   packed weights           from weights_offset, weights_size bytes (absent with --weights-file)
 *
 * The runtime finds it by walking its own program headers for a read-only PT_LOAD that starts with
 * the magic; tools find it the same way in the file, before dlopen. With --weights-file the weights
 * file starts with the same header under another magic, its weights_offset counts from the start of
 * that file, and the checksums of both headers must agree.
 *
 * A block checksum is xxh3-64 over the little-endian xxh3-64 of each block of 1 MiB, the last one
 * shorter: it can be computed as a stream, side by side, and without reading the holes of a sparse
 * file. */
#define MOEC_SEGMENT_MAGIC "moec.art"
#define MOEC_WEIGHTS_MAGIC "moec.wts"
#define MOEC_FORMAT_MAJOR 1
#define MOEC_FORMAT_MINOR 0
#define MOEC_SEGMENT_ALIGNMENT (UINT64_C(2) << 20)
#define MOEC_SEGMENT_HEADER_PAGE UINT64_C(4096)
#define MOEC_CHECKSUM_BLOCK (UINT64_C(1) << 20)

/* The note in the image whose program header becomes the segment's. */
#define MOEC_NOTE_NAME "moec"
#define MOEC_NOTE_TYPE 1

typedef struct moec_rt_segment_header {
  char magic[8];
  uint16_t format_major; /* another one is refused */
  uint16_t format_minor; /* a larger one has more members behind those known */
  uint32_t header_size;  /* sizeof(moec_rt_segment_header) */
  uint64_t features;     /* as in the program */
  uint64_t json_offset;  /* from the start of the segment */
  uint64_t json_size;
  uint64_t weights_offset; /* from the start of the segment, or of the weights file; 64-aligned */
  uint64_t weights_size;
  uint32_t weights_external; /* 1: the weights are in a file beside */
  uint32_t reserved;
  uint8_t model_hash[32];    /* SHA-256 of the input model (its weights included) */
  uint64_t weights_checksum; /* block checksum of the packed weights */
  uint64_t image_checksum;   /* what ld.so loads, without the headers (see Artifact/Format.h) */
  uint64_t json_checksum;    /* block checksum */
  char target[64];           /* CPU name and triple, for messages; NUL terminated */
  char weights_file[256];    /* base name, when external; NUL terminated */
  uint64_t header_checksum;  /* moec_rt_header_checksum of the bytes before this member */
} moec_rt_segment_header;

/* FNV-1a, 64 bits: for a few hundred bytes, on both islands, without a library. */
static inline uint64_t moec_rt_header_checksum(const moec_rt_segment_header *header) {
  const unsigned char *bytes = (const unsigned char *)header;
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < offsetof(moec_rt_segment_header, header_checksum); ++i)
    hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

#ifdef __cplusplus
}
#endif
#endif /* MOEC_RT_KERNEL_ABI_H */
