//===- OnnxTensorScan.h - The payload of one TensorProto ------------------------===//
#ifndef MOEC_LIB_WEIGHTS_ONNXTENSORSCAN_H
#define MOEC_LIB_WEIGHTS_ONNXTENSORSCAN_H

#include "moec/Weights/OnnxWireScan.h"

#include "llvm/ADT/SmallVector.h"

#include <utility>

namespace moec {

/// A payload, and the fields [begin, end) of the tensor that go with it: all data fields and
/// data_location.
struct TensorExtraction {
  OnnxPayload payload;
  llvm::SmallVector<std::pair<uint64_t, uint64_t>, 4> removed;
};

/// Takes the payload out of the TensorProto at bytes [begin, end) of a file, which is `file` of the
/// store; std::nullopt if it stays (it is small, external already, or of strings).
llvm::Expected<std::optional<TensorExtraction>> scanOnnxTensor(WeightStore &store, uint32_t file,
                                                               llvm::ArrayRef<char> bytes,
                                                               uint64_t begin, uint64_t end,
                                                               uint64_t maxInlineBytes);

} // namespace moec

#endif // MOEC_LIB_WEIGHTS_ONNXTENSORSCAN_H
