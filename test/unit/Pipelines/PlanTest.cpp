#include "moec/Pipelines/Plan.h"

#include "../Errors.h"
#include "moec/Pipelines/Compress.h"
#include "moec/Support/Json.h"
#include "passes/Compression/LayerPattern.h"
#include "passes/Compression/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "gtest/gtest.h"
#include <random>
#include <set>

using namespace moec;

namespace {

llvm::Expected<Plan> parse(llvm::StringRef text) {
  llvm::Expected<llvm::json::Value> json = parseJson(text);
  if (!json)
    return json.takeError();
  return Plan::fromJson(*json);
}

std::vector<std::string> pipelinesOf(llvm::Expected<Plan> plan) {
  EXPECT_EQ(errorOf(plan), "");
  std::vector<std::string> all;
  if (plan)
    for (const PlanStep &step : plan->steps)
      all.push_back(step.toPipeline());
  return all;
}

using Strings = std::vector<std::string>;

TEST(Plan, StepsBecomePipelines) {
  EXPECT_EQ(
      pipelinesOf(parse(R"({"version": 1, "steps": [
      {"pass": "prune-experts", "layers": "*.mlp", "ratio": 0.25, "score": "norm", "exact": false},
      {"pass": "prune-experts", "layers": ["a", "c"], "remove": [3, 7]},
      {"pass": "prune-neurons", "remove": ["0:1", "0:2"]},
      {"pass": "merge-factors", "tokens": 16}]})")),
      (Strings{R"(moe-prune-experts{layers="*.mlp" exact=false ratio=0.250000000 score=norm})",
               R"(moe-prune-experts{layers="a,c" remove=3,7})",
               R"(moe-prune-neurons{remove=0:1,0:2})", "moe-merge-factors{tokens=16}"}));
}

TEST(Plan, ShortFormsAreStepsInOrder) {
  EXPECT_EQ(
      pipelinesOf(Plan::fromShortForm("experts=25%:norm,ffn=lowrank:0.5,weights=int4:group=32")),
      (Strings{"moe-prune-experts{ratio=0.250000000 score=norm}",
               "moe-factorize-linear{form=lowrank kinds=experts,ffn ratio=0.500000000}",
               "moe-quantize-weights{format=int4 group=32}"}));
  EXPECT_EQ(
      pipelinesOf(Plan::fromShortForm("experts=exact, neurons=0.2:random:seed=3:layers=*.1.*")),
      (Strings{"moe-prune-experts{exact=true}",
               R"(moe-prune-neurons{layers="*.1.*" ratio=0.200000000 score=random seed=3})"}));
  EXPECT_EQ(
      pipelinesOf(Plan::fromShortForm("order=experts:norm,order=neurons:random:seed=5")),
      (Strings{"moe-permute-experts{score=norm}", "moe-permute-neurons{score=random seed=5}"}));
}

/// The only layers of a step as a pass reads them.
LayerPattern patternOf(const llvm::json::Value &layers) {
  auto plan = Plan::fromJson(llvm::json::Object{
      {"version", 1},
      {"steps",
       llvm::json::Array{llvm::json::Object{{"pass", "merge-factors"}, {"layers", layers}}}}});
  EXPECT_EQ(errorOf(plan), "");
  mlir::OpPassManager manager("builtin.module");
  EXPECT_EQ(errorOf(buildCompressPipeline(manager, *plan)), "");
  std::string text;
  llvm::raw_string_ostream stream(text);
  manager.getPasses().begin()->printAsTextualPipeline(stream);
  // What the pass has got, between "layers=" and the next option.
  llvm::StringRef value = llvm::StringRef(text).split("layers=").second.split(" tokens=").first;
  return llvm::cantFail(LayerPattern::create(value));
}

