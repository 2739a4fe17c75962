//===- moec-opt.cpp - Passes and pipelines on models and IR -----------------------------------===//
//
// `mlir-opt` with our dialects and passes, that also takes ONNX files: a model is imported and
// handed on as bytecode.
//
//===------------------------------------------------------------------------------------------===//
#include "dialects/MoE/ModuleWeights.h"
#include "moec/Frontend/LoadModule.h"
#include "moec/InitAll.h"
#include "passes/Compression/Passes.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

static constexpr const char *kOverview =
    R"(moec-opt: passes over ONNX models and IR, one at a time or as pipelines

  moec-opt model.onnx                              the model as IR
  moec-opt model.onnx --moec-normalize-pipeline    after a phase of moec compile
  moec-opt x.mlir --onnx-infer-types               after one pass
  moec-opt model.onnx --emit-bytecode -o x.mlirbc  IR that keeps the names of nodes

The input is an ONNX file, MLIR text or bytecode, told apart by its contents, or "-" for text or
bytecode on standard input. Weights stay in their files and the IR names them; those that a model
stores element by element are written to OUTPUT.weights.
)";

/// The model as bytecode; null after an error.
static std::unique_ptr<llvm::MemoryBuffer> importModel(StringRef path, StringRef output,
                                                       const DialectRegistry &registry,
                                                       const moec::ImportOptions &options) {
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context, llvm::errs());
  OwningOpRef<ModuleOp> module = moec::loadModule(context, path, options);
  if (!module)
    return {};
  FailureOr<moec::ModuleWeights *> weights = moec::getModuleWeights(*module);
  if (failed(weights) || failed((*weights)->keepBeside(*module, output)))
    return {};
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (failed(writeBytecodeToFile(*module, stream)))
    return {};
  return llvm::MemoryBuffer::getMemBufferCopy(bytes, path);
}

/// Reads the input, whatever it is, for MlirOptMain; null after an error.
static std::unique_ptr<llvm::MemoryBuffer> readInput(StringRef path, StringRef output,
                                                     const DialectRegistry &registry,
                                                     const moec::ImportOptions &options) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer) {
    llvm::errs() << "moec-opt: cannot read '" << path << "': " << buffer.getError().message()
                 << '\n';
    return {};
  }
  if (moec::detectFormat(path, (*buffer)->getBuffer()) != moec::ModelFormat::Onnx)
    return std::move(*buffer);
  if (path == "-") {
    llvm::errs() << "moec-opt: standard input holds an ONNX model, expected IR: give the name of "
                    "the model's file, as its weights stay there\n";
    return {};
  }
  buffer->reset();
  return importModel(path, output, registry, options);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  // The shared libLLVM brings a thousand options of its own, which --help-hidden still lists.
  for (auto &entry : llvm::cl::getRegisteredOptions())
    entry.second->setHiddenFlag(llvm::cl::Hidden);
  llvm::cl::opt<bool> allowLinkedWeights(
      "allow-linked-weights",
      llvm::cl::desc("Follow symbolic and hard links to a model's external data, as download "
                     "caches have them"));
  llvm::cl::SetVersionPrinter(
      [](raw_ostream &os) { os << "moec-opt " MOEC_VERSION " (LLVM " LLVM_VERSION_STRING ")\n"; });
  DialectRegistry registry;
  moec::registerAllDialects(registry);
  moec::registerAllPasses();
  auto [input, output] = registerAndParseCLIOptions(argc, argv, kOverview, registry);
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));

  // What the passes make is kept as what the importer decodes is. With --split-input-file this is
  // called for one module after the other, each of which has a file of its own.
  config.setPassPipelineSetupFn(
      [asked = config, output = output, count = 0](PassManager &pm) mutable {
        if (failed(asked.setupPassPipeline(pm)))
          return failure();
        ++count;
        pm.addPass(moec::createKeepWeightsPass(
            {count == 1 || output == "-" ? output : output + ".split" + std::to_string(count)}));
        return success();
      });
  moec::ImportOptions options;
  options.allowLinkedWeights = allowLinkedWeights;
  std::unique_ptr<llvm::MemoryBuffer> buffer = readInput(input, output, registry, options);
  if (!buffer)
    return EXIT_FAILURE;
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << "moec-opt: " << message << '\n';
    return EXIT_FAILURE;
  }
  if (failed(MlirOptMain(file->os(), std::move(buffer), registry, config)))
    return EXIT_FAILURE;
  file->keep();
  return EXIT_SUCCESS;
}
