//===- NodeSupport.h - Which nodes the compiler can lower --------------------------------------*-
// C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_NODESUPPORT_H
#define MOEC_PASSES_TRANSFORMS_NODESUPPORT_H

#include "dialects/ONNX/ONNXOps.h"

#include "mlir/Pass/Pass.h"
#include <functional>

namespace moec {

using NodePredicate = std::function<bool(onnx::NodeOp)>;

/// Whether there is a handler that lowers the node (getNodeHandlers).
bool hasNodeHandler(onnx::NodeOp node);

/// onnx-expand-functions and onnx-check-support with another notion of what is supported than
/// hasNodeHandler.
std::unique_ptr<mlir::Pass> createExpandFunctionsPass(NodePredicate isSupported);
std::unique_ptr<mlir::Pass> createCheckSupportPass(NodePredicate isSupported);

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_NODESUPPORT_H
