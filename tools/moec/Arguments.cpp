//===- Arguments.cpp - Values of the arguments of a command
//---------------------------------------===//
#include "tools/moec/CommandLine.h"

using namespace llvm;
using namespace llvm::opt;

namespace moec::cli {

std::string Arguments::value(OptionId option, StringRef otherwise) const {
  return list.getLastArgValue(option, otherwise).str();
}

std::string Arguments::required(OptionId option) {
  if (!has(option))
    fail("no " + flagName(option) + " given" + seeHelp(*command));
  return value(option);
}

int64_t Arguments::integer(OptionId option, int64_t otherwise, int64_t min, int64_t max) {
  const Arg *arg = list.getLastArg(option);
  if (!arg)
    return otherwise;
  int64_t result;
  if (StringRef(arg->getValue()).getAsInteger(10, result) || result < min || result > max) {
    fail(StringRef(arg->getSpelling()).rtrim('=') + ": expected a whole number from " + Twine(min) +
         " to " + Twine(max) + ", found '" + arg->getValue() + "'");
    return otherwise;
  }
  return result;
}

double Arguments::number(OptionId option, double otherwise, double min) {
  const Arg *arg = list.getLastArg(option);
  if (!arg)
    return otherwise;
  double result;
  // Not at least the minimum: NaN is less than nothing.
  if (StringRef(arg->getValue()).getAsDouble(result) || !(result >= min)) {
    fail(StringRef(arg->getSpelling()).rtrim('=') + ": expected a number of at least " +
         Twine(int64_t(min)) + ", found '" + arg->getValue() + "'");
    return otherwise;
  }
  return result;
}

void Arguments::needs(OptionId option, OptionId needed) {
  if (has(option) && !has(needed))
    fail(flagName(option) + " needs " + flagName(needed));
}

void Arguments::fail(const Twine &message) {
  if (firstError.empty())
    firstError = message.str();
}

Error Arguments::takeError() {
  if (firstError.empty())
    return Error::success();
  return createStringError(std::exchange(firstError, ""));
}

} // namespace moec::cli
