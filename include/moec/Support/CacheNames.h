//===- CacheNames.h - The names that exporters give to caches ---------------------------*- C++
//-*-===//
#ifndef MOEC_SUPPORT_CACHENAMES_H
#define MOEC_SUPPORT_CACHENAMES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace moec {

/// Whether an input of this name is a cache: past_key_values.0.key,
/// input.past_key_values.layers.0.keys.
bool isCacheName(llvm::StringRef name);

/// The names an exporter may have given to the cache that comes out for `past`.
llvm::SmallVector<std::string, 3> presentNames(llvm::StringRef past);

} // namespace moec

#endif // MOEC_SUPPORT_CACHENAMES_H
