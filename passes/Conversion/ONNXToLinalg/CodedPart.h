//===- CodedPart.h - Dequantised matrices in terms of codes ------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODEDPART_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODEDPART_H

#include "passes/Analysis/WeightViews.h"

#include <array>

namespace moec {

/// Where matrices lie in a weight or constant: element (i, k, n) is element offset + i·strides[0] +
/// k·strides[1] + n·strides[2].
struct Placement {
  mlir::Value base;
  int64_t offset = 0;
  std::array<int64_t, 3> strides = {};
};

/// Dequantised matrices, in terms of what they are made from.
struct CodedPart {
  static constexpr int Count = 0, Depth = 1, Columns = 2;

  std::array<int64_t, 3> sizes = {}; ///< count, depth, columns
  Placement codes, scales;
  std::optional<Placement> zeros; ///< one a scale
  int64_t zero = 0;               ///< for all, if there is no one a scale
  int64_t groups = 1, group = 0;  ///< of the depth, and rows of one
  mlir::Type codeType, scaleType, numberType;
};

/// The part that a view of a DequantizeLinear's result is, a stack of matrices or a matrix, whose
/// last two dimensions are swapped first if `transposed`; std::nullopt of others, and where the
/// codes are not stored, or the kernels do not decode such.
std::optional<CodedPart> findCodedPart(const TensorView &view, const SymbolicShapes &shapes,
                                       bool transposed);

/// Whether both are one stack of matrices for a kernel, but for the columns.
bool haveOneFormat(const CodedPart &a, const CodedPart &b);

/// CODES_ZERO_SCALE, as in the names of kernels.
std::string printFormat(const CodedPart &part);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODEDPART_H
