//===- Quantization.h - Weights as codes and scales --------------------------------------*- C++
//-*-===//
//
// Rounding to nearest with a scale for each row, or for each group of neighbours in a row, whose
// range is clipped where this makes the squared error smaller. No data but the weights is needed,
// and the result depends on nothing else.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_NUMERICS_QUANTIZATION_H
#define MOEC_NUMERICS_QUANTIZATION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace moec {

/// What numbers become.
struct CodeFormat {
  unsigned bits = 8; ///< of a code, 2 to 8
  /// How many neighbours in a row share a scale; 0: all of a row. A row's last group may be
  /// shorter.
  int64_t group = 0;
  /// Whether codes are signed and 0 stands for 0; else they are unsigned, each group with the code
  /// that stands for 0, its zero point.
  bool symmetric = true;
  bool halfScales = false; ///< whether scales are numbers of 16 bits (IEEE half)
  bool clips = true;       ///< whether the range may be cut for a smaller error

  int64_t groupsOf(int64_t columns) const { return group == 0 ? 1 : (columns + group - 1) / group; }
  /// Bits for one number of a row of that many: its code, and its share of scale and zero point.
  double bitsPerNumber(int64_t columns) const;
};

/// Number (r, c) of a matrix is (code - zero point) · scale, computed in f32. Row-major.
struct CodedMatrix {
  int64_t rows = 0, columns = 0, groups = 0; ///< groups of a row
  std::vector<uint8_t> codes;                ///< [rows, columns], one a byte, two's complement
  std::vector<float> scales;                 ///< [rows, groups]; may be negative where symmetric
  std::vector<uint8_t> zeroPoints;           ///< [rows, groups]; empty where symmetric
  double squaredError = 0, squaredNorm = 0;  ///< of the difference, of the matrix

  /// ‖W − Ŵ‖ / ‖W‖ (Frobenius); 0 of a matrix of zeros.
  double relativeError() const;
};

/// The codes of a row-major matrix, groups along its rows. For each group the scale
/// s = max|w| / (2^(bits-1) - 1), or s = (max - min) / (2^bits - 1) of the range with 0, and that
/// times 0.99, 0.98, … 0.60 are tried, the first of the least squared error is taken. Symmetric
/// codes of up to 4 bits have one more on the negative side, so scales of either sign that use it
/// for the largest number are tried as well. Fails if a number is not finite, a scale is too large
/// for a half, or the format or a size is none; messages count rows from `firstRow`.
llvm::Expected<CodedMatrix> quantizeRows(llvm::ArrayRef<float> matrix, int64_t rows,
                                         int64_t columns, const CodeFormat &format,
                                         int64_t firstRow = 0);

/// The numbers that the codes stand for.
std::vector<float> dequantizeRows(const CodedMatrix &coded, const CodeFormat &format);

/// Codes of 2 or 4 bits side by side in bytes, low bits first, as elements of narrow types lie in
/// files; the last byte is filled up with zeros.
std::vector<char> packCodes(llvm::ArrayRef<uint8_t> codes, unsigned bits);

} // namespace moec

#endif // MOEC_NUMERICS_QUANTIZATION_H
