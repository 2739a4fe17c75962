#include "moec/Numerics/Quantization.h"
#include "moec/Support/Float16.h"

#include <algorithm>
#include <cmath>

using namespace moec;
using llvm::ArrayRef;

double CodeFormat::bitsPerNumber(int64_t columns) const {
  double perGroup = (halfScales ? 16 : 32) + (symmetric ? 0 : bits);
  return bits + perGroup * groupsOf(columns) / columns;
}

double CodedMatrix::relativeError() const {
  return squaredNorm == 0 ? 0 : std::sqrt(squaredError / squaredNorm);
}

namespace {

/// Sums are kept apart in as many as this, so that the compiler may use vectors, in an order that
/// does not depend on them.
constexpr int64_t kLanes = 16;
constexpr int kSteps = 41; ///< how many shares of the range are tried: 1.00, 0.99, … 0.60

/// The nearest integer, ties to even, of a number of at most 2^22: without a library call, and in
/// vectors.
float roundToEven(float x) {
  constexpr float kShift = 0x1.8p23f;
  return (x + kShift) - kShift;
}

/// A grid of numbers: `scale` times the integers from `low` to `high`. Codes are integers plus the
/// zero point.
struct Grid {
  float scale, inverse, low, high;

  float quantize(float x) const { return roundToEven(std::min(std::max(x * inverse, low), high)); }
};

float squaredError(ArrayRef<float> group, const Grid &grid) {
  float sums[kLanes] = {};
  auto add = [&](int64_t lane, float x) {
    float difference = x - grid.quantize(x) * grid.scale;
    sums[lane] += difference * difference;
  };
  int64_t size = group.size(), whole = size - size % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      add(lane, group[i + lane]);
  for (int64_t i = whole; i < size; ++i)
    add(i - whole, group[i]);
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      sums[lane] += sums[lane + half];
  return sums[0];
}

class GroupQuantizer {
public:
  explicit GroupQuantizer(const CodeFormat &format) : format(format) {}

  /// The best grid and its zero point.
  std::pair<Grid, uint8_t> choose(ArrayRef<float> group) const {
    auto [least, most] = std::minmax_element(group.begin(), group.end());
    float low = std::min(*least, 0.0f), high = std::max(*most, 0.0f);
    float codes = std::ldexp(1.0f, format.bits) - 1;
    if (low == high)
      return {makeGrid(1, 0, 0), 0};
    if (!format.symmetric) {
      // In double, where the range cannot overflow.
      double range = static_cast<double>(high) - low;
      auto zero = static_cast<float>(std::nearbyint(-low / range * codes));
      Grid best = search(group, static_cast<float>(range / codes), -zero, codes - zero);
      return {best, static_cast<uint8_t>(zero)};
    }
    float top = (codes - 1) / 2, bottom = -top - 1, extreme = high > -low ? high : low;
    Grid best = search(group, std::abs(extreme) / top, bottom, top);
    if (format.clips && format.bits <= 4) {
      Grid other = search(group, extreme / bottom, bottom, top);
      if (squaredError(group, other) < squaredError(group, best))
        best = other;
    }
    return {best, 0};
  }

private:
  Grid makeGrid(float scale, float low, float high) const {
    if (format.halfScales) {
      // Where there is no such half but 0, the least one keeps numbers finite.
      float rounded = floatFromHalf(halfFromFloat(scale));
      scale = rounded == 0 ? std::copysign(0x1p-24f, scale) : rounded;
    }
    // Of a denormal scale the inverse may be infinite, and then 0 times that no number.
    scale = std::abs(scale) < 0x1p-126f ? std::copysign(0x1p-126f, scale) : scale;
    return {scale, 1 / scale, low, high};
  }

  Grid search(ArrayRef<float> group, float scale, float low, float high) const {
    Grid best = makeGrid(scale, low, high);
    if (!format.clips)
      return best;
    float bestError = squaredError(group, best);
    for (int i = 1; i < kSteps; ++i) {
      Grid grid = makeGrid(scale * (static_cast<float>(100 - i) / 100), low, high);
      if (float error = squaredError(group, grid); error < bestError) {
        best = grid;
        bestError = error;
      }
    }
    return best;
  }

