//===- ArtifactWeights.h - A module's weights on their way into an artifact --------------*- C++
//-*-===//
#ifndef MOEC_LIB_COMPILER_ARTIFACTWEIGHTS_H
#define MOEC_LIB_COMPILER_ARTIFACTWEIGHTS_H

#include "dialects/MoE/ModuleWeights.h"
#include "moec/Artifact/Artifact.h"
#include "moec/Weights/WeightHash.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <future>

namespace moec {

/// Adds an entry to the request for every `kernel.packed` of the module, which streams the weight
/// from its file in its layout; memory in use stays small whatever the size. The entries refer to
/// the store and not to the module. Errors are emitted at the operations.
mlir::LogicalResult planWeights(mlir::ModuleOp module, const ModuleWeights &weights,
                                ArtifactRequest &request);

/// The hash of what was compiled: the input file and the files of its weights, in the order of the
/// store (see sha256Files). For a model in one file, what sha256sum prints for it. `input` is "-"
/// for standard input, which does not count.
///
/// Reading everything once more takes as long as hashing takes, so this goes on beside code
/// generation where `inBackground` says so.
class ModelHash {
public:
  ModelHash(const ModuleWeights &weights, llvm::StringRef input, bool inBackground);
  /// Waits for the result. Call once.
  llvm::Expected<Sha256Digest> take();

private:
  struct Result {
    Sha256Digest digest = {};
    std::string error;
  };
  std::future<Result> result;
};

} // namespace moec

#endif // MOEC_LIB_COMPILER_ARTIFACTWEIGHTS_H
