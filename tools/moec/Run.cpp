//===- Run.cpp - moec run
//--------------------------------------------------------------------------===//
#include "moec/Client/Compare.h"
#include "moec/Client/Feed.h"
#include "moec/Client/Tensors.h"
#include "moec/Support/ProgressBar.h"
#include "tools/moec/Commands.h"
#include "tools/moec/CompareOnnx.h"
#include "tools/moec/ProfileRequest.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;

namespace moec::cli {
namespace {

void printOutputs(const moec_model_info &model, ArrayRef<moec_tensor> outputs) {
  for (auto [info, tensor] : zip(ArrayRef(model.outputs, model.num_outputs), outputs))
    outs() << info.name << ": " << describeType(tensor.type) << describeShape(shapeOf(tensor))
           << '\n';
}

/// Prints a line per output; every output outside the tolerance is an error.
Error compare(const std::string &path, StringRef prefix, const moec_model_info &model,
              ArrayRef<moec_tensor> outputs, const Tolerance &tolerance) {
  Expected<NpzReader> file = NpzReader::open(path);
  if (!file)
    return file.takeError();
  Expected<std::vector<OutputComparison>> comparisons =
      compareOutputs(*file, prefix, model, outputs, tolerance);
  if (!comparisons)
    return comparisons.takeError();
  Error errors = Error::success();
  for (const OutputComparison &comparison : *comparisons) {
    const Difference &difference = comparison.difference;
    outs() << comparison.name << ' ' << comparison.shape
           << formatv(": largest error {0:e2} absolute, {1:e2} relative", difference.maxAbsolute,
                      difference.maxRelative)
           << (comparison.problem.empty() ? "" : ": FAILED") << '\n';
    if (!comparison.problem.empty())
      errors = joinErrors(std::move(errors), createStringError("output '" + comparison.name + "' " +
                                                               comparison.problem));
  }
  if (comparisons->size() < size_t(model.num_outputs))
    outs() << path << " has " << comparisons->size() << " of " << model.num_outputs
           << " outputs; the others were not compared\n";
  return errors;
}

/// Calls the model; the outputs are those of the last call.
Expected<ArrayRef<moec_tensor>> call(Session &session, ArrayRef<moec_tensor> inputs, int64_t calls,
                                     const ProfileRequest &request) {
  // Before the first call: whoever asks for what the model has not counted need not wait for it.
  if (request.isWanted())
    if (Expected<Profile> profile = readProfile(session); !profile)
      return profile.takeError();
  ProgressBar progress(errs(), "run", errs().is_displayed());
  auto start = std::chrono::steady_clock::now();
  ArrayRef<moec_tensor> outputs;
  for (int64_t i = 0; i < calls; ++i) {
    // Each call is the first of its text.
    if (Error error = session.resetState())
      return std::move(error);
    Expected<ArrayRef<moec_tensor>> result = session.run(inputs);
    if (!result)
      return result.takeError();
    outputs = *result;
    progress.update(i + 1, calls);
  }
  std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
  if (request.isWanted())
    if (Error error = request.write(session, calls, wall.count()))
      return std::move(error);
  return outputs;
}

} // namespace

Error runRun(Arguments &arguments) {
  if (arguments.has(OPT_compare_onnx))
    return runCompareOnnx(arguments);
  arguments.needs(OPT_json, OPT_compare_onnx);
  arguments.needs(OPT_batch, OPT_compare_onnx);
  std::string inputsPath = arguments.required(OPT_inputs);
  std::string prefix = arguments.value(OPT_case);
  int32_t threads = threadsOf(arguments);
  Tolerance tolerance;
  tolerance.relative = arguments.number(OPT_rtol, tolerance.relative, /*min=*/0);
  tolerance.absolute = arguments.number(OPT_atol, tolerance.absolute, /*min=*/0);
  arguments.needs(OPT_rtol, OPT_expect);
  arguments.needs(OPT_atol, OPT_expect);
  int64_t calls = arguments.integer(OPT_calls, /*otherwise=*/1, /*min=*/1, /*max=*/INT32_MAX);
  ProfileRequest profile(arguments);
  if (Error error = arguments.takeError())
    return error;
  if (Error error = profile.check())
    return error;

  Expected<LoadedModel> model = loadModel(arguments);
  if (!model)
    return model.takeError();
  Expected<NpzReader> file = NpzReader::open(inputsPath);
  if (!file)
    return file.takeError();
  Expected<InputSet> inputs = readInputs(*file, prefix, model->info());
  if (!inputs)
    return inputs.takeError();
  Expected<Session> session = model->createSession(threads);
  if (!session)
    return session.takeError();
  Expected<ArrayRef<moec_tensor>> outputs = call(*session, inputs->tensors, calls, profile);
  if (!outputs)
    return outputs.takeError();

  if (arguments.has(OPT_outputs)) {
    if (Error error = writeOutputs(arguments.value(OPT_outputs), prefix, model->info(), *outputs))
      return error;
  }
  if (arguments.has(OPT_expect))
    return compare(arguments.value(OPT_expect), prefix, model->info(), *outputs, tolerance);
  if (!arguments.has(OPT_outputs) && !profile.takesStandardOutput())
    printOutputs(model->info(), *outputs);
  return Error::success();
}

} // namespace moec::cli
