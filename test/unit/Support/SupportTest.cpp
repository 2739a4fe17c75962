//===- SupportTest.cpp - Progress bar, JSON, 16-bit floats
//-----------------------------------------===//
#include "moec/Support/Float16.h"
#include "moec/Support/Json.h"
#include "moec/Support/ProgressBar.h"
#include "test/unit/Errors.h"

#include "llvm/ADT/APFloat.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace llvm;
using namespace moec;

namespace {

TEST(ProgressBar, drawsAndErases) {
  std::string text;
  raw_string_ostream os(text);
  {
    ProgressBar bar(os, "work", /*enabled=*/true, std::chrono::seconds(0));
    bar.update(1, 4);
  }
  StringRef rest = text;
  EXPECT_TRUE(
      rest.consume_front("\r\x1b[Kwork [==========>                             ]  25 %, "));
  EXPECT_TRUE(rest.consume_back(" s left\r\x1b[K")) << text;
}

TEST(ProgressBar, isSilentOnShortWorkAndFiles) {
  std::string text;
  raw_string_ostream os(text);
  {
    ProgressBar brief(os, "work", /*enabled=*/true);
    brief.update(1, 4);
    ProgressBar file(os, "work", /*enabled=*/false, std::chrono::seconds(0));
    file.update(1, 4);
  }
  EXPECT_EQ(text, "");
}

TEST(Json, refusesDeepNesting) {
  std::string deep(100000, '[');
  EXPECT_EQ(errorOf(parseJson(deep)), "JSON nested 100000 deep, more than 64");
  EXPECT_EQ(errorOf(parseJson(R"({"a": "[[[\"[[", "b": [[]]})", 3)), "");
  EXPECT_NE(errorOf(parseJson("[[[]]]", 2)), "");
  EXPECT_NE(errorOf(parseJson("{")), "");
  EXPECT_EQ(errorOf(readJsonFile("/dev/zero")), "/dev/zero: not a regular file");
}

TEST(Float16, agreesWithApFloatOnAllValues) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    auto expected = [&](const fltSemantics &semantics) {
      APFloat value(semantics, APInt(16, bits));
      bool lost;
      value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &lost);
      return value.convertToFloat();
    };
    auto same = [](float a, float b) {
      return std::isnan(a) ? std::isnan(b) : bit_cast<uint32_t>(a) == bit_cast<uint32_t>(b);
    };
    EXPECT_TRUE(same(expected(APFloat::IEEEhalf()), floatFromHalf(bits))) << bits;
    EXPECT_TRUE(same(expected(APFloat::BFloat()), floatFromBfloat16(bits))) << bits;
  }
}

TEST(Float16, roundsAsApFloatDoes) {
  auto expected = [](uint32_t bits) {
    APFloat value(APFloat::IEEEsingle(), APInt(32, bits));
    bool lost;
    value.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &lost);
    return static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
  };
  // Around every half, the number, what lies half way to the next, and their neighbours.
  for (uint32_t half = 0; half < 0x7c00; ++half) {
    uint32_t from = bit_cast<uint32_t>(floatFromHalf(half));
    uint32_t to = half == 0x7bff ? 0x47800000 : bit_cast<uint32_t>(floatFromHalf(half + 1));
    float middle = (bit_cast<float>(from) + bit_cast<float>(to)) / 2;
    for (uint32_t center : {from, bit_cast<uint32_t>(middle)})
      for (uint32_t bits : {center - 1, center, center + 1})
        if (bits < 0x80000000) {
          ASSERT_EQ(expected(bits), halfFromFloat(bit_cast<float>(bits))) << bits;
          ASSERT_EQ(expected(bits | 0x80000000), halfFromFloat(-bit_cast<float>(bits))) << bits;
        }
  }
  EXPECT_EQ(halfFromFloat(INFINITY), 0x7c00);
  EXPECT_EQ(halfFromFloat(1e30f), 0x7c00);
  EXPECT_TRUE(std::isnan(floatFromHalf(halfFromFloat(NAN))));
}

} // namespace
