//===- CompareTest.cpp - Comparing outputs with expected values
//------------------------------------===//
#include "moec/Client/Compare.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace moec;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <typename T>
Difference compare(std::vector<T> actual, std::vector<T> expected, moec_type type,
                   Tolerance tolerance = {}) {
  return compareElements(actual.data(), expected.data(), type, int64_t(actual.size()), tolerance);
}

TEST(Compare, measuresErrors) {
  Difference d = compare<double>({1, 2.5, -4}, {1, 2, -4.25}, MOEC_FLOAT64, {0, 0.4});
  EXPECT_EQ(d.maxAbsolute, 0.5);
  EXPECT_EQ(d.maxRelative, 0.25);
  EXPECT_EQ(d.mismatches, 1);
  EXPECT_EQ(d.worst, 1);
  EXPECT_EQ(d.worstActual, 2.5);
  EXPECT_EQ(d.worstExpected, 2);
}

TEST(Compare, addsBothTolerances) {
  // The bound is absolute + relative * |expected|, and the bound itself is inside.
  EXPECT_EQ(compare<double>({11.5}, {10}, MOEC_FLOAT64, {0.125, 0.25}).mismatches, 0);
  EXPECT_EQ(compare<double>({11.625}, {10}, MOEC_FLOAT64, {0.125, 0.25}).mismatches, 1);
  EXPECT_EQ(compare<double>({-11.5}, {-10}, MOEC_FLOAT64, {0.125, 0.25}).mismatches, 0);
  EXPECT_EQ(compare<double>({0.25}, {0}, MOEC_FLOAT64, {0.125, 0.25}).mismatches, 0);
}

TEST(Compare, treatsNanAndInfinityAsValues) {
  EXPECT_EQ(compare<double>({nan, inf, -inf}, {nan, inf, -inf}, MOEC_FLOAT64).mismatches, 0);
  EXPECT_EQ(compare<double>({nan, inf, -inf}, {nan, inf, -inf}, MOEC_FLOAT64).maxAbsolute, 0);
  const std::vector<std::pair<double, double>> unequal = {
      {nan, 0}, {0, nan}, {inf, 0}, {0, inf}, {inf, -inf}, {inf, nan}, {nan, inf}};
  for (auto [actual, expected] : unequal) {
    Difference d = compare<double>({actual}, {expected}, MOEC_FLOAT64, {1e300, 1e300});
    EXPECT_EQ(d.mismatches, 1) << actual << " " << expected;
    EXPECT_EQ(d.maxAbsolute, inf) << actual << " " << expected;
  }
}

TEST(Compare, readsEveryType) {
  EXPECT_EQ(compare<float>({1.5f}, {1}, MOEC_FLOAT32).maxAbsolute, 0.5);
  EXPECT_EQ(compare<uint16_t>({0x3e00}, {0x3c00}, MOEC_FLOAT16).maxAbsolute, 0.5);
  EXPECT_EQ(compare<uint16_t>({0x3fc0}, {0x3f80}, MOEC_BFLOAT16).maxAbsolute, 0.5);
  EXPECT_EQ(compare<uint8_t>({1}, {0}, MOEC_BOOL).maxAbsolute, 1);
  EXPECT_EQ(compare<uint8_t>({255}, {0}, MOEC_UINT8).maxAbsolute, 255);
  EXPECT_EQ(compare<int8_t>({-128}, {127}, MOEC_INT8).maxAbsolute, 255);
  EXPECT_EQ(compare<int16_t>({-2}, {2}, MOEC_INT16).maxAbsolute, 4);
  EXPECT_EQ(compare<uint32_t>({0}, {0xffffffff}, MOEC_UINT32).maxAbsolute, 4294967295.0);
  EXPECT_EQ(compare<int32_t>({-5}, {5}, MOEC_INT32).maxRelative, 2);
}

TEST(Compare, seesDifferencesThatDoublesDoNot) {
  int64_t large = int64_t(1) << 60;
  EXPECT_EQ(compare<int64_t>({large + 1}, {large}, MOEC_INT64).maxAbsolute, 1);
  EXPECT_EQ(compare<uint64_t>({~uint64_t(0)}, {~uint64_t(0) - 1}, MOEC_UINT64).maxAbsolute, 1);
  EXPECT_EQ(compare<int64_t>({std::numeric_limits<int64_t>::min()},
                             {std::numeric_limits<int64_t>::max()}, MOEC_INT64)
                .maxAbsolute,
            0x1p64);
}

} // namespace
