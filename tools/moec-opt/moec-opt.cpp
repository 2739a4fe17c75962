//===- moec-opt.cpp - Passes and pipelines on models and IR
//-----------------------------------------===//
//
// `mlir-opt` with our dialects and passes, that also takes ONNX files: a model is imported and
// handed on as bytecode.
//
//===------------------------------------------------------------------------------------------------===//
#include "moec/Frontend/LoadModule.h"
#include "moec/InitAll.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

/// The model as bytecode; null after an error.
static std::unique_ptr<llvm::MemoryBuffer> importModel(StringRef path,
                                                       const DialectRegistry &registry) {
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context, llvm::errs());
  OwningOpRef<ModuleOp> module = moec::loadModule(context, path, {}).module;
  if (!module)
    return {};
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (failed(writeBytecodeToFile(*module, stream)))
    return {};
  return llvm::MemoryBuffer::getMemBufferCopy(bytes, path);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  DialectRegistry registry;
  moec::registerAllDialects(registry);
  moec::registerAllPasses();
  auto [input, output] = registerAndParseCLIOptions(
      argc, argv, "moec optimizer: passes over ONNX models and IR\n", registry);
  if (moec::detectFormat(input, "") != moec::ModelFormat::Onnx)
    return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));

  std::unique_ptr<llvm::MemoryBuffer> buffer = importModel(input, registry);
  if (!buffer)
    return EXIT_FAILURE;
  std::string message;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &message);
  if (!file) {
    llvm::errs() << message << "\n";
    return EXIT_FAILURE;
  }
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (failed(MlirOptMain(file->os(), std::move(buffer), registry, config)))
    return EXIT_FAILURE;
  file->keep();
  return EXIT_SUCCESS;
}
