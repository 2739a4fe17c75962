/* moec_rt/model.h - the C interface of a compiled model.
 *
 * A compiled model is a shared object with one exported symbol, `moec_model_v1`, a function that
 * returns a table of functions. This header is all that a program needs: load the file with
 * dlopen, look the symbol up, call through the table.
 *
 * Versioning. The table only ever grows at its end: read `table->size` before using a member added
 * after version 1.0. A changed meaning gets a new symbol (`moec_model_v2`).
 *
 * Threads. A Model is immutable and may be shared by threads. A Session is one stream of calls: a
 * second `run` that starts before the first ends gets MOEC_BUSY. Concurrency is several sessions.
 *
 * Errors. Functions return a status code; `message`, where a function takes one, receives the
 * reason in words. Nothing throws, aborts or prints.
 */
#ifndef MOEC_RT_MODEL_H
#define MOEC_RT_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOEC_ABI_MAJOR 1
#define MOEC_ABI_MINOR 3

/* Capacity of a message, with its terminating NUL. */
#define MOEC_MESSAGE_SIZE 512

/* The largest rank of an input or output. */
#define MOEC_MAX_RANK 16

typedef enum moec_status {
  MOEC_OK = 0,
  MOEC_INVALID_ARGUMENT = 1, /* wrong name, type, rank or size */
  MOEC_BUSY = 2,             /* the session is running */
  MOEC_OUT_OF_MEMORY = 3,
  MOEC_UNSUPPORTED_CPU = 4, /* the machine lacks a CPU feature the code needs */
  MOEC_BAD_ARTIFACT = 5,    /* header, version or weights do not fit */
  MOEC_RUNTIME_ERROR = 6,   /* the model met data it cannot work on, e.g. an index out of range */
  MOEC_CANCELLED = 7,
  MOEC_STATE_FULL = 8 /* more rows than the session's state has room for */
} moec_status;

/* Element types; the numbers are ONNX's TensorProto.DataType. */
typedef enum moec_type {
  MOEC_FLOAT32 = 1,
  MOEC_UINT8 = 2,
  MOEC_INT8 = 3,
  MOEC_UINT16 = 4,
  MOEC_INT16 = 5,
  MOEC_INT32 = 6,
  MOEC_INT64 = 7,
  MOEC_BOOL = 9, /* one byte, 0 or 1 */
  MOEC_FLOAT16 = 10,
  MOEC_FLOAT64 = 11,
  MOEC_UINT32 = 12,
  MOEC_UINT64 = 13,
  MOEC_BFLOAT16 = 16
} moec_type;

typedef enum moec_device { MOEC_CPU = 1 } moec_device; /* as in DLPack */

/* A tensor. Inputs are borrowed for the call; outputs belong to the session and stay valid until
 * its next `run`, which may take them as inputs, or its end. Dense row-major when `strides` is
 * NULL, else strides in elements. */
typedef struct moec_tensor {
  void *data;
  int32_t device;
  int32_t type; /* moec_type */
  int32_t rank;
  int32_t reserved;
  int64_t shape[MOEC_MAX_RANK];
  const int64_t *strides;
} moec_tensor;

/* What the model says about one input or output. A dimension is >= 0, or -1 - i where i is an index
 * into the model's symbols: equal symbols must have equal sizes in one call. A dimension of unknown
 * size without a name has a symbol of its own, whose name is "". */
typedef struct moec_tensor_info {
  const char *name;
  int32_t type; /* moec_type */
  int32_t rank;
  const int64_t *shape;
} moec_tensor_info;

/* A cache that the session keeps: an input and an output of the model that are not passed any more.
 * It grows along `axis`, whose size in `shape` is a symbol that stands for the rows that are there.
 */
typedef struct moec_state_info {
  const char *name;   /* of the input */
  const char *output; /* name of the output */
  int32_t type;       /* moec_type */
  int32_t rank;
  const int64_t *shape;
  int64_t axis;
} moec_state_info;

typedef struct moec_model_info {
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_symbols;
  int32_t num_states; /* 0 before 1.3 */
  const moec_tensor_info *inputs;
  const moec_tensor_info *outputs;
  const char *const *symbols;
  const char *json; /* the same and more, for machines: signature, compiler, target, hashes */
  /* Since 1.3, where num_states is not 0. */
  const moec_state_info *states;
  int64_t state_capacity; /* rows, unless the session's options say otherwise */
} moec_model_info;

typedef struct moec_model moec_model;
typedef struct moec_session moec_session;

/* Memory of the host's choosing; `free` gets the size and alignment that were asked for. */
typedef struct moec_allocator {
  void *(*allocate)(void *user, size_t size, size_t alignment);
  void (*free)(void *user, void *pointer, size_t size, size_t alignment);
  void *user;
} moec_allocator;

/* Threads of the host's choosing: `run` must call `task(task_user, worker)` once for each worker in
 * [0, workers), side by side or in turn, and return when all calls have returned. */
typedef struct moec_executor {
  void (*run)(void *user, int32_t workers, void (*task)(void *task_user, int32_t worker),
              void *task_user);
  void *user;
} moec_executor;

typedef struct moec_load_options {
  size_t size;              /* sizeof(moec_load_options) */
  const char *weights_file; /* for models compiled with --weights-file: where it is now; or NULL */
} moec_load_options;

