//===- WeightHash.h - SHA-256 of files and ranges of a store ---------------------===//
#ifndef MOEC_WEIGHTS_WEIGHTHASH_H
#define MOEC_WEIGHTS_WEIGHTHASH_H

#include "moec/Weights/WeightStore.h"

#include <array>

namespace moec {

using Sha256Digest = std::array<uint8_t, 32>;

llvm::Expected<Sha256Digest> sha256Range(const WeightStore &store, WeightRange range);

/// The hash that names a model: of one file, what sha256sum prints for it; of several, the SHA-256
/// of their digests one after the other, in this order.
llvm::Expected<Sha256Digest> sha256Files(const WeightStore &store, llvm::ArrayRef<uint32_t> files);

} // namespace moec

#endif // MOEC_WEIGHTS_WEIGHTHASH_H
