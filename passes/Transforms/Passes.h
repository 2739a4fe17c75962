#ifndef MOEC_PASSES_TRANSFORMS_PASSES_H
#define MOEC_PASSES_TRANSFORMS_PASSES_H

#include "dialects/ONNX/ONNXOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {
/// Module attribute of a program that counts: an array with a dictionary {node: name, operator:
/// string, fused: array of names of other nodes} for each of its stretches of code, in their order.
inline constexpr llvm::StringLiteral kProfileAttr = "moec.profile";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Transforms/Passes.h.inc"
} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_PASSES_H
