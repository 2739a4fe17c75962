//===- Inspect.cpp - moec inspect
//------------------------------------------------------------------===//
#include "moec/Artifact/Artifact.h"
#include "moec/Client/Tensors.h"
#include "moec/Frontend/LoadModule.h"
#include "moec/InitAll.h"
#include "moec/Pipelines/Normalize.h"
#include "moec/Pipelines/Raise.h"
#include "moec/Support/Json.h"
#include "tools/moec/Commands.h"
#include "tools/moec/Diagnostics.h"
#include "tools/moec/Summaries.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
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

/// Raises the module. Collects what is said on the way; of remarks, what was not raised.
mlir::LogicalResult raise(mlir::ModuleOp module, std::vector<DiagnosticRecord> &records,
                          std::vector<std::pair<std::string, std::string>> &unraised) {
  mlir::ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
    auto name = diagnostic.getLocation()->findInstanceOf<mlir::NameLoc>();
    std::string node = name ? name.getName().str() : "", text = diagnostic.str();
    constexpr StringLiteral kMark = "not raised: ";
    switch (diagnostic.getSeverity()) {
    case mlir::DiagnosticSeverity::Error:
    case mlir::DiagnosticSeverity::Warning: {
      bool isError = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
      records.push_back({isError ? "error" : "warning", text, node});
      return mlir::failure(); // printed as well
    }
    case mlir::DiagnosticSeverity::Remark:
      if (size_t at = text.find(kMark); at != std::string::npos)
        unraised.emplace_back(node, text.substr(at + kMark.size()));
      return mlir::success();
    case mlir::DiagnosticSeverity::Note:
      return mlir::success();
    }
    return mlir::success();
  });
  mlir::PassManager pm(module.getContext());
  NormalizeOptions normalize;
  normalize.checkSupport = false; // a model may be looked at that cannot be compiled
  buildNormalizePipeline(pm, normalize);
  buildRaisePipeline(pm, RaiseOptions());
  return pm.run(module);
}

Error inspectModel(StringRef path, const ImportOptions &options, bool asJson) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false); // users know nodes, not operations
  context.getDiagEngine().registerHandler(
      [](mlir::Diagnostic &diagnostic) { reportDiagnostic(diagnostic); });
  mlir::OwningOpRef<mlir::ModuleOp> module = loadModule(context, path, options);
  if (!module)
    return createStringError(path + ": neither a compiled model nor a model that can be read");
  ModelSummary summary = summarizeModel(*module);
  std::vector<DiagnosticRecord> records;
  std::vector<std::pair<std::string, std::string>> unraised;
  bool isValid = mlir::succeeded(raise(*module, records, unraised));
  ModelStructure structure;
  if (isValid)
    structure = analyzeStructure(*module);
  structure.unraised.insert(structure.unraised.end(), unraised.begin(), unraised.end());
  asJson ? printModelJson(summary, structure, records) : printModel(path, summary, structure);
  if (!isValid)
    return createStringError(path + ": the model contradicts itself");
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
