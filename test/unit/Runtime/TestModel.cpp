#include "TestModel.h"

using namespace moec::rt;

static Entry theEntry;

void setEntry(Entry entry) { theEntry = std::move(entry); }

static void callEntry(moec_rt_context *context, const moec_rt_buffer *inputs,
                      moec_rt_buffer *outputs) {
  theEntry(context, inputs, outputs);
}

extern "C" {

static const int64_t xShape[] = {-1, 3}, yShape[] = {-1, -2}, flagsShape[] = {-2}, zShape[] = {-1};
static const moec_tensor_info inputInfos[] = {{"x", MOEC_FLOAT32, 2, xShape},
                                              {"y", MOEC_INT64, 2, yShape},
                                              {"flags", MOEC_BOOL, 1, flagsShape}};
static const moec_tensor_info outputInfos[] = {{"z", MOEC_FLOAT32, 1, zShape}};
static const char *const symbolNames[] = {"n", "m"};

const moec_rt_program moec_rt_model_program = {
    MOEC_RT_PROGRAM_VERSION,
    0,
    0,
    callEntry,
    {3, 1, 2, 0, inputInfos, outputInfos, symbolNames, nullptr, nullptr, 0}};

} // extern "C"

void sumRows(moec_rt_context *context, const moec_rt_buffer *inputs, moec_rt_buffer *outputs) {
  const int64_t rows = inputs[0].shape[0];
  const float *from = static_cast<const float *>(inputs[0].data);
  float *to = static_cast<float *>(moec_rt_alloc(context, rows * sizeof(float)));
  for (int64_t i = 0; i < rows; ++i)
    to[i] = from[3 * i] + from[3 * i + 1] + from[3 * i + 2];
  outputs[0].data = to;
  outputs[0].shape[0] = rows;
}

void ModelTest::SetUp() {
  setEntry(sumRows);
  inputs = {{x, MOEC_CPU, MOEC_FLOAT32, 2, 0, {2, 3}, nullptr},
            {y, MOEC_CPU, MOEC_INT64, 2, 0, {2, 4}, nullptr},
            {flags, MOEC_CPU, MOEC_BOOL, 1, 0, {4}, nullptr}};
  start(1);
}

void ModelTest::TearDown() { session->destroy(); }

void ModelTest::start(int32_t threads, const moec_allocator *allocator,
                      const moec_executor *executor) {
  if (session)
    session->destroy();
  session = Session::create(threads, allocator, executor);
  ASSERT_NE(session, nullptr);
}

moec_status ModelTest::run(const moec_run_options *options) {
  return session->run(inputs.data(), inputs.size(), &output, 1, options);
}
