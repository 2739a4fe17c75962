//===- MicroKernel.h - Register-tiled inner products -------------------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_KERNELS_MICROKERNEL_H
#define MOEC_LIB_KERNELS_MICROKERNEL_H

#include "moec/Kernels/Kernels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace moec {

struct CodedFormat;

/// The tile a micro-kernel keeps in registers: `rows` × (`vectors` × `lanes`) accumulators.
struct MicroTile {
  unsigned rows;
  unsigned vectors;
  unsigned lanes;

  unsigned columns() const { return vectors * lanes; }

  /// The tile for panels of `vectors` registers: as many rows as leave registers for the row of B
  /// and the broadcast element of A, and no more than there are address registers for rows of A.
  static MicroTile choose(mlir::Type elementType, const KernelOptions &options, unsigned vectors);
  /// The widest panel that is worth it: 4 registers of 32, 2 of 16.
  static unsigned maxVectors(const KernelOptions &options);
};

/// Adds to `module` the leaf function
///
///   name(a: memref<?xT>, aOffset, lda, b: memref<?xT>, bOffset, ldb, c: memref<?xT>, cOffset, ldc,
///   depth,
///        accumulate: i1, width)
///
/// which computes C[i, j] (+)= Σ_k A[i, k] · B[k, j] for i < tile.rows and j < tile.columns(), the
/// element (i, j) of C lying at cOffset + i · ldc + j and so on; with `masked` only for j < width.
/// B's rows are read in whole vectors. Floats only; a product is added without rounding if `fused`.
///
/// With `coded` B is a block of a panel of codes, the members of a CodedBlock instead of (b,
/// bOffset, ldb), and T is f32.
void buildMicroKernel(mlir::ModuleOp module, llvm::StringRef name, mlir::Type elementType,
                      MicroTile tile, bool masked, bool fused, const CodedFormat *coded = nullptr);

} // namespace moec

#endif // MOEC_LIB_KERNELS_MICROKERNEL_H
