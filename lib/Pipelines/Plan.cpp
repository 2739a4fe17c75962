#include "moec/Pipelines/Plan.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace moec;
using llvm::StringRef;

/// As an option of a pipeline can hold it.
static std::string quote(StringRef text) {
  char quotes = text.contains('"') ? '\'' : '"';
  return std::string(1, quotes) + text.str() + quotes;
}

std::vector<std::string> PlanStep::toPipelines() const {
  std::string rest;
  for (const auto &[name, value] : options)
    rest += " " + name + "=" + value;
  std::vector<std::string> pipelines;
  // From the end: a layer that becomes two does not change the numbers in the names before it.
  for (const std::string &glob : llvm::reverse(layers))
    pipelines.push_back("moe-" + pass + "{layers=" + quote(glob) + rest + "}");
  if (layers.empty())
    pipelines.push_back("moe-" + pass + "{" + StringRef(rest).ltrim().str() + "}");
  return pipelines;
}

/// A name as a glob that matches it alone.
static std::string escapeGlob(StringRef name) {
  std::string glob;
  for (char c : name) {
    if (StringRef("*?[]{}\\").contains(c))
      glob += '\\';
    glob += c;
  }
  return glob;
}

/// A value of a member as an option; "" for kinds that no option has.
static std::string toOption(const llvm::json::Value &value) {
  if (auto text = value.getAsString())
    return quote(*text);
  if (auto flag = value.getAsBoolean())
    return *flag ? "true" : "false";
  if (auto integer = value.getAsInteger())
    return std::to_string(*integer);
  if (auto number = value.getAsNumber())
    return llvm::formatv("{0:f9}", *number).str();
  // The elements of a list are not quoted one by one.
  std::string list;
  bool isText = false;
  if (const llvm::json::Array *array = value.getAsArray())
    for (const llvm::json::Value &element : *array) {
      isText |= element.getAsString().has_value();
      std::string item = element.getAsString()  ? element.getAsString()->str()
                         : element.getAsArray() ? ""
                                                : toOption(element);
      if (item.empty())
        return "";
      list += (list.empty() ? "" : ",") + item;
    }
  return isText ? quote(list) : list;
}

static llvm::Expected<PlanStep> readStep(const llvm::json::Object &object, size_t number) {
  auto fail = [&](const llvm::Twine &message) {
    return llvm::createStringError("step " + llvm::Twine(number) + ": " + message);
  };
  PlanStep step;
  std::optional<StringRef> pass = object.getString("pass");
  if (!pass || !llvm::all_of(*pass, [](char c) { return llvm::isAlnum(c) || c == '-'; }))
    return fail("'pass' is missing or no name of a pass");
  step.pass = pass->str();
  std::vector<std::string> names;
  for (const auto &[key, value] : object)
    names.push_back(key.str());
  llvm::sort(names);
  for (const std::string &name : names) {
    const llvm::json::Value &value = *object.get(name);
    if (name == "pass")
      continue;
    if (!llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '-' || c == '_'; }))
      return fail("'" + name + "' is no name of an option");
    if (name == "layers") {
      if (auto glob = value.getAsString())
        step.layers.push_back(glob->str());
      else if (const llvm::json::Array *list = value.getAsArray())
        for (const llvm::json::Value &entry : *list) {
          auto layer = entry.getAsString();
          if (!layer)
            return fail("'layers' is a list of something else than names");
          step.layers.push_back(escapeGlob(*layer));
        }
      else
        return fail("'layers' is neither a glob nor a list of names");
      for (const std::string &glob : step.layers)
        if (StringRef(glob).contains('"') && StringRef(glob).contains('\''))
          return fail("a layer's name has both kinds of quotes in it");
      if (step.layers.empty())
        return fail("'layers' is an empty list");
      continue;
    }
    std::string option = toOption(value);
    if (option.empty())
      return fail("'" + name + "' has a value of a kind that no option has");
    step.options.emplace_back(name, std::move(option));
  }
  return step;
}

llvm::Expected<Plan> Plan::fromJson(const llvm::json::Value &json) {
  const llvm::json::Object *object = json.getAsObject();
  const llvm::json::Array *steps = object ? object->getArray("steps") : nullptr;
  if (!steps)
    return llvm::createStringError("a plan is an object with a list of 'steps'");
  if (object->getInteger("version") != 1)
    return llvm::createStringError(
        "'version' is missing or not 1, the version of plans known here");
  Plan plan;
  for (auto [i, entry] : llvm::enumerate(*steps)) {
    const llvm::json::Object *step = entry.getAsObject();
    if (!step)
      return llvm::createStringError("step " + llvm::Twine(i) + " is no object");
    llvm::Expected<PlanStep> read = readStep(*step, i);
    if (!read)
      return read.takeError();
    plan.steps.push_back(std::move(*read));
  }
  return plan;
}