TEST(Plan, ListsNameLayersWhateverIsInTheirNames) {
  const llvm::StringRef names[] = {"a,b",      "{x}",    "}{",  "a*b",   "[0]", "\\",
                                   "a\\x2Cb",  "\"q\"",  "'s'", "a b=c", "#2",  "ü/ß",
                                   "\t\n\x01", "x{y,z}", "?",   "a]"};
  for (llvm::StringRef name : names)
    for (llvm::StringRef other : names)
      EXPECT_EQ(patternOf(llvm::json::Array{name}).match(other), name == other)
          << name.str() << " and " << other.str();
  LayerPattern all = patternOf(llvm::json::Array(names));
  for (llvm::StringRef name : names)
    EXPECT_TRUE(all.match(name)) << name.str();
  EXPECT_TRUE(all.checkAllMatched([](const llvm::Twine &) {}));
}

TEST(Plan, GlobsTakeBracesAndCommasAsTheyAre) {
  LayerPattern glob = patternOf("a{*},?[bc]");
  EXPECT_TRUE(glob.match("a{7},xb"));
  EXPECT_FALSE(glob.match("a{7}"));
  EXPECT_FALSE(glob.match("a{7},xd"));
  EXPECT_TRUE(patternOf("a\\*\\x2C*").match("a*,b"));
  EXPECT_FALSE(patternOf("a\\*\\x2C*").match("ab,b"));
  EXPECT_EQ(pipelinesOf(Plan::fromShortForm("merge=1:layers=a\\x2C\\x3A*")),
            (Strings{R"(moe-merge-factors{layers="a\x2C\x3A*" tokens=1})"}));
}

TEST(Plan, UnknownLayersAreNamedWithTheNearest) {
  LayerPattern pattern = llvm::cantFail(LayerPattern::create("model.layer.0,*.9,*,head"));
  for (llvm::StringRef name : {"model.layers.1", "model.layers.0", "lm_head", "other", "head"})
    pattern.match(name);
  Strings messages;
  EXPECT_FALSE(
      pattern.checkAllMatched([&](const llvm::Twine &text) { messages.push_back(text.str()); }));
  EXPECT_EQ(messages,
            (Strings{"'layers': no layer is called 'model.layer.0'; nearest of 5 are "
                     "'model.layers.0', 'model.layers.1', 'other'",
                     "'layers': no layer is called '*.9'; nearest of 5 are 'head', 'other', "
                     "'lm_head'"}));
}

TEST(Plan, SaysWhatIsWrongWithAStep) {
  const std::pair<const char *, const char *> cases[] = {
      {"[]", "a plan is an object with 'version' and a list of 'steps', found []"},
      {R"({"steps": {}})", "'version' is missing, expected 1, the version of plans known here\n"
                           "'steps' is {}, expected a list"},
      {R"({"version": 2, "steps": [3], "step": 1})",
       "there is no member 'step'; known are version, steps\n"
       "'version' is 2, expected 1, the version of plans known here\n"
       "step 0 is 3, expected an object"},
      {R"({"version": 1, "steps": [{"ratio": 1}, {"pass": 7}, {"pass": "prune-exports"}]})",
       "step 0: 'pass' is missing, expected one of factorize-linear, merge-factors, "
       "permute-experts, permute-neurons, prune-experts, prune-neurons, quantize-weights\n"
       "step 1: 'pass' is 7, expected one of factorize-linear, merge-factors, "
       "permute-experts, permute-neurons, prune-experts, prune-neurons, quantize-weights\n"
       "step 2: there is no pass \"prune-exports\", did you mean 'prune-experts'?"},
      {R"({"version": 1, "steps": [{"pass": "merge-factors", "layers": 3, "token": 1}]})",
       "step 0, 'merge-factors': 'layers' is 3, expected a glob of layers' names, or a list of "
       "names\n"
       "step 0, 'merge-factors': there is no option 'token', did you mean 'tokens'?"},
      {R"({"version": 1, "steps": [{"pass": "merge-factors", "layers": []},
                                   {"pass": "merge-factors", "layers": ["a", "", 1]}]})",
       "step 0, 'merge-factors': 'layers' is [], expected a glob of layers' names, or a list of "
       "names\n"
       "step 1, 'merge-factors': 'layers' has \"\" in it, expected a layer's name\n"
       "step 1, 'merge-factors': 'layers' has 1 in it, expected a layer's name"},
      {R"({"version": 1, "steps": [{"pass": "merge-factors", "tokens": 0, "always": 1},
                                   {"pass": "factorize-linear", "ratio": 0, "form": "low"},
                                   {"pass": "prune-neurons", "remove": ["1", 2], "seed": 1.5},
                                   {"pass": "quantize-weights", "group": 24, "kinds": []}]})",
       "step 0, 'merge-factors': 'always' is 1, expected true or false\n"
       "step 0, 'merge-factors': 'tokens' is 0, expected an integer from 1 on\n"
       "step 1, 'factorize-linear': 'form' is \"low\", expected lowrank, blockdense or monarch\n"
       "step 1, 'factorize-linear': 'ratio' is 0, expected a number above 0, up to 1\n"
       "step 2, 'prune-neurons': 'remove' is [\"1\",2], expected a list, of which each is "
       "EXPERT:UNIT\n"
       "step 2, 'prune-neurons': 'seed' is 1.5, expected an integer\n"
       "step 3, 'quantize-weights': 'group' is 24, expected 0, or a power of two from 16 on\n"
       "step 3, 'quantize-weights': 'kinds' is [], expected a list, of which each is experts, ffn, "
       "attention, head or embedding"}};
  for (auto [text, message] : cases)
    EXPECT_EQ(errorOf(parse(text)), message) << text;
}

