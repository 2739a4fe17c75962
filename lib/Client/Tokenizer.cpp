//===- Tokenizer.cpp - Text to token ids and back
//--------------------------------------------------===//
#include "moec/Client/Tokenizer.h"

#include "TokenizerData.h"
#include "moec/Support/Json.h"

using namespace llvm;

namespace moec {
namespace {

/// The first added token in the text from `begin` on; of those at one place the longest.
struct AddedMatch {
  size_t position = StringRef::npos;
  size_t size = 0;
  uint32_t id = 0;
};

AddedMatch findAdded(const Tokenizer::Data &data, StringRef text, size_t begin) {
  AddedMatch best;
  for (const auto &[content, id] : data.addedTokens) {
    size_t position = text.find(content, begin);
    if (position < best.position ||
        (position == best.position && content.size() > best.size && position != StringRef::npos))
      best = {position, content.size(), id};
  }
  return best;
}

/// The part of a text between added tokens.
Error encodePart(const Tokenizer::Data &data, StringRef text, std::vector<int64_t> &ids) {
  std::string prefixed;
  if (data.addPrefixSpace && !text.empty() && !text.starts_with(" ")) {
    prefixed = (" " + text).str();
    text = prefixed;
  }
  std::vector<uint32_t> tokens;
  for (StringRef word : splitWords(text, data.style)) {
    if (data.ignoreMerges)
      if (auto whole = data.wholeWords.find(word); whole != data.wholeWords.end()) {
        ids.push_back(whole->second);
        continue;
      }
    tokens.clear();
    for (uint8_t byte : word.bytes()) {
      if (!data.byteTokens[byte])
        return createStringError("the tokenizer has no token for byte " + Twine(int(byte)));
      tokens.push_back(*data.byteTokens[byte]);
    }
    data.pairs.apply(tokens);
    ids.insert(ids.end(), tokens.begin(), tokens.end());
  }
  return Error::success();
}

} // namespace

Tokenizer::Tokenizer(std::unique_ptr<Data> data) : data(std::move(data)) {}
Tokenizer::Tokenizer(Tokenizer &&) = default;
Tokenizer::~Tokenizer() = default;

Expected<Tokenizer> Tokenizer::fromJson(const json::Value &json) {
  Expected<std::unique_ptr<Data>> data = readTokenizerData(json);
  if (!data)
    return data.takeError();
  return Tokenizer(std::move(*data));
}

Expected<Tokenizer> Tokenizer::fromFile(StringRef path) {
  Expected<json::Value> json = readJsonFile(path);
  if (!json)
    return json.takeError();
  Expected<Tokenizer> tokenizer = fromJson(*json);
  if (!tokenizer)
    return createStringError(path + ": " + toString(tokenizer.takeError()));
  return tokenizer;
}

Expected<std::vector<int64_t>> Tokenizer::encode(StringRef text) const {
  if (!isUtf8(text))
    return createStringError("the text is not UTF-8");
  if (data->needsNfc)
    for (size_t i = 0; i < text.size(); i += codePointAt(text, i).size)
      if (codePointAt(text, i).value >= 0x300) // below, every character is its own NFC
        return createStringError("the tokenizer wants text in Unicode normal form C, which is not "
                                 "supported for characters from U+0300 on");

  std::vector<int64_t> ids = data->prefix;
  for (size_t begin = 0; begin < text.size();) {
    AddedMatch added = findAdded(*data, text, begin);
    if (Error error = encodePart(*data, text.slice(begin, added.position), ids))
      return std::move(error);
    if (added.position == StringRef::npos)
      break;
    ids.push_back(added.id);
    begin = added.position + added.size;
  }
  ids.insert(ids.end(), data->suffix.begin(), data->suffix.end());
  return ids;
}

StringRef Tokenizer::decode(int64_t id) const {
  return id >= 0 && id < int64_t(data->bytes.size()) ? StringRef(data->bytes[id]) : "";
}

bool Tokenizer::isSpecial(int64_t id) const { return data->special.contains(id); }

} // namespace moec
