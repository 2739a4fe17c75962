//===- Artifact.h - writing and reading the shared object ---------------------===//
//
// The file is described in moec_rt/kernel_abi.h. Writing links the objects with the runtime, and
// streams the segment (header, JSON, weights) behind the image; nothing is held in memory but one
// block, and stretches of zeros become holes of a sparse file. The same request gives the same
// bytes. The destination is replaced at once or not at all.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_ARTIFACT_ARTIFACT_H
#define MOEC_ARTIFACT_ARTIFACT_H

#include "moec/Artifact/Signature.h"
#include "moec/Target/CpuTarget.h"
#include "moec_rt/kernel_abi.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <array>
#include <functional>

namespace moec {

/// Takes the next bytes of an entry.
using WeightsSink = llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)>;

/// A stretch of the packed weights.
struct WeightsEntry {
  uint64_t offset = 0; ///< From the start of the packed weights.
  uint64_t size = 0;
  /// Hands all `size` bytes to the sink, in order, in pieces of its choosing.
  std::function<llvm::Error(WeightsSink)> write;
};

/// Where the parts that every artifact shares come from; empty members are found as described.
struct LinkOptions {
  std::string linker;  ///< ld.lld; else from LLVM's tools directory of the build, then from PATH.
  std::string runtime; ///< libmoec_rt.a; else <directory of the executable>/../lib/libmoec_rt.a.
  std::string libc;    ///< libc.so.6, libm.so.6 beside it; else the one this process runs with.
};

struct ArtifactRequest {
  /// Object files, in memory; one defines `moec_rt_model_program` (see emitProgram).
  std::vector<llvm::ArrayRef<char>> objects;
  Signature signature;
  CpuTarget target;
  /// Size of the packed weights. Bytes that no entry covers are zero.
  uint64_t weightsSize = 0;
  /// Any order, without overlaps, within weightsSize. They are written in the order of offsets.
  std::vector<WeightsEntry> weights;
  /// SHA-256 of the input model with its weights.
  std::array<uint8_t, 32> modelHash = {};
  /// More members of the artifact's JSON, beside the signature's and "target", "features",
  /// "model_sha256", "weights_size", "format", which win.
  llvm::json::Object extra;
  /// Base name of a file beside the artifact for the weights; empty: they are in the artifact.
  std::string weightsFile;
  LinkOptions link;
};

/// Links and writes the artifact (and the weights file, before it) at `path`. Refuses to replace
/// anything but a regular file. On failure and when the process is interrupted nothing is left.
llvm::Error writeArtifact(const ArtifactRequest &request, llvm::StringRef path);

/// What can be known of an artifact without running any of its code.
struct ArtifactInfo {
  moec_rt_segment_header header; ///< Bounds checked against the file; strings are terminated.
  std::string json;
  Signature signature;
  uint64_t fileSize = 0;
  uint64_t segmentOffset = 0; ///< In the file.
  uint64_t segmentSize = 0;
};

/// Checks the file's ELF headers, the segment's header and JSON and their checksums; with
/// `verifyContents` also the checksums of image and weights (those beside the file included, found
/// in its directory), which reads everything. A file that fails must not be given to dlopen.
llvm::Expected<ArtifactInfo> readArtifact(llvm::StringRef path, bool verifyContents = false);

} // namespace moec

#endif // MOEC_ARTIFACT_ARTIFACT_H
