//===- Commands.h - The commands of moec -------------------------------------------------*- C++
//-*-===//
//
// One file per command. A new one has a function here, a row in Commands.cpp, a visibility in
// Options.td and CommandLine.h.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_TOOLS_MOEC_COMMANDS_H
#define MOEC_TOOLS_MOEC_COMMANDS_H

#include "moec/Client/LoadedModel.h"
#include "tools/moec/CommandLine.h"

namespace moec::cli {

llvm::Error runBench(Arguments &arguments);
llvm::Error runCompile(Arguments &arguments);
llvm::Error runEvaluate(Arguments &arguments);
llvm::Error runGenerate(Arguments &arguments);
llvm::Error runInspect(Arguments &arguments);
llvm::Error runRun(Arguments &arguments);

/// Checks and loads the compiled model that the command's operand names, with the weights of
/// --weights-file.
llvm::Expected<LoadedModel> loadModel(const Arguments &arguments);
/// The same of any path; no weights file: where the model says.
llvm::Expected<LoadedModel> loadModel(llvm::StringRef path, llvm::StringRef weightsFile);

/// The value of --threads, with 0 made the number of CPUs that the process may use.
int32_t threadsOf(Arguments &arguments);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_COMMANDS_H
