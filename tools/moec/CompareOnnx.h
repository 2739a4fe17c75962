//===- CompareOnnx.h - moec run --compare-onnx -------------------------------------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_COMPAREONNX_H
#define MOEC_TOOLS_MOEC_COMPAREONNX_H

#include "tools/moec/CommandLine.h"

namespace moec::cli {

/// Compares the values inside of a model with ONNX Runtime's, in the order of the nodes, until one
/// differs: which is an error after it has been described.
llvm::Error runCompareOnnx(Arguments &arguments);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_COMPAREONNX_H
