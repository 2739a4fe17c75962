//===- KernelCodes.h - Which codes matrix kernels read -----------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_KERNELCODES_H
#define MOEC_PASSES_ANALYSIS_KERNELCODES_H

#include "dialects/MoE/MoEOps.h"

namespace moec {

/// How a matrix [depth, columns] lies in codes, as far as kernels ask.
struct CodeGrid {
  mlir::Type codes, scales, numbers; ///< element types: stored, stored, decoded
  int64_t depth = 0;
  int64_t group = 0; ///< neighbouring rows of a column that share a scale; `depth`: all
};

/// Whether the kernels `matmul_coded_…` and `matmul_grouped_coded_…` decode such codes: integers of
/// 4 or 8 bits, of which no byte lies in two rows' groups, in one group or groups of a power of
/// two, with scales of f32, f16 or bf16, to f32.
bool canKernelsDecode(const CodeGrid &grid);

/// Whether they read a product's weight where it is stored: a moe.dequantize, of codes that are a
/// weight, whose matrices' rows lie along `depthAxis` of its result. Products with others decode
/// the weight first, or element by element.
bool canKernelsDecode(moe::DequantizeOp op, int64_t depthAxis);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_KERNELCODES_H
