//===- Commands.cpp - The commands of moec
//---------------------------------------------------------===//
#include "tools/moec/Commands.h"

#include "moec/Artifact/Artifact.h"

#include "llvm/Support/Threading.h"

using namespace llvm;

namespace moec::cli {
namespace {

constexpr Command commandTable[] = {
    {"compile", "Compile a model to a shared object", "MODEL -o MODEL.so [flags]", "MODEL",
     CompileVis, runCompile},
    {"inspect", "Show what is in a model or a compiled model", "MODEL|MODEL.so [flags]", "MODEL",
     InspectVis, runInspect},
    {"run", "Run a compiled model once on arrays from an .npz file",
     "MODEL.so --inputs FILE.npz [flags]", "MODEL.so", RunVis, runRun},
    {"evaluate",
     "Measure the loss and perplexity of a compiled language model, and how far it is from another",
     "MODEL.so --tokens FILE.npz [flags]", "MODEL.so", EvaluateVis, runEvaluate},
    {"bench", "Measure the time of a compiled model's calls", "MODEL.so --inputs FILE.npz [flags]",
     "MODEL.so", BenchVis, runBench},
    {"generate", "Generate text with a compiled language model",
     "MODEL.so --tokenizer FILE --prompt TEXT [flags]", "MODEL.so", GenerateVis, runGenerate},
};

} // namespace

ArrayRef<Command> commands() { return commandTable; }

Expected<LoadedModel> loadModel(StringRef path, StringRef weightsFile) {
  // Loading runs code of the file: only of one that says it is a model and is whole.
  if (Expected<ArtifactInfo> info = readArtifact(path); !info)
    return info.takeError();
  LoadedModel::Options options;
  options.weightsFile = weightsFile;
  return LoadedModel::load(path, options);
}

Expected<LoadedModel> loadModel(const Arguments &arguments) {
  return loadModel(arguments.operand(), arguments.value(OPT_weights_file));
}

int32_t threadsOf(Arguments &arguments) {
  int64_t threads = arguments.integer(OPT_threads, /*otherwise=*/0, /*min=*/0, /*max=*/4096);
  return int32_t(threads ? threads : hardware_concurrency().compute_thread_count());
}

} // namespace moec::cli
