#include "moec/Frontend/LoadModule.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

moec::ModelFormat moec::detectFormat(StringRef path, StringRef contents) {
  if (isBytecode(llvm::MemoryBufferRef(contents, path)))
    return ModelFormat::Bytecode;
  return path.ends_with(".onnx") ? ModelFormat::Onnx : ModelFormat::Text;
}

OwningOpRef<ModuleOp> moec::loadModule(MLIRContext &context, StringRef path,
                                       const ImportOptions &options) {
  // Models stay in their file; IR is read whole.
  if (detectFormat(path, "") == ModelFormat::Onnx)
    return importOnnx(context, path, options);
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer) {
    emitError(UnknownLoc::get(&context))
        << "cannot read '" << path << "': " << buffer.getError().message();
    return {};
  }
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
}
