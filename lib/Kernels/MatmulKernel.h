//===- MatmulKernel.h - Blocked matrix products ------------------------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_KERNELS_MATMULKERNEL_H
#define MOEC_LIB_KERNELS_MATMULKERNEL_H

#include "moec/Kernels/Kernels.h"

namespace moec {

/// Kernels `matmul_T` and `matmul_nt_T` for T in {f32, f64}:
///
///   matmul_T(a: memref<?x?x?xT>, b: memref<?x?x?xT, strided<[?, ?, ?], offset: ?>>,
///            c: memref<?x?x?xT>)
///
/// b may have any strides: a part of a larger buffer is read where it is.
/// a is [A, M, K], b is [B, K, N] ([B, N, K] for `nt`), c is [C, M, N] with A and B each C or 1:
/// matrix number i of C is the product of number i of a (or its only one) and of b. K may be 0.
///
/// And `matmul_packed_P_T`, whose b is packed in panels of P columns (kernel.panels): a
/// memref<?x?x?x?xT> of shape [B, ceil(N / P), K, P].
///
/// Null if `name` is none of these.
mlir::OwningOpRef<mlir::ModuleOp>
buildMatmulKernel(mlir::MLIRContext &context, llvm::StringRef name, const KernelOptions &options);

} // namespace moec

#endif // MOEC_LIB_KERNELS_MATMULKERNEL_H
