//===- main.cpp - moec, the command line
//-----------------------------------------------------------===//
#include "tools/moec/CommandLine.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace moec::cli;

namespace {

Error runCommandLine(ArrayRef<const char *> arguments) {
  StringRef first = arguments.empty() ? "" : arguments.front();
  if (first == "--version") {
    outs() << "moec " MOEC_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
    return Error::success();
  }
  if (first == "--help" || first == "-h" || (first == "help" && arguments.size() == 1)) {
    printHelp(outs());
    return Error::success();
  }
  if (first.empty())
    return createStringError("no command given (see 'moec --help')");
  if (first.starts_with("-"))
    return createStringError("unknown flag '" + first + "' before the command (see 'moec --help')");

  bool help = first == "help";
  Expected<const Command *> command = findCommand(help ? arguments[1] : first);
  if (!command)
    return command.takeError();
  if (help) {
    printHelp(outs(), **command);
    return Error::success();
  }
  Expected<Arguments> parsed = Arguments::parse(**command, arguments.drop_front());
  if (!parsed)
    return parsed.takeError();
  if (parsed->has(OPT_help)) {
    printHelp(outs(), **command);
    return Error::success();
  }
  return (*command)->run(*parsed);
}

} // namespace

int main(int argc, char **argv) {
  setBugReportMsg(
      "moec has crashed; this is a bug. Please report it with the stack below and the way "
      "to reproduce it.\n");
  InitLLVM init(argc, argv);
  int status = 0;
  auto report = [&](const ErrorInfoBase &error) {
    outs().flush();
    WithColor::error(errs(), "moec") << error.message() << '\n';
    status = 1;
  };
  handleAllErrors(runCommandLine(ArrayRef<const char *>(argv, argc).drop_front()), report);
  outs().flush();
  if (outs().has_error()) {
    WithColor::error(errs(), "moec") << "standard output: " << outs().error().message() << '\n';
    outs().clear_error();
    status = 1;
  }
  return status;
}
