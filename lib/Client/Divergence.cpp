#include "moec/Client/Divergence.h"

#include "LogSum.h"
#include "LossCollector.h"
#include "TokenBatches.h"

#include "moec/Support/Quantile.h"

#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"

#include <cmath>

using namespace llvm;

namespace moec {
namespace {

/// What the models say of one row.
struct RowDivergence {
  double loss[2] = {0, 0}; ///< sums over tokens: model, reference
  int64_t agreements = 0;
  int64_t badPosition = -1; ///< where logits are not finite,
  int badModel = 0;         ///< and whose
};

double klDivergence(ArrayRef<float> reference, const LogSum &referenceSum, ArrayRef<float> logits,
                    const LogSum &sum) {
  double differences = sumInLanes(reference.size(), [&](size_t i) {
    double below = double(reference[i]) - referenceSum.max;
    return expOfNegative(below) * (below - (double(logits[i]) - sum.max));
  });
  // Rounding may go below zero.
  double kl = differences / referenceSum.sum + (std::log(sum.sum) - std::log(referenceSum.sum));
  return kl < 0 ? 0 : kl;
}

size_t indexOfMax(ArrayRef<float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

/// Writes the divergence of each predicted token to `kl`.
RowDivergence compareRow(const TokenBatch &batch, int64_t row, int64_t length,
                         MutableArrayRef<double> kl) {
  RowDivergence result;
  std::vector<float> scratch[2];
  ArrayRef<int64_t> tokens = batch.tokens.slice(row * length, length);
  for (int64_t position = 0; position + 1 < length; ++position) {
    ArrayRef<float> logits[2];
    std::optional<LogSum> sums[2];
    for (int m : {0, 1}) {
      logits[m] = batch.logits[m].at(row, position, scratch[m]);
      sums[m].emplace(logits[m]);
      double loss = sums[m]->lossOf(logits[m][tokens[position + 1]]);
      if (!std::isfinite(loss)) {
        result.badPosition = position;
        result.badModel = m;
        return result;
      }
      result.loss[m] += loss;
    }
    kl[position] = klDivergence(logits[1], *sums[1], logits[0], *sums[0]);
    result.agreements += indexOfMax(logits[0]) == indexOfMax(logits[1]);
  }
  return result;
}

/// Mean and standard error of the differences of rows.
void setDifference(ArrayRef<double> differences, Divergence &result) {
  double n = double(differences.size()), mean = 0, squares = 0;
  for (double difference : differences)
    mean += difference / n;
  for (double difference : differences)
    squares += (difference - mean) * (difference - mean);
  result.lossDifference = mean;
  result.standardError = std::sqrt(squares / (n - 1) / n);
}

} // namespace

double klDivergence(ArrayRef<float> reference, ArrayRef<float> logits) {
  return klDivergence(reference, LogSum(reference), logits, LogSum(logits));
}

double Divergence::perplexityRatio() const {
  return std::exp(model.total.loss() - reference.total.loss());
}

Expected<Divergence> measureDivergence(CausalLm &model, CausalLm &reference, const TokenSet &set,
                                       const EvaluationOptions &options,
                                       function_ref<void(int64_t done, int64_t total)> progress) {
  NamedModel models[] = {{&model, "the model"}, {&reference, "the reference"}};
  LossCollector collectors[] = {LossCollector(set), LossCollector(set)};
  int64_t predicted = set.length - 1, agreements = 0;
  std::vector<double> kl(set.rows * predicted), differences;
  DefaultThreadPool pool(hardware_concurrency(options.threads));
  Error error = runBatches(models, set, options, [&](const TokenBatch &batch) -> Error {
    std::vector<RowDivergence> rows(batch.rows);
    for (int64_t row = 0; row < batch.rows; ++row)
      pool.async([&, row] {
        rows[row] =
            compareRow(batch, row, set.length,
                       MutableArrayRef(kl).slice((batch.begin + row) * predicted, predicted));
      });
    pool.wait();
    for (auto [i, row] : enumerate(rows)) {
      if (row.badPosition >= 0)
        return logitsNotFinite(models[row.badModel].name, batch.begin + i, row.badPosition);
      for (int m : {0, 1})
        collectors[m].add(batch.begin + i, row.loss[m]);
      differences.push_back((row.loss[0] - row.loss[1]) / double(predicted));
      agreements += row.agreements;
    }
    progress(batch.begin + batch.rows, set.rows);
    return Error::success();
  });
  if (error)
    return std::move(error);

  Divergence result;
  result.model = collectors[0].finish();
  result.reference = collectors[1].finish();
  setDifference(differences, result);
  double count = double(kl.size());
  for (double value : kl)
    result.klMean += value / count;
  std::sort(kl.begin(), kl.end());
  result.klMedian = quantileOfSorted(kl, 0.5);
  result.klP99 = quantileOfSorted(kl, 0.99);
  result.topAgreement = double(agreements) / count;
  return std::move(result);
}

} // namespace moec
