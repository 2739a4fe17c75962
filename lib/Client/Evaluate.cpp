//===- Evaluate.cpp - The loss of a causal language model on a set of tokens
//-----------------------===//
#include "moec/Client/Evaluate.h"

#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

using namespace llvm;

namespace moec {
namespace {

/// exp(x) for x <= 0 with a relative error below 1e-13, in a form that compilers vectorise (the
/// losses of a vocabulary cost as much as a small model otherwise). Below -700 it is exp(-700).
inline double expOfNegative(double x) {
  constexpr double log2e = 1.4426950408889634, ln2High = 6.93147180369123816490e-01,
                   ln2Low = 1.90821492927058770002e-10; // fdlibm's split: n * ln2High is exact
  constexpr double roundToInteger = 0x1.8p52;
  x = x < -700 ? -700 : x;
  double shifted = x * log2e + roundToInteger;
  double n = shifted - roundToInteger;
  double r = (x - n * ln2High) - n * ln2Low; // |r| <= ln2 / 2
  // Taylor's series to degree 11: the rest is below r^12 / 12! < 7e-15.
  double p = 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 1.0 / 2;
  p = p * r + 1;
  p = p * r + 1;
  // The low bits of `shifted` are n; 2^n goes into the exponent.
  uint64_t exponent = (std::bit_cast<uint64_t>(shifted) + 1023) << 52;
  return p * std::bit_cast<double>(exponent);
}

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

Error checkTokens(const TokenSet &set, int64_t vocabulary) {
  for (auto [index, token] : enumerate(set.tokens))
    if (token < 0 || token >= vocabulary)
      return createStringError("token " + Twine(token) + " of row " + Twine(index / set.length) +
                               " is outside of the model's vocabulary of " + Twine(vocabulary));
  return Error::success();
}

/// Collects losses row by row.
class Collector {
public:
  explicit Collector(const TokenSet &set) : set(set), byLabel(set.labelNames.size()) {}

  void add(int64_t row, double sum) {
    add(total, sum);
    if (!set.labels.empty())
      add(byLabel[set.labels[row]], sum);
  }

  Evaluation finish() const {
    Evaluation result;
    result.total = total;
    for (auto [name, loss] : zip(set.labelNames, byLabel))
      if (loss.tokens)
        result.labels.emplace_back(name, loss);
    return result;
  }

private:
  void add(LossSum &loss, double sum) {
    loss.sum += sum;
    loss.tokens += set.length - 1;
  }

  const TokenSet &set;
  LossSum total;
  std::vector<LossSum> byLabel;
};

} // namespace

double LossSum::perplexity() const { return std::exp(loss()); }

double tokenLoss(ArrayRef<float> logits, int64_t token) {
  float max = *std::max_element(logits.begin(), logits.end());
  // Separate sums make the loop a vector loop without reassociating one sum.
  constexpr size_t lanes = 8;
  double sums[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= logits.size(); i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += expOfNegative(double(logits[i + lane]) - double(max));
  for (; i < logits.size(); ++i)
    sums[0] += expOfNegative(double(logits[i]) - double(max));
  double sum = 0;
  for (double s : sums)
    sum += s;
  return std::log(sum) + (double(max) - double(logits[token]));
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
  int64_t batch = model.fixedBatch();
  if (batch < 0)
    batch = std::min(options.batch ? options.batch : 8, set.rows);
  else if (options.batch && options.batch != batch)
    return createStringError("the model takes " + Twine(batch) + " rows per call, asked for " +
                             Twine(options.batch));
  if (model.fixedLength() >= 0 && model.fixedLength() != set.length)
    return createStringError("the model takes rows of " + Twine(model.fixedLength()) +
                             " tokens, the data has " + Twine(set.length));

  Collector collector(set);
  DefaultThreadPool pool(hardware_concurrency(options.threads));
  std::vector<RowLoss> losses(batch);
  bool first = true;
  for (int64_t begin = 0; begin < set.rows; begin += batch) {
    int64_t rows = std::min(batch, set.rows - begin);
    ArrayRef<int64_t> tokens = ArrayRef(set.tokens).slice(begin * set.length, rows * set.length);
    // A model of fixed batch size gets its last rows filled up; what it says of them is ignored.
    std::vector<int64_t> filled;
    if (model.fixedBatch() >= 0 && rows < batch) {
      filled.assign(tokens.begin(), tokens.end());
      filled.resize(batch * set.length, tokens.front());
      tokens = filled;
    }
    Expected<Logits> logits = model.run(tokens, int64_t(tokens.size()) / set.length);
    if (!logits)
      return logits.takeError();
    if (logits->length != set.length)
      return createStringError("the model gives logits for " + Twine(logits->length) + " of " +
                               Twine(set.length) + " tokens");
    if (std::exchange(first, false))
      if (Error error = checkTokens(set, logits->vocabulary))
        return std::move(error);

    for (int64_t row = 0; row < rows; ++row)
      pool.async([&, row] {
        losses[row] = rowLoss(*logits, row, tokens.slice(row * set.length, set.length));
      });
    pool.wait();
    for (int64_t row = 0; row < rows; ++row) {
      if (losses[row].badPosition >= 0)
        return createStringError("logits of row " + Twine(begin + row) + ", token " +
                                 Twine(losses[row].badPosition) + " are not finite");
      collector.add(begin + row, losses[row].sum);
    }
    progress(begin + rows, set.rows);
  }
  return collector.finish();
}

} // namespace moec
