#ifndef MOEC_PASSES_TRANSFORMS_PASSES_H
#define MOEC_PASSES_TRANSFORMS_PASSES_H

#include "dialects/ONNX/ONNXOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Transforms/Passes.h.inc"
} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_PASSES_H
