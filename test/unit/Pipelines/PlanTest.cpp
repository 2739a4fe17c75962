#include "moec/Pipelines/Plan.h"

#include "../Errors.h"
#include "moec/Support/Json.h"
#include "gtest/gtest.h"

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
      for (std::string &pipeline : step.toPipelines())
        all.push_back(std::move(pipeline));
  return all;
}

using Strings = std::vector<std::string>;

TEST(Plan, StepsBecomePipelines) {
  EXPECT_EQ(
      pipelinesOf(parse(R"({"version": 1, "steps": [
      {"pass": "prune-experts", "layers": "*.mlp", "ratio": 0.25, "score": "norm", "exact": false},
      {"pass": "prune-experts", "layers": ["a*b", "c"], "remove": [3, 7]},
      {"pass": "prune-neurons", "remove": ["0:1", "0:2"]},
      {"pass": "merge-factors", "tokens": 16}]})")),
      (Strings{R"(moe-prune-experts{layers="*.mlp" exact=false ratio=0.250000000 score="norm"})",
               R"(moe-prune-experts{layers="c" remove=3,7})",
               R"(moe-prune-experts{layers="a\*b" remove=3,7})",
               R"(moe-prune-neurons{remove="0:1,0:2"})", "moe-merge-factors{tokens=16}"}));
}

TEST(Plan, ShortFormsAreStepsInOrder) {
  EXPECT_EQ(
      pipelinesOf(Plan::fromShortForm("experts=25%:norm,ffn=lowrank:0.5,weights=int4:group=32")),
      (Strings{"moe-prune-experts{ratio=0.250000000 score=norm}",
               "moe-factorize-linear{form=lowrank ratio=0.500000000 kinds=experts,ffn}",
               "moe-quantize-weights{format=int4 group=32}"}));
  EXPECT_EQ(
      pipelinesOf(Plan::fromShortForm("experts=exact, neurons=0.2:random:seed=3:layers=*.1.*")),
      (Strings{"moe-prune-experts{exact=true}",
               R"(moe-prune-neurons{layers="*.1.*" ratio=0.200000000 score=random seed=3})"}));
}

TEST(Plan, SaysWhatIsWrongWithAStep) {
  const std::pair<const char *, const char *> cases[] = {
      {"[]", "a plan is an object with a list of 'steps'"},
      {R"({"steps": []})", "'version' is missing or not 1, the version of plans known here"},
      {R"({"version": 1, "steps": [3]})", "step 0 is no object"},
      {R"({"version": 1, "steps": [{"ratio": 1}]})",
       "step 0: 'pass' is missing or no name of a pass"},
      {R"({"version": 1, "steps": [{"pass": "a{b}"}]})",
       "step 0: 'pass' is missing or no name of a pass"},
      {R"({"version": 1, "steps": [{"pass": "a", "layers": 3}]})",
       "step 0: 'layers' is neither a glob nor a list of names"},
      {R"({"version": 1, "steps": [{"pass": "a", "layers": []}]})",
       "step 0: 'layers' is an empty list"},
      {R"({"version": 1, "steps": [{"pass": "a"}, {"pass": "b", "x": {}}]})",
       "step 1: 'x' has a value of a kind that no option has"},
      {R"({"version": 1, "steps": [{"pass": "a", "x y": 1}]})",
       "step 0: 'x y' is no name of an option"}};
  for (auto [text, message] : cases)
    EXPECT_EQ(errorOf(parse(text)), message) << text;
}

TEST(Plan, SaysWhatIsWrongWithAShortForm) {
  const std::pair<const char *, const char *> cases[] = {
      {"experts", "'experts': a share is missing, such as 25%"},
      {"experts=many", "'experts': 'many' is no share from 0 % to 100 %"},
      {"experts=120%", "'experts': '120%' is no share from 0 % to 100 %"},
      {"experts=nan", "'experts': 'nan' is no share from 0 % to 100 %"},
      {"experts=5%:norm:more", "'experts': 'more' is one word too many"},
      {"ffn=lowrank", "'ffn': expected FORM:RATIO, such as lowrank:0.5"},
      {"weights=int8,,", "'' is nothing that can be compressed; known are experts, neurons, ffn, "
                         "attention, merge and weights"},
      {"merge=1:2", "'merge': expected one value, found 2"},
      {"weights=i{4}", "'weights': 'i{4}' is no value"}};
  for (auto [text, message] : cases)
    EXPECT_EQ(errorOf(Plan::fromShortForm(text)), message) << text;
}

TEST(Plan, ReplaysWhatWasDone) {
  llvm::json::Array decisions{
      llvm::json::Object{{"pass", "prune-experts"},
                         {"layer", "mlp"},
                         {"verdict", "done"},
                         {"options", llvm::json::Object{{"remove", llvm::json::Array{1, 2}}}}},
      llvm::json::Object{{"pass", "prune-experts"}, {"layer", "other"}, {"verdict", "refused"}}};
  EXPECT_EQ(pipelinesOf(Plan::fromJson(Plan::replay(decisions))),
            (Strings{R"(moe-prune-experts{layers="mlp" remove=1,2})"}));
}

} // namespace
