//===- ImportOnnx.h - From an ONNX file to the onnx dialect ------------------------------*- C++
//-*-===//
#ifndef MOEC_FRONTEND_IMPORTONNX_H
#define MOEC_FRONTEND_IMPORTONNX_H

#include "moec/OnnxLibrary/OnnxModel.h"
#include "moec/Weights/WeightStore.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace moec {

struct ImportOptions {
  OnnxLimits limits;
  /// Follow symbolic links to external data, and accept files with several hard links (caches are
  /// made of both).
  bool allowLinkedWeights = false;
  /// Nodes keep the names of their results, for --onnx-observe-values.
  bool keepValueNames = false;
  /// How the files are held.
  WeightStoreOptions storage;
};

/// The model in `path` as a module: one function `main` with one `onnx.node` a node, located at the
/// nodes' names, and weights by reference to the files that hold them (`moe.weight`), which are
/// open (see getModuleWeights); file 0 of their store is the model itself. Errors are diagnostics
/// of the context, as are warnings; the module is null then.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(mlir::MLIRContext &context, llvm::StringRef path,
                                             const ImportOptions &options);

} // namespace moec

#endif // MOEC_FRONTEND_IMPORTONNX_H
