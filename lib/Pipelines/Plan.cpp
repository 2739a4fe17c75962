#include "moec/Pipelines/Plan.h"

#include "PlanOptions.h"
#include "passes/Compression/LayerPattern.h"

#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include <map>

using namespace moec;
using llvm::StringRef;

std::string PlanStep::toPipeline() const {
  std::string text;
  if (!layers.empty())
    text += " layers=\"" + llvm::join(layers, ",") + "\"";
  for (const auto &[name, value] : options)
    text += " " + name + "=" + value;
  return "moe-" + pass + "{" + StringRef(text).ltrim().str() + "}";
}

/// A value as messages quote it.
static std::string quote(const llvm::json::Value &value) {
  std::string text = llvm::formatv("{0}", value).str();
  size_t shown = 60;
  if (text.size() <= shown)
    return text;
  while ((text[shown] & 0xC0) == 0x80) // within a character of several bytes
    --shown;
  return text.substr(0, shown) + "…";
}

/// What was meant by an unknown name, as the end of a message.
static std::string suggest(StringRef name, llvm::ArrayRef<StringRef> known) {
  const StringRef *best = nullptr;
  unsigned least = 3;
  for (const StringRef &candidate : known)
    if (unsigned distance = candidate.edit_distance(name); distance < least) {
      best = &candidate;
      least = distance;
    }
  if (best)
    return ", did you mean '" + best->str() + "'?";
  return "; known are " + llvm::join(known, ", ");
}

namespace {

/// Reads steps and keeps all that is wrong with them, so that it can be mended at once.
class PlanReader {
public:
  /// `where` names the step in messages.
  void readStep(const llvm::json::Object &object, const std::string &where);
  void fail(const llvm::Twine &message) { problems.push_back(message.str()); }
  /// The steps; an error of one line for each problem if there was one.
  llvm::Expected<Plan> take() {
    if (problems.empty())
      return std::move(plan);
    llvm::Error all = llvm::Error::success();
    for (const std::string &problem : problems)
      all = llvm::joinErrors(std::move(all), llvm::createStringError(problem));
    return std::move(all);
  }

private:
  void readLayers(const llvm::json::Value &value, const std::string &where, PlanStep &step);

  Plan plan;
  std::vector<std::string> problems;
};

} // namespace

void PlanReader::readLayers(const llvm::json::Value &value, const std::string &where,
                            PlanStep &step) {
  constexpr const char *kExpected = ", expected a glob of layers' names, or a list of names";
  if (std::optional<StringRef> glob = value.getAsString()) {
    step.layers.push_back(escapeLayerGlob(*glob));
    if (llvm::Expected<LayerPattern> pattern = LayerPattern::create(step.layers.back()); !pattern) {
      llvm::consumeError(pattern.takeError());
      fail(where + "'layers' is " + quote(value) + kExpected);
    }
    return;
  }
  const llvm::json::Array *list = value.getAsArray();
  if (!list || list->empty())
    return fail(where + "'layers' is " + quote(value) + kExpected);
  for (const llvm::json::Value &entry : *list) {
    std::optional<StringRef> name = entry.getAsString();
    if (name && !name->empty())
      step.layers.push_back(escapeLayerName(*name));
    else
      fail(where + "'layers' has " + quote(entry) + " in it, expected a layer's name");
  }
}

void PlanReader::readStep(const llvm::json::Object &object, const std::string &place) {
  const llvm::json::Value *name = object.get("pass");
  std::optional<StringRef> given = name ? name->getAsString() : std::nullopt;
  auto passes =
      llvm::map_to_vector(getPlanPasses(), [](const PlanPass &pass) { return pass.name; });
  if (!given)
    return fail(place + ": 'pass' is " + (name ? quote(*name) : "missing") + ", expected one of " +
                llvm::join(passes, ", "));
  const PlanPass *pass = findPlanPass(*given);
  if (!pass)
    return fail(place + ": there is no pass " + quote(*name) + suggest(*given, passes));
  PlanStep step{given->str(), {}, {}};
  std::string where = place + ", '" + step.pass + "': ";
  std::vector<std::pair<std::string, const llvm::json::Value *>> members;
  for (const auto &[key, value] : object)
    if (key != "pass")
      members.push_back({key.str(), &value});
  llvm::sort(members);
  for (const auto &[key, value] : members) {
    if (key == "layers") {
      readLayers(*value, where, step);
      continue;
    }
    const PlanOption *option = pass->find(key);
    if (!option) {
      llvm::SmallVector<StringRef> known{"layers"};
      for (const PlanOption &other : pass->options)
        known.push_back(other.name);
      fail(where + "there is no option '" + key + "'" + suggest(key, known));
    } else if (std::optional<std::string> text = option->print(*value)) {
      step.options.emplace_back(key, std::move(*text));
    } else {
      fail(where + "'" + key + "' is " + quote(*value) + ", expected " + option->describe());
    }
  }
  plan.steps.push_back(std::move(step));
}

