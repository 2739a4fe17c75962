// The state of a session, by itself.
#include "core/State.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <vector>

using namespace moec::rt;

namespace {

// Keys [b, 2, rows, 3], and values [b, rows].
const int64_t keysShape[] = {-1, 2, -2, 3}, valuesShape[] = {-1, -2};
const moec_state_info states[] = {{"past.k", "present.k", MOEC_FLOAT32, 4, keysShape, 2},
                                  {"past.v", "present.v", MOEC_INT64, 2, valuesShape, 1}};

class StateTest : public testing::Test {
protected:
  void SetUp() override {
    info.num_states = 2;
    info.states = states;
    info.state_capacity = 4;
    memory.initialize(nullptr);
    ASSERT_TRUE(state.initialize(info, memory, 0));
  }
  void TearDown() override {
    state.destroy();
    memory.destroy();
  }

  /// A call that adds rows: element (b, h, row, d) of the keys is 1000b + 100h + 10row + d, value
  /// (b, row) is 1000b + row.
  moec_status call(State &to, int64_t batch, int64_t rows, int64_t past = -1) {
    SymbolValue symbols[] = {{batch, 0, 0}, {past, past < 0 ? -1 : 0, 0}};
    const moec_tensor_info input = {"ids", MOEC_INT64, 1, valuesShape};
    info.inputs = &input;
    moec_status status = to.prepare(symbols, message);
    int64_t before = to.numRows();
    if (!status)
      status = to.append(rows, message);
    moec_rt_buffer buffers[3];
    if (!status) {
      to.bind(buffers);
      EXPECT_EQ(buffers[0].shape[0], before);
      int64_t capacity = buffers[1].shape[2];
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t row = before; row < before + rows; ++row) {
          static_cast<int64_t *>(buffers[2].data)[b * capacity + row] = 1000 * b + row;
          for (int64_t h = 0; h < 2; ++h)
            for (int64_t d = 0; d < 3; ++d)
              static_cast<float *>(buffers[1].data)[((b * 2 + h) * capacity + row) * 3 + d] =
                  1000 * b + 100 * h + 10 * row + d;
        }
    }
    to.finish(status == MOEC_OK);
    return status;
  }

  /// The error of a call that must fail, whole.
  void expectError(int64_t batch, int64_t rows, moec_status expected, const std::string &text) {
    EXPECT_EQ(call(state, batch, rows), expected) << text;
    EXPECT_EQ(std::string(message.text), text);
  }

  void expectKeys(State &of, std::vector<int64_t> batches, int64_t rows) {
    moec_tensor keys, values;
    ASSERT_EQ(of.view(0, &keys, message), MOEC_OK) << message.text;
    ASSERT_EQ(of.view(1, &values, message), MOEC_OK) << message.text;
    ASSERT_EQ(keys.shape[0], int64_t(batches.size()));
    ASSERT_EQ(keys.shape[2], rows);
    ASSERT_EQ(values.shape[1], rows);
    for (size_t b = 0; b < batches.size(); ++b)
      for (int64_t row = 0; row < rows; ++row) {
        EXPECT_EQ(static_cast<int64_t *>(values.data)[b * values.strides[0] + row],
                  1000 * batches[b] + row);
        for (int64_t h = 0; h < 2; ++h)
          for (int64_t d = 0; d < 3; ++d)
            EXPECT_EQ(static_cast<float *>(keys.data)[b * keys.strides[0] + h * keys.strides[1] +
                                                      row * keys.strides[2] + d],
                      1000 * batches[b] + 100 * h + 10 * row + d);
      }
  }

  moec_model_info info = {};
  Memory memory;
  State state;
  Message message;
};

TEST_F(StateTest, CallsAddRowsInPlace) {
  ASSERT_EQ(call(state, 2, 2), MOEC_OK) << message.text;
  const int64_t allocations = memory.numAllocations();
  ASSERT_EQ(call(state, 2, 1), MOEC_OK) << message.text;
  ASSERT_EQ(call(state, 2, 1), MOEC_OK) << message.text;
  EXPECT_EQ(memory.numAllocations(), allocations);
  EXPECT_EQ(state.numRows(), 4);
  expectKeys(state, {0, 1}, 4);
}

TEST_F(StateTest, FullStateLosesNothing) {
  ASSERT_EQ(call(state, 2, 3), MOEC_OK);
  expectError(2, 2, MOEC_STATE_FULL,
              "the session's state has room for 4 rows and holds 3: 2 more do not fit (nothing was "
              "changed; truncate or reset it, or make a session with a larger capacity)");
  EXPECT_EQ(state.numRows(), 3);
  expectKeys(state, {0, 1}, 3);
  EXPECT_EQ(call(state, 2, 1), MOEC_OK);
}

