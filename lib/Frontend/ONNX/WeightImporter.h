//===- WeightImporter.h - Tensors of a model: constants and weights ----------------------*- C++
//-*-===//
#ifndef MOEC_LIB_FRONTEND_ONNX_WEIGHTIMPORTER_H
#define MOEC_LIB_FRONTEND_ONNX_WEIGHTIMPORTER_H

#include "dialects/MoE/ModuleWeights.h"
#include "dialects/ONNX/ConstantLimit.h"
#include "moec/Frontend/ImportOnnx.h"
#include "moec/Weights/ExternalData.h"
#include "moec/Weights/OnnxWireScan.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"
#include <map>

namespace onnx {
class TensorProto;
} // namespace onnx

namespace moec {

/// Reads a model file without its weights, and finds these again for its tensors.
class WeightImporter {
public:
  WeightImporter(llvm::StringRef modelPath, const ImportOptions &options);

  /// The model of the file, with references in place of tensors over kMaxConstantBytes.
  llvm::Expected<OnnxModel> load();

  /// The tensor as a value at the builder's place: a constant, or a weight whose file and bytes are
  /// declared in the module, under `name` or one like it. Tensors of the same bytes share a
  /// declaration.
  llvm::Expected<mlir::Value> import(mlir::OpBuilder &builder, mlir::ModuleOp module,
                                     const ::onnx::TensorProto &tensor, llvm::StringRef name,
                                     mlir::Location loc);

  ModuleWeights takeWeights() { return std::move(weights); }

private:
  /// Where the bytes of an external tensor are; checked against the file.
  llvm::Expected<WeightRange> resolve(const ::onnx::TensorProto &tensor, uint64_t size);
  llvm::Expected<WeightRange> resolveExternal(const ::onnx::TensorProto &tensor, uint64_t size);
  mlir::StringAttr declare(mlir::ModuleOp module, const WeightRange &range,
                           mlir::RankedTensorType type, llvm::StringRef name, mlir::Location loc);

  std::string modelPath;
  ImportOptions options;
  ModuleWeights weights;
  OnnxSkeleton skeleton;
  std::optional<ExternalDataDirectory> directory;
  llvm::StringSet<> symbols; ///< that are taken
  llvm::StringMap<unsigned> suffixes;
  using Key = std::tuple<uint32_t, uint64_t, uint64_t, const void *>;
  std::map<Key, mlir::StringAttr> declared; ///< by file, offset, length, type
};

} // namespace moec

#endif // MOEC_LIB_FRONTEND_ONNX_WEIGHTIMPORTER_H
