//===- Evaluate.cpp - moec evaluate
//----------------------------------------------------------------===//
#include "moec/Client/Evaluate.h"
#include "moec/Support/ProgressBar.h"
#include "tools/moec/Commands.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <limits>

using namespace llvm;

namespace moec::cli {
namespace {

void printJson(const Evaluation &evaluation) {
  json::OStream json(outs(), /*IndentSize=*/2);
  auto lossAndPerplexity = [&](const LossSum &loss) {
    json.attribute("loss", loss.loss());
    json.attribute("perplexity", loss.perplexity());
  };
  json.object([&] {
    lossAndPerplexity(evaluation.total);
    json.attribute("tokens", evaluation.total.tokens);
    json.attributeObject("labels", [&] {
      for (const auto &[name, loss] : evaluation.labels)
        json.attributeObject(json::fixUTF8(name), [&, &loss = loss] { lossAndPerplexity(loss); });
    });
  });
  outs() << '\n';
}

void printTable(const Evaluation &evaluation) {
  size_t width = 5;
  for (const auto &[name, loss] : evaluation.labels)
    width = std::max(width, name.size());
  auto row = [&](StringRef name, const LossSum &loss) {
    outs() << left_justify(name, width)
           << format("  %8.4f  %10.3f  %9lld\n", loss.loss(), loss.perplexity(),
                     (long long)loss.tokens);
  };
  outs() << left_justify("", width) << "      loss  perplexity     tokens\n";
  row("total", evaluation.total);
  for (const auto &[name, loss] : evaluation.labels)
    row(name, loss);
}

Expected<Evaluation> evaluateWithProgress(CausalLm &model, const TokenSet &set,
                                          const EvaluationOptions &options) {
  ProgressBar bar(errs(), "evaluate", errs().is_displayed());
  return evaluateCausalLm(model, set, options,
                          [&](int64_t done, int64_t total) { bar.update(done, total); });
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
  if (Error error = arguments.takeError())
    return error;

  Expected<LoadedModel> model = loadModel(arguments);
  if (!model)
    return model.takeError();
  Expected<NpzReader> file = NpzReader::open(tokensPath);
  if (!file)
    return file.takeError();
  Expected<TokenSet> set = readTokenSet(*file, arguments.value(OPT_labels));
  if (!set)
    return set.takeError();
  selectRows(*set, every, rows);
  Expected<Session> session = model->createSession(options.threads);
  if (!session)
    return session.takeError();
  Expected<CausalLm> languageModel = CausalLm::create(std::move(*session));
  if (!languageModel)
    return languageModel.takeError();

  Expected<Evaluation> evaluation = evaluateWithProgress(*languageModel, *set, options);
  if (!evaluation)
    return evaluation.takeError();
  if (arguments.has(OPT_json))
    printJson(*evaluation);
  else
    printTable(*evaluation);
  return Error::success();
}

} // namespace moec::cli
