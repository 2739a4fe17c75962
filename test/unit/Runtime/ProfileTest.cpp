#include "TestModel.h"

using namespace moec::rt;

namespace {

using ProfileTest = ModelTest;

moec_profile_info profileOf(const Session *session) {
  moec_profile_info info = {};
  info.size = sizeof info;
  session->fill(info);
  return info;
}

void doNothing(moec_rt_context *, const void *, int64_t, int64_t, int64_t) {}

/// sumRows in two stretches, of which the first has two loops worth sharing and one that is not.
void sumRowsCounted(moec_rt_context *context, const moec_rt_buffer *inputs,
                    moec_rt_buffer *outputs) {
  moec_rt_profile_start(context, 2);
  moec_rt_profile_begin(context, 0);
  moec_rt_parallel(context, doNothing, nullptr, 8, 1);
  moec_rt_parallel(context, doNothing, nullptr, 8, 1);
  moec_rt_parallel(context, doNothing, nullptr, 8, 8);
  moec_rt_profile_end(context, 0, 100, 1000);
  moec_rt_parallel(context, doNothing, nullptr, 8, 1); // between stretches: nobody's
  moec_rt_profile_begin(context, 1);
  sumRows(context, inputs, outputs);
  moec_rt_profile_end(context, 1, 6, 32);
}

} // namespace

TEST_F(ProfileTest, NoneWithoutCounters) {
  ASSERT_EQ(run(), MOEC_OK);
  EXPECT_EQ(profileOf(session).num_records, 0);
}

TEST_F(ProfileTest, AddsUpOverCalls) {
  setEntry(sumRowsCounted);
  start(2);
  EXPECT_EQ(profileOf(session).num_records, 0);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(run(), MOEC_OK);
  moec_profile_info info = profileOf(session);
  ASSERT_EQ(info.num_records, 2);
  const moec_profile_record &first = info.records[0], &second = info.records[1];
  EXPECT_EQ(first.calls, 3);
  EXPECT_EQ(first.flops, 300);
  EXPECT_EQ(first.bytes, 3000);
  EXPECT_EQ(first.parallel_regions, 6);
  EXPECT_EQ(second.calls, 3);
  EXPECT_EQ(second.flops, 18);
  EXPECT_EQ(second.bytes, 96);
  EXPECT_EQ(second.parallel_regions, 0);
  EXPECT_GT(first.nanoseconds, 0);
  EXPECT_GE(first.nanoseconds, first.last_nanoseconds);
  EXPECT_GE(first.last_start, 0);
  EXPECT_GE(second.last_start, first.last_start + first.last_nanoseconds);
}

TEST_F(ProfileTest, OneThreadHasNoParallelRegions) {
  setEntry(sumRowsCounted);
  ASSERT_EQ(run(), MOEC_OK);
  EXPECT_EQ(profileOf(session).records[0].parallel_regions, 0);
}

TEST_F(ProfileTest, StretchThatFailsDoesNotCount) {
  setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    moec_rt_profile_start(context, 1);
    moec_rt_profile_begin(context, 0);
    moec_rt_fail(context, "node", "cannot go on");
  });
  EXPECT_EQ(run(), MOEC_RUNTIME_ERROR);
  moec_profile_info info = profileOf(session);
  ASSERT_EQ(info.num_records, 1);
  EXPECT_EQ(info.records[0].calls, 0);
  EXPECT_EQ(info.records[0].nanoseconds, 0);
}

TEST_F(ProfileTest, OlderCallersKnowFewerMembers) {
  setEntry(sumRowsCounted);
  ASSERT_EQ(run(), MOEC_OK);
  moec_profile_info info = {offsetof(moec_profile_info, records), 0, nullptr};
  session->fill(info);
  EXPECT_EQ(info.num_records, 2);
  EXPECT_EQ(info.records, nullptr);
}
