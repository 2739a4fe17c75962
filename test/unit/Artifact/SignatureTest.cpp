#include "moec/Artifact/Signature.h"

#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace moec;

namespace {

Signature example() {
  Signature signature;
  signature.symbols = {"batch", "", "?", "past + 1"};
  signature.inputs = {{"input_ids", MOEC_INT64, {-1, 256}}, {"past", MOEC_FLOAT16, {-1, -2, -3}}};
  signature.outputs = {{"logits", MOEC_FLOAT32, {-4, 0}}, {"count", MOEC_BOOL, {}}};
  return signature;
}

std::string print(const Signature &signature) {
  return formatv("{0}", json::Value(signature.toJSON()));
}

std::string fromText(StringRef text) {
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return "no JSON: " + toString(value.takeError());
  Expected<Signature> signature = Signature::fromJSON(*value->getAsObject());
  return signature ? "" : toString(signature.takeError());
}

} // namespace

TEST(Signature, JSON) {
  const std::string text = print(example());
  EXPECT_EQ(text,
            R"({"inputs":[{"name":"input_ids","shape":["batch",256],"type":"int64"},)"
            R"({"name":"past","shape":["batch","?1","?2"],"type":"float16"}],)"
            R"("outputs":[{"name":"logits","shape":["past + 1",0],"type":"float32"},)"
            R"({"name":"count","shape":[],"type":"bool"}],"symbols":["batch","","?","past + 1"]})");
  Expected<json::Value> value = json::parse(text);
  ASSERT_TRUE(bool(value));
  Expected<Signature> back = Signature::fromJSON(*value->getAsObject());
  ASSERT_TRUE(bool(back)) << toString(back.takeError());
  EXPECT_EQ(print(*back), text);
  EXPECT_EQ(back->inputs[1].shape[2], -3);
}

TEST(Signature, States) {
  Signature signature;
  signature.symbols = {"batch", "past"};
  StateSignature state;
  state.name = "past.0";
  state.type = MOEC_FLOAT32;
  state.shape = {-1, 2, -2, 8};
  state.output = "present.0";
  state.axis = 2;
  signature.states = {state};
  signature.stateCapacity = 64;
  const std::string text = print(signature);
  EXPECT_EQ(text, R"({"inputs":[],"outputs":[],"state_capacity":64,"states":[{"axis":2,)"
                  R"("name":"past.0","output":"present.0","shape":["batch",2,"past",8],)"
                  R"("type":"float32"}],"symbols":["batch","past"]})");
  Expected<json::Value> value = json::parse(text);
  ASSERT_TRUE(bool(value));
  Expected<Signature> back = Signature::fromJSON(*value->getAsObject());
  ASSERT_TRUE(bool(back)) << toString(back.takeError());
  EXPECT_EQ(print(*back), text);
  signature.stateCapacity = 0;
  EXPECT_EQ(toString(signature.verify()), "signature: states with room for 0 rows");
  signature.states[0].axis = 1;
  EXPECT_EQ(toString(signature.verify()),
            "signature: state 'past.0' grows along axis 1, which has no symbol");
  EXPECT_EQ(fromText(R"({"symbols":["n"],"inputs":[],"outputs":[],"states":[{"name":"s",)"
                     R"("type":"int64","shape":["n"]}]})"),
            "signature: state 's' lacks its output or axis");
}

TEST(Signature, RefusesWhatIsWrong) {
  auto errorOf = [](auto change) {
    Signature signature = example();
    change(signature);
    return toString(signature.verify());
  };
  EXPECT_EQ(errorOf([](Signature &) {}), "");
  EXPECT_EQ(errorOf([](Signature &s) { s.inputs[1].name = "input_ids"; }),
            "signature: two inputs named 'input_ids'");
  EXPECT_EQ(errorOf([](Signature &s) { s.symbols[3] = "batch"; }),
            "signature: two symbols named 'batch'");
  EXPECT_EQ(errorOf([](Signature &s) { s.outputs[0].shape[0] = -5; }),
            "signature: output 'logits' has no symbol 4");
  EXPECT_EQ(errorOf([](Signature &s) { s.outputs[0].shape.resize(17); }),
            "signature: output 'logits' has rank 17, the largest is 16");
  EXPECT_EQ(errorOf([](Signature &s) { s.outputs[0].type = moec_type(8); }),
            "signature: output 'logits' has unknown type 8");
}

TEST(Signature, RefusesWrongJSON) {
  EXPECT_EQ(fromText("{}"), "signature: no array \"symbols\"");
  EXPECT_EQ(fromText(R"({"symbols":[1]})"), "signature: a symbol is not a string");
  EXPECT_EQ(fromText(R"({"symbols":[]})"), "signature: no array \"inputs\"");
  EXPECT_EQ(fromText(R"({"symbols":[],"inputs":[1]})"),
            "signature: an element of \"inputs\" lacks its name, type or shape");
  EXPECT_EQ(fromText(R"({"symbols":[],"inputs":[{"name":"a","type":"int64","shape":[-1]}]})"),
            "signature: a size is neither an integer >= 0 nor a symbol");
  EXPECT_EQ(fromText(R"({"symbols":[],"inputs":[{"name":"a","type":"int64","shape":["n"]}]})"),
            "signature: unknown symbol 'n'");
  EXPECT_EQ(fromText(R"({"symbols":[],"inputs":[{"name":"a","type":"i","shape":[]}]})"),
            "signature: unknown type 'i'");
}

TEST(Signature, Types) {
  EXPECT_EQ(*typeName(MOEC_BFLOAT16), "bfloat16");
  EXPECT_EQ(*typeFromName("bool"), MOEC_BOOL);
  EXPECT_EQ(typeFromName("string"), std::nullopt);
  EXPECT_EQ(typeSize(MOEC_INT16), 2u);
  EXPECT_EQ(typeSize(8), 0u);
}
