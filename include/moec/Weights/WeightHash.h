//===- WeightHash.h - SHA-256 of files and ranges of a store ---------------------===//
#ifndef MOEC_WEIGHTS_WEIGHTHASH_H
#define MOEC_WEIGHTS_WEIGHTHASH_H

#include "moec/Support/Sha256.h"
#include "moec/Weights/WeightStore.h"

namespace moec {

llvm::Expected<Sha256Digest> sha256Range(const WeightStore &store, WeightRange range);

/// The hash that names a model: of one file, what sha256sum prints for it; of several, the SHA-256
/// of their digests one after the other, in this order.
llvm::Expected<Sha256Digest> sha256Files(const WeightStore &store, llvm::ArrayRef<uint32_t> files);

} // namespace moec

#endif // MOEC_WEIGHTS_WEIGHTHASH_H
