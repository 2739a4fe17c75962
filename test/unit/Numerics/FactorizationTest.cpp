#include "moec/Numerics/Factorization.h"

#include "../Errors.h"

#include "gtest/gtest.h"
#include <Eigen/SVD>

#include <cmath>
#include <limits>
#include <random>

using namespace moec;

namespace {

std::vector<float> random(int64_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(size);
  for (float &value : values)
    value = static_cast<float>(generator()) / 2147483648.0f - 1;
  return values;
}

std::vector<float> toDense(const Factors &factors) {
  const FactorShape &s = factors.shape;
  std::vector<float> first =
      expandBlocks(factors.first, s.inputBlocks, s.blockDepth(), s.firstColumns(), s.shuffle());
  std::vector<float> second =
      expandBlocks(factors.second, s.outputBlocks, s.secondDepth(), s.blockColumns());
  return multiplyMatrices(first, second, s.depth, s.inputBlocks * s.firstColumns(), s.columns);
}

double squaredDistance(llvm::ArrayRef<float> a, llvm::ArrayRef<float> b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    sum += (static_cast<double>(x) - y) * (static_cast<double>(x) - y);
  return sum;
}

Factors mustFactorize(llvm::ArrayRef<float> weight, const FactorShape &shape) {
  llvm::Expected<Factors> factors = factorize(weight, shape);
  EXPECT_EQ(errorOf(factors), "");
  return factors ? std::move(*factors) : Factors{shape, {}, {}, 0, 0};
}

/// Σ of the squares of what a rank leaves of the blocks' singular values, by another algorithm.
double squaredTail(llvm::ArrayRef<float> weight, const FactorShape &s) {
  using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<const Rows> all(weight.data(), s.depth, s.columns);
  double sum = 0;
  for (int64_t j = 0; j < s.inputBlocks; ++j)
    for (int64_t i = 0; i < s.outputBlocks; ++i) {
      Eigen::MatrixXd block =
          all.block(j * s.blockDepth(), i * s.blockColumns(), s.blockDepth(), s.blockColumns())
              .cast<double>();
      Eigen::VectorXd values = Eigen::JacobiSVD<Eigen::MatrixXd>(block).singularValues();
      sum += values.tail(values.size() - s.rank).squaredNorm();
    }
  return sum;
}

struct Case {
  const char *name;
  FactorShape shape;
};

class Forms : public testing::TestWithParam<Case> {};

/// Wide, tall, with few and many blocks.
INSTANTIATE_TEST_SUITE_P(
    All, Forms,
    testing::Values(Case{"lowRankWide", {24, 60, 1, 1, 0}}, Case{"lowRankTall", {60, 24, 1, 1, 0}},
                    Case{"blockDense", {48, 40, 4, 1, 0}}, Case{"blockColumns", {40, 48, 1, 4, 0}},
                    Case{"monarch", {48, 36, 4, 3, 0}}, Case{"monarchSquare", {32, 32, 4, 4, 0}}),
    [](const auto &info) { return info.param.name; });

TEST_P(Forms, ErrorIsThatOfTheSingularValuesLeftOut) {
  FactorShape shape = GetParam().shape;
  std::vector<float> weight = random(shape.depth * shape.columns, 1);
  double norm = squaredDistance(weight, std::vector<float>(weight.size()));
  for (shape.rank = 1; shape.rank < shape.fullRank(); ++shape.rank) {
    Factors factors = mustFactorize(weight, shape);
    EXPECT_NEAR(factors.squaredNorm, norm, 1e-9 * norm);
    EXPECT_NEAR(factors.squaredError, squaredTail(weight, shape), 1e-6 * norm);
    EXPECT_NEAR(factors.squaredError, squaredDistance(weight, toDense(factors)), 1e-6 * norm);
    EXPECT_NEAR(factors.relativeError(), std::sqrt(factors.squaredError / norm), 1e-9);
  }
}

TEST_P(Forms, FullRankIsExactToRounding) {
  FactorShape shape = GetParam().shape;
  shape.rank = shape.fullRank();
  std::vector<float> weight = random(shape.depth * shape.columns, 2);
  Factors factors = mustFactorize(weight, shape);
  std::vector<float> product = toDense(factors);
  for (auto [x, y] : llvm::zip_equal(weight, product))
    EXPECT_NEAR(x, y, 2e-6);
  EXPECT_EQ(factors.squaredError, 0);
}

TEST_P(Forms, ErrorFallsWithTheRatio) {
  FactorShape shape = GetParam().shape;
  std::vector<float> weight = random(shape.depth * shape.columns, 3);
  double last = 1;
  int64_t lastRank = 0;
  for (double ratio : {0.2, 0.33, 0.5, 0.75, 0.9}) {
    shape.rank = shape.rankFor(ratio);
    EXPECT_LE(shape.numParameters(), ratio * weight.size());
    // One more would be too many.
    FactorShape more = shape;
    ++more.rank;
    EXPECT_TRUE(more.numParameters() > ratio * weight.size() || shape.rank == shape.fullRank());
    EXPECT_GE(shape.rank, lastRank);
    if (shape.rank == lastRank)
      continue;
    double error = mustFactorize(weight, shape).relativeError();
    EXPECT_LT(error, last);
    last = error;
    lastRank = shape.rank;
  }
  EXPECT_GT(lastRank, 0);
}

TEST_P(Forms, StructureIsFound) {
  Factors given{GetParam().shape, {}, {}, 0, 0};
  FactorShape &shape = given.shape;
  shape.rank = 2;
  given.first = random(shape.depth * shape.firstColumns(), 4);
  given.second = random(shape.columns * shape.secondDepth(), 5);
  std::vector<float> weight = toDense(given);
  Factors found = mustFactorize(weight, shape);
  double norm = squaredDistance(weight, std::vector<float>(weight.size()));
  EXPECT_LT(squaredDistance(weight, toDense(found)), 1e-12 * norm);
  EXPECT_LT(found.relativeError(), 1e-6);
  // And is not of a lower rank.
  shape.rank = 1;
  EXPECT_GT(mustFactorize(weight, shape).relativeError(), 0.05);
}

TEST_P(Forms, SameBitsAndSigns) {
  FactorShape shape = GetParam().shape;
  shape.rank = shape.fullRank() / 2;
  std::vector<float> weight = random(shape.depth * shape.columns, 6);
  Factors a = mustFactorize(weight, shape), b = mustFactorize(weight, shape);
  EXPECT_EQ(a.first, b.first);
  EXPECT_EQ(a.second, b.second);
  for (int64_t row = 0; row < shape.outputBlocks * shape.secondDepth(); ++row) {
    llvm::ArrayRef<float> vector =
        llvm::ArrayRef(a.second).slice(row * shape.blockColumns(), shape.blockColumns());
    EXPECT_GT(*std::max_element(vector.begin(), vector.end(),
                                [](float x, float y) { return std::abs(x) < std::abs(y); }),
              0);
  }
}

TEST(Factorization, ZerosAndRepeatedValues) {
  FactorShape shape{8, 8, 1, 1, 4};
  Factors zeros = mustFactorize(std::vector<float>(64), shape);
  EXPECT_EQ(zeros.relativeError(), 0);
  EXPECT_EQ(toDense(zeros), std::vector<float>(64));
  std::vector<float> identity(64);
  for (int i = 0; i < 8; ++i)
    identity[9 * i] = 1;
  EXPECT_NEAR(mustFactorize(identity, shape).relativeError(), std::sqrt(0.5), 1e-9);
}

TEST(Factorization, ParametersAreCounted) {
  FactorShape lowRank{2048, 6144, 1, 1, 0};
  EXPECT_EQ(lowRank.rankFor(0.5), 768);
  lowRank.rank = 768;
  EXPECT_EQ(lowRank.numParameters(), 2048 * 768 + 768 * 6144);
  FactorShape monarch{64, 32, 4, 2, 3};
  EXPECT_EQ(monarch.numParameters(), 4 * 16 * 6 + 2 * 12 * 16);
  EXPECT_EQ(monarch.shuffle().size(), 24u);
  EXPECT_EQ(monarch.shuffle()[3], 6); // of the first output: the second input's
  EXPECT_EQ((FactorShape{4, 4, 1, 1, 0}).rankFor(0.4), 0);
}

TEST(Factorization, WhatIsNoWeightIsRefused) {
  std::vector<float> weight(12, 1.0f);
  llvm::Expected<Factors> blocks = factorize(weight, {3, 4, 2, 1, 1});
  EXPECT_EQ(errorOf(blocks), "a matrix of 3 x 4 has no 2 x 1 blocks of one size");
  llvm::Expected<Factors> size = factorize(weight, {4, 4, 1, 1, 1});
  EXPECT_EQ(errorOf(size), "12 numbers, expected 4 x 4");
  llvm::Expected<Factors> rank = factorize(weight, {3, 4, 1, 1, 4});
  EXPECT_EQ(errorOf(rank), "rank 4, expected 1 to 3");
  weight[5] = std::numeric_limits<float>::infinity();
  llvm::Expected<Factors> infinite = factorize(weight, {3, 4, 1, 1, 1});
  EXPECT_EQ(errorOf(infinite), "a number is not finite");
}

} // namespace
