//===- WeightImporter.h - Tensors of a model: constants and weights ----------------------*- C++
//-*-===//
#ifndef MOEC_LIB_FRONTEND_ONNX_WEIGHTIMPORTER_H
#define MOEC_LIB_FRONTEND_ONNX_WEIGHTIMPORTER_H

#include "moec/Frontend/ImportOnnx.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

namespace onnx {
class TensorProto;
} // namespace onnx

namespace moec {

/// Tensors up to this many bytes are constants in the IR, larger ones weights by reference.
inline constexpr int64_t kMaxConstantBytes = 1024;

class WeightImporter {
public:
  WeightImporter(llvm::StringRef modelPath, const ImportOptions &options)
      : modelPath(modelPath), options(options) {}

  /// The model of the file.
  llvm::Expected<OnnxModel> load();

  /// The tensor as a value at the builder's place; declares its file and its bytes in the module.
  mlir::FailureOr<mlir::Value> import(mlir::OpBuilder &builder, mlir::ModuleOp module,
                                      const ::onnx::TensorProto &tensor, mlir::Location loc);

private:
  struct File {
    std::string symbol;
    int64_t size;
  };
  llvm::Expected<File *> openFile(mlir::ModuleOp module, llvm::StringRef location);

  std::string modelPath;
  ImportOptions options;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  llvm::StringMap<File> files;
  llvm::StringMap<unsigned> keys; ///< of weights, to make them distinct
};

} // namespace moec

#endif // MOEC_LIB_FRONTEND_ONNX_WEIGHTIMPORTER_H