TEST(Plan, SaysWhatIsWrongWithAShortForm) {
  const std::pair<const char *, const char *> cases[] = {
      {"experts", "'experts': found 0 values, expected a share such as 25%, and what to choose by"},
      {"experts=many",
       "'experts=many', 'prune-experts': 'ratio' is \"many\", expected a number from 0 to 1"},
      {"experts=120%",
       "'experts=120%', 'prune-experts': 'ratio' is 1.2, expected a number from 0 to 1"},
      {"experts=nan",
       "'experts=nan', 'prune-experts': 'ratio' is \"nan\", expected a number from 0 to 1"},
      {"experts=5%:norm:more", "'experts=5%:norm:more': found 3 values, expected a share such as "
                               "25%, and what to choose by"},
      {"ffn=lowrank", "'ffn=lowrank': found 1 values, expected FORM:RATIO, such as lowrank:0.5"},
      {"order", "'order': found 0 values, expected experts or neurons, and what to order by"},
      {"order=norm", "'order=norm': 'norm' has no order, expected experts or neurons"},
      {"order=experts:size",
       "'order=experts:size', 'permute-experts': 'score' is \"size\", expected norm or random"},
      {"weights=int8,,", "there is an empty item in 'weights=int8,,'\n"
                         "there is an empty item in 'weights=int8,,'"},
      {"merge=1:2", "'merge=1:2': found 2 values, expected one, the number of tokens"},
      {"weights=int8:group=32:group=64",
       "'weights=int8:group=32:group=64': 'group' stands in it twice"},
      {"weigths=int8,weights=i{4}:pass=x",
       "'weigths=int8': there is nothing 'weigths' to compress, did you mean 'weights'?\n"
       "'weights=i{4}:pass=x': there is no option 'pass'\n"
       "'weights=i{4}:pass=x', 'quantize-weights': 'format' is \"i{4}\", expected int8 or int4"}};
  for (auto [text, message] : cases)
    EXPECT_EQ(errorOf(Plan::fromShortForm(text)), message) << text;
}

