/* Conversions between float16, bfloat16 and wider types, by the names under which LLVM's generated
 * code calls them on CPUs without instructions for them. Elsewhere they come from the compiler's
 * own library, which compiled models are not linked with. C, because g++ 12 has no _Float16. */

#include <stdint.h>
#include <string.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* All are passed in the low 16 bits of a vector register; only the bits matter. */
typedef _Float16 half_bits;

HIDDEN float __extendhfsf2(half_bits value);
HIDDEN half_bits __truncsfhf2(float value);
HIDDEN half_bits __truncdfhf2(double value);
HIDDEN half_bits __truncsfbf2(float value);
HIDDEN half_bits __truncdfbf2(double value);

/* Rounds to nearest, ties to even, into a format of 16 bits with `mantissa` bits of fraction. */
static half_bits narrow(double value, int mantissa) {
  const int bias = (1 << (14 - mantissa)) - 1;
  const uint16_t infinity = (uint16_t)((2 * bias + 1) << mantissa);
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  const int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
  uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
  uint16_t result;
  if (exponent == 1024) {
    /* Of a NaN the upper bits stay, made quiet. */
    result = infinity;
    if (fraction)
      result |= (uint16_t)(fraction >> (52 - mantissa)) | (uint16_t)(1 << (mantissa - 1));
  } else if (exponent > bias) {
    result = infinity;
  } else {
    /* In units of the last place; below the smallest normal number these no longer shrink. A
     * subnormal double is far below half of the smallest unit. */
    int shift = 52 - mantissa;
    if (exponent < 1 - bias)
      shift += 1 - bias - exponent;
    if (shift > 53) {
      result = 0;
    } else {
      fraction |= UINT64_C(1) << 52;
      const uint64_t rest = fraction & ((UINT64_C(1) << shift) - 1);
      const uint64_t middle = UINT64_C(1) << (shift - 1);
      uint64_t rounded = fraction >> shift;
      rounded += rest > middle || (rest == middle && (rounded & 1));
      /* A carry out of the fraction runs into the exponent, as it should, up to infinity. */
      if (exponent >= 1 - bias)
        rounded += (uint64_t)(exponent + bias - 1) << mantissa;
      result = (uint16_t)rounded;
    }
  }
  result |= (uint16_t)(bits >> 48 & 0x8000);
  half_bits half;
  memcpy(&half, &result, sizeof half);
  return half;
}

half_bits __truncsfhf2(float value) { return narrow(value, 10); }
half_bits __truncdfhf2(double value) { return narrow(value, 10); }
half_bits __truncsfbf2(float value) { return narrow(value, 7); }
half_bits __truncdfbf2(double value) { return narrow(value, 7); }

float __extendhfsf2(half_bits value) {
  uint16_t half;
  memcpy(&half, &value, sizeof half);
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
  uint32_t bits;
  float result;
  if (exponent == 0) {
    result = (float)fraction * 0x1p-24f;
    memcpy(&bits, &result, sizeof bits);
  } else if (exponent == 31) {
    bits = 0x7f800000 | fraction << 13 | (fraction ? 0x400000 : 0);
  } else {
    bits = (exponent + 112) << 23 | fraction << 13;
  }
  bits |= sign;
  memcpy(&result, &bits, sizeof result);
  return result;
}
