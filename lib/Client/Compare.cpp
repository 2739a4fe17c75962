//===- Compare.cpp - Comparing outputs of a model with expected values
//-----------------------------===//
#include "moec/Client/Compare.h"

#include "moec/Client/Feed.h"
#include "moec/Client/Tensors.h"
#include "moec/Support/Float16.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

using namespace llvm;

namespace moec {
namespace {

struct Half {
  uint16_t bits;
  explicit operator double() const { return floatFromHalf(bits); }
};
struct Bfloat16 {
  uint16_t bits;
  explicit operator double() const { return floatFromBfloat16(bits); }
};

/// |a - b|, exact before rounding also where 64-bit integers do not fit a double.
template <typename T>
double distance(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return double(a < b ? uint64_t(b) - uint64_t(a) : uint64_t(a) - uint64_t(b));
  } else {
    double x(a), y(b);
    if (x == y || (std::isnan(x) && std::isnan(y)))
      return 0;
    double result = std::abs(x - y);
    return std::isnan(result) ? std::numeric_limits<double>::infinity() : result;
  }
}

template <typename T>
Difference compare(const void *actualData, const void *expectedData, int64_t count,
                   const Tolerance &tolerance) {
  const T *actual = static_cast<const T *>(actualData);
  const T *expected = static_cast<const T *>(expectedData);
  Difference result;
  for (int64_t i = 0; i < count; ++i) {
    double error = distance(actual[i], expected[i]);
    if (error == 0)
      continue;
    double magnitude = std::abs(double(expected[i]));
    // An infinite bound must not excuse a finite value, nor NaN anything.
    bool fits =
        std::isfinite(magnitude) && error <= tolerance.absolute + tolerance.relative * magnitude;
    result.mismatches += !fits;
    if (magnitude != 0)
      result.maxRelative =
          std::max(result.maxRelative, std::isfinite(magnitude) ? error / magnitude : error);
    if (error > result.maxAbsolute) {
      result.maxAbsolute = error;
      result.worst = i;
      result.worstActual = double(actual[i]);
      result.worstExpected = double(expected[i]);
    }
  }
  return result;
}

std::string describeIndex(int64_t index, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> indices(shape.size());
  for (size_t dim = shape.size(); dim-- > 0;) {
    indices[dim] = index % shape[dim];
    index /= shape[dim];
  }
  return describeShape(indices);
}

std::string describeMismatch(const Difference &difference, const moec_tensor &tensor,
                             const Tolerance &tolerance) {
  std::string text;
  raw_string_ostream os(text);
  os << "has " << difference.mismatches << " of " << numElements(tensor) << " elements outside "
     << format("%g + %g * |expected|", tolerance.absolute, tolerance.relative) << "; largest at "
     << describeIndex(difference.worst, shapeOf(tensor)) << ": "
     << format("%.7g, expected %.7g", difference.worstActual, difference.worstExpected);
  return text;
}

Error checkKeys(const NpzReader &expected, StringRef prefix, const moec_model_info &model) {
  std::vector<std::string> outputs;
  for (const moec_tensor_info &info : ArrayRef(model.outputs, model.num_outputs))
    outputs.push_back(info.name);
  bool any = false;
  std::string stray;
  for (StringRef key : expected.keys()) {
    StringRef name = key;
    if (!prefix.empty() && !(name.consume_front(prefix) && name.consume_front("/")))
      continue;
    if (findOutput(model, name))
      any = true;
    else if (stray.empty())
      stray = key.str();
  }
  if (!any)
    return createStringError(expected.path() + ": no array " +
                             (prefix.empty() ? Twine("") : "'" + prefix + "/…' ") +
                             "for an output of the model (" + listForMessage(outputs) +
                             "); the file has " + listForMessage(expected.keys()));
  if (!stray.empty())
    return createStringError(expected.path() + ": array '" + stray +
                             "' names no output of the model (" + listForMessage(outputs) + ")");
  return Error::success();
}

} // namespace

Difference compareElements(const void *actual, const void *expected, int32_t type, int64_t count,
                           const Tolerance &tolerance) {
  switch (moec_type(type)) {
  case MOEC_FLOAT32:
    return compare<float>(actual, expected, count, tolerance);
  case MOEC_FLOAT64:
    return compare<double>(actual, expected, count, tolerance);
  case MOEC_FLOAT16:
    return compare<Half>(actual, expected, count, tolerance);
  case MOEC_BFLOAT16:
    return compare<Bfloat16>(actual, expected, count, tolerance);
  case MOEC_BOOL:
  case MOEC_UINT8:
    return compare<uint8_t>(actual, expected, count, tolerance);
  case MOEC_INT8:
    return compare<int8_t>(actual, expected, count, tolerance);
  case MOEC_UINT16:
    return compare<uint16_t>(actual, expected, count, tolerance);
  case MOEC_INT16:
    return compare<int16_t>(actual, expected, count, tolerance);
  case MOEC_UINT32:
    return compare<uint32_t>(actual, expected, count, tolerance);
  case MOEC_INT32:
    return compare<int32_t>(actual, expected, count, tolerance);
  case MOEC_UINT64:
    return compare<uint64_t>(actual, expected, count, tolerance);
  case MOEC_INT64:
    return compare<int64_t>(actual, expected, count, tolerance);
  }
  llvm_unreachable("comparison of an unknown type");
}

Expected<std::vector<OutputComparison>> compareOutputs(NpzReader &expected, StringRef prefix,
                                                       const moec_model_info &model,
                                                       ArrayRef<moec_tensor> outputs,
                                                       const Tolerance &tolerance) {
  if (Error error = checkKeys(expected, prefix, model))
    return std::move(error);
  std::vector<OutputComparison> result;
  for (auto [info, tensor] : zip(ArrayRef(model.outputs, model.num_outputs), outputs)) {
    std::string key = caseKey(prefix, info.name);
    if (!expected.contains(key))
      continue;
    Expected<NpyArray> array = expected.read(key);
    if (!array)
      return array.takeError();
    OutputComparison comparison;
    comparison.name = info.name;
    comparison.shape = describeShape(shapeOf(tensor));
    if (!hasType(array->kind(), tensor.type)) {
      comparison.problem =
          ("is " + describeType(tensor.type) + ", expected " + array->typeName()).str();
    } else if (array->shape() != shapeOf(tensor)) {
      comparison.problem =
          "has shape " + comparison.shape + ", expected " + describeShape(array->shape());
    } else {
      comparison.difference =
          compareElements(tensor.data, array->data(), tensor.type, array->numElements(), tolerance);
      if (comparison.difference.mismatches)
        comparison.problem = describeMismatch(comparison.difference, tensor, tolerance);
    }
    result.push_back(std::move(comparison));
  }
  return std::move(result);
}

} // namespace moec
