//===- KernelWeights.h - Which weights product kernels read as they are stored -----------*- C++
//-*-===//
#ifndef MOEC_PASSES_OPTIMIZE_KERNELWEIGHTS_H
#define MOEC_PASSES_OPTIMIZE_KERNELWEIGHTS_H

#include "dialects/MoE/MoEOps.h"

#include <string>

namespace moec {

/// The operation that decodes a weight, perhaps transposed behind it; null if it is stored as it
/// is.
moe::DequantizeOp getDecoding(mlir::Value weight);

/// Whether the model holds the value: a constant, a (part of a) weight, or such side by side.
bool isStored(mlir::Value value);

/// Why no kernel reads a weight of moe.linear or moe.grouped_linear, [K, N] or [E, K, N] (rows and
/// columns swapped if `transposed`), as the model holds it, packed or as codes. Empty if one does.
std::string refuseWeight(mlir::Value weight, bool transposed);

} // namespace moec

#endif // MOEC_PASSES_OPTIMIZE_KERNELWEIGHTS_H
