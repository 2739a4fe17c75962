//===- CommandLine.cpp - Commands of moec and their arguments
//--------------------------------------===//
#include "tools/moec/CommandLine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::opt;

namespace moec::cli {
namespace {

#define OPTTABLE_STR_TABLE_CODE
#include "tools/moec/Options.inc"
#undef OPTTABLE_STR_TABLE_CODE

#define OPTTABLE_PREFIXES_TABLE_CODE
#include "tools/moec/Options.inc"
#undef OPTTABLE_PREFIXES_TABLE_CODE

constexpr OptTable::Info optionInfos[] = {
#define OPTION(...) LLVM_CONSTRUCT_OPT_INFO(__VA_ARGS__),
#include "tools/moec/Options.inc"
#undef OPTION
};

struct MoecOptTable : GenericOptTable {
  MoecOptTable() : GenericOptTable(OptionStrTable, OptionPrefixesTable, optionInfos) {
    setDashDashParsing(true);
  }
};

std::string suggest(StringRef word) { return ("; did you mean '" + word + "'?").str(); }

Error unknownFlag(const OptTable &table, const Command &command, StringRef flag) {
  std::string nearest;
  std::string hint = seeHelp(command);
  // As far away as clang tolerates.
  if (table.findNearest(flag, nearest, Visibility(command.visibility)) < 3)
    hint = suggest(StringRef(nearest).rtrim('='));
  return createStringError("unknown flag '" + flag + "' of 'moec " + command.name + "'" + hint);
}

} // namespace

StringRef flagName(OptionId option) { return MoecOptTable().getOptionPrefixedName(option); }

std::string seeHelp(const Command &command) {
  return (" (see 'moec help " + command.name + "')").str();
}

Expected<Arguments> Arguments::parse(const Command &command, ArrayRef<const char *> arguments) {
  MoecOptTable table;
  unsigned missingIndex, missingCount;
  InputArgList list =
      table.ParseArgs(arguments, missingIndex, missingCount, Visibility(command.visibility));
  if (missingCount)
    return createStringError(Twine("no value for ") + list.getArgString(missingIndex) +
                             seeHelp(command));
  for (const Arg *arg : list.filtered(OPT_UNKNOWN))
    return unknownFlag(table, command, arg->getSpelling());

  Arguments result(command, std::move(list));
  if (result.has(OPT_help))
    return std::move(result);
  std::vector<std::string> operands = result.list.getAllArgValues(OPT_INPUT);
  if (operands.empty())
    return createStringError("no " + command.operand + " given" + seeHelp(command));
  if (operands.size() > 1)
    return createStringError("unexpected argument '" + operands[1] + "'" + seeHelp(command));
  result.operandValue = operands[0];
  return std::move(result);
}

void printHelp(raw_ostream &os) {
  os << "moec compiles mixture-of-experts models in ONNX into shared objects, and runs them.\n\n"
        "USAGE: moec COMMAND [flags]\n\nCOMMANDS:\n";
  for (const Command &command : commands())
    os << formatv("  {0,-10} {1}\n", command.name, command.summary);
  os << "\nFLAGS:\n"
        "  --help     Show this help; 'moec help COMMAND' shows a command's\n"
        "  --version  Show the version\n";
}

void printHelp(raw_ostream &os, const Command &command) {
  std::string usage = ("moec " + command.name + " " + command.usage).str();
  MoecOptTable().printHelp(os, usage.c_str(), command.summary.data(), /*ShowHidden=*/false,
                           /*ShowAllAliases=*/false, Visibility(command.visibility));
}

Expected<const Command *> findCommand(StringRef name) {
  const Command *nearest = nullptr;
  unsigned best = 4; // farther words are no typing mistakes
  for (const Command &command : commands()) {
    if (command.name == name)
      return &command;
    unsigned distance = name.edit_distance(command.name);
    if (distance < best) {
      best = distance;
      nearest = &command;
    }
  }
  return createStringError("unknown command '" + name + "'" +
                           (nearest ? suggest(nearest->name) : " (see 'moec --help')"));
}

} // namespace moec::cli
