#include "moec/Numerics/Quantization.h"
#include "moec/Support/Float16.h"

#include "../Errors.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace moec;

namespace {

std::vector<float> normalNumbers(size_t size, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> distribution(0, 0.02f);
  std::vector<float> values(size);
  for (float &value : values)
    value = distribution(engine);
  return values;
}

/// The least squared error of the group for scales of the ranges that are tried, each number with
/// the best of all codes.
double searchGroup(llvm::ArrayRef<float> group, const CodeFormat &format) {
  double low = 0, high = 0;
  for (float x : group) {
    low = std::min<double>(low, x);
    high = std::max<double>(high, x);
  }
  int count = 1 << format.bits, top = count / 2 - 1, first = format.symmetric ? -top - 1 : 0;
  int zero =
      format.symmetric ? 0 : static_cast<int>(std::nearbyint(-low / (high - low) * (count - 1)));
  double extreme = high > -low ? high : low;
  std::vector<double> scales{format.symmetric ? std::abs(extreme) / top
                                              : (high - low) / (count - 1)};
  if (format.symmetric && format.clips && format.bits <= 4)
    scales.push_back(extreme / (-top - 1));
  double best = INFINITY;
  for (double base : scales)
    for (int share = 100; share >= (format.clips ? 60 : 100); --share) {
      double scale = static_cast<float>(base * share / 100), sum = 0;
      if (format.halfScales)
        scale = floatFromHalf(halfFromFloat(scale));
      for (float x : group) {
        double least = INFINITY;
        for (int code = first; code < first + count; ++code)
          least = std::min(least, std::abs(x - (code - zero) * scale));
        sum += least * least;
      }
      best = std::min(best, sum);
    }
  return best;
}

TEST(QuantizationTest, AsGoodAsTheBestOfAllCodesAndScales) {
  for (unsigned bits : {2, 4, 8})
    for (int64_t group : {0, 5, 32})
      for (bool symmetric : {true, false})
        for (bool clips : {true, false})
          for (bool half : {true, false}) {
            CodeFormat format{bits, group, symmetric, half, clips};
            SCOPED_TRACE(testing::Message() << bits << ' ' << group << ' ' << symmetric << ' '
                                            << clips << ' ' << half);
            constexpr int64_t kRows = 3, kColumns = 70;
            std::vector<float> matrix = normalNumbers(kRows * kColumns, bits + group);
            llvm::Expected<CodedMatrix> coded = quantizeRows(matrix, kRows, kColumns, format);
            ASSERT_EQ(errorOf(coded), "");
            int64_t size = group ? group : kColumns;
            double expected = 0;
            for (int64_t row = 0; row < kRows; ++row)
              for (int64_t at = 0; at < kColumns; at += size)
                expected += searchGroup(llvm::ArrayRef(matrix).slice(row * kColumns + at,
                                                                     std::min(size, kColumns - at)),
                                        format);
            EXPECT_NEAR(coded->squaredError, expected, 1e-4 * expected);
            // What is said of the error is that of the numbers that the codes stand for.
            std::vector<float> numbers = dequantizeRows(*coded, format);
            double error = 0, norm = 0;
            for (size_t i = 0; i < matrix.size(); ++i) {
              error += std::pow(double(matrix[i]) - numbers[i], 2);
              norm += std::pow(matrix[i], 2);
            }
            EXPECT_NEAR(coded->relativeError(), std::sqrt(error / norm), 1e-6);
            EXPECT_EQ(coded->scales.size(), size_t(kRows * format.groupsOf(kColumns)));
            EXPECT_EQ(coded->zeroPoints.size(), symmetric ? 0 : coded->scales.size());
            for (float scale : coded->scales)
              EXPECT_TRUE(!half || floatFromHalf(halfFromFloat(scale)) == scale);
          }
}

TEST(QuantizationTest, ClippingHelpsAndFewerBitsCost) {
  std::vector<float> matrix = normalNumbers(64 * 256);
  auto errorWith = [&](CodeFormat format) {
    return llvm::cantFail(quantizeRows(matrix, 64, 256, format)).relativeError();
  };
  double clipped = errorWith({4, 128, true, false, true});
  EXPECT_LT(clipped, 0.95 * errorWith({4, 128, true, false, false}));
  EXPECT_LT(errorWith({4, 32, true, false, true}), clipped);
  EXPECT_LT(errorWith({8, 0, true, false, true}), clipped / 10);
  // Skewed numbers are for zero points.
  for (float &x : matrix)
    x = std::abs(x);
  EXPECT_LT(errorWith({4, 32, false, false, true}), 0.6 * errorWith({4, 32, true, false, true}));
}

TEST(QuantizationTest, NumbersOfTheGridAreExact) {
  // Codes -8 … 7 times powers of two.
  std::vector<float> matrix;
  for (float scale : {0.25f, 2.0f})
    for (int code = -8; code < 8; ++code)
      matrix.push_back(code * scale);
  CodeFormat format{4, 16, true, true, true};
  CodedMatrix coded = llvm::cantFail(quantizeRows(matrix, 2, 16, format));
  EXPECT_EQ(coded.squaredError, 0);
  EXPECT_EQ(dequantizeRows(coded, format), matrix);
  EXPECT_EQ(coded.relativeError(), 0);
}

TEST(QuantizationTest, ZerosAndTinyNumbersStayFinite) {
  for (bool symmetric : {true, false})
    for (bool half : {true, false})
      for (float x : {0.0f, 1e-9f, 1e-40f, 3e38f}) {
        CodeFormat format{4, 4, symmetric, half, true};
        std::vector<float> matrix{x, -x, 0, x / 2};
        llvm::Expected<CodedMatrix> coded = quantizeRows(matrix, 1, 4, format);
        if (half && x > 1) {
          EXPECT_EQ(errorOf(coded), "the numbers of row 0 are too large for scales of 16 bits");
          continue;
        }
        ASSERT_EQ(errorOf(coded), "");
        for (float number : dequantizeRows(*coded, format))
          EXPECT_LE(std::abs(number), 1.2 * x);
      }
  CodedMatrix zeros = llvm::cantFail(quantizeRows(std::vector<float>(8), 2, 4, {8, 0}));
  EXPECT_EQ(zeros.relativeError(), 0);
}

TEST(QuantizationTest, RefusesWhatHasNoCodes) {
  std::vector<float> matrix(12, 1.0f);
  EXPECT_EQ(errorOf(quantizeRows(matrix, 3, 4, {9, 0})), "codes of 9 bits, expected 2 to 8");
  EXPECT_EQ(errorOf(quantizeRows(matrix, 3, 4, {8, -1})), "groups of -1 numbers");
  EXPECT_EQ(errorOf(quantizeRows(matrix, 5, 4, {8, 0})), "12 numbers are no matrix of 5 rows of 4");
  matrix[6] = NAN;
  EXPECT_EQ(errorOf(quantizeRows(matrix, 3, 4, {8, 0})), "number 2 of row 1 is not finite");
  matrix[6] = INFINITY;
  EXPECT_EQ(errorOf(quantizeRows(matrix, 3, 4, {8, 0})), "number 2 of row 1 is not finite");
}

TEST(QuantizationTest, CodesInBytes) {
  EXPECT_EQ(packCodes({1, 0xf8, 7}, 4), (std::vector<char>{char(0x81), 7}));
  EXPECT_EQ(packCodes({3, 0, 1, 2, 1}, 2), (std::vector<char>{char(0x93), 1}));
  EXPECT_EQ(packCodes({0xff, 2}, 8), (std::vector<char>{char(0xff), 2}));
}

TEST(QuantizationTest, BitsOfANumber) {
  EXPECT_EQ((CodeFormat{4, 32, true, true}).bitsPerNumber(2048), 4.5);
  EXPECT_EQ((CodeFormat{4, 32, false, true}).bitsPerNumber(2048), 4.625);
  EXPECT_EQ((CodeFormat{8, 0, true, false}).bitsPerNumber(32), 9);
}

} // namespace
