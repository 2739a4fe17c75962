#ifndef MOEC_PASSES_CONVERSION_PASSES_H
#define MOEC_PASSES_CONVERSION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {

/// Module attribute from `lower` on: what the model says about its inputs and outputs, a dictionary
/// of two arrays, "inputs" and "outputs", of dictionaries {name: string, type: the tensor's type in
/// the model (integers with their signs), dims: array of the names of its sizes}. Where the session
/// keeps state, "states" is a third, whose dictionaries have {output: string, axis, capacity:
/// integers} as well.
inline constexpr llvm::StringLiteral kSignatureAttr = "moec.signature";

/// On an argument of the entry function from `lower` on: it is the memory of a session's state, all
/// of its capacity; the value is the state's name. Such arguments are the last ones, behind one of
/// type index, the rows that the states hold when the call starts.
inline constexpr llvm::StringLiteral kStateArgumentAttr = "moec.state";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Conversion/Passes.h.inc"
} // namespace moec

#endif // MOEC_PASSES_CONVERSION_PASSES_H
