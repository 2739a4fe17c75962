//===- Evaluate.cpp - The loss of a causal language model on a set of tokens
//-----------------------===//
#include "moec/Client/Evaluate.h"

#include "LogSum.h"
#include "LossCollector.h"
#include "TokenBatches.h"

#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace moec {
namespace {

/// Losses of one row of a batch: tokens 2 to the end.
struct RowLoss {
  double sum = 0;
  int64_t badPosition = -1; ///< where logits are not finite
};

RowLoss rowLoss(const Logits &logits, int64_t row, ArrayRef<int64_t> tokens) {
  RowLoss result;
  std::vector<float> scratch;
  for (size_t position = 0; position + 1 < tokens.size(); ++position) {
    double loss = tokenLoss(logits.at(row, position, scratch), tokens[position + 1]);
    if (!std::isfinite(loss)) {
      result.badPosition = position;
      return result;
    }
    result.sum += loss;
  }
  return result;
}

Expected<std::string> findTokens(NpzReader &file) {
  if (file.contains("input_ids"))
    return "input_ids";
  for (const std::string &key : file.keys()) {
    Expected<NpyHeader> header = file.readHeader(key);
    if (!header)
      return header.takeError();
    if (header->isInteger() && header->shape.size() == 2)
      return key;
  }
  return createStringError(file.path() + ": no array input_ids and no other integer matrix");
}

Error readLabels(NpzReader &file, const std::string &key, TokenSet &set) {
  Expected<NpyArray> array = file.read(key);
  if (!array)
    return array.takeError();
  bool strings = array->kind() == NpyKind::Unicode;
  if (array->rank() != 1 || array->shape()[0] != set.rows || !(strings || array->isInteger()))
    return createStringError(file.path() + ": labels '" + key + "' are not a list of " +
                             Twine(set.rows) + " strings or integers");
  std::string namesKey = key + "_names";
  bool named = !strings && file.contains(namesKey);
  if (named) {
    Expected<NpyArray> names = file.read(namesKey);
    if (!names)
      return names.takeError();
    if (names->kind() != NpyKind::Unicode || names->rank() != 1)
      return createStringError(file.path() + ": '" + namesKey + "' is not a list of strings");
    for (int64_t i = 0; i < names->numElements(); ++i)
      set.labelNames.push_back(names->stringAt(i));
  }
  for (int64_t row = 0; row < set.rows; ++row) {
    if (named) {
      int64_t label = array->integerAt(row);
      if (label < 0 || label >= int64_t(set.labelNames.size()))
        return createStringError(file.path() + ": label " + Twine(label) + " of row " + Twine(row) +
                                 " is not among the " + Twine(set.labelNames.size()) + " of '" +
                                 namesKey + "'");
      set.labels.push_back(label);
      continue;
    }
    std::string name = strings ? array->stringAt(row) : std::to_string(array->integerAt(row));
    auto found = std::find(set.labelNames.begin(), set.labelNames.end(), name);
    set.labels.push_back(found - set.labelNames.begin());
    if (found == set.labelNames.end())
      set.labelNames.push_back(name);
  }
  return Error::success();
}

} // namespace

double LossSum::perplexity() const { return std::exp(loss()); }

double tokenLoss(ArrayRef<float> logits, int64_t token) {
  return LogSum(logits).lossOf(logits[token]);
}

Expected<TokenSet> readTokenSet(NpzReader &file, StringRef labelKey) {
  Expected<std::string> key = findTokens(file);
  if (!key)
    return key.takeError();
  Expected<NpyArray> array = file.read(*key);
  if (!array)
    return array.takeError();
  if (!array->isInteger() || array->rank() != 2)
    return createStringError(file.path() + ": array '" + *key + "' is not an integer matrix");
  TokenSet set;
  set.rows = array->shape()[0];
  set.length = array->shape()[1];
  if (set.rows < 1 || set.length < 2)
    return createStringError(file.path() + ": array '" + *key +
                             "' has no row of two tokens or more");
  set.tokens.resize(set.rows * set.length);
  for (size_t i = 0; i < set.tokens.size(); ++i)
    set.tokens[i] = array->integerAt(i);

  if (labelKey.empty() && !file.contains("domain"))
    return std::move(set);
  if (Error error = readLabels(file, labelKey.empty() ? "domain" : labelKey.str(), set))
    return std::move(error);
  return std::move(set);
}

void selectRows(TokenSet &set, int64_t every, std::optional<int64_t> rows) {
  int64_t count = (set.rows + every - 1) / every;
  count = std::min(count, rows.value_or(count));
  for (int64_t row = 0; row < count; ++row) {
    std::copy_n(set.tokens.begin() + row * every * set.length, set.length,
                set.tokens.begin() + row * set.length);
    if (!set.labels.empty())
      set.labels[row] = set.labels[row * every];
  }
  set.rows = count;
  set.tokens.resize(count * set.length);
  set.labels.resize(set.labels.empty() ? 0 : count);
}

Expected<Evaluation> evaluateCausalLm(CausalLm &model, const TokenSet &set,
                                      const EvaluationOptions &options,
                                      function_ref<void(int64_t done, int64_t total)> progress) {
  NamedModel named{&model, "the model"};
  LossCollector collector(set);
  DefaultThreadPool pool(hardware_concurrency(options.threads));
  Error error = runBatches(named, set, options, [&](const TokenBatch &batch) -> Error {
    std::vector<RowLoss> losses(batch.rows);
    for (int64_t row = 0; row < batch.rows; ++row)
      pool.async([&, row] {
        losses[row] =
            rowLoss(batch.logits[0], row, batch.tokens.slice(row * set.length, set.length));
      });
    pool.wait();
    for (auto [i, row] : enumerate(losses)) {
      if (row.badPosition >= 0)
        return logitsNotFinite(named.name, batch.begin + i, row.badPosition);
      collector.add(batch.begin + i, row.sum);
    }
    progress(batch.begin + batch.rows, set.rows);
    return Error::success();
  });
  if (error)
    return std::move(error);
  return collector.finish();
}

} // namespace moec
