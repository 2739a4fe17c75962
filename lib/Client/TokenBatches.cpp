#include "TokenBatches.h"

using namespace llvm;

namespace moec {

static Error checkTokens(const TokenSet &set, int64_t vocabulary) {
  for (auto [index, token] : enumerate(set.tokens))
    if (token < 0 || token >= vocabulary)
      return createStringError("token " + Twine(token) + " of row " + Twine(index / set.length) +
                               " is outside of the model's vocabulary of " + Twine(vocabulary));
  return Error::success();
}

static Expected<int64_t> chooseBatch(ArrayRef<NamedModel> models, const TokenSet &set,
                                     const EvaluationOptions &options) {
  const NamedModel *fixing = nullptr;
  for (const NamedModel &named : models) {
    CausalLm &model = *named.model;
    if (model.fixedLength() >= 0 && model.fixedLength() != set.length)
      return createStringError(named.name + " takes rows of " + Twine(model.fixedLength()) +
                               " tokens, the data has " + Twine(set.length));
    if (model.fixedBatch() < 0)
      continue;
    if (options.batch && options.batch != model.fixedBatch())
      return createStringError(named.name + " takes " + Twine(model.fixedBatch()) +
                               " rows per call, asked for " + Twine(options.batch));
    if (fixing && fixing->model->fixedBatch() != model.fixedBatch())
      return createStringError(named.name + " takes " + Twine(model.fixedBatch()) +
                               " rows per call, " + fixing->name + " " +
                               Twine(fixing->model->fixedBatch()));
    fixing = &named;
  }
  if (fixing)
    return fixing->model->fixedBatch();
  return std::min(options.batch ? options.batch : 8, set.rows);
}

Error logitsNotFinite(StringRef model, int64_t row, int64_t position) {
  return createStringError("logits of row " + Twine(row) + ", token " + Twine(position) +
                           " are not finite in " + model);
}

Error runBatches(ArrayRef<NamedModel> models, const TokenSet &set, const EvaluationOptions &options,
                 function_ref<Error(const TokenBatch &)> use) {
  Expected<int64_t> batch = chooseBatch(models, set, options);
  if (!batch)
    return batch.takeError();
  SmallVector<Logits, 2> logits(models.size());
  for (int64_t begin = 0; begin < set.rows; begin += *batch) {
    int64_t rows = std::min(*batch, set.rows - begin);
    ArrayRef<int64_t> tokens = ArrayRef(set.tokens).slice(begin * set.length, rows * set.length);
    for (auto [i, named] : enumerate(models)) {
      // A model of fixed batch size gets its last rows filled up; what it says of them is ignored.
      std::vector<int64_t> filled;
      ArrayRef<int64_t> input = tokens;
      if (named.model->fixedBatch() >= 0 && rows < *batch) {
        filled.assign(tokens.begin(), tokens.end());
        filled.resize(*batch * set.length, tokens.front());
        input = filled;
      }
      Expected<Logits> result = named.model->run(input, int64_t(input.size()) / set.length);
      if (!result)
        return models.size() == 1
                   ? result.takeError()
                   : createStringError(named.name + ": " + toString(result.takeError()));
      if (result->length != set.length)
        return createStringError(named.name + " gives logits for " + Twine(result->length) +
                                 " of " + Twine(set.length) + " tokens");
      if (i > 0 && result->vocabulary != logits[0].vocabulary)
        return createStringError(models[0].name + " has a vocabulary of " +
                                 Twine(logits[0].vocabulary) + " tokens, " + named.name + " of " +
                                 Twine(result->vocabulary));
      logits[i] = *result;
    }
    if (begin == 0)
      if (Error error = checkTokens(set, logits[0].vocabulary))
        return error;
    if (Error error = use({begin, rows, tokens, logits}))
      return error;
  }
  return Error::success();
}

} // namespace moec
