//===- EvaluateTest.cpp - Losses, selection of rows, timings
//---------------------------------------===//
#include "moec/Client/Evaluate.h"
#include "moec/Client/Benchmark.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace llvm;
using namespace moec;

namespace {

long double referenceLoss(ArrayRef<float> logits, int64_t token) {
  long double sum = 0;
  for (float logit : logits)
    sum += expl((long double)logit - logits[token]);
  return logl(sum);
}

TEST(TokenLoss, agreesWithExtendedPrecision) {
  std::mt19937 random(5);
  for (size_t size : {1, 2, 7, 8, 9, 64, 1000})
    for (double spread : {0.01, 1.0, 30.0, 500.0}) {
      std::normal_distribution<float> logit(3, float(spread));
      std::vector<float> logits(size);
      for (float &x : logits)
        x = logit(random);
      for (size_t token = 0; token < size; token += 1 + size / 5) {
        long double expected = referenceLoss(logits, int64_t(token));
        if (std::isfinite(expected)) {
          EXPECT_NEAR(tokenLoss(logits, int64_t(token)), double(expected),
                      1e-13 * (1 + double(expected)))
              << size << " " << spread;
        }
      }
    }
}

TEST(TokenLoss, keepsLargeDifferences) {
  EXPECT_DOUBLE_EQ(tokenLoss({0, 5000}, 0), 5000);
  EXPECT_DOUBLE_EQ(tokenLoss({0, 5000}, 1), 0);
  EXPECT_DOUBLE_EQ(tokenLoss({1e30f, 1e30f}, 1), std::log(2.0));
}

TEST(TokenLoss, doesNotHideNan) {
  float nan = std::nanf(""), inf = INFINITY;
  for (size_t position : {0, 1, 8, 9}) {
    std::vector<float> logits(10, 1.0f);
    logits[position] = nan;
    EXPECT_FALSE(std::isfinite(tokenLoss(logits, 3))) << position;
    logits[position] = inf;
    EXPECT_FALSE(std::isfinite(tokenLoss(logits, 3))) << position;
  }
}

TEST(SelectRows, takesEveryKthThenTheFirst) {
  auto rowsOf = [](int64_t every, std::optional<int64_t> rows) {
    TokenSet set;
    set.rows = 5;
    set.length = 2;
    set.tokens = {0, 1, 10, 11, 20, 21, 30, 31, 40, 41};
    set.labels = {0, 1, 2, 3, 4};
    selectRows(set, every, rows);
    EXPECT_EQ(set.rows, int64_t(set.labels.size()));
    EXPECT_EQ(set.rows * 2, int64_t(set.tokens.size()));
    for (int64_t row = 0; row < set.rows; ++row)
      EXPECT_EQ(set.tokens[2 * row + 1], 10 * set.labels[row] + 1);
    return set.labels;
  };
  using Rows = std::vector<int64_t>;
  EXPECT_EQ(rowsOf(1, std::nullopt), (Rows{0, 1, 2, 3, 4}));
  EXPECT_EQ(rowsOf(2, std::nullopt), (Rows{0, 2, 4}));
  EXPECT_EQ(rowsOf(2, 2), (Rows{0, 2}));
  EXPECT_EQ(rowsOf(1, 100), (Rows{0, 1, 2, 3, 4}));
  EXPECT_EQ(rowsOf(100, std::nullopt), (Rows{0}));
}

TEST(Timings, interpolates) {
  Timings timings{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21}};
  EXPECT_DOUBLE_EQ(timings.quantile(0.5), 6);
  EXPECT_DOUBLE_EQ(timings.quantile(0.1), 2);
  EXPECT_DOUBLE_EQ(timings.quantile(0.95), 15.5);
  EXPECT_DOUBLE_EQ(timings.quantile(1), 21);
  EXPECT_DOUBLE_EQ(Timings{{3}}.quantile(0.9), 3);
}

TEST(Memory, peakIsWhatWasTouched) {
  int64_t before = peakResidentBytes();
  ASSERT_GT(before, 0);
  std::vector<char> block(64 << 20, 1);
  EXPECT_GE(peakResidentBytes(), before + (48 << 20));
  EXPECT_EQ(block.back(), 1);
}

} // namespace
