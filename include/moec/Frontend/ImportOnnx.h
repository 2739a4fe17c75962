//===- ImportOnnx.h - From an ONNX file to the onnx dialect ------------------------------*- C++
//-*-===//
#ifndef MOEC_FRONTEND_IMPORTONNX_H
#define MOEC_FRONTEND_IMPORTONNX_H

#include "moec/OnnxLibrary/OnnxModel.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace moec {

struct ImportOptions {
  OnnxLimits limits;
  /// Follow symbolic links to external data, and accept files with several hard links (caches are
  /// made of both).
  bool allowLinkedWeights = false;
};

/// The model in `path` as a module: one function `main` with one `onnx.node` a node, located at the
/// nodes' names, and weights by reference to the files that hold them (`moe.weight`). Null after an
/// error, which is a diagnostic of the context, as are warnings.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(mlir::MLIRContext &context, llvm::StringRef path,
                                             const ImportOptions &options);

} // namespace moec

#endif // MOEC_FRONTEND_IMPORTONNX_H
