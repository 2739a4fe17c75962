//===- ScanFixture.h - Scan models and compare with what protobuf reads ---------===//
#ifndef MOEC_TEST_UNIT_WEIGHTS_SCANFIXTURE_H
#define MOEC_TEST_UNIT_WEIGHTS_SCANFIXTURE_H

#include "moec/Weights/OnnxWireScan.h"

#include "onnx/onnx_pb.h"

#include <functional>

namespace moec::test {

/// A file with these contents in memory, added to a store.
uint32_t addContents(WeightStore &store, llvm::StringRef contents);

/// Scans a model; payloads over `maxInlineBytes` are taken out.
struct Scanned {
  std::unique_ptr<WeightStore> store = std::make_unique<WeightStore>();
  std::optional<OnnxSkeleton> skeleton;
  std::string error; ///< if there is no skeleton
};
Scanned scan(llvm::StringRef model, OnnxWireLimits limits = {});

/// Calls `visit` for every TensorProto of a model.
void forEachTensor(::onnx::ModelProto &model,
                   const std::function<void(::onnx::TensorProto &)> &visit);

/// Moves typed data to raw_data, as the specification of TensorProto says.
void makeRaw(::onnx::TensorProto &tensor);

/// Parses the model and the skeleton, puts the payloads back, and says where the results differ; ""
/// where they do not, or where protobuf rejects the model.
std::string compareWithParser(llvm::StringRef model, const Scanned &scanned);

} // namespace moec::test

#endif // MOEC_TEST_UNIT_WEIGHTS_SCANFIXTURE_H