llvm::Expected<Plan> Plan::fromJson(const llvm::json::Value &json) {
  PlanReader reader;
  const llvm::json::Object *object = json.getAsObject();
  if (!object)
    return llvm::createStringError(
        "a plan is an object with 'version' and a list of 'steps', found " + quote(json));
  for (const auto &[key, value] : *object)
    if (key != "version" && key != "steps")
      reader.fail("there is no member '" + key.str() + "'; known are version, steps");
  const llvm::json::Value *version = object->get("version"), *steps = object->get("steps");
  if (!version || version->getAsInteger() != 1)
    reader.fail("'version' is " + (version ? quote(*version) : "missing") +
                ", expected 1, the version of plans known here");
  const llvm::json::Array *list = steps ? steps->getAsArray() : nullptr;
  if (!list)
    reader.fail("'steps' is " + (steps ? quote(*steps) : "missing") + ", expected a list");
  for (size_t i = 0; list && i < list->size(); ++i) {
    std::string where = "step " + std::to_string(i);
    if (const llvm::json::Object *step = (*list)[i].getAsObject())
      reader.readStep(*step, where);
    else
      reader.fail(where + " is " + quote((*list)[i]) + ", expected an object");
  }
  return reader.take();
}

namespace {

/// "25%:norm:seed=1" behind "experts=".
struct ShortItem {
  StringRef text, key;
  llvm::SmallVector<StringRef> words; ///< without name
};

/// Reads the short form into steps like those of JSON.
class ShortFormReader {
public:
  void read(StringRef text);
  llvm::Expected<Plan> take() { return reader.take(); }

private:
  void fail(const ShortItem &item, const llvm::Twine &message) {
    reader.fail("'" + item.text + "': " + message);
  }
  /// Sets an option from its text.
  static void set(llvm::json::Object &step, StringRef option, StringRef text);
  /// What the words of an item say; false after an error.
  bool readWords(const ShortItem &item, llvm::json::Object &step);

  PlanReader reader;
};

} // namespace

void ShortFormReader::set(llvm::json::Object &step, StringRef option, StringRef text) {
  if (option == "layers") {
    step[option] = text;
    return;
  }
  const PlanPass *pass = findPlanPass(*step.getString("pass"));
  const PlanOption *known = pass->find(option);
  // What is unknown is an error later, beside others.
  step[option] = known ? known->parse(text) : llvm::json::Value(text);
}

