//===- TokenizerData.h - What a tokenizer.json says --------------------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_CLIENT_TOKENIZERDATA_H
#define MOEC_LIB_CLIENT_TOKENIZERDATA_H

#include "BytePairs.h"
#include "PreTokenizer.h"
#include "moec/Client/Tokenizer.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"

#include <array>
#include <optional>

namespace moec {

struct Tokenizer::Data {
  bool needsNfc = false;
  SplitStyle style = SplitStyle::None;
  bool addPrefixSpace = false;
  /// A word that is a token by itself is not put together from its bytes.
  bool ignoreMerges = false;
  BytePairs pairs;
  std::array<std::optional<uint32_t>, 256> byteTokens;
  llvm::StringMap<uint32_t> wholeWords; ///< tokens by their bytes; only with ignoreMerges
  std::vector<std::string> bytes;       ///< by id
  std::vector<std::pair<std::string, uint32_t>> addedTokens;
  llvm::DenseSet<int64_t> special;
  std::vector<int64_t> prefix, suffix; ///< tokens that the template puts around a text
};

/// Reads the parsed file; what it does not support is an error that names the part.
llvm::Expected<std::unique_ptr<Tokenizer::Data>> readTokenizerData(const llvm::json::Value &json);

} // namespace moec

#endif // MOEC_LIB_CLIENT_TOKENIZERDATA_H
