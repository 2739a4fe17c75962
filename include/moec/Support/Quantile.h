//===- Quantile.h - Quantiles of measurements --------------------------------------------===//
#ifndef MOEC_SUPPORT_QUANTILE_H
#define MOEC_SUPPORT_QUANTILE_H

#include "llvm/ADT/ArrayRef.h"

#include <algorithm>
#include <cmath>

namespace moec {

/// What `fraction` of the ascending `values` (one at least) stay within, interpolated linearly
/// between neighbours, as numpy.quantile does.
inline double quantileOfSorted(llvm::ArrayRef<double> values, double fraction) {
  double position = fraction * double(values.size() - 1);
  size_t below = size_t(position);
  size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], position - double(below));
}

} // namespace moec

#endif // MOEC_SUPPORT_QUANTILE_H
