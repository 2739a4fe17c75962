//===- Evaluate.cpp - moec evaluate ----------------------------------------------------------===//
#include "moec/Client/Divergence.h"
#include "moec/Support/ProgressBar.h"
#include "tools/moec/Commands.h"
#include "tools/moec/EvaluationReport.h"

#include "llvm/Support/raw_ostream.h"

#include <limits>

using namespace llvm;

namespace moec::cli {
namespace {

void print(const Arguments &arguments, const Evaluation &evaluation,
           const Divergence *divergence = nullptr) {
  if (arguments.has(OPT_json))
    writeEvaluationJson(outs(), evaluation, divergence);
  else
    writeEvaluationTable(outs(), evaluation, divergence);
}

Expected<CausalLm> createLanguageModel(const LoadedModel &model, int32_t threads) {
  Expected<Session> session = model.createSession(threads);
  if (!session)
    return session.takeError();
  return CausalLm::create(std::move(*session));
}

Expected<TokenSet> readTokens(const std::string &path, const std::string &labels) {
  Expected<NpzReader> file = NpzReader::open(path);
  if (!file)
    return file.takeError();
  return readTokenSet(*file, labels);
}

Error evaluateAgainst(CausalLm &model, const TokenSet &set, const EvaluationOptions &options,
                      const Arguments &arguments) {
  std::string path = arguments.value(OPT_reference);
  Expected<LoadedModel> loaded = loadModel(path, arguments.value(OPT_reference_weights_file));
  if (!loaded)
    return loaded.takeError();
  Expected<CausalLm> reference = createLanguageModel(*loaded, options.threads);
  if (!reference)
    return createStringError(path + ": " + toString(reference.takeError()));
  Expected<Divergence> divergence = [&] {
    ProgressBar bar(errs(), "evaluate", errs().is_displayed());
    return measureDivergence(model, *reference, set, options,
                             [&](int64_t done, int64_t total) { bar.update(done, total); });
  }();
  if (!divergence)
    return divergence.takeError();
  print(arguments, divergence->model, &*divergence);
  return Error::success();
}

Error evaluateAlone(CausalLm &model, const TokenSet &set, const EvaluationOptions &options,
                    const Arguments &arguments) {
  Expected<Evaluation> evaluation = [&] {
    ProgressBar bar(errs(), "evaluate", errs().is_displayed());
    return evaluateCausalLm(model, set, options,
                            [&](int64_t done, int64_t total) { bar.update(done, total); });
  }();
  if (!evaluation)
    return evaluation.takeError();
  print(arguments, *evaluation);
  return Error::success();
}

} // namespace

Error runEvaluate(Arguments &arguments) {
  constexpr int64_t many = std::numeric_limits<int32_t>::max();
  std::string tokensPath = arguments.required(OPT_tokens);
  int64_t every = arguments.integer(OPT_every, 1, 1, many);
  std::optional<int64_t> rows;
  if (arguments.has(OPT_rows))
    rows = arguments.integer(OPT_rows, 1, 1, many);
  EvaluationOptions options;
  options.batch = arguments.has(OPT_batch) ? arguments.integer(OPT_batch, 0, 1, many) : 0;
  options.threads = threadsOf(arguments);
  arguments.needs(OPT_reference_weights_file, OPT_reference);
  if (Error error = arguments.takeError())
    return error;

  Expected<LoadedModel> model = loadModel(arguments);
  if (!model)
    return model.takeError();
  Expected<TokenSet> set = readTokens(tokensPath, arguments.value(OPT_labels));
  if (!set)
    return set.takeError();
  selectRows(*set, every, rows);
  Expected<CausalLm> languageModel = createLanguageModel(*model, options.threads);
  if (!languageModel)
    return languageModel.takeError();
  return arguments.has(OPT_reference) ? evaluateAgainst(*languageModel, *set, options, arguments)
                                      : evaluateAlone(*languageModel, *set, options, arguments);
}

} // namespace moec::cli
