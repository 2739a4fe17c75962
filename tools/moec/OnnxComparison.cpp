#include "tools/moec/OnnxComparison.h"

#include "moec/Client/Feed.h"
#include "moec/Compiler/Compiler.h"
#include "moec/InitAll.h"
#include "moec/Support/ProgressBar.h"
#include "tools/moec/Diagnostics.h"

#include "mlir/IR/DialectRegistry.h"

using namespace llvm;

namespace moec::cli {

const OutputComparison *OnnxComparison::find(StringRef name) const {
  auto found = comparisons.find(name);
  return found == comparisons.end() ? nullptr : &found->second;
}

Error OnnxComparison::run() {
  if (Error error = listValues())
    return error;
  std::vector<const ModelValue *> chosen;
  for (const ModelValue &value : values)
    if (value.isObservable)
      chosen.push_back(&value);
  ProgressBar progress(errs(), "compare", errs().is_displayed());
  for (size_t i = 0; i < chosen.size() && !first; i += request.batch) {
    progress.update(int64_t(i), int64_t(chosen.size()));
    if (Error error = compareBatch(ArrayRef(chosen).slice(i).take_front(request.batch)))
      return error;
  }
  return Error::success();
}

Expected<std::vector<OutputComparison>> OnnxComparison::compareCompiled(const LoadedModel &model) {
  std::vector<std::string> names;
  for (const moec_tensor_info &output : ArrayRef(model.info().outputs, model.info().num_outputs))
    names.push_back(output.name);
  return compareWith(model, names);
}

/// The compiler's part: `work` runs with a context whose errors are printed, and warnings if
/// wanted.
Error OnnxComparison::withContext(bool warns, function_ref<bool(mlir::MLIRContext &)> work) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
    if (warns || diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      reportDiagnostic(diagnostic);
  });
  return work(context) ? Error::success()
                       : createStringError("'" + request.ours + "' was not compiled");
}

Error OnnxComparison::listValues() {
  return withContext(/*warns=*/true, [&](mlir::MLIRContext &context) {
    auto listed = listModelValues(context, request.ours, ImportOptions());
    if (succeeded(listed))
      values = std::move(*listed);
    return succeeded(listed);
  });
}

Error OnnxComparison::compareBatch(ArrayRef<const ModelValue *> batch) {
  CompileOptions options;
  options.input = request.ours;
  options.output = folder.file("observed.so");
  std::vector<std::string> names;
  for (const ModelValue *value : batch) {
    names.push_back(value->name);
    if (!value->isOutput)
      options.observe.push_back(value->name);
  }
  if (Error error = withContext(/*warns=*/false, [&](mlir::MLIRContext &context) {
        return succeeded(compile(options, context));
      }))
    return error;
  Expected<LoadedModel> model = LoadedModel::load(options.output);
  if (!model)
    return model.takeError();
  Expected<std::vector<OutputComparison>> compared = compareWith(*model, names);
  if (!compared)
    return compared.takeError();
  for (OutputComparison &comparison : *compared)
    comparisons[comparison.name] = comparison;
  for (const ModelValue *value : batch) {
    auto found = comparisons.find(value->name);
    if (!first && found != comparisons.end() && !found->second.problem.empty())
      first = value;
  }
  return Error::success();
}

/// Runs both. Values that the reference does not have are left out.
Expected<std::vector<OutputComparison>> OnnxComparison::compareWith(const LoadedModel &model,
                                                                    ArrayRef<std::string> names) {
  std::string path = folder.file("values.npz");
  if (Error error =
          runInOnnxRuntime(request.reference, request.inputs, request.prefix, names, path, folder))
    return std::move(error);
  Expected<NpzReader> expected = NpzReader::open(path);
  if (!expected)
    return expected.takeError();
  if (expected->keys().empty())
    return std::vector<OutputComparison>();
  Expected<NpzReader> file = NpzReader::open(request.inputs);
  if (!file)
    return file.takeError();
  Expected<InputSet> inputs = readInputs(*file, request.prefix, model.info());
  if (!inputs)
    return inputs.takeError();
  Expected<Session> session = model.createSession(request.threads);
  if (!session)
    return session.takeError();
  Expected<ArrayRef<moec_tensor>> outputs = session->run(inputs->tensors);
  if (!outputs)
    return outputs.takeError();
  return compareOutputs(*expected, "", model.info(), *outputs, request.tolerance);
}

} // namespace moec::cli
