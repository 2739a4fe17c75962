#ifndef MOEC_PASSES_CONVERSION_PASSES_H
#define MOEC_PASSES_CONVERSION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {

/// Module attribute from `lower` on: what the model says about its inputs and outputs, a dictionary
/// of two arrays, "inputs" and "outputs", of dictionaries {name: string, type: the tensor's type in
/// the model (integers with their signs), dims: array of the names of its sizes}.
inline constexpr llvm::StringLiteral kSignatureAttr = "moec.signature";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Conversion/Passes.h.inc"
} // namespace moec

#endif // MOEC_PASSES_CONVERSION_PASSES_H
