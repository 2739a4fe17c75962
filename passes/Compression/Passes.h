#ifndef MOEC_PASSES_COMPRESSION_PASSES_H
#define MOEC_PASSES_COMPRESSION_PASSES_H

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/ONNXOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Compression/Passes.h.inc"
} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_PASSES_H
