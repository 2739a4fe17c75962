//===- OnnxRuntime.h - Values that ONNX Runtime computes ---------------------------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_ONNXRUNTIME_H
#define MOEC_TOOLS_MOEC_ONNXRUNTIME_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace moec::cli {

/// A folder for files that nobody else is to see; gone with its contents at the end.
class TemporaryFolder {
public:
  static llvm::Expected<TemporaryFolder> create();
  TemporaryFolder(TemporaryFolder &&other) : path(std::exchange(other.path, "")) {}
  ~TemporaryFolder();

  std::string file(llvm::StringRef name) const { return path + "/" + name.str(); }

private:
  explicit TemporaryFolder(std::string path) : path(std::move(path)) {}
  std::string path;
};

/// Runs the model in ONNX Runtime, by $MOEC_PYTHON or else python3, on the arrays PREFIX/NAME of
/// the .npz file `inputs`, and writes the named values to the .npz file `output`, under their
/// names. A value that the model does not have, or that is no tensor of numbers, is left out.
llvm::Error runInOnnxRuntime(llvm::StringRef model, llvm::StringRef inputs, llvm::StringRef prefix,
                             llvm::ArrayRef<std::string> names, llvm::StringRef output,
                             const TemporaryFolder &folder);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_ONNXRUNTIME_H
