// A model in this executable. Inputs: x float32 [n, 3], y int64 [n, m], flags bool [m]; output: z
// float32 [n]. What it computes is up to the test.
#ifndef MOEC_TEST_UNIT_RUNTIME_TESTMODEL_H
#define MOEC_TEST_UNIT_RUNTIME_TESTMODEL_H

#include "core/Session.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

/// The entry function of the model. May be left by longjmp: no destructors in it.
using Entry = std::function<void(moec_rt_context *, const moec_rt_buffer *, moec_rt_buffer *)>;
void setEntry(Entry entry);

/// A session and inputs that fit, to be changed by the test.
class ModelTest : public testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  /// Makes the session anew.
  void start(int32_t threads, const moec_allocator *allocator = nullptr,
             const moec_executor *executor = nullptr);
  moec_status run(const moec_run_options *options = nullptr);
  std::string error() const { return session->lastError(); }

  moec::rt::Session *session = nullptr;
  float x[2][3] = {{1, 2, 3}, {4, 5, 6}};
  int64_t y[2][4] = {};
  bool flags[4] = {};
  std::vector<moec_tensor> inputs;
  moec_tensor output = {};
};

/// Sets z = the sum of each row of x.
void sumRows(moec_rt_context *context, const moec_rt_buffer *inputs, moec_rt_buffer *outputs);

#endif // MOEC_TEST_UNIT_RUNTIME_TESTMODEL_H
