#ifndef MOEC_PASSES_OPTIMIZE_PASSES_H
#define MOEC_PASSES_OPTIMIZE_PASSES_H

#include "dialects/MoE/MoEOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Optimize/Passes.h.inc"
} // namespace moec

#endif // MOEC_PASSES_OPTIMIZE_PASSES_H
