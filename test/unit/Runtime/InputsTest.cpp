#include "TestModel.h"

using InputsTest = ModelTest;

TEST_F(InputsTest, Fit) {
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(error(), "");
  EXPECT_EQ(output.rank, 1);
  EXPECT_EQ(output.type, MOEC_FLOAT32);
  EXPECT_EQ(output.device, MOEC_CPU);
  EXPECT_EQ(output.strides, nullptr);
  EXPECT_EQ(output.shape[0], 2);
  EXPECT_EQ(static_cast<float *>(output.data)[0], 6);
  EXPECT_EQ(static_cast<float *>(output.data)[1], 15);
}

// Each wrong call is found before the entry function starts.
#define EXPECT_REFUSED(message)                                                                    \
  do {                                                                                             \
    setEntry([](auto...) { ADD_FAILURE() << "the model ran"; });                                   \
    EXPECT_EQ(run(), MOEC_INVALID_ARGUMENT);                                                       \
    EXPECT_EQ(error(), message);                                                                   \
  } while (false)

TEST_F(InputsTest, WrongCount) {
  inputs.pop_back();
  EXPECT_REFUSED("2 inputs given, expected 3");
}

TEST_F(InputsTest, NoArrays) {
  EXPECT_EQ(session->run(nullptr, 3, &output, 1, nullptr), MOEC_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "the array of inputs is NULL");
  EXPECT_EQ(session->run(inputs.data(), 3, nullptr, 1, nullptr), MOEC_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "the array of outputs is NULL");
  EXPECT_EQ(session->run(inputs.data(), 3, &output, 2, nullptr), MOEC_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "room for 2 outputs given, expected 1");
}

TEST_F(InputsTest, WrongType) {
  inputs[1].type = MOEC_INT32;
  EXPECT_REFUSED("input 1 ('y') has type int32 (6), expected int64");
  inputs[1].type = 8;
  EXPECT_REFUSED("input 1 ('y') has type unknown (8), expected int64");
}

TEST_F(InputsTest, WrongDevice) {
  inputs[1].device = 2;
  EXPECT_REFUSED("input 1 ('y') is on device 2, expected 1 (CPU)");
}

TEST_F(InputsTest, WrongRank) {
  inputs[0].rank = 1;
  EXPECT_REFUSED("input 0 ('x') has rank 1, expected 2");
  inputs[0].rank = -1;
  EXPECT_REFUSED("input 0 ('x') has rank -1, expected 2");
  inputs[0].rank = 1000;
  EXPECT_REFUSED("input 0 ('x') has rank 1000, expected 2");
}

TEST_F(InputsTest, WrongFixedSize) {
  inputs[0].shape[1] = 4;
  EXPECT_REFUSED("input 0 ('x'): dimension 1 has size 4, expected 3");
}

TEST_F(InputsTest, UnequalSymbols) {
  inputs[2].shape[0] = 5;
  EXPECT_REFUSED(
      "input 2 ('flags'): dimension 0 ('m') has size 5, but dimension 1 of input 1 ('y'), "
      "which must be equal, has 4");
}

TEST_F(InputsTest, NegativeSize) {
  inputs[0].shape[0] = -2;
  EXPECT_REFUSED("input 0 ('x'): size -2 of dimension 0 is negative");
}

TEST_F(InputsTest, NoData) {
  inputs[0].data = nullptr;
  EXPECT_REFUSED("input 0 ('x') has no data");
}

TEST_F(InputsTest, Overflow) {
  inputs[0].shape[0] = INT64_C(1) << 60;
  EXPECT_REFUSED("input 0 ('x') has too many bytes to address");
  inputs[0].shape[0] = 2;
  const int64_t strides[] = {INT64_MIN, 1};
  inputs[0].strides = strides;
  EXPECT_REFUSED("input 0 ('x') has too many bytes to address");
}

TEST_F(InputsTest, EmptyNeedsNoData) {
  inputs[0].shape[0] = inputs[1].shape[0] = 0;
  inputs[0].data = inputs[1].data = nullptr;
  setEntry([](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    EXPECT_NE(in[0].data, nullptr);
    sumRows(context, in, out);
  });
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(output.shape[0], 0);
  EXPECT_NE(output.data, nullptr);
}

TEST_F(InputsTest, StridedIsCopied) {
  const float columns[3][2] = {{1, 4}, {2, 5}, {3, 6}};
  const int64_t transposed[] = {1, 2};
  inputs[0].data = const_cast<float *>(&columns[0][0]);
  inputs[0].strides = transposed;
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(static_cast<float *>(output.data)[0], 6);
  EXPECT_EQ(static_cast<float *>(output.data)[1], 15);

  // Backwards along both, and one row for all.
  const int64_t backwards[] = {-3, -1};
  inputs[0].data = &x[1][2];
  inputs[0].strides = backwards;
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(static_cast<float *>(output.data)[0], 15);
  const int64_t broadcast[] = {0, 1};
  inputs[0].data = &x[1][0];
  inputs[0].strides = broadcast;
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(static_cast<float *>(output.data)[0], 15);
  EXPECT_EQ(static_cast<float *>(output.data)[1], 15);
}

TEST_F(InputsTest, DenseIsBorrowed) {
  const int64_t dense[] = {3, 1};
  inputs[0].strides = dense;
  setEntry([this](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    EXPECT_EQ(in[0].data, x);
    sumRows(context, in, out);
  });
  EXPECT_EQ(run(), MOEC_OK) << error();
}

TEST_F(InputsTest, MisalignedIsCopied) {
  alignas(8) char bytes[sizeof x + 1];
  memcpy(bytes + 1, x, sizeof x);
  inputs[0].data = bytes + 1;
  setEntry([](moec_rt_context *context, const moec_rt_buffer *in, moec_rt_buffer *out) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(in[0].data) % alignof(float), 0u);
    sumRows(context, in, out);
  });
  ASSERT_EQ(run(), MOEC_OK) << error();
  EXPECT_EQ(static_cast<float *>(output.data)[1], 15);
}
