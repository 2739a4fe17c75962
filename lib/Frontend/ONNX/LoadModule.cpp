#include "moec/Frontend/LoadModule.h"

#include "moec/Weights/OnnxWireScan.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

moec::ModelFormat moec::detectFormat(StringRef path, StringRef contents) {
  if (isBytecode(llvm::MemoryBufferRef(contents, path)))
    return ModelFormat::Bytecode;
  if (path.ends_with(".onnx") || isOnnxModel(ArrayRef<char>(contents.data(), contents.size())))
    return ModelFormat::Onnx;
  return ModelFormat::Text;
}

OwningOpRef<ModuleOp> moec::loadModule(MLIRContext &context, StringRef path,
                                       const ImportOptions &options) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer) {
    emitError(UnknownLoc::get(&context))
        << "cannot read '" << path << "': " << buffer.getError().message();
    return {};
  }
  if (detectFormat(path, (*buffer)->getBuffer()) == ModelFormat::Onnx) {
    buffer->reset();
    if (path != "-")
      return importOnnx(context, path, options);
    emitError(UnknownLoc::get(&context))
        << "standard input holds an ONNX model, expected IR: give the model's file name, as its "
           "weights stay in its files";
    return {};
  }
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
}
