#include "moec/Numerics/Factorization.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cassert>
#include <cmath>

using namespace moec;
using llvm::ArrayRef;

namespace {

using Matrix = Eigen::MatrixXd;
using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const FloatRows> asMatrix(ArrayRef<float> values, int64_t rows, int64_t columns) {
  assert(static_cast<int64_t>(values.size()) == rows * columns);
  return Eigen::Map<const FloatRows>(values.data(), rows, columns);
}

/// left · right of a rank is the nearest to a matrix.
struct Truncated {
  Matrix left, right;
  double squaredError, squaredNorm;
};

/// The eigenvectors of the smaller of both Gram matrices are singular vectors of the matrix, and it
/// times them, V, is what the factors on the other side are: with all of them (W·V)·Vᵀ is W to
/// rounding, whatever the small singular values lose by being squared. That, and the one
/// decomposition, of a matrix as large as the smaller side only, is why this is no SVD.
Truncated truncate(const Matrix &block, int64_t rank) {
  bool isTall = block.rows() >= block.cols();
  Matrix narrow = isTall ? block : Matrix(block.transpose());
  Matrix gram = Matrix::Zero(narrow.cols(), narrow.cols());
  gram.selfadjointView<Eigen::Lower>().rankUpdate(narrow.transpose());
  Eigen::SelfAdjointEigenSolver<Matrix> solver(gram);
  // In rising order.
  Matrix vectors = solver.eigenvectors().rightCols(rank).rowwise().reverse();
  Matrix images = narrow * vectors;
  Truncated result;
  result.squaredNorm = block.squaredNorm();
  result.squaredError = solver.eigenvalues().head(narrow.cols() - rank).cwiseMax(0.0).sum();
  for (int64_t i = 0; i < rank; ++i) {
    double value = images.col(i).norm();
    double share = value > 0 ? std::sqrt(value) : 1;
    images.col(i) /= share;
    vectors.col(i) *= share;
  }
  result.left = isTall ? images : vectors;
  result.right = (isTall ? vectors : images).transpose();
  for (int64_t i = 0; i < rank; ++i) {
    Eigen::Index largest;
    result.right.row(i).cwiseAbs().maxCoeff(&largest);
    if (result.right(i, largest) < 0) {
      result.left.col(i) *= -1;
      result.right.row(i) *= -1;
    }
  }
  return result;
}

} // namespace

int64_t FactorShape::rankFor(double ratio) const {
  double each =
      static_cast<double>(outputBlocks) * depth + static_cast<double>(inputBlocks) * columns;
  double rank = std::floor(ratio * depth * columns / each);
  return std::clamp<double>(rank, 0, fullRank());
}

std::vector<int64_t> FactorShape::shuffle() const {
  std::vector<int64_t> result;
  if (inputBlocks == 1 || outputBlocks == 1)
    return result;
  // From (input block, output block, rank) to (output block, input block, rank).
  for (int64_t i = 0; i < outputBlocks; ++i)
    for (int64_t j = 0; j < inputBlocks; ++j)
      for (int64_t r = 0; r < rank; ++r)
        result.push_back((j * outputBlocks + i) * rank + r);
  return result;
}

double Factors::relativeError() const {
  return squaredNorm == 0 ? 0 : std::sqrt(squaredError / squaredNorm);
}

llvm::Expected<Factors> moec::factorize(ArrayRef<float> weight, const FactorShape &shape) {
  if (shape.inputBlocks < 1 || shape.outputBlocks < 1 || shape.depth % shape.inputBlocks != 0 ||
      shape.columns % shape.outputBlocks != 0)
    return llvm::createStringError("a matrix of %lld x %lld has no %lld x %lld blocks of one size",
                                   (long long)shape.depth, (long long)shape.columns,
                                   (long long)shape.inputBlocks, (long long)shape.outputBlocks);
  if (static_cast<int64_t>(weight.size()) != shape.depth * shape.columns)
    return llvm::createStringError("%lld numbers, expected %lld x %lld", (long long)weight.size(),
                                   (long long)shape.depth, (long long)shape.columns);
  if (shape.rank < 1 || shape.rank > shape.fullRank())
    return llvm::createStringError("rank %lld, expected 1 to %lld", (long long)shape.rank,
                                   (long long)shape.fullRank());
  if (!llvm::all_of(weight, [](float x) { return std::isfinite(x); }))
    return llvm::createStringError("a number is not finite");

  Factors result{shape, {}, {}, 0, 0};
  int64_t rank = shape.rank, p = shape.blockDepth(), s = shape.blockColumns();
  result.first.resize(shape.depth * shape.firstColumns());
  result.second.resize(shape.columns * shape.secondDepth());
  auto all = asMatrix(weight, shape.depth, shape.columns);
  // Blocks of a factor lie one below the other.
  Eigen::Map<FloatRows> first(result.first.data(), shape.depth, shape.firstColumns());
  Eigen::Map<FloatRows> second(result.second.data(), shape.outputBlocks * shape.secondDepth(), s);
  for (int64_t j = 0; j < shape.inputBlocks; ++j)
    for (int64_t i = 0; i < shape.outputBlocks; ++i) {
      Truncated block = truncate(all.block(j * p, i * s, p, s).cast<double>(), rank);
      result.squaredError += block.squaredError;
      result.squaredNorm += block.squaredNorm;
      first.block(j * p, i * rank, p, rank) = block.left.cast<float>();
      second.block((i * shape.inputBlocks + j) * rank, 0, rank, s) = block.right.cast<float>();
    }
  return result;
}

std::vector<float> moec::expandBlocks(ArrayRef<float> blocks, int64_t count, int64_t depth,
                                      int64_t columns, ArrayRef<int64_t> shuffle) {
  int64_t width = count * columns;
  std::vector<float> result(count * depth * width);
  for (int64_t to = 0; to < width; ++to) {
    int64_t from = shuffle.empty() ? to : shuffle[to];
    int64_t block = from / columns, column = from % columns;
    for (int64_t row = 0; row < depth; ++row)
      result[(block * depth + row) * width + to] = blocks[(block * depth + row) * columns + column];
  }
  return result;
}

std::vector<float> moec::multiplyMatrices(ArrayRef<float> a, ArrayRef<float> b, int64_t rows,
                                          int64_t depth, int64_t columns) {
  std::vector<float> result(rows * columns);
  Matrix product =
      asMatrix(a, rows, depth).cast<double>() * asMatrix(b, depth, columns).cast<double>();
  Eigen::Map<FloatRows>(result.data(), rows, columns) = product.cast<float>();
  return result;
}
