//===- OnnxWireScan.h - Separate a model from its weights before parsing it ------===//
//
// The ONNX library copies the weights of a file several times. So before it sees a model, this
// walks the protobuf wire format of the mapped file and makes a skeleton: the same message, with
// every large tensor payload taken out and referred to. In the skeleton such a tensor has no data
// fields but
//
//   data_location: EXTERNAL
//   external_data: { key: "location" value: "moec:<nonce>:<index>" }
//
// where the nonce is random for each scan, so that no file can contain a valid reference. Tensors
// are looked for wherever they may be: initializers, sparse ones, attributes of nodes, subgraphs at
// any depth, model-local functions, training info.
//
//===----------------------------------------------------------------------------===//
#ifndef MOEC_WEIGHTS_ONNXWIRESCAN_H
#define MOEC_WEIGHTS_ONNXWIRESCAN_H

#include "moec/Weights/WeightStore.h"

namespace moec {

struct OnnxWireLimits {
  uint64_t maxBytes = uint64_t(2) << 30; ///< of the file, as protobuf's own limit
  unsigned maxDepth = 100;               ///< of messages within the ModelProto
  uint64_t maxNodes = 1'000'000;         ///< of all graphs and functions
  uint64_t maxInlineBytes = 1024;        ///< payloads up to this stay in the skeleton
};

/// The elements of one tensor as they would be in raw_data: row-major, little-endian, types of
/// under a byte packed from the low bits. The size agrees with type and dims.
struct OnnxPayload {
  WeightRange range;
};

struct OnnxSkeleton {
  std::string bytes; ///< a serialised ModelProto
  std::vector<OnnxPayload> payloads;
  std::string nonce;
  uint64_t numNodes = 0;   ///< of all graphs and functions, as they stand in the file
  uint64_t numTensors = 0; ///< everywhere, small ones included

  /// The payload that a `location` refers to; nullopt if this scan did not write it.
  std::optional<uint32_t> payloadIndex(llvm::StringRef location) const;
};

/// Whether the bytes are fields of a ModelProto with a graph among them: enough to tell a model
/// from text or bytecode without a file name. Looks at the outermost fields only.
bool isOnnxModel(llvm::ArrayRef<char> bytes);

/// Scans the ModelProto in a file of the store. raw_data, float_data and double_data become ranges
/// of that file; what is encoded element by element (int32_data, int64_data, uint64_data, unpacked
/// fields) is decoded to the width of the type and spilled. Strings stay in the skeleton.
///
/// Whatever the bytes, the result is a skeleton or an error that says at which byte; of a large
/// tensor these are errors, too: a size that does not agree with type and dims, several data
/// fields, a field that is not for the type, elements that do not fit it, external data beside
/// inline data. Contents of messages that cannot contain tensors are not looked at: that is the
/// parser's part.
llvm::Expected<OnnxSkeleton> scanOnnxModel(WeightStore &store, uint32_t file,
                                           const OnnxWireLimits &limits = {});

} // namespace moec

#endif // MOEC_WEIGHTS_ONNXWIRESCAN_H
