//===- Compare.h - Comparing outputs of a model with expected values ---------------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_COMPARE_H
#define MOEC_CLIENT_COMPARE_H

#include "moec/Support/Npz.h"
#include "moec_rt/model.h"

#include <string>
#include <vector>

namespace moec {

struct Tolerance {
  double relative = 1e-3;
  double absolute = 1e-3;
};

/// How far an array is from what was expected.
struct Difference {
  double maxAbsolute =
      0; ///< largest |a - b|; infinite where one is NaN or infinite and the other not
  double maxRelative = 0; ///< largest |a - b| / |b| over the b that are not zero
  int64_t mismatches = 0; ///< elements outside the tolerance
  int64_t worst = 0;      ///< index of the element with the largest |a - b|
  double worstActual = 0;
  double worstExpected = 0;
};

/// Compares `count` elements: a fits b if |a - b| <= absolute + relative * |b|, if both are NaN, or
/// if they are equal (infinities included). `type` is a moec_type.
Difference compareElements(const void *actual, const void *expected, int32_t type, int64_t count,
                           const Tolerance &tolerance);

/// The comparison of one output.
struct OutputComparison {
  std::string name;
  std::string shape;
  Difference difference;
  std::string problem; ///< "" if it fits; else why not, in words
};

/// Compares the outputs with those that the file has under caseKey(prefix, name). A key (below the
/// prefix) that names no output is an error, and so is a file without any output; another type or
/// shape is a problem of that output.
llvm::Expected<std::vector<OutputComparison>>
compareOutputs(NpzReader &expected, llvm::StringRef prefix, const moec_model_info &model,
               llvm::ArrayRef<moec_tensor> outputs, const Tolerance &tolerance);

} // namespace moec

#endif // MOEC_CLIENT_COMPARE_H