  const CodeFormat &format;
};

llvm::Error check(ArrayRef<float> matrix, int64_t rows, int64_t columns, const CodeFormat &format,
                  int64_t firstRow) {
  auto fail = [](auto &&...arguments) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), arguments...);
  };
  if (format.bits < 2 || format.bits > 8)
    return fail("codes of %u bits, expected 2 to 8", format.bits);
  if (format.group < 0)
    return fail("groups of %lld numbers", static_cast<long long>(format.group));
  if (rows < 1 || columns < 1 || static_cast<int64_t>(matrix.size()) / rows != columns ||
      static_cast<int64_t>(matrix.size()) % rows != 0)
    return fail("%zu numbers are no matrix of %lld rows of %lld", matrix.size(),
                static_cast<long long>(rows), static_cast<long long>(columns));
  const float *odd = llvm::find_if(matrix, [](float x) { return !std::isfinite(x); });
  if (odd != matrix.end())
    return fail("number %lld of row %lld is not finite",
                static_cast<long long>((odd - matrix.begin()) % columns),
                static_cast<long long>(firstRow + (odd - matrix.begin()) / columns));
  return llvm::Error::success();
}

} // namespace

llvm::Expected<CodedMatrix> moec::quantizeRows(ArrayRef<float> matrix, int64_t rows,
                                               int64_t columns, const CodeFormat &format,
                                               int64_t firstRow) {
  if (llvm::Error error = check(matrix, rows, columns, format, firstRow))
    return error;
  CodedMatrix result{rows, columns, format.groupsOf(columns), {}, {}, {}, 0, 0};
  result.codes.resize(matrix.size());
  result.scales.reserve(rows * result.groups);
  int64_t size = format.group == 0 ? columns : format.group;
  GroupQuantizer quantizer(format);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; column += size) {
      int64_t start = row * columns + column;
      ArrayRef<float> group = matrix.slice(start, std::min(size, columns - column));
      auto [grid, zero] = quantizer.choose(group);
      if (!std::isfinite(grid.scale))
        return llvm::createStringError(
            llvm::inconvertibleErrorCode(),
            "the numbers of row %lld are too large for scales of 16 bits",
            static_cast<long long>(firstRow + row));
      result.scales.push_back(grid.scale);
      if (!format.symmetric)
        result.zeroPoints.push_back(zero);
      for (auto [i, x] : llvm::enumerate(group)) {
        float integer = grid.quantize(x);
        result.codes[start + i] = static_cast<uint8_t>(static_cast<int>(integer) + zero);
        double difference = static_cast<double>(x) - integer * grid.scale;
        result.squaredError += difference * difference;
        result.squaredNorm += static_cast<double>(x) * x;
      }
    }
  return result;
}

std::vector<float> moec::dequantizeRows(const CodedMatrix &coded, const CodeFormat &format) {
  std::vector<float> result(coded.codes.size());
  int64_t size = format.group == 0 ? coded.columns : format.group;
  for (int64_t row = 0; row < coded.rows; ++row)
    for (int64_t column = 0; column < coded.columns; ++column) {
      int64_t group = row * coded.groups + column / size, i = row * coded.columns + column;
      int code = format.symmetric ? static_cast<int8_t>(coded.codes[i])
                                  : coded.codes[i] - coded.zeroPoints[group];
      result[i] = static_cast<float>(code) * coded.scales[group];
    }
  return result;
}

std::vector<char> moec::packCodes(ArrayRef<uint8_t> codes, unsigned bits) {
  unsigned perByte = 8 / bits, mask = (1u << bits) - 1;
  std::vector<char> bytes((codes.size() + perByte - 1) / perByte);
  for (auto [i, code] : llvm::enumerate(codes))
    bytes[i / perByte] |= static_cast<char>((code & mask) << (i % perByte * bits));
  return bytes;
}
