//===- Tokenizer.h - Text to token ids and back ------------------------------------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_TOKENIZER_H
#define MOEC_CLIENT_TOKENIZER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <memory>
#include <string>
#include <vector>

namespace moec {

/// A byte-level BPE tokenizer from a Hugging Face tokenizer.json: what GPT-2, Qwen 2/3 and Llama 3
/// use. Loading refuses files whose parts mean something else, naming the part.
///
/// One limit: where the file asks for NFC, text beyond U+02FF, which NFC might change, is an error
/// of `encode`.
class Tokenizer {
public:
  struct Data;

  static llvm::Expected<Tokenizer> fromFile(llvm::StringRef path);
  static llvm::Expected<Tokenizer> fromJson(const llvm::json::Value &json);
  Tokenizer(Tokenizer &&);
  ~Tokenizer();

  /// Token ids of well-formed UTF-8 text, with what the file's template puts around it (a first
  /// token, say). Names of added tokens in the text become these tokens.
  llvm::Expected<std::vector<int64_t>> encode(llvm::StringRef text) const;

  /// The bytes of one token; a character may be spread over several tokens. "" for ids that have
  /// none.
  llvm::StringRef decode(int64_t id) const;

  /// Whether the token is a mark (end of text, say) rather than text.
  bool isSpecial(int64_t id) const;

private:
  explicit Tokenizer(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data;
};

} // namespace moec

#endif // MOEC_CLIENT_TOKENIZER_H
