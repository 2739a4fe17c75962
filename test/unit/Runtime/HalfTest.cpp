// The conversions that generated code calls on old CPUs, against LLVM's arithmetic.

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"

#include <gtest/gtest.h>
#include <random>

using namespace llvm;

extern "C" {
float __extendhfsf2(_Float16);
_Float16 __truncsfhf2(float);
_Float16 __truncdfhf2(double);
_Float16 __truncsfbf2(float); // a bfloat16 in the same register
_Float16 __truncdfbf2(double);
}

namespace {

uint16_t bits(_Float16 half) {
  uint16_t result;
  memcpy(&result, &half, sizeof result);
  return result;
}

_Float16 half(uint16_t bits) {
  _Float16 result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

uint16_t expected(APFloat value, const fltSemantics &format) {
  bool inexact;
  value.convert(format, APFloat::rmNearestTiesToEven, &inexact);
  return value.bitcastToAPInt().getZExtValue();
}

void check(double value) {
  const APFloat exact(value);
  EXPECT_EQ(bits(__truncdfhf2(value)), expected(exact, APFloat::IEEEhalf())) << value;
  EXPECT_EQ(bits(__truncdfbf2(value)), expected(exact, APFloat::BFloat())) << value;
  const float single = value;
  EXPECT_EQ(bits(__truncsfhf2(single)), expected(APFloat(single), APFloat::IEEEhalf())) << single;
  EXPECT_EQ(bits(__truncsfbf2(single)), expected(APFloat(single), APFloat::BFloat())) << single;
}

} // namespace

TEST(Half, ExtendAll) {
  for (uint32_t i = 0; i < 0x10000; ++i) {
    APFloat value(APFloat::IEEEhalf(), APInt(16, i));
    bool inexact;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &inexact);
    ASSERT_EQ(bit_cast<uint32_t>(__extendhfsf2(half(i))), value.bitcastToAPInt().getZExtValue())
        << i;
  }
}

// Every float16 and bfloat16, the middle to the next one, and the doubles beside that middle.
TEST(Half, TruncateAroundEveryTie) {
  for (uint32_t i = 0; i + 1 < 0x10000; i += 3)
    for (const fltSemantics *format : {&APFloat::IEEEhalf(), &APFloat::BFloat()}) {
      APFloat value(*format, APInt(16, i)), next(*format, APInt(16, i + 1));
      if (value.isNaN() || next.isNaN())
        continue;
      const double a = value.convertToDouble(), b = next.convertToDouble();
      const double middle = a / 2 + b / 2;
      for (double x : {a, middle, std::nextafter(middle, a), std::nextafter(middle, b)})
        check(x);
      if (HasFailure())
        return;
    }
}

TEST(Half, TruncateAnything) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    check(bit_cast<double>(random()));
    check(std::ldexp(double(random()), int(random() % 400) - 260));
  }
  check(0.0);
  check(-0.0);
  check(INFINITY);
  check(-INFINITY);
  check(5e-324);
}
