//===- Kernels.h - Kernels by name -------------------------------------------------------*- C++
//-*-===//
#ifndef MOEC_KERNELS_KERNELS_H
#define MOEC_KERNELS_KERNELS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace moec {

/// What the generator needs to know of the target.
struct KernelOptions {
  unsigned vectorBytes = 16;     ///< width of a vector register
  unsigned vectorRegisters = 16; ///< how many there are
  /// Whether the target multiplies and adds in one instruction. Without it a fused operation would
  /// be a call of the C library for each lane, so products are rounded.
  bool fusesMultiplyAdd = false;
};

/// The columns of a panel (see kernel.panels) for a constant matrix of `columns` columns: as many
/// whole vector registers as the matrix kernel keeps for a row, or fewer for a narrow matrix. 0 if
/// there is no kernel for the element type.
int64_t getPanelColumns(mlir::Type elementType, int64_t columns, const KernelOptions &options);

/// The columns of a panel in kernels of matrices of different sizes: all of them `widest` but the
/// last, which has the multiple of `lanes` that takes what is left. Both are 0 if there is no such
/// kernel for the element type.
struct RaggedPanels {
  int64_t widest = 0, lanes = 0;
};
RaggedPanels getRaggedPanels(mlir::Type elementType, const KernelOptions &options);

/// What the kernels of matrices of different sizes know of one: the columns of their table. Numbers
/// of elements in the memories with panels: where the first of the widest ones begins, and the last
/// one, which is narrower.
struct RaggedMatrix {
  enum Column : int64_t {
    Depth,
    Columns,
    First,
    FirstRest,
    Group, ///< rows that share a scale; this and the following of codes only
    FirstScale,
    FirstScaleRest,
    FirstZero,
    FirstZeroRest,
    NumColumns
  };
};

/// The functions that make up the kernel `name` on buffers (one of that name and its private
/// helpers), from the generator or the library; null if there is no such kernel.
mlir::OwningOpRef<mlir::ModuleOp>
instantiateKernel(mlir::MLIRContext &context, llvm::StringRef name, const KernelOptions &options);

} // namespace moec

#endif // MOEC_KERNELS_KERNELS_H
