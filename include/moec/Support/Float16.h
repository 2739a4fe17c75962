//===- Float16.h - Half precision and bfloat16 as numbers --------------------------------*- C++
//-*-===//
#ifndef MOEC_SUPPORT_FLOAT16_H
#define MOEC_SUPPORT_FLOAT16_H

#include "llvm/ADT/bit.h"

#include <cstdint>

namespace moec {

/// The value of an IEEE half; exact, denormals, infinities and NaN included.
inline float floatFromHalf(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00) // infinity, NaN
    return llvm::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  // A half's exponent and mantissa, read as a float's, are the value times 2^-112.
  float scaled = llvm::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return llvm::bit_cast<float>(sign | llvm::bit_cast<uint32_t>(scaled));
}

/// The IEEE half nearest to a float, ties to even; what is too large becomes an infinity.
inline uint16_t halfFromFloat(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint16_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) // NaN
    return sign | 0x7e00;
  if (magnitude >= 0x477ff000) // from 65520 on
    return sign | 0x7c00;
  if (magnitude <
      0x38800000) // below 2^-14 halves are multiples of 2^-24, which the addition rounds to
    return sign | (llvm::bit_cast<uint32_t>(llvm::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000);
  // The mantissa's last 13 bits are rounded off, and the exponent has another bias.
  return sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
}

/// The value of a bfloat16: a float's upper half.
inline float floatFromBfloat16(uint16_t bits) {
  return llvm::bit_cast<float>(uint32_t(bits) << 16);
}

} // namespace moec

#endif // MOEC_SUPPORT_FLOAT16_H
