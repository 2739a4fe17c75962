//===- CodedMatrix.h - Constant matrices that stay codes ---------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODEDMATRIX_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODEDMATRIX_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// Dequantised weights as operand B of the kernels `matmul_coded_…`, which decode them as they go
/// (lib/Kernels/MatmulKernel.h).
struct CodedMatrices {
  mlir::Value codes, scales, zero, group; ///< the kernel's operands
  int64_t count, depth, columns;
  std::string format; ///< in the kernel's name: CODES_ZERO_SCALE_PANEL_f32

  llvm::SmallVector<mlir::Value> operands() const { return {codes, scales, zero, group}; }
};

/// Values that are stacks of matrices of the same sizes, one after the other in one stack, if all
/// are (views, or side by side views, of) DequantizeLinear of weights with the same kind of codes
/// of 4 or 8 bits, to f32, with one scale for a column or for each 16, 32, … rows of one, and the
/// kernel has such panels. The last two dimensions are swapped first if `transposed`; with `halved`
/// left halves come first, as in NodeLowering::packedStack. std::nullopt if not; nothing is emitted
/// then.
std::optional<CodedMatrices> getCodedStack(NodeLowering &lowering, mlir::ValueRange values,
                                           bool transposed, bool halved = false);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_CODEDMATRIX_H
