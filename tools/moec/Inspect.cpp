//===- Inspect.cpp - moec inspect
//------------------------------------------------------------------===//
#include "moec/Artifact/Artifact.h"
#include "moec/Client/Tensors.h"
#include "moec/Frontend/LoadModule.h"
#include "moec/InitAll.h"
#include "moec/Support/Json.h"
#include "tools/moec/Commands.h"
#include "tools/moec/Diagnostics.h"
#include "tools/moec/Summaries.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::cli {
namespace {

Error inspectArtifact(StringRef path, bool asJson) {
  Expected<ArtifactInfo> info = readArtifact(path);
  if (!info)
    return info.takeError();
  Expected<json::Value> value = parseJson(info->json);
  if (!value)
    return value.takeError();
  json::Object *object = value->getAsObject();
  if (!object)
    return createStringError(path + ": the description of the model is no JSON object");
  if (!asJson) {
    printArtifact(path, *info, *object);
    return Error::success();
  }
  (*object)["file_size"] = int64_t(info->fileSize);
  (*object)["weights_file"] = info->header.weights_file;
  json::OStream(outs(), /*IndentSize=*/2).value(*value);
  outs() << '\n';
  return Error::success();
}

Error inspectModel(StringRef path, const ImportOptions &options, bool asJson) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false); // users know nodes, not operations
  context.getDiagEngine().registerHandler(
      [](mlir::Diagnostic &diagnostic) { reportDiagnostic(diagnostic); });
  mlir::OwningOpRef<mlir::ModuleOp> module = loadModule(context, path, options).module;
  if (!module)
    return createStringError(path + ": neither a compiled model nor a model that can be read");
  ModelSummary summary = summarizeModel(*module);
  asJson ? printModelJson(summary) : printModel(path, summary);
  return Error::success();
}

} // namespace

Error runInspect(Arguments &arguments) {
  file_magic magic;
  if (std::error_code code = identify_magic(arguments.operand(), magic))
    return createStringError(arguments.operand() + ": " + code.message());
  bool asJson = arguments.has(OPT_json);
  if (magic.is_object())
    return inspectArtifact(arguments.operand(), asJson);
  ImportOptions options;
  options.allowLinkedWeights = arguments.has(OPT_allow_linked_weights);
  return inspectModel(arguments.operand(), options, asJson);
}

} // namespace moec::cli