namespace {

/// "25%:norm:seed=1" behind "experts=".
struct ShortItem {
  StringRef key;
  llvm::SmallVector<StringRef> words; ///< without name
  std::vector<std::pair<std::string, std::string>> options;

  llvm::Error error(const llvm::Twine &message) const {
    return llvm::createStringError("'" + key + "': " + message);
  }
};

} // namespace

/// "25%" as "0.25".
static std::optional<std::string> readShare(StringRef text) {
  bool isPercent = text.consume_back("%");
  double value;
  if (text.getAsDouble(value) || !(value >= 0) || value > (isPercent ? 100 : 1))
    return std::nullopt;
  return llvm::formatv("{0:f9}", isPercent ? value / 100 : value).str();
}

static llvm::Expected<PlanStep> readPruning(const ShortItem &item, StringRef pass) {
  PlanStep step{pass.str(), {}, {}};
  if (item.words.empty())
    return item.error("a share is missing, such as 25%");
  if (item.words[0] == "exact") {
    step.options.emplace_back("exact", "true");
  } else {
    std::optional<std::string> share = readShare(item.words[0]);
    if (!share)
      return item.error("'" + item.words[0] + "' is no share from 0 % to 100 %");
    step.options.emplace_back("ratio", *share);
  }
  if (item.words.size() > 1)
    step.options.emplace_back("score", item.words[1].str());
  if (item.words.size() > 2)
    return item.error("'" + item.words[2] + "' is one word too many");
  return step;
}

static llvm::Expected<PlanStep> readFactorization(const ShortItem &item, StringRef kinds) {
  if (item.words.size() != 2)
    return item.error("expected FORM:RATIO, such as lowrank:0.5");
  std::optional<std::string> ratio = readShare(item.words[1]);
  if (!ratio)
    return item.error("'" + item.words[1] + "' is no ratio from 0 to 1");
  return PlanStep{"factorize-linear",
                  {},
                  {{"form", item.words[0].str()}, {"ratio", *ratio}, {"kinds", kinds.str()}}};
}

static llvm::Expected<PlanStep> readItem(const ShortItem &item) {
  if (item.key == "experts")
    return readPruning(item, "prune-experts");
  if (item.key == "neurons")
    return readPruning(item, "prune-neurons");
  if (item.key == "ffn")
    return readFactorization(item, "experts,ffn");
  if (item.key == "attention")
    return readFactorization(item, "attention");
  if (item.key != "merge" && item.key != "weights")
    return llvm::createStringError("'" + item.key +
                                   "' is nothing that can be compressed; known are experts, "
                                   "neurons, ffn, attention, merge and weights");
  if (item.words.size() != 1)
    return item.error("expected one value, found " + llvm::Twine(item.words.size()));
  StringRef word = item.words[0];
  if (item.key == "merge")
    return PlanStep{"merge-factors", {}, {{"tokens", word.str()}}};
  return PlanStep{"quantize-weights", {}, {{"format", word.str()}}};
}

llvm::Expected<Plan> Plan::fromShortForm(StringRef text) {
  Plan plan;
  llvm::SmallVector<StringRef> items;
  text.split(items, ',');
  for (StringRef part : items) {
    auto [key, value] = part.trim().split('=');
    ShortItem item{key, {}, {}};
    llvm::SmallVector<StringRef> words;
    value.split(words, ':', -1, /*KeepEmpty=*/false);
    for (StringRef word : words) {
      auto [name, option] = word.split('=');
      if (option.empty())
        item.words.push_back(word);
      else
        item.options.emplace_back(name.str(), option.str());
      if (word.find_first_of("{}\"' ") != StringRef::npos)
        return item.error("'" + word + "' is no value");
    }
    llvm::Expected<PlanStep> step = readItem(item);
    if (!step)
      return step.takeError();
    for (auto &[name, option] : item.options) {
      if (name == "layers")
        step->layers.push_back(option);
      else
        step->options.emplace_back(name, option);
    }
    plan.steps.push_back(std::move(*step));
  }
  return plan;
}

llvm::json::Value Plan::replay(const llvm::json::Array &decisions) {
  llvm::json::Array steps;
  for (const llvm::json::Value &value : decisions) {
    const llvm::json::Object &decision = *value.getAsObject();
    if (decision.getString("verdict") != "done")
      continue;
    llvm::json::Object step;
    if (const llvm::json::Object *options = decision.getObject("options"))
      step = *options;
    step["pass"] = *decision.getString("pass");
    step["layers"] = llvm::json::Array{*decision.getString("layer")};
    steps.push_back(std::move(step));
  }
  return llvm::json::Object{{"version", 1}, {"steps", std::move(steps)}};
}
