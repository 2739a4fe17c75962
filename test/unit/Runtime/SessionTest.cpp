#include "TestModel.h"

#include <atomic>
#include <thread>

using namespace moec::rt;
using SessionTest = ModelTest;

TEST_F(SessionTest, OutputsStayUntilTheNextRun) {
  ASSERT_EQ(run(), MOEC_OK);
  const float *first = static_cast<float *>(output.data);
  inputs[0].type = MOEC_INT8;
  ASSERT_EQ(run(), MOEC_INVALID_ARGUMENT); // refused: does not count as a run
  EXPECT_EQ(first[1], 15);
  Session *other = Session::create(1, nullptr, nullptr);
  inputs[0].type = MOEC_FLOAT32;
  moec_tensor theirs;
  ASSERT_EQ(other->run(inputs.data(), 3, &theirs, 1, nullptr), MOEC_OK);
  EXPECT_NE(theirs.data, output.data);
  other->destroy();
  EXPECT_EQ(first[1], 15);
}

TEST_F(SessionTest, SecondCallGetsBusy) {
  static std::atomic<bool> entered, leave;
  entered = leave = false;
  setEntry([](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    entered = true;
    while (!leave)
      std::this_thread::yield();
    sumRows(context, in, out);
  });
  std::thread first([&] { EXPECT_EQ(run(), MOEC_OK); });
  while (!entered)
    std::this_thread::yield();
  moec_tensor unused;
  EXPECT_EQ(session->run(inputs.data(), 3, &unused, 1, nullptr), MOEC_BUSY);
  leave = true;
  first.join();
  EXPECT_EQ(run(), MOEC_OK);
}

TEST_F(SessionTest, SessionsSideBySide) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Session *own = Session::create(2, nullptr, nullptr);
      for (int k = 0; k < 200; ++k) {
        moec_tensor result;
        ASSERT_EQ(own->run(inputs.data(), 3, &result, 1, nullptr), MOEC_OK);
        ASSERT_EQ(static_cast<float *>(result.data)[1], 15);
      }
      own->destroy();
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(SessionTest, Cancel) {
  volatile int32_t cancel = 1;
  moec_run_options options = {sizeof options, &cancel, nullptr, nullptr};
  EXPECT_EQ(run(&options), MOEC_CANCELLED);
  EXPECT_EQ(error(), "the call was cancelled");
  cancel = 0;
  EXPECT_EQ(run(&options), MOEC_OK);

  // In the middle: what has not started by then does not run.
  start(2);
  static volatile int32_t *flag;
  static std::atomic<int> ranges;
  flag = &cancel;
  ranges = 0;
  setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    moec_rt_parallel(
        context,
        [](moec_rt_context *, const void *, int64_t, int64_t, int64_t) {
          __atomic_store_n(flag, 1, __ATOMIC_RELAXED);
          ++ranges;
        },
        nullptr, 8, 1);
    ADD_FAILURE() << "the call went on";
  });
  EXPECT_EQ(run(&options), MOEC_CANCELLED);
  EXPECT_LE(ranges, 2);

  // A caller of an older version has no such member.
  options.size = sizeof(size_t);
  setEntry(sumRows);
  EXPECT_EQ(run(&options), MOEC_OK);
}

TEST_F(SessionTest, Failures) {
  setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    moec_rt_alloc(context, 100);
    moec_rt_fail(context, "/model/layer.0/Gather", "index 7 is out of range");
  });
  EXPECT_EQ(run(), MOEC_RUNTIME_ERROR);
  EXPECT_EQ(error(), "/model/layer.0/Gather: index 7 is out of range");

  setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    moec_rt_report(context, "a", "first");
    moec_rt_report(context, "b", "second");
    moec_rt_check(context);
    ADD_FAILURE() << "the call went on";
  });
  EXPECT_EQ(run(), MOEC_RUNTIME_ERROR);
  EXPECT_EQ(error(), "a: first");

  setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    moec_rt_alloc(context, INT64_C(1) << 47);
    ADD_FAILURE() << "the call went on";
  });
  EXPECT_EQ(run(), MOEC_OUT_OF_MEMORY);
  EXPECT_EQ(error(), "no memory for 140737488355328 bytes");

  const std::string longText(10000, 'x');
  setEntry([&](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    moec_rt_fail(context, "node", longText.c_str());
  });
  EXPECT_EQ(run(), MOEC_RUNTIME_ERROR);
  EXPECT_EQ(error().size(), size_t(MOEC_MESSAGE_SIZE - 1));
}

TEST_F(SessionTest, HostsAllocator) {
  static std::atomic<int64_t> allocations, blocks;
  allocations = blocks = 0;
  const moec_allocator allocator = {
      [](void *, size_t size, size_t alignment) {
        ++allocations;
        ++blocks;
        return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
      },
      [](void *, void *pointer, size_t, size_t) {
        --blocks;
        std::free(pointer);
      },
      nullptr};
  start(2, &allocator);
  setEntry([](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    for (int64_t size : {100, 5000, 70, 5000})
      moec_rt_alloc(context, size);
    sumRows(context, in, out);
  });
  ASSERT_EQ(run(), MOEC_OK);
  const int64_t afterFirst = allocations;
  EXPECT_GE(afterFirst, 5);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(run(), MOEC_OK);
  EXPECT_EQ(allocations, afterFirst);
  start(1);
  EXPECT_EQ(blocks, 0);
}
