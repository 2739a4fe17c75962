//===- PreTokenizer.h - Splitting text into words for byte-pair encoding -----------------*- C++
//-*-===//
//
// The regular expressions of tokenizer.json files as small scanners. Three styles cover the
// byte-level tokenizers in use; they differ in details of the same seven alternatives.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_LIB_CLIENT_PRETOKENIZER_H
#define MOEC_LIB_CLIENT_PRETOKENIZER_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <vector>

namespace moec {

enum class SplitStyle {
  None, ///< text is one word
  Gpt2,
  Qwen2, ///< single digits, any one character before letters, line ends apart
  Llama3 ///< as Qwen2 with up to three digits
};

/// The style of a regular expression, if it is one of those known.
std::optional<SplitStyle> splitStyleOf(llvm::StringRef regex);
/// The expression that the ByteLevel pre-tokenizer has built in.
llvm::StringRef gpt2Regex();

/// Splits UTF-8 text into words, which cover it without gaps.
std::vector<llvm::StringRef> splitWords(llvm::StringRef text, SplitStyle style);

/// Whether text is well-formed UTF-8.
bool isUtf8(llvm::StringRef text);

/// The code point at `position` of well-formed UTF-8 and the bytes it takes.
struct CodePoint {
  uint32_t value;
  size_t size;
};
CodePoint codePointAt(llvm::StringRef text, size_t position);

} // namespace moec

#endif // MOEC_LIB_CLIENT_PRETOKENIZER_H
