#include "TestModel.h"

#include <mutex>
#include <thread>

using namespace moec::rt;

namespace {

struct Range {
  int64_t begin, end;
  bool operator==(const Range &) const = default;
  bool operator<(const Range &other) const { return begin < other.begin; }
};

/// What the tasks of one loop saw.
struct Record {
  std::mutex mutex;
  std::vector<Range> ranges;
  std::vector<int64_t> workers;
};

void record(moec_rt_context *, const void *arguments, int64_t begin, int64_t end, int64_t worker) {
  Record &self = **static_cast<Record *const *>(arguments);
  std::lock_guard<std::mutex> lock(self.mutex);
  self.ranges.push_back({begin, end});
  self.workers.push_back(worker);
}

class ParallelTest : public ModelTest {
protected:
  /// Runs one loop in a call; its ranges, in order.
  std::vector<Range> loop(int64_t count, int64_t grain, Record &seen) {
    setEntry([&](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
      Record *self = &seen;
      moec_rt_parallel(context, record, &self, count, grain);
      sumRows(context, in, out);
    });
    EXPECT_EQ(run(), MOEC_OK) << error();
    std::vector<Range> ranges = seen.ranges;
    std::sort(ranges.begin(), ranges.end());
    return ranges;
  }
};

} // namespace

TEST_F(ParallelTest, EveryIterationOnceInRangesOfTheGrain) {
  for (int32_t threads : {1, 2, 3, 8}) {
    start(threads);
    for (int64_t count : {0, 1, 2, 7, 8, 63, 64, 65, 1000, 1000003})
      for (int64_t grain : {-1, 0, 1, 2, 7, 100, 5000000}) {
        SCOPED_TRACE(testing::Message() << threads << " " << count << " " << grain);
        Record seen;
        std::vector<Range> ranges = loop(count, grain, seen);
        int64_t end = 0;
        for (const Range &range : ranges) {
          ASSERT_EQ(range.begin, end);
          ASSERT_GT(range.end, range.begin);
          if (ranges.size() > 1)
            ASSERT_GE(range.end - range.begin, grain);
          end = range.end;
        }
        ASSERT_EQ(end, count);
        ASSERT_LE(ranges.size(), size_t(4 * threads));
        for (int64_t worker : seen.workers)
          ASSERT_TRUE(worker >= 0 && worker < threads);
      }
  }
}

// The split depends on the logical workers, not on who runs them.
TEST_F(ParallelTest, SameSplitWithAnyThreads) {
  start(4);
  Record pool;
  const std::vector<Range> expected = loop(1000, 10, pool);
  EXPECT_EQ(expected.size(), 16u);

  const moec_executor inTurn = {[](void *, int32_t workers, auto task, void *user) {
                                  for (int32_t i = workers - 1; i >= 0; --i)
                                    task(user, i);
                                },
                                nullptr};
  start(4, nullptr, &inTurn);
  Record host;
  EXPECT_EQ(loop(1000, 10, host), expected);

  const moec_executor idle = {[](void *, int32_t, auto, void *) {}, nullptr};
  start(4, nullptr, &idle);
  Record caller;
  EXPECT_EQ(loop(1000, 10, caller), expected);
}

TEST_F(ParallelTest, HostsThreads) {
  const moec_executor threads = {[](void *, int32_t workers, auto task, void *user) {
                                   std::vector<std::thread> running;
                                   for (int32_t i = 0; i < workers; ++i)
                                     running.emplace_back(task, user, i);
                                   for (std::thread &thread : running)
                                     thread.join();
                                 },
                                 nullptr};
  start(3, nullptr, &threads);
  for (int i = 0; i < 20; ++i) {
    Record seen;
    EXPECT_EQ(loop(100, 1, seen).size(), 12u);
  }
}

// A great many short loops: late and sleeping threads, and jobs that follow each other closely.
TEST_F(ParallelTest, ManyShortLoops) {
  start(4);
  static std::atomic<int64_t> sum;
  sum = 0;
  const int64_t loops = 3000;
  setEntry([&](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    for (int64_t i = 0; i < loops; ++i)
      moec_rt_parallel(
          context,
          [](moec_rt_context *, const void *, int64_t begin, int64_t end, int64_t) {
            for (int64_t k = begin; k < end; ++k)
              sum += k;
          },
          nullptr, 16, 1);
    sumRows(context, in, out);
  });
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(sum, loops * 120);
}

TEST_F(ParallelTest, NestedRunsInline) {
  start(4);
  static std::atomic<int> inner;
  inner = 0;
  setEntry([](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    moec_rt_parallel(
        context,
        [](moec_rt_context *context, const void *, int64_t, int64_t, int64_t worker) {
          moec_rt_parallel(
              context,
              [](moec_rt_context *, const void *outer, int64_t begin, int64_t end, int64_t worker) {
                EXPECT_EQ(worker, *static_cast<const int64_t *>(outer));
                EXPECT_EQ(end - begin, 100);
                ++inner;
              },
              &worker, 100, 1);
        },
        nullptr, 16, 1);
    sumRows(context, in, out);
  });
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(inner, 16);
}

TEST_F(ParallelTest, MemoryInTasks) {
  start(4);
  setEntry([](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    moec_rt_parallel(
        context,
        [](moec_rt_context *context, const void *, int64_t begin, int64_t, int64_t) {
          for (int i = 0; i < 100; ++i) {
            auto *memory = static_cast<int64_t *>(moec_rt_alloc(context, 1000));
            *memory = begin;
            EXPECT_EQ(*memory, begin);
            moec_rt_free(context, memory);
          }
        },
        nullptr, 16, 1);
    sumRows(context, in, out);
  });
  EXPECT_EQ(run(), MOEC_OK) << error();
}

TEST_F(ParallelTest, FailureInATaskEndsTheCall) {
  for (int32_t threads : {1, 4}) {
    start(threads);
    setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
      moec_rt_parallel(
          context,
          [](moec_rt_context *context, const void *, int64_t begin, int64_t end, int64_t) {
            if (begin <= 50 && 50 < end)
              moec_rt_fail(context, "gather_7", "index 50 is out of range");
          },
          nullptr, 100, 1);
      ADD_FAILURE() << "the call went on";
    });
    EXPECT_EQ(run(), MOEC_RUNTIME_ERROR);
    EXPECT_EQ(error(), "gather_7: index 50 is out of range");
    // The session is as good as new.
    setEntry(sumRows);
    EXPECT_EQ(run(), MOEC_OK);
    EXPECT_EQ(error(), "");
  }
}

TEST_F(ParallelTest, ReportedErrorEndsTheCallAfterTheLoop) {
  start(4);
  static std::atomic<int> ended;
  ended = 0;
  setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    moec_rt_parallel(
        context,
        [](moec_rt_context *context, const void *, int64_t begin, int64_t, int64_t) {
          if (begin == 0)
            moec_rt_report(context, "", "no node");
          ++ended;
        },
        nullptr, 2, 1);
    ADD_FAILURE() << "the call went on";
  });
  EXPECT_EQ(run(), MOEC_RUNTIME_ERROR);
  EXPECT_EQ(error(), "no node");
  EXPECT_GE(ended, 1);
}