typedef struct moec_session_options {
  size_t size;     /* sizeof(moec_session_options) */
  int32_t threads; /* logical workers; 0: the number of CPUs this process may use */
  int32_t reserved;
  const moec_allocator *allocator; /* NULL: the C library's */
  const moec_executor *executor;   /* NULL: a pool of the session's own */
  int64_t state_capacity; /* rows that the session's state has room for; 0: as the model says */
} moec_session_options;

typedef struct moec_run_options {
  size_t size;                    /* sizeof(moec_run_options) */
  const volatile int32_t *cancel; /* set to nonzero by another thread to stop the call; or NULL */
  void *stream;                   /* reserved for devices: NULL */
  void *collectives;              /* reserved for expert parallelism: NULL */
} moec_run_options;

/* What a session's memory has cost. Filled in up to `size`, which the caller sets. */
typedef struct moec_memory_info {
  size_t size;         /* sizeof(moec_memory_info) */
  int64_t allocations; /* made by the session since its start, from the system or the host */
  int64_t peak_bytes;  /* most that the last call held at once, its outputs included */
  int64_t live_bytes;  /* the largest sum of buffers that its plan had in use at once: a lower bound
                          of peak_bytes for that order of operations; 0 without a plan */
} moec_memory_info;

/* A session's state. Filled in up to `size`, which the caller sets. */
typedef struct moec_state_use {
  size_t size;      /* sizeof(moec_state_use) */
  int64_t rows;     /* that calls have added since the start or the last reset */
  int64_t capacity; /* for how many there is room */
  int64_t bytes;    /* of memory, for all of the capacity */
} moec_state_use;

/* Counters of a stretch of a model's code: of one node, or of several that were fused. All but the
 * last two are sums over the calls of the session. */
typedef struct moec_profile_record {
  int64_t calls; /* how often it has run to its end */
  int64_t nanoseconds;
  int64_t flops;            /* operations on floating-point numbers, as far as they are known */
  int64_t bytes;            /* of the tensors it works on; of one it reads in part, all */
  int64_t parallel_regions; /* loops that several workers ran */
  int64_t last_start;       /* nanoseconds from the start of the last call to its last start */
  int64_t last_nanoseconds; /* how long its last run took */
} moec_profile_record;

/* Filled in up to `size`, which the caller sets. */
typedef struct moec_profile_info {
  size_t size;                        /* sizeof(moec_profile_info) */
  int64_t num_records;                /* 0: compiled without counters, or not run yet */
  const moec_profile_record *records; /* the session's, valid until its next run or its end */
} moec_profile_info;

typedef struct moec_model_table {
  size_t size; /* sizeof(moec_model_table) of the library that made the file */
  int32_t abi_major;
  int32_t abi_minor;

  /* Makes the model ready: checks the CPU, finds and checks the weights. Options may be NULL. */
  moec_status (*load)(const moec_load_options *options, moec_model **model, char *message,
                      size_t message_size);
  void (*unload)(moec_model *model);    /* after the last session has been destroyed */
  const moec_model_info *(*info)(void); /* needs no model */

  moec_status (*create_session)(moec_model *model, const moec_session_options *options,
                                moec_session **session, char *message, size_t message_size);
  void (*destroy_session)(moec_session *session);

  /* Runs the model once. `inputs` and `outputs` are in the order of the model's info. `outputs` is
   * filled in (dense: strides are NULL); its memory belongs to the session. Options may be NULL. */
  moec_status (*run)(moec_session *session, const moec_tensor *inputs, int32_t num_inputs,
                     moec_tensor *outputs, int32_t num_outputs, const moec_run_options *options);
  /* Why the last call on this session failed; "" if it did not. Not to be asked while one runs; a
   * call that got MOEC_BUSY leaves it alone. */
  const char *(*last_error)(const moec_session *session);

  /* Since 1.1. What the session's memory has cost; not to be asked while one runs. */
  moec_status (*memory)(const moec_session *session, moec_memory_info *info);

  /* Since 1.2. Where the session's time went; not to be asked while one runs. */
  moec_status (*profile)(const moec_session *session, moec_profile_info *info);

  /* Since 1.3. The state that a session keeps: each successful call of a model with states adds
   * rows to all of them, one that fails adds none. All of these give MOEC_BUSY while a call runs,
   * and set the session's last error. */
  moec_status (*get_state)(moec_session *session, moec_state_use *use);
  /* Forgets all rows. A capacity other than 0 is the new one. */
  moec_status (*reset_state)(moec_session *session, int64_t capacity);
  /* Keeps the first `rows` rows. */
  moec_status (*truncate_state)(moec_session *session, int64_t rows);
  /* Element i of the batch (the first dimension) becomes what element sources[i] was. `count` is
   * the new size of the batch. */
  moec_status (*reorder_state)(moec_session *session, const int64_t *sources, int64_t count);
  /* Makes the session's rows a copy of those of another session of this model, which does not run.
   */
  moec_status (*fork_state)(moec_session *session, moec_session *from);
  /* The rows of state `index`, where they are: with strides, to be read only, valid until the next
   * call that is given the session. */
  moec_status (*export_state)(moec_session *session, int32_t index, moec_tensor *tensor);
} moec_model_table;

/* The one exported symbol: `const moec_model_table *moec_model_v1(void)`. */
typedef const moec_model_table *(*moec_model_v1_fn)(void);
#define MOEC_MODEL_SYMBOL "moec_model_v1"

#ifdef __cplusplus
}
#endif
#endif /* MOEC_RT_MODEL_H */
