//===- ExternalData.h - Opening the files that a model names --------------------===//
//
// The `location` of a tensor's external data comes from an untrusted file. It may name regular
// files below the model's directory and nothing else: no way out by "..", symbolic links or hard
// links, no pipes or devices. Checking strings has failed the ONNX projects four times, so the
// kernel resolves the path (openat2) and what counts is the file that was opened.
//
//===----------------------------------------------------------------------------===//
#ifndef MOEC_WEIGHTS_EXTERNALDATA_H
#define MOEC_WEIGHTS_EXTERNALDATA_H

#include "moec/Weights/WeightStore.h"

#include "llvm/ADT/StringMap.h"

namespace moec {

struct ExternalDataOptions {
  /// Follow symbolic links, also out of the directory, and take files with several hard links: for
  /// download caches that are made of them, with models that one trusts (--allow-linked-weights).
  bool allowLinkedWeights = false;
  uint32_t maxFiles = 10'000;
};

class ExternalDataDirectory {
public:
  /// Opens the directory, "" being the current one; from then on it is that directory whatever
  /// happens to its name.
  static llvm::Expected<ExternalDataDirectory> open(llvm::StringRef directory,
                                                    ExternalDataOptions options = {});
  /// Opens the directory that the model file is in.
  static llvm::Expected<ExternalDataDirectory> ofModel(llvm::StringRef modelPath,
                                                       ExternalDataOptions options = {});
  ExternalDataDirectory(ExternalDataDirectory &&);
  ExternalDataDirectory &operator=(ExternalDataDirectory &&) = delete;
  ~ExternalDataDirectory();

  /// Adds the file at a location to the store and returns its number, the same for the same file
  /// (so one store per directory). Fails with what is wrong, where, and what to do.
  llvm::Expected<uint32_t> open(WeightStore &store, llvm::StringRef location);

  /// Absolute.
  const std::string &getPath() const { return path; }

private:
  ExternalDataDirectory(int descriptor, std::string path, ExternalDataOptions options)
      : descriptor(descriptor), path(std::move(path)), options(options) {}

  int descriptor = -1;
  std::string path;
  ExternalDataOptions options;
  llvm::StringMap<uint32_t> files; ///< by location, normalised
};

} // namespace moec

#endif // MOEC_WEIGHTS_EXTERNALDATA_H
