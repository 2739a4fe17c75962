//===- LogSum.h - The logarithm of a sum of exponentials ----------------------------------===//
#ifndef MOEC_LIB_CLIENT_LOGSUM_H
#define MOEC_LIB_CLIENT_LOGSUM_H

#include "llvm/ADT/ArrayRef.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace moec {

/// exp(x) for x <= 0 with a relative error below 1e-13, in a form that compilers vectorise (the
/// losses of a vocabulary cost as much as a small model otherwise). Below -700 it is exp(-700).
inline double expOfNegative(double x) {
  constexpr double log2e = 1.4426950408889634, ln2High = 6.93147180369123816490e-01,
                   ln2Low = 1.90821492927058770002e-10; // fdlibm's split: n * ln2High is exact
  constexpr double roundToInteger = 0x1.8p52;
  x = x < -700 ? -700 : x;
  double shifted = x * log2e + roundToInteger;
  double n = shifted - roundToInteger;
  double r = (x - n * ln2High) - n * ln2Low; // |r| <= ln2 / 2
  // Taylor's series to degree 11: the rest is below r^12 / 12! < 7e-15.
  double p = 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 1.0 / 2;
  p = p * r + 1;
  p = p * r + 1;
  // The low bits of `shifted` are n; 2^n goes into the exponent.
  uint64_t exponent = (std::bit_cast<uint64_t>(shifted) + 1023) << 52;
  return p * std::bit_cast<double>(exponent);
}

/// The sum of term(i) for i in [0, size). Separate sums make the loop a vector loop without
/// reassociating one sum.
template <typename Term>
double sumInLanes(size_t size, Term term) {
  constexpr size_t lanes = 8;
  double sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= size; i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += term(i + lane);
  for (; i < size; ++i)
    sums[0] += term(i);
  double sum = 0;
  for (double s : sums)
    sum += s;
  return sum;
}

/// log(sum(exp(logits))) = max + log(sum). Not finite if a logit is not.
struct LogSum {
  explicit LogSum(llvm::ArrayRef<float> logits)
      : max(*std::max_element(logits.begin(), logits.end())),
        sum(sumInLanes(logits.size(),
                       [&](size_t i) { return expOfNegative(double(logits[i]) - max); })) {}

  double lossOf(float logit) const { return std::log(sum) + (max - double(logit)); }

  double max, sum;
};

} // namespace moec

#endif // MOEC_LIB_CLIENT_LOGSUM_H
