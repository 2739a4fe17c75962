//===- TokenizerData.cpp - What a tokenizer.json says
//----------------------------------------------===//
#include "TokenizerData.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace llvm;

namespace moec {
namespace {

/// No vocabulary is larger; ids are indices of a table here.
constexpr int64_t maxTokens = 1 << 24;

/// GPT-2's spelling of bytes as printable characters: those that are printable stand for
/// themselves, the others, in order, for U+0100 and on. The result is indexed by code point.
std::array<std::optional<uint8_t>, 0x144> bytesOfCharacters() {
  std::array<std::optional<uint8_t>, 0x144> result;
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
    result[printable ? byte : next++] = uint8_t(byte);
  }
  return result;
}

StringRef typeOf(const json::Object &object) { return object.getString("type").value_or(""); }

Error unsupported(StringRef part, const Twine &what) {
  return createStringError("tokenizer with " + part + " " + what + " is not supported");
}

/// Whether a member is there and says something: neither null, false, 0 nor "".
bool isSet(const json::Object &object, StringRef key) {
  const json::Value *value = object.get(key);
  if (!value || value->getAsNull() || value->getAsString() == StringRef(""))
    return false;
  if (std::optional<bool> flag = value->getAsBoolean())
    return *flag;
  return value->getAsNumber() != 0.0;
}

class Reader {
public:
  explicit Reader(const json::Object &root)
      : root(root), data(std::make_unique<Tokenizer::Data>()), characterBytes(bytesOfCharacters()) {
  }

  Expected<std::unique_ptr<Tokenizer::Data>> read() {
    if (Error error = readNormalizer())
      return std::move(error);
    if (Error error = readPreTokenizer())
      return std::move(error);
    if (Error error = readModel())
      return std::move(error);
    if (Error error = readAddedTokens())
      return std::move(error);
    if (const json::Object *processor = root.getObject("post_processor"))
      if (Error error = readPostProcessor(*processor))
        return std::move(error);
    const json::Object *decoder = root.getObject("decoder");
    if (!decoder || typeOf(*decoder) != "ByteLevel")
      return unsupported("decoder", decoder ? typeOf(*decoder) : "null");
    return std::move(data);
  }

private:
  Error readNormalizer() {
    const json::Object *normalizer = root.getObject("normalizer");
    if (!normalizer)
      return Error::success();
    if (typeOf(*normalizer) != "NFC")
      return unsupported("normalizer", typeOf(*normalizer));
    data->needsNfc = true;
    return Error::success();
  }

  /// ByteLevel alone, or a Split by a known expression before a ByteLevel without its own.
  Error readPreTokenizer() {
    const json::Object *pre = root.getObject("pre_tokenizer");
    if (!pre)
      return unsupported("pre-tokenizer", "null");
    const json::Object *split = nullptr;
    if (typeOf(*pre) == "Sequence") {
      const json::Array *parts = pre->getArray("pretokenizers");
      const json::Object *first = parts && parts->size() == 2 ? (*parts)[0].getAsObject() : nullptr;
      const json::Object *second = first ? (*parts)[1].getAsObject() : nullptr;
      if (!second || typeOf(*first) != "Split")
        return unsupported("pre-tokenizer", "Sequence of other than Split and ByteLevel");
      split = first;
      pre = second;
    }
    if (typeOf(*pre) != "ByteLevel")
      return unsupported("pre-tokenizer", typeOf(*pre));
    data->addPrefixSpace = isSet(*pre, "add_prefix_space");
    bool ownExpression = pre->getBoolean("use_regex").value_or(true);
    if (!split) {
      data->style = ownExpression ? SplitStyle::Gpt2 : SplitStyle::None;
      return Error::success();
    }
    const json::Object *pattern = split->getObject("pattern");
    StringRef regex = pattern ? pattern->getString("Regex").value_or("") : "";
    std::optional<SplitStyle> style = splitStyleOf(regex);
    if (!style || ownExpression || data->addPrefixSpace || isSet(*split, "invert") ||
        split->getString("behavior") != StringRef("Isolated"))
      return unsupported("pre-tokenizer", "splitting by '" + regex.take_front(200) + "'");
    data->style = *style;
    return Error::success();
  }

  /// The bytes that a token's spelling stands for.
  std::optional<std::string> bytesOf(StringRef spelling) const {
    std::string result;
    for (size_t i = 0; i < spelling.size();) {
      CodePoint c = codePointAt(spelling, i); // the JSON parser has checked UTF-8
      if (c.value >= characterBytes.size() || !characterBytes[c.value])
        return std::nullopt;
      result += char(*characterBytes[c.value]);
      i += c.size;
    }
    return result;
  }

  Error addToken(StringRef spelling, std::optional<int64_t> id) {
    if (!id || *id < 0 || *id >= maxTokens)
      return createStringError("id of token '" + spelling + "' is not an integer from 0 to " +
                               Twine(maxTokens - 1));
    if (size_t(*id) >= data->bytes.size())
      data->bytes.resize(*id + 1);
    // Spellings outside the alphabet are those of added tokens, which stand for themselves.
    std::optional<std::string> bytes = bytesOf(spelling);
    if (bytes && bytes->size() == 1)
      data->byteTokens[uint8_t((*bytes)[0])] = uint32_t(*id);
    if (bytes && data->ignoreMerges)
      data->wholeWords[*bytes] = uint32_t(*id);
    data->bytes[*id] = bytes ? std::move(*bytes) : spelling.str();
    vocabulary[spelling] = uint32_t(*id);
    return Error::success();
  }

