#ifndef MOEC_PASSES_CONVERSION_PASSES_H
#define MOEC_PASSES_CONVERSION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {

/// Argument and result attribute from `lower` on: the tensor's type in the model, which says
/// whether integers are signed (TypeAttr).
inline constexpr llvm::StringLiteral kModelTypeAttr = "moec.model_type";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Conversion/Passes.h.inc"
} // namespace moec

#endif // MOEC_PASSES_CONVERSION_PASSES_H