TEST(Plan, KnowsTheOptionsOfThePasses) {
  registerCompressionPasses();
  for (const char *name : {"factorize-linear", "merge-factors", "prune-experts", "prune-neurons",
                           "quantize-weights"}) {
    // The pass's own list, as it is printed: NAME=VALUE, with blanks between them.
    mlir::OpPassManager manager("builtin.module");
    ASSERT_TRUE(mlir::succeeded(mlir::parsePassPipeline("moe-" + std::string(name), manager)));
    std::string text;
    llvm::raw_string_ostream stream(text);
    manager.getPasses().begin()->printAsTextualPipeline(stream);
    llvm::StringRef printed = llvm::StringRef(text).split('{').second.rsplit('}').first;
    llvm::SmallVector<llvm::StringRef> options;
    printed.split(options, ' ', -1, /*KeepEmpty=*/false);
    std::set<std::string> own;
    for (llvm::StringRef option : options)
      own.insert(option.split('=').first.trim("{}").str());
    // The plan's: what it says when there is an unknown one.
    std::string message = errorOf(Plan::fromJson(llvm::json::Object{
        {"version", 1},
        {"steps", llvm::json::Array{llvm::json::Object{{"pass", name}, {"unknownOption", 1}}}}}));
    llvm::SmallVector<llvm::StringRef> known;
    llvm::StringRef(message).split("known are ").second.split(known, ", ");
    std::set<std::string> planned;
    for (llvm::StringRef option : known)
      planned.insert(option.str());
    // Empty lists are not printed.
    for (const std::string &option : planned)
      if (mlir::OpPassManager other("builtin.module"); !own.count(option))
        EXPECT_TRUE(mlir::succeeded(
            mlir::parsePassPipeline("moe-" + std::string(name) + "{" + option + "=1}", other)))
            << name << " " << option;
    for (const std::string &option : own)
      EXPECT_TRUE(planned.count(option)) << name << " " << option;
  }
}

/// Changes, removes or repeats some bytes.
std::string mutate(std::string text, std::mt19937 &random) {
  static constexpr llvm::StringRef kBytes = "{}[]\",:=%*?\\x0129.-eE \x01\xff";
  for (unsigned i = 0, count = 1 + random() % 4; i < count && !text.empty(); ++i) {
    size_t at = random() % text.size();
    switch (random() % 3) {
    case 0:
      text[at] = kBytes[random() % kBytes.size()];
      break;
    case 1:
      text.erase(at, 1 + random() % 8);
      break;
    default:
      text.insert(at, text.substr(random() % text.size(), random() % 12));
    }
  }
  return text;
}

TEST(Plan, AnyTextIsAPlanThatPassesTakeOrAnError) {
  const char *shortForm = "experts=25%:norm:seed=3,neurons=20%:layers=*.mlp,ffn=lowrank:0.5,"
                          "merge=16,weights=int4:group=32:layers=a\\x2C*";
  const char *json = R"({"version": 1, "steps": [
      {"pass": "prune-experts", "layers": "*.mlp[0-9]", "ratio": 0.25, "exact": false},
      {"pass": "prune-neurons", "layers": ["a{,b", "c"], "remove": ["0:1", "0:2"]},
      {"pass": "quantize-weights", "kinds": ["experts", "head"], "group": 32}]})";
  std::mt19937 random(1);
  unsigned numPlans = 0;
  for (unsigned i = 0; i < 6000; ++i) {
    llvm::Expected<Plan> plan =
        i % 2 ? Plan::fromShortForm(mutate(shortForm, random)) : parse(mutate(json, random));
    if (!plan) {
      EXPECT_NE(llvm::toString(plan.takeError()), "");
      continue;
    }
    ++numPlans;
    mlir::OpPassManager manager("builtin.module");
    llvm::Error error = buildCompressPipeline(manager, *plan);
    EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
  }
  EXPECT_GT(numPlans, 100u);
}

TEST(Plan, ReplaysWhatWasDone) {
  auto decide = [](const char *pass, const char *layer, const char *verdict, int64_t number) {
    return llvm::json::Object{
        {"pass", pass},
        {"layer", layer},
        {"verdict", verdict},
        {"options", llvm::json::Object{{"remove", llvm::json::Array{1, number}}}}};
  };
  llvm::json::Array decisions{
      decide("prune-experts", "mlp", "done", 2), decide("prune-experts", "other", "refused", 2),
      decide("prune-experts", "b", "done", 3), decide("prune-experts", "c", "done", 2),
      decide("prune-experts", "mlp", "done", 2)};
  EXPECT_EQ(pipelinesOf(Plan::fromJson(Plan::replay(decisions))),
            (Strings{R"(moe-prune-experts{layers="mlp,c" remove=1,2})",
                     R"(moe-prune-experts{layers="b" remove=1,3})",
                     R"(moe-prune-experts{layers="mlp" remove=1,2})"}));
}

TEST(Plan, NothingDoneIsNothingToDoAgain) {
  EXPECT_EQ(pipelinesOf(Plan::fromJson(Plan::replay({}))), Strings{});
}

} // namespace