TEST_F(StateTest, OtherSizesNeedAReset) {
  ASSERT_EQ(call(state, 2, 1), MOEC_OK);
  expectError(3, 1, MOEC_INVALID_ARGUMENT,
              "dimension 0 of state 'past.k' is 3 in this call, but 2 in the rows that the session "
              "keeps: reset it first");
  ASSERT_EQ(state.reset(0, message), MOEC_OK);
  EXPECT_EQ(call(state, 3, 4), MOEC_OK);
  expectKeys(state, {0, 1, 2}, 4);
}

TEST_F(StateTest, AnInputThatTellsThePastMustAgree) {
  ASSERT_EQ(call(state, 1, 2, 0), MOEC_OK) << message.text;
  EXPECT_EQ(call(state, 1, 1, 1), MOEC_INVALID_ARGUMENT);
  EXPECT_NE(std::string(message.text).find("has size 1, but the session's state 'past.k' has 2"),
            std::string::npos)
      << message.text;
  EXPECT_EQ(call(state, 1, 1, 2), MOEC_OK);
}

TEST_F(StateTest, TruncatesAndGrowsItsCapacity) {
  ASSERT_EQ(call(state, 1, 3), MOEC_OK);
  EXPECT_EQ(state.truncate(4, message), MOEC_INVALID_ARGUMENT);
  EXPECT_EQ(state.truncate(-1, message), MOEC_INVALID_ARGUMENT);
  ASSERT_EQ(state.truncate(1, message), MOEC_OK);
  ASSERT_EQ(call(state, 1, 1), MOEC_OK);
  expectKeys(state, {0}, 2);
  ASSERT_EQ(state.reset(10, message), MOEC_OK);
  EXPECT_EQ(state.numRows(), 0);
  ASSERT_EQ(call(state, 1, 10), MOEC_OK) << message.text;
  expectKeys(state, {0}, 10);
}

TEST_F(StateTest, ReordersTheBatch) {
  ASSERT_EQ(call(state, 3, 2), MOEC_OK);
  const int64_t wrong[] = {0, 3}, sources[] = {2, 0, 2, 1};
  EXPECT_EQ(state.reorder(wrong, 2, message), MOEC_INVALID_ARGUMENT);
  expectKeys(state, {0, 1, 2}, 2);
  ASSERT_EQ(state.reorder(sources, 4, message), MOEC_OK) << message.text;
  expectKeys(state, {2, 0, 2, 1}, 2);
  EXPECT_EQ(call(state, 4, 1), MOEC_OK) << message.text;
}

TEST_F(StateTest, ForksIntoAnotherCapacity) {
  ASSERT_EQ(call(state, 2, 3), MOEC_OK);
  State other, small;
  ASSERT_TRUE(other.initialize(info, memory, 7));
  ASSERT_TRUE(small.initialize(info, memory, 2));
  ASSERT_EQ(other.copyFrom(state, message), MOEC_OK) << message.text;
  EXPECT_EQ(small.copyFrom(state, message), MOEC_STATE_FULL);
  ASSERT_EQ(call(other, 2, 4), MOEC_OK) << message.text;
  expectKeys(other, {0, 1}, 7);
  expectKeys(state, {0, 1}, 3);
  other.destroy();
  small.destroy();
}

TEST_F(StateTest, ForkWithoutMemoryLosesNothing) {
  ASSERT_EQ(call(state, 2, 3), MOEC_OK);
  bool isFull = false;
  const moec_allocator host = {
      [](void *user, size_t size, size_t alignment) -> void * {
        return *static_cast<bool *>(user)
                   ? nullptr
                   : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
      },
      [](void *, void *pointer, size_t, size_t) { std::free(pointer); }, &isFull};
  Memory small;
  small.initialize(&host);
  State other;
  ASSERT_TRUE(other.initialize(info, small, 0));
  ASSERT_EQ(call(other, 1, 2), MOEC_OK);
  isFull = true;
  EXPECT_EQ(other.copyFrom(state, message), MOEC_OUT_OF_MEMORY);
  expectKeys(other, {0}, 2);
  isFull = false;
  EXPECT_EQ(other.copyFrom(state, message), MOEC_OK) << message.text;
  expectKeys(other, {0, 1}, 3);
  other.destroy();
  small.destroy();
}

TEST_F(StateTest, SizesThatNoMemoryHolds) {
  expectError(INT64_C(1) << 60, 1, MOEC_OUT_OF_MEMORY, "no memory for 4 rows of state 'past.k'");
  EXPECT_EQ(call(state, 1, 1), MOEC_OK) << message.text;
}

TEST_F(StateTest, ViewsNeedRowsAndAnIndex) {
  moec_tensor tensor;
  EXPECT_EQ(state.view(0, &tensor, message), MOEC_INVALID_ARGUMENT);
  ASSERT_EQ(call(state, 1, 1), MOEC_OK);
  EXPECT_EQ(state.view(2, &tensor, message), MOEC_INVALID_ARGUMENT);
  EXPECT_EQ(state.view(0, nullptr, message), MOEC_INVALID_ARGUMENT);
}

} // namespace