bool ShortFormReader::readWords(const ShortItem &item, llvm::json::Object &step) {
  llvm::ArrayRef<StringRef> words = item.words;
  auto expect = [&](size_t least, size_t most, StringRef what) {
    bool fits = words.size() >= least && words.size() <= most;
    if (!fits)
      fail(item, "found " + llvm::Twine(words.size()) + " values, expected " + what);
    return fits;
  };
  auto begin = [&](StringRef pass) { step["pass"] = pass; };
  if (item.key == "experts" || item.key == "neurons") {
    begin(item.key == "experts" ? "prune-experts" : "prune-neurons");
    if (!expect(1, 2, "a share such as 25%, and what to choose by"))
      return false;
    if (words[0] == "exact")
      step["exact"] = true;
    else
      set(step, "ratio", words[0]);
    if (words.size() > 1)
      set(step, "score", words[1]);
  } else if (item.key == "order") {
    if (!expect(1, 2, "experts or neurons, and what to order by"))
      return false;
    if (words[0] != "experts" && words[0] != "neurons") {
      fail(item, "'" + words[0] + "' has no order, expected experts or neurons");
      return false;
    }
    begin(words[0] == "experts" ? "permute-experts" : "permute-neurons");
    if (words.size() > 1)
      set(step, "score", words[1]);
  } else if (item.key == "ffn" || item.key == "attention") {
    begin("factorize-linear");
    if (!expect(2, 2, "FORM:RATIO, such as lowrank:0.5"))
      return false;
    set(step, "form", words[0]);
    set(step, "ratio", words[1]);
    step["kinds"] =
        item.key == "ffn" ? llvm::json::Array{"experts", "ffn"} : llvm::json::Array{"attention"};
  } else if (item.key == "merge") {
    begin("merge-factors");
    if (!expect(1, 1, "one, the number of tokens"))
      return false;
    set(step, "tokens", words[0]);
  } else if (item.key == "weights") {
    begin("quantize-weights");
    if (!expect(1, 1, "one, int8 or int4"))
      return false;
    set(step, "format", words[0]);
  } else {
    static constexpr StringRef kKeys[] = {"experts",   "neurons", "order",  "ffn",
                                          "attention", "merge",   "weights"};
    fail(item, "there is nothing '" + item.key + "' to compress" + suggest(item.key, kKeys));
    return false;
  }
  return true;
}

void ShortFormReader::read(StringRef text) {
  if (!llvm::json::isUTF8(text))
    return reader.fail("the plan is no UTF-8");
  llvm::SmallVector<StringRef> items;
  text.split(items, ',');
  for (StringRef part : items) {
    ShortItem item{part.trim(), {}, {}};
    if (item.text.empty()) {
      reader.fail("there is an empty item in '" + text + "'");
      continue;
    }
    StringRef values;
    std::tie(item.key, values) = item.text.split('=');
    llvm::SmallVector<StringRef> words;
    values.split(words, ':', -1, /*KeepEmpty=*/false);
    std::vector<std::pair<StringRef, StringRef>> options;
    for (StringRef word : words)
      if (word.contains('='))
        options.push_back(word.split('='));
      else
        item.words.push_back(word);
    llvm::json::Object step;
    if (!readWords(item, step))
      continue;
    for (auto [name, value] : options)
      if (name == "pass" || step.get(name))
        fail(item,
             name == "pass" ? "there is no option 'pass'" : "'" + name + "' stands in it twice");
      else
        set(step, name, value);
    reader.readStep(step, "'" + item.text.str() + "'");
  }
}

llvm::Expected<Plan> Plan::fromShortForm(StringRef text) {
  ShortFormReader reader;
  reader.read(text);
  return reader.take();
}

llvm::json::Value Plan::replay(const llvm::json::Array &decisions) {
  // A pass does one thing to all layers that a step names: decisions of a pass in a row that have
  // the same options are a step, as long as no layer stands in two of them.
  llvm::json::Array steps;
  std::map<std::string, size_t> byOptions; ///< steps of the pass in a row
  std::string pass;
  llvm::StringSet<> layers;
  for (const llvm::json::Value &value : decisions) {
    const llvm::json::Object &decision = *value.getAsObject();
    if (decision.getString("verdict") != "done")
      continue;
    StringRef layer = *decision.getString("layer");
    if (pass != *decision.getString("pass") || !layers.insert(layer).second) {
      pass = decision.getString("pass")->str();
      byOptions.clear();
      layers.clear();
      layers.insert(layer);
    }
    llvm::json::Object step;
    if (const llvm::json::Object *options = decision.getObject("options"))
      step = *options;
    step["pass"] = pass;
    auto [it, isNew] = byOptions.try_emplace(
        llvm::formatv("{0}", llvm::json::Value(llvm::json::Object(step))), steps.size());
    if (isNew) {
      step["layers"] = llvm::json::Array();
      steps.push_back(std::move(step));
    }
    steps[it->second].getAsObject()->getArray("layers")->push_back(layer);
  }
  return llvm::json::Object{{"version", 1}, {"steps", std::move(steps)}};
}
