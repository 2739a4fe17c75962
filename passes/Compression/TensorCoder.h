//===- TensorCoder.h - Weights of a module as codes and scales ---------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_TENSORCODER_H
#define MOEC_PASSES_COMPRESSION_TENSORCODER_H

#include "moec/Numerics/Quantization.h"
#include "passes/Compression/WeightEditor.h"

namespace moec {

/// Codes and scales of one stored tensor.
struct CodedTensor {
  mlir::Value codes, scales, zeroPoints; ///< zero points may be absent
  int64_t axis = 0, block = 0;
  int64_t packed = 0, zero = 0;
};

/// The error that rounding has made in a layer.
struct RoundingError {
  double squaredError = 0, squaredNorm = 0;

  /// Of a CodedMatrix, or another.
  template <typename Coded>
  void add(const Coded &coded) {
    squaredError += coded.squaredError;
    squaredNorm += coded.squaredNorm;
  }
  double get() const { return squaredNorm == 0 ? 0 : std::sqrt(squaredError / squaredNorm); }
};

/// Turns stored tensors into codes.
class TensorCoder {
public:
  explicit TensorCoder(WeightEditor &editor) : editor(editor) {}

  /// Codes of the matrices in the last two dimensions of `weight`, in groups along `axis`, one of
  /// the two. With `inBytes` codes of fewer than 8 bits are unsigned ones in bytes along the last
  /// axis. An error is the reason why there are none.
  llvm::Expected<CodedTensor> encode(mlir::OpBuilder &builder, mlir::Location loc,
                                     mlir::Value weight, int64_t axis, const CodeFormat &format,
                                     bool inBytes, RoundingError &rounding);

private:
  llvm::Error encodeMatrices(mlir::MLIRContext *context, const WeightTensor &tensor, int64_t axis,
                             const CodeFormat &own, RoundingError &rounding);
  mlir::Value write(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name,
                    llvm::ArrayRef<int64_t> shape, mlir::Type elementType,
                    llvm::ArrayRef<char> bytes);

  WeightEditor &editor;
  std::vector<uint8_t> codes, zeroPoints; ///< of the tensor, one a byte
  std::vector<float> scales;
};

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_TENSORCODER_H
