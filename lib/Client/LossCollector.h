//===- LossCollector.h - Losses in all and by label ---------------------------------------===//
#ifndef MOEC_LIB_CLIENT_LOSSCOLLECTOR_H
#define MOEC_LIB_CLIENT_LOSSCOLLECTOR_H

#include "moec/Client/Evaluate.h"

#include "llvm/ADT/STLExtras.h"

namespace moec {

/// Adds up the losses of a set row by row.
class LossCollector {
public:
  explicit LossCollector(const TokenSet &set) : set(set), byLabel(set.labelNames.size()) {}

  /// `sum` over tokens 2 to `length` of the row.
  void add(int64_t row, double sum) {
    add(total, sum);
    if (!set.labels.empty())
      add(byLabel[set.labels[row]], sum);
  }

  Evaluation finish() const {
    Evaluation result;
    result.total = total;
    for (auto [name, loss] : llvm::zip(set.labelNames, byLabel))
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

} // namespace moec

#endif // MOEC_LIB_CLIENT_LOSSCOLLECTOR_H
