//===- RaggedStack.h - Constant matrices of different sizes ------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_RAGGEDSTACK_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_RAGGEDSTACK_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// Matrices of different sizes as operand B of the kernels `matmul_ragged_…`
/// (lib/Kernels/MatmulKernel.h).
struct RaggedMatrices {
  mlir::Value table, area;
  llvm::SmallVector<mlir::Value> memories; ///< b; of codes also scales and zero points
  std::string kernel;

  llvm::SmallVector<mlir::Value> operands() const {
    llvm::SmallVector<mlir::Value> all{table, area};
    llvm::append_range(all, memories);
    return all;
  }
};

/// Stacks of matrices, [n, K, N] each, the last two dimensions swapped first if `transposed`: one
/// row of the table for each matrix. They are all (views of) weights of `type`, or all
/// DequantizeLinear to it of weights with one kind of codes. std::nullopt if not; nothing is
/// emitted then.
std::optional<RaggedMatrices> getRaggedStack(NodeLowering &lowering, mlir::ValueRange values,
                                             bool transposed, mlir::Type type);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_RAGGEDSTACK_H