  Error readModel() {
    const json::Object *model = root.getObject("model");
    // Old files do not name the model's type.
    if (!model || (typeOf(*model) != "BPE" && !typeOf(*model).empty()))
      return unsupported("model", model ? typeOf(*model) : "null");
    for (StringRef option :
         {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"})
      if (isSet(*model, option))
        return unsupported("BPE", option);
    data->ignoreMerges = isSet(*model, "ignore_merges");
    const json::Object *tokens = model->getObject("vocab");
    const json::Array *merges = model->getArray("merges");
    if (!tokens || !merges)
      return createStringError("model needs vocab and merges");
    for (const auto &[spelling, id] : *tokens)
      if (Error error = addToken(spelling, id.getAsInteger()))
        return error;
    for (const json::Value &merge : *merges)
      if (Error error = addMerge(merge))
        return error;
    return Error::success();
  }

  /// "left right", or in newer files ["left", "right"].
  Error addMerge(const json::Value &merge) {
    StringRef left, right;
    if (std::optional<StringRef> text = merge.getAsString()) {
      std::tie(left, right) = text->split(' ');
    } else if (const json::Array *pair = merge.getAsArray(); pair && pair->size() == 2) {
      left = (*pair)[0].getAsString().value_or("");
      right = (*pair)[1].getAsString().value_or("");
    }
    auto leftId = vocabulary.find(left), rightId = vocabulary.find(right),
         merged = vocabulary.find((left + right).str());
    if (leftId == vocabulary.end() || rightId == vocabulary.end() || merged == vocabulary.end())
      return createStringError("merge of '" + left + "' and '" + right +
                               "': one of these or the result is not in vocab");
    data->pairs.add(leftId->second, rightId->second, merged->second);
    return Error::success();
  }

  Error readAddedTokens() {
    const json::Array *tokens = root.getArray("added_tokens");
    if (!tokens)
      return Error::success();
    for (const json::Value &value : *tokens) {
      const json::Object *token = value.getAsObject();
      std::optional<StringRef> content = token ? token->getString("content") : std::nullopt;
      if (!content || content->empty())
        return createStringError("added token without content");
      for (StringRef option : {"single_word", "lstrip", "rstrip"})
        if (isSet(*token, option))
          return unsupported("added token '" + content->str() + "' with", option);
      std::optional<int64_t> id = token->getInteger("id");
      if (!vocabulary.contains(*content) || vocabulary.lookup(*content) != id)
        if (Error error = addToken(*content, id))
          return error;
      data->bytes[*id] = content->str();
      data->addedTokens.emplace_back(content->str(), uint32_t(*id));
      if (isSet(*token, "special"))
        data->special.insert(*id);
    }
    return Error::success();
  }

  /// Only TemplateProcessing changes the tokens of a text; ByteLevel is about offsets.
  Error readPostProcessor(const json::Object &processor) {
    StringRef type = typeOf(processor);
    if (type == "ByteLevel")
      return Error::success();
    if (type == "TemplateProcessing")
      return readTemplate(processor);
    const json::Array *parts = processor.getArray("processors");
    if (type != "Sequence" || !parts)
      return unsupported("post-processor", type);
    for (const json::Value &part : *parts) {
      const json::Object *object = part.getAsObject();
      if (!object || typeOf(*object) == "Sequence") // not nested by any tool
        return unsupported("post-processor", "Sequence of other than processors");
      if (Error error = readPostProcessor(*object))
        return error;
    }
    return Error::success();
  }

  Error readTemplate(const json::Object &processor) {
    const json::Array *single = processor.getArray("single");
    if (!single)
      return createStringError("post-processor's template for single texts is missing");
    bool behindText = false;
    for (const json::Value &value : *single) {
      const json::Object *part = value.getAsObject();
      if (part && part->getObject("Sequence")) {
        behindText = true;
        continue;
      }
      const json::Object *token = part ? part->getObject("SpecialToken") : nullptr;
      StringRef name = token ? token->getString("id").value_or("") : "";
      const json::Object *known = processor.getObject("special_tokens");
      known = known ? known->getObject(name) : nullptr;
      const json::Array *ids = known ? known->getArray("ids") : nullptr;
      if (!ids)
        return createStringError("post-processor's template names the unknown token '" + name +
                                 "'");
      for (const json::Value &id : *ids)
        (behindText ? data->suffix : data->prefix).push_back(id.getAsInteger().value_or(0));
    }
    return Error::success();
  }

  const json::Object &root;
  std::unique_ptr<Tokenizer::Data> data;
  std::array<std::optional<uint8_t>, 0x144> characterBytes;
  StringMap<uint32_t> vocabulary; ///< by spelling
};

} // namespace

Expected<std::unique_ptr<Tokenizer::Data>> readTokenizerData(const json::Value &json) {
  const json::Object *root = json.getAsObject();
  if (!root)
    return createStringError("not a tokenizer.json: no JSON object");
  return Reader(*root).read();
}

} // namespace moec
