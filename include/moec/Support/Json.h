//===- Json.h - Reading JSON that others wrote -------------------------------------------*- C++
//-*-===//
#ifndef MOEC_SUPPORT_JSON_H
#define MOEC_SUPPORT_JSON_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace moec {

/// Parses untrusted JSON: LLVM's parser recurses, so text nested deeper than `maxDepth` is an error
/// before it starts. Not UTF-8 is an error too.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text, unsigned maxDepth = 64);

/// Reads a regular file of at most `maxBytes` and parses it. Errors start with the path.
llvm::Expected<llvm::json::Value> readJsonFile(llvm::StringRef path,
                                               uint64_t maxBytes = uint64_t(256) << 20);

} // namespace moec

#endif // MOEC_SUPPORT_JSON_H
