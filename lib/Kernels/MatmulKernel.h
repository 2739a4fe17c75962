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
/// `matmul_coded_FORMAT_P_f32(a, b, scales, zero, group: index, c)` has a b of codes in such
/// panels, where FORMAT is CODES_ZERO_SCALE: i4, ui4, i8 or ui8; none, uniform or each; f32, f16 or
/// bf16 (CodedFormat). b: memref<?x?x?x?xi8> (codes of 4 bits two a byte), scales:
/// memref<?x?x?x?xSCALE> of shape [B, panels, groups, P]; zero is an i32, or a memref<?x?x?x?xi8>
/// of zero points in panels like the codes. `group` rows share a scale: a power of two, or all
/// rows; even where two codes share a byte, as is the depth.
///
/// `matmul_grouped_packed_P_T(a, offsets, b, bias, c)` and `matmul_grouped_coded_FORMAT_P_f32(a,
/// offsets, b, scales, zero, group, bias, c)`: rows offsets[e] … offsets[e + 1] of a [M, K] times
/// matrix e.
///
/// `matmul_grouped_P_T(a, offsets, first, filled, blocks, b, bias, c)` takes matrices where they
/// are, [n, K, N] (`grouped_nt`: [n, N, K]) with any strides, those of experts first … first + n /
/// blocks − 1, which have `filled` rows together; other rows of c stay, as do columns behind theirs
/// of narrower matrices. With `P_f16_T` and `P_bf16_T` elements of b are of that type.
///
/// With an epilogue (Epilogue.h) between panels and type, `matmul_packed_64_bias_silu_f32`, packed
/// and coded ones take more operands before c: (bias, residual, alpha, offset, limit), grouped
/// ones, which have a bias already, (alpha, offset, limit). a and c are one matrix. Bias and
/// residual are read if the name says so. With `glu` the stack of b has the gates' matrices before
/// the others, and bias 2·N columns.
///
/// A stack of b times as many matrices as experts is of block-diagonal ones, b blocks each: a is
/// [M, b·K], c and bias have b·N columns.
///
/// `matmul_ragged_packed_T(a, offsets, table, area, b, bias, c)` and
/// `matmul_ragged_coded_FORMAT_f32(a, offsets, table, area, b, scales, zero, bias, c)` have
/// matrices of different sizes, one for each expert: each reads the first columns of a, and writes
/// the first of c; the others become zero. b, scales and zero points are memories of one dimension
/// with panels in them, of which `table`, a memref<?x?xi64>, has a row for each expert
/// (RaggedMatrix); `area` is how many elements a matrix has on an average.
///
/// Null if `name` is none of these.
mlir::OwningOpRef<mlir::ModuleOp>
buildMatmulKernel(mlir::MLIRContext &context, llvm::StringRef name, const KernelOptions &options);

} // namespace moec

#endif // MOEC_LIB_KERNELS_MATMULKERNEL_H
