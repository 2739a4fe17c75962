//===- Factorization.h - Weights as products of smaller ones -----------------------------*- C++
//-*-===//
//
// A weight W [K, N] (y = x·W) is cut into k·l blocks, k along its rows, the inputs, and l along its
// columns, and each block W_ij becomes a product of rank r. All of them are two block-diagonal
// matrices with a shuffle in between:
//
//   low-rank     k = l = 1      [K, r], [r, N]
//   block-dense  l = 1          [k, K/k, r], [k·r, N]
//   Monarch      k, l > 1       [k, K/k, l·r], shuffle, [l, k·r, N/l]
//
// (Dao et al. 2022, section 3, with outputs in runs; Wei et al. 2024 for block-dense.) The
// truncated singular value decomposition of each block is the best that there is in the Frobenius
// norm (Eckart and Young; blocks do not overlap), and depends on nothing but the weight.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_NUMERICS_FACTORIZATION_H
#define MOEC_NUMERICS_FACTORIZATION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace moec {

/// Two factors of a matrix.
struct FactorShape {
  int64_t depth = 0, columns = 0;            ///< K and N of the weight
  int64_t inputBlocks = 1, outputBlocks = 1; ///< k, which divides K, and l, which divides N
  int64_t rank = 0;                          ///< r, of each block

  /// The first factor is [inputBlocks, blockDepth, firstColumns], the second [outputBlocks,
  /// secondDepth, blockColumns].
  int64_t blockDepth() const { return depth / inputBlocks; }
  int64_t blockColumns() const { return columns / outputBlocks; }
  int64_t firstColumns() const { return outputBlocks * rank; }
  int64_t secondDepth() const { return inputBlocks * rank; }
  /// Of a block; with it factors can be any matrix.
  int64_t fullRank() const { return std::min(blockDepth(), blockColumns()); }
  /// How many numbers both factors have; as many multiply-adds a row takes.
  int64_t numParameters() const { return rank * (outputBlocks * depth + inputBlocks * columns); }
  /// The highest rank, at most the full one, with numParameters() <= ratio · K · N; 0 if there is
  /// none.
  int64_t rankFor(double ratio) const;
  /// Output i of both factors' middle is output shuffle()[i] of the first; empty if it is the same.
  std::vector<int64_t> shuffle() const;
};

/// Two factors and how far their product is from the weight.
struct Factors {
  FactorShape shape;
  std::vector<float> first, second; ///< row-major, see FactorShape
  double squaredError = 0;          ///< Σ of the squares of the singular values that are left out
  double squaredNorm = 0;           ///< of the weight (Frobenius)

  /// ‖W − Ŵ‖ / ‖W‖; 0 of a weight of zeros.
  double relativeError() const;
};

/// The factors of a row-major weight. Singular values are shared evenly among both; of each
/// singular vector the largest number on the second factor's side is positive. Computed in f64.
/// Fails if a number is not finite, or sizes do not fit.
llvm::Expected<Factors> factorize(llvm::ArrayRef<float> weight, const FactorShape &shape);

/// The matrix [b·K, b·N] of which `blocks` [b, K, N] are the diagonal, zero elsewhere; column i is
/// that of shuffle[i], if not empty.
std::vector<float> expandBlocks(llvm::ArrayRef<float> blocks, int64_t count, int64_t depth,
                                int64_t columns, llvm::ArrayRef<int64_t> shuffle = {});

/// The product of [rows, depth] and [depth, columns], summed in f64.
std::vector<float> multiplyMatrices(llvm::ArrayRef<float> a, llvm::ArrayRef<float> b, int64_t rows,
                                    int64_t depth, int64_t columns);

} // namespace moec

#endif // MOEC_NUMERICS_FACTORIZATION_H
