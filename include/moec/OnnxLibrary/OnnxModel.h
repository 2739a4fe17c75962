//===- OnnxModel.h - Models through the ONNX library -------------------------------------*- C++
//-*-===//
#ifndef MOEC_ONNXLIBRARY_ONNXMODEL_H
#define MOEC_ONNXLIBRARY_ONNXMODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace onnx {
class ModelProto;
} // namespace onnx

namespace moec {

/// The operator sets of ai.onnx that are taken as they are; older ones are converted to
/// kConvertedOpset.
inline constexpr int64_t kMinOpset = 13, kMaxOpset = 28, kConvertedOpset = 21;

/// What a model may ask for. The defaults are far above real models.
struct OnnxLimits {
  int64_t maxBytes = int64_t(2) << 30; ///< of the protobuf message
  int maxMessageDepth = 100;           ///< nested messages
  int64_t maxNodes = 1'000'000;        ///< with those of subgraphs, after inlining
  int maxFunctions = 10'000;           ///< of the model
  int maxCallDepth = 32;               ///< of the model's functions
  int maxGraphDepth = 32;              ///< of subgraphs
  int maxRank = 64;
  int64_t maxElements = int64_t(1) << 40; ///< of a tensor
  size_t maxNameBytes = 64 << 10;
  uint32_t maxExternalFiles = 10'000;
};

/// A model made ready: functions of its own inlined, old operator sets converted.
struct OnnxModel {
  OnnxModel();
  OnnxModel(OnnxModel &&);
  OnnxModel &operator=(OnnxModel &&);
  ~OnnxModel();

  std::unique_ptr<::onnx::ModelProto> proto;
  /// What the library's checker finds fault with, and what was changed on the way.
  std::vector<std::string> warnings;
};

/// Parses and prepares a serialised ModelProto. Never throws: whatever the bytes, the result is a
/// model or an error in words.
llvm::Expected<OnnxModel> loadOnnxModel(llvm::ArrayRef<char> bytes, const OnnxLimits &limits = {});

} // namespace moec

#endif // MOEC_ONNXLIBRARY_ONNXMODEL_H
