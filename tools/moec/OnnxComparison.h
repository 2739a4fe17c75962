//===- OnnxComparison.h - Inner values of a model against ONNX Runtime's -----------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_ONNXCOMPARISON_H
#define MOEC_TOOLS_MOEC_ONNXCOMPARISON_H

#include "moec/Client/Compare.h"
#include "moec/Client/LoadedModel.h"
#include "moec/Compiler/ModelValues.h"
#include "tools/moec/OnnxRuntime.h"

#include "llvm/ADT/StringMap.h"

namespace moec::cli {

/// Compares inner values in batches: a batch is compiled as further outputs of the model, before
/// anything is folded or fused, and ONNX Runtime is asked for the same values.
class OnnxComparison {
public:
  struct Request {
    std::string ours, reference; ///< ONNX files
    std::string inputs, prefix;  ///< an .npz file, and of which case in it
    int32_t threads = 0;
    size_t batch = 0; ///< values at a time
    Tolerance tolerance;
  };

  OnnxComparison(Request request, TemporaryFolder folder)
      : request(std::move(request)), folder(std::move(folder)) {}

  /// Compares in the order of the nodes, until a value differs.
  llvm::Error run();

  /// Compares the outputs of a model that has been compiled already.
  llvm::Expected<std::vector<OutputComparison>> compareCompiled(const LoadedModel &model);

  llvm::ArrayRef<ModelValue> getValues() const { return values; }
  size_t getNumCompared() const { return comparisons.size(); }
  /// The first value that differs, or null.
  const ModelValue *getFirst() const { return first; }
  /// Null for a value that was not compared.
  const OutputComparison *find(llvm::StringRef name) const;

private:
  llvm::Error withContext(bool warns, llvm::function_ref<bool(mlir::MLIRContext &)> work);
  llvm::Error listValues();
  llvm::Error compareBatch(llvm::ArrayRef<const ModelValue *> batch);
  llvm::Expected<std::vector<OutputComparison>> compareWith(const LoadedModel &model,
                                                            llvm::ArrayRef<std::string> names);

  Request request;
  TemporaryFolder folder;
  std::vector<ModelValue> values;
  llvm::StringMap<OutputComparison> comparisons; ///< by value
  const ModelValue *first = nullptr;             ///< of `values`
};

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_ONNXCOMPARISON_H
