//===- TokenizerTest.cpp - Text to token ids and back
//----------------------------------------------===//
//
// Inputs/tokens.json holds texts and their ids from Hugging Face's tokenizers 0.23.3, for the
// tokenizer of moe-mini as it is and with other pre-tokenizers.
//
//===----------------------------------------------------------------------------------------------===//
#include "moec/Client/Tokenizer.h"

#include "moec/Support/Json.h"
#include "test/unit/Errors.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace moec;

namespace {

json::Value readSource(StringRef path) {
  return cantFail(readJsonFile((MOEC_TEST_DIR + path).str()));
}

json::Value parse(StringRef text) { return cantFail(parseJson(text)); }

class TokenizerTest : public ::testing::Test {
protected:
  TokenizerTest() : file(readSource("/models/moe-mini/tokenizer.json")) {}

  json::Object &root() { return *file.getAsObject(); }
  json::Object &model() { return *root().getObject("model"); }

  void splitBy(StringRef regex) {
    root()["pre_tokenizer"] =
        json::Object{{"type", "Sequence"},
                     {"pretokenizers",
                      json::Array{json::Object{{"type", "Split"},
                                               {"pattern", json::Object{{"Regex", regex.str()}}},
                                               {"behavior", "Isolated"},
                                               {"invert", false}},
                                  json::Object{{"type", "ByteLevel"},
                                               {"add_prefix_space", false},
                                               {"use_regex", false}}}}};
  }

  void expectGolden(StringRef variant) {
    Expected<Tokenizer> tokenizer = Tokenizer::fromJson(file);
    ASSERT_EQ(errorOf(tokenizer), "");
    json::Value golden = readSource("/unit/Client/Inputs/tokens.json");
    const json::Array &texts = *golden.getAsObject()->getArray("texts");
    const json::Array &ids = *golden.getAsObject()->getArray(variant);
    for (size_t i = 0; i < texts.size(); ++i) {
      StringRef text = *texts[i].getAsString();
      Expected<std::vector<int64_t>> found = tokenizer->encode(text);
      ASSERT_EQ(errorOf(found), "");
      std::vector<int64_t> expected;
      for (const json::Value &id : *ids[i].getAsArray())
        expected.push_back(*id.getAsInteger());
      EXPECT_EQ(*found, expected) << variant.str() << ": " << text.str();
      if (variant == "prefix" || variant == "template")
        continue; // which add to the text
      std::string back;
      for (int64_t id : *found)
        back += tokenizer->decode(id);
      EXPECT_EQ(back, text);
    }
  }

  std::string loadError() { return errorOf(Tokenizer::fromJson(file)); }

  json::Value file;
  std::string head = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
  std::string tail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
};

TEST_F(TokenizerTest, encodesAsGpt2) { expectGolden("gpt2"); }

TEST_F(TokenizerTest, encodesAsQwen2) {
  splitBy(head + tail);
  expectGolden("qwen2");
}

TEST_F(TokenizerTest, encodesAsLlama3) {
  splitBy(head + "{1,3}" + tail);
  expectGolden("llama3");
}

TEST_F(TokenizerTest, putsABlankInFront) {
  root()["pre_tokenizer"] = json::Object{{"type", "ByteLevel"}, {"add_prefix_space", true}};
  expectGolden("prefix");
}

TEST_F(TokenizerTest, takesWholeWordsAndTemplates) {
  splitBy(head + tail);
  model()["ignore_merges"] = true;
  root()["post_processor"] = parse(R"({"type": "Sequence", "processors": [
      {"type": "ByteLevel"},
      {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<|endoftext|>"}}, {"Sequence": {"id": "A"}}],
       "special_tokens": {"<|endoftext|>": {"ids": [0]}}}]})");
  expectGolden("template");
}

TEST_F(TokenizerTest, readsMergesOfBothForms) {
  json::Array joined;
  for (const json::Value &merge : *model().getArray("merges")) {
    const json::Array &pair = *merge.getAsArray();
    joined.push_back((*pair[0].getAsString() + " " + *pair[1].getAsString()).str());
  }
  model()["merges"] = std::move(joined);
  expectGolden("gpt2");
}

