//===- LoadModule.h - Models and IR from files -------------------------------------------*- C++
//-*-===//
#ifndef MOEC_FRONTEND_LOADMODULE_H
#define MOEC_FRONTEND_LOADMODULE_H

#include "moec/Frontend/ImportOnnx.h"

namespace moec {

/// What a file holds: bytecode and ONNX by their contents, ONNX also by the name (.onnx), else IR
/// as text.
enum class ModelFormat { Onnx, Bytecode, Text };
ModelFormat detectFormat(llvm::StringRef path, llvm::StringRef contents);

/// The module in `path`, whatever its format; "-" is IR on standard input. Errors are diagnostics
/// of the context.
mlir::OwningOpRef<mlir::ModuleOp> loadModule(mlir::MLIRContext &context, llvm::StringRef path,
                                             const ImportOptions &options);

} // namespace moec

#endif // MOEC_FRONTEND_LOADMODULE_H
