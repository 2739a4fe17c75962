//===- CommandLine.h - Commands of moec and their arguments ------------------------------*- C++
//-*-===//
//
// LLVM's Option library (clang's and lld's) rather than cl::opt: no global state, messages of our
// own, suggestions for mistyped flags, and no flags of LLVM's own among ours.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_TOOLS_MOEC_COMMANDLINE_H
#define MOEC_TOOLS_MOEC_COMMANDLINE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>

namespace moec::cli {

/// Flags, as OPT_name, of Options.td.
enum OptionId {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "tools/moec/Options.inc"
#undef OPTION
};

/// Which commands take a flag: one bit per command.
enum CommandVisibility : unsigned {
  CompileVis = 1 << 2,
  RunVis = 1 << 3,
  InspectVis = 1 << 4,
  EvaluateVis = 1 << 5,
  BenchVis = 1 << 6,
  GenerateVis = 1 << 7,
};

class Arguments;

struct Command {
  llvm::StringLiteral name;
  llvm::StringLiteral summary; ///< one line for the list of commands
  llvm::StringLiteral usage;   ///< the arguments, behind "moec NAME "
  llvm::StringLiteral operand; ///< what the one positional argument is
  CommandVisibility visibility;
  llvm::Error (*run)(Arguments &arguments);
};

/// The commands in the order of the help.
llvm::ArrayRef<Command> commands();

/// The arguments of one command. Values that do not parse are remembered as an error, so that a
/// command asks for all it wants and then once for `takeError`.
class Arguments {
public:
  /// Fails on unknown flags, missing values and a wrong number of operands, unless --help is there.
  static llvm::Expected<Arguments> parse(const Command &command,
                                         llvm::ArrayRef<const char *> arguments);
  Arguments(Arguments &&) = default;
  ~Arguments() { llvm::consumeError(takeError()); }

  llvm::StringRef operand() const { return operandValue; }
  bool has(OptionId option) const { return list.hasArg(option); }
  std::string value(OptionId option, llvm::StringRef otherwise = "") const;
  /// The value of a flag that must be given.
  std::string required(OptionId option);
  int64_t integer(OptionId option, int64_t otherwise, int64_t min, int64_t max);
  /// At least `min`, a whole number.
  double number(OptionId option, double otherwise, double min);
  /// Remembers an error unless `needed` is given wherever `option` is.
  void needs(OptionId option, OptionId needed);

  /// The first error so far, naming the flag.
  llvm::Error takeError();

private:
  Arguments(const Command &command, llvm::opt::InputArgList list)
      : command(&command), list(std::move(list)) {}
  void fail(const llvm::Twine &message);

  const Command *command;
  llvm::opt::InputArgList list;
  std::string operandValue;
  std::string firstError;
};

/// "--threads".
llvm::StringRef flagName(OptionId option);

/// " (see 'moec help run')", the end of a message.
std::string seeHelp(const Command &command);

void printHelp(llvm::raw_ostream &os);
void printHelp(llvm::raw_ostream &os, const Command &command);

/// The command of that name, or an error that suggests the nearest.
llvm::Expected<const Command *> findCommand(llvm::StringRef name);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_COMMANDLINE_H