TEST_F(TokenizerTest, encodesLongWordsFast) {
  Expected<Tokenizer> tokenizer = Tokenizer::fromJson(file);
  ASSERT_EQ(errorOf(tokenizer), "");
  // One word of a million letters, every three of which merge.
  constexpr size_t count = 1 << 18;
  std::string word;
  for (size_t i = 0; i < count; ++i)
    word += "ing";
  Expected<std::vector<int64_t>> ids = tokenizer->encode(word);
  ASSERT_EQ(errorOf(ids), "");
  EXPECT_EQ(ids->size(), count);
}

TEST_F(TokenizerTest, knowsSpecialTokens) {
  Expected<Tokenizer> tokenizer = Tokenizer::fromJson(file);
  ASSERT_EQ(errorOf(tokenizer), "");
  EXPECT_TRUE(tokenizer->isSpecial(0));
  EXPECT_FALSE(tokenizer->isSpecial(100));
  EXPECT_EQ(tokenizer->decode(0), "<|endoftext|>");
  EXPECT_EQ(tokenizer->decode(-1), "");
  EXPECT_EQ(tokenizer->decode(1 << 30), "");
}

TEST_F(TokenizerTest, refusesTextItCannotEncode) {
  Expected<Tokenizer> tokenizer = Tokenizer::fromJson(file);
  ASSERT_EQ(errorOf(tokenizer), "");
  EXPECT_EQ(errorOf(tokenizer->encode("a\xff")), "the text is not UTF-8");
  EXPECT_EQ(errorOf(tokenizer->encode("\xed\xa0\x80")), "the text is not UTF-8");

  root()["normalizer"] = json::Object{{"type", "NFC"}};
  Expected<Tokenizer> composing = Tokenizer::fromJson(file);
  ASSERT_EQ(errorOf(composing), "");
  EXPECT_EQ(errorOf(composing->encode("caf\u00e9")), "");
  EXPECT_EQ(errorOf(composing->encode("cafe\u0301")),
            "the tokenizer wants text in Unicode normal form C, which is not supported for "
            "characters from U+0300 on");
}

TEST_F(TokenizerTest, refusesOtherTokenizers) {
  auto with = [&](json::Object &object, StringRef key, json::Value value) {
    json::Value before = object[key];
    object[key] = std::move(value);
    std::string error = loadError();
    object[key] = std::move(before);
    return error;
  };
  EXPECT_EQ(with(model(), "type", "Unigram"), "tokenizer with model Unigram is not supported");
  EXPECT_EQ(with(model(), "byte_fallback", true),
            "tokenizer with BPE byte_fallback is not supported");
  EXPECT_EQ(with(model(), "dropout", 0.1), "tokenizer with BPE dropout is not supported");
  EXPECT_EQ(with(model(), "merges", nullptr), "model needs vocab and merges");
  EXPECT_EQ(with(model(), "merges", parse(R"(["a zzzz"])")),
            "merge of 'a' and 'zzzz': one of these or the result is not in vocab");
  EXPECT_EQ(with(*model().getObject("vocab"), "x", -5),
            "id of token 'x' is not an integer from 0 to 16777215");
  EXPECT_EQ(with(root(), "normalizer", parse(R"({"type": "Lowercase"})")),
            "tokenizer with normalizer Lowercase is not supported");
  EXPECT_EQ(with(root(), "decoder", nullptr), "tokenizer with decoder null is not supported");
  EXPECT_EQ(with(root(), "pre_tokenizer", parse(R"({"type": "Whitespace"})")),
            "tokenizer with pre-tokenizer Whitespace is not supported");
  EXPECT_EQ(with(root(), "post_processor", parse(R"({"type": "BertProcessing"})")),
            "tokenizer with post-processor BertProcessing is not supported");
  EXPECT_EQ(with(root(), "added_tokens",
                 parse(R"([{"id": 0, "content": "<|endoftext|>", "lstrip": true}])")),
            "tokenizer with added token '<|endoftext|>' with lstrip is not supported");
  splitBy(R"(\d+)");
  EXPECT_EQ(loadError(), "tokenizer with pre-tokenizer splitting by '\\d+' is not supported");
}

} // namespace
