//===- Commands.cpp - The commands of moec
//---------------------------------------------------------===//
#include "tools/moec/Commands.h"

using namespace llvm;

namespace moec::cli {
namespace {

constexpr Command commandTable[] = {
    {"run", "Run a compiled model once on arrays from an .npz file",
     "MODEL.so --inputs FILE.npz [flags]", "MODEL.so", RunVis, runRun},
};

} // namespace

ArrayRef<Command> commands() { return commandTable; }

Expected<LoadedModel> loadModel(const Arguments &arguments) {
  LoadedModel::Options options;
  options.weightsFile = arguments.value(OPT_weights_file);
  return LoadedModel::load(arguments.operand(), options);
}

int32_t threadsOf(Arguments &arguments) {
  return int32_t(arguments.integer(OPT_threads, /*otherwise=*/0, /*min=*/0, /*max=*/4096));
}

} // namespace moec::cli
