#include "passes/Compression/LayerPattern.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace moec;
using llvm::StringRef;

static std::string toHex(char c) { return "\\x" + llvm::toHex(StringRef(&c, 1)); }

std::string moec::escapeLayerName(StringRef name) {
  std::string glob;
  for (char c : name)
    glob += llvm::isAlnum(c) || StringRef("_./:#-").contains(c) ? std::string(1, c) : toHex(c);
  return glob;
}

std::string moec::escapeLayerGlob(StringRef glob) {
  // What pipelines and lists of globs give a meaning to, and globs do not.
  auto escape = [](char c) {
    return llvm::isPrint(c) && !StringRef("{}\"', ").contains(c) ? std::string(1, c) : toHex(c);
  };
  std::string escaped;
  for (size_t i = 0; i < glob.size(); ++i) {
    std::string c = escape(glob[i]);
    if (glob[i] == '\\' && i + 1 < glob.size()) {
      std::string next = escape(glob[++i]);
      c = next.size() > 1 ? next : c + next;
    }
    escaped += c;
  }
  return escaped;
}

/// Cuts the text at commas that stand for themselves, and decodes \xHH.
static llvm::Expected<std::vector<std::string>> splitGlobs(StringRef text) {
  std::vector<std::string> globs(1);
  bool isInBrackets = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == ',' && !isInBrackets) {
      globs.emplace_back();
      continue;
    }
    isInBrackets = c == '[' || (isInBrackets && c != ']');
    if (c != '\\') {
      globs.back() += c;
      continue;
    }
    if (++i == text.size())
      return llvm::createStringError("'" + text + "' ends in a backslash");
    c = text[i];
    if (c == 'x') {
      unsigned code;
      if (text.substr(i + 1, 2).size() != 2 || text.substr(i + 1, 2).getAsInteger(16, code))
        return llvm::createStringError("'" + text +
                                       "' has a \\x without two hexadecimal digits behind it");
      c = static_cast<char>(code);
      i += 2;
    }
    // Globs know no backslash in brackets.
    globs.back() += isInBrackets || llvm::isAlnum(c) ? std::string(1, c) : std::string{'\\', c};
  }
  return globs;
}

/// The one name that a glob matches; std::nullopt if there may be others.
static std::optional<std::string> getOnlyName(StringRef glob) {
  std::string name;
  for (size_t i = 0; i < glob.size(); ++i) {
    if (StringRef("*?[").contains(glob[i]))
      return std::nullopt;
    i += glob[i] == '\\';
    name += glob[i];
  }
  return name;
}

llvm::Expected<LayerPattern> LayerPattern::create(StringRef text) {
  llvm::Expected<std::vector<std::string>> globs = splitGlobs(text);
  if (!globs)
    return globs.takeError();
  LayerPattern result;
  for (std::string &glob : *globs) {
    if (glob.empty())
      return llvm::createStringError("'" + text + "' has an empty name in it");
    if (std::optional<std::string> name = getOnlyName(glob)) {
      result.exact[*name] = false;
      continue;
    }
    auto kept = std::make_unique<std::string>(std::move(glob));
    llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(*kept);
    if (!pattern)
      return llvm::createStringError("'" + *kept + "': " + llvm::toString(pattern.takeError()));
    result.globs.push_back({std::move(kept), std::move(*pattern)});
  }
  return result;
}

bool LayerPattern::match(StringRef name) {
  names.push_back(name.str());
  bool isMatched = false;
  if (auto it = exact.find(name.str()); it != exact.end())
    isMatched = it->second = true;
  for (Glob &glob : globs)
    if (glob.pattern.match(name))
      isMatched = glob.isMatched = true;
  return isMatched;
}

bool LayerPattern::checkAllMatched(llvm::function_ref<void(const llvm::Twine &)> report) const {
  std::vector<std::string> missing;
  for (const auto &[name, isMatched] : exact)
    if (!isMatched)
      missing.push_back(name);
  for (const Glob &glob : globs)
    if (!glob.isMatched && *glob.text != "*")
      missing.push_back(*glob.text);
  std::vector<std::string> known = names;
  llvm::sort(known);
  known.erase(llvm::unique(known), known.end());
  constexpr size_t kShown = 3, kExplained = 8;
  for (const std::string &text : llvm::ArrayRef(missing).take_front(kExplained)) {
    std::string message = "'layers': no layer is called '" + text + "'";
    std::vector<std::string> nearest = known;
    llvm::stable_sort(nearest, [&](StringRef a, StringRef b) {
      return a.edit_distance(text) < b.edit_distance(text);
    });
    nearest.resize(std::min(known.size(), kShown));
    if (known.empty())
      message += ", and none is of a kind that this is for";
    else
      message += "; " +
                 (known.size() == 1       ? "there is only"
                  : known.size() > kShown ? "nearest of " + std::to_string(known.size()) + " are"
                                          : std::string("there are")) +
                 " '" + llvm::join(nearest, "', '") + "'";
    report(message);
  }
  if (missing.size() > kExplained)
    report("'layers': " + llvm::Twine(missing.size() - kExplained) +
           " other names match no layer either");
  return missing.empty();
}
