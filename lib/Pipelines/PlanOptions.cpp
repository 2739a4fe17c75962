#include "PlanOptions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace moec;
using llvm::StringRef;

static constexpr StringRef kLinearKinds[] = {"experts", "ffn", "attention", "head", "router"};
static constexpr StringRef kCodedKinds[] = {"experts", "ffn", "attention", "head", "embedding"};
static constexpr StringRef kForms[] = {"lowrank", "blockdense", "monarch"};
static constexpr StringRef kExpertScores[] = {"norm", "random"};
static constexpr StringRef kUnitScores[] = {"magnitude", "norm", "random"};
static constexpr StringRef kUnitKinds[] = {"experts", "ffn"};
static constexpr StringRef kDenominators[] = {"keep", "drop"};
static constexpr StringRef kScopes[] = {"expert", "layer"};
static constexpr StringRef kCodes[] = {"int8", "int4"};
static constexpr StringRef kScales[] = {"f16", "f32"};

static constexpr PlanOption kFactorize[] = {{"kinds", PlanOption::Word, true, 0, kLinearKinds},
                                            {"form", PlanOption::Word, false, 0, kForms},
                                            {"ratio", PlanOption::PositiveShare},
                                            {"rank", PlanOption::Integer, false, 0},
                                            {"blocks", PlanOption::Integer, false, 2}};
static constexpr PlanOption kMerge[] = {{"tokens", PlanOption::Integer, false, 1},
                                        {"launch", PlanOption::Integer, false, 0},
                                        {"balance", PlanOption::Integer, false, 1},
                                        {"always", PlanOption::Flag}};
static constexpr PlanOption kPermuteExperts[] = {
    {"order", PlanOption::Integer, true, 0},
    {"score", PlanOption::Word, false, 0, kExpertScores},
    {"seed", PlanOption::Integer}};
static constexpr PlanOption kPermuteNeurons[] = {{"order", PlanOption::Unit, true},
                                                 {"score", PlanOption::Word, false, 0, kUnitScores},
                                                 {"seed", PlanOption::Integer}};
static constexpr PlanOption kPruneExperts[] = {
    {"ratio", PlanOption::Share},
    {"remove", PlanOption::Integer, true, 0},
    {"score", PlanOption::Word, false, 0, kExpertScores},
    {"seed", PlanOption::Integer},
    {"denominator", PlanOption::Word, false, 0, kDenominators},
    {"exact", PlanOption::Flag}};
static constexpr PlanOption kPruneNeurons[] = {{"kinds", PlanOption::Word, true, 0, kUnitKinds},
                                               {"ratio", PlanOption::Share},
                                               {"remove", PlanOption::Unit, true},
                                               {"score", PlanOption::Word, false, 0, kUnitScores},
                                               {"seed", PlanOption::Integer},
                                               {"scope", PlanOption::Word, false, 0, kScopes},
                                               {"multiple", PlanOption::Integer, false, 0}};
static constexpr PlanOption kQuantize[] = {{"kinds", PlanOption::Word, true, 0, kCodedKinds},
                                           {"format", PlanOption::Word, false, 0, kCodes},
                                           {"group", PlanOption::Group},
                                           {"outer", PlanOption::Word, false, 0, kCodes},
                                           {"asymmetric", PlanOption::Flag},
                                           {"scales", PlanOption::Word, false, 0, kScales},
                                           {"clip", PlanOption::Flag}};

static constexpr PlanPass kPasses[] = {
    {"factorize-linear", kFactorize},     {"merge-factors", kMerge},
    {"permute-experts", kPermuteExperts}, {"permute-neurons", kPermuteNeurons},
    {"prune-experts", kPruneExperts},     {"prune-neurons", kPruneNeurons},
    {"quantize-weights", kQuantize}};

llvm::ArrayRef<PlanPass> moec::getPlanPasses() { return kPasses; }

const PlanPass *moec::findPlanPass(StringRef name) {
  const auto *it = llvm::find_if(kPasses, [&](const PlanPass &pass) { return pass.name == name; });
  return it == std::end(kPasses) ? nullptr : it;
}

const PlanOption *PlanPass::find(StringRef option) const {
  const auto *it = llvm::find_if(options, [&](const PlanOption &o) { return o.name == option; });
  return it == options.end() ? nullptr : it;
}

std::string PlanOption::describe() const {
  std::string one;
  switch (kind) {
  case Flag:
    one = "true or false";
    break;
  case Integer:
    one = least == std::numeric_limits<int64_t>::min()
              ? "an integer"
              : "an integer from " + std::to_string(least) + " on";
    break;
  case Share:
    one = "a number from 0 to 1";
    break;
  case PositiveShare:
    one = "a number above 0, up to 1";
    break;
  case Word:
    one = llvm::join(words.drop_back(), ", ") + " or " + words.back().str();
    break;
  case Group:
    one = "0, or a power of two from 16 on";
    break;
  case Unit:
    one = "EXPERT:UNIT";
    break;
  }
  return isList ? "a list, of which each is " + one : one;
}

std::optional<std::string> PlanOption::printOne(const llvm::json::Value &value) const {
  std::optional<int64_t> integer = value.getAsInteger();
  std::optional<StringRef> text = value.getAsString();
  switch (kind) {
  case Flag:
    if (auto flag = value.getAsBoolean())
      return *flag ? "true" : "false";
    return std::nullopt;
  case Integer:
    return integer && *integer >= least ? std::optional(std::to_string(*integer)) : std::nullopt;
  case Share:
  case PositiveShare: {
    std::optional<double> number = value.getAsNumber();
    // Written so that it is false of NaN.
    bool fits = number && *number <= 1 && (kind == Share ? *number >= 0 : *number > 0);
    return fits ? std::optional(llvm::formatv("{0:f9}", *number).str()) : std::nullopt;
  }
  case Word:
    return text && llvm::is_contained(words, *text) ? std::optional(text->str()) : std::nullopt;
  case Group: {
    bool fits = integer && (*integer == -1 || *integer == 0 ||
                            (*integer >= 16 && llvm::isPowerOf2_64(*integer)));
    return fits ? std::optional(std::to_string(*integer)) : std::nullopt;
  }
  case Unit: {
    if (!text)
      return std::nullopt;
    auto [expert, unit] = text->split(':');
    uint32_t number;
    bool fits = !expert.getAsInteger(10, number) && !unit.getAsInteger(10, number);
    return fits ? std::optional(text->str()) : std::nullopt;
  }
  }
  llvm_unreachable("all kinds have values");
}

std::optional<std::string> PlanOption::print(const llvm::json::Value &value) const {
  const llvm::json::Array *list = value.getAsArray();
  if (!isList || !list)
    return list ? std::nullopt : printOne(value);
  std::string all;
  for (const llvm::json::Value &element : *list) {
    std::optional<std::string> one = printOne(element);
    if (!one)
      return std::nullopt;
    all += (all.empty() ? "" : ",") + *one;
  }
  return all.empty() ? std::nullopt : std::optional(std::move(all));
}

llvm::json::Value PlanOption::parse(StringRef text) const {
  int64_t integer;
  double number;
  StringRef digits = text;
  bool isShare = kind == Share || kind == PositiveShare;
  bool isPercent = isShare && digits.consume_back("%");
  if (kind == Flag && (text == "true" || text == "false"))
    return text == "true";
  if ((kind == Integer || kind == Group) && !text.getAsInteger(10, integer))
    return integer;
  if (isShare && !digits.getAsDouble(number) && std::isfinite(number))
    return isPercent ? number / 100 : number;
  return text;
}
