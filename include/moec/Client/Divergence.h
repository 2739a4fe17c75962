//===- Divergence.h - How far a language model is from another ---------------------------===//
#ifndef MOEC_CLIENT_DIVERGENCE_H
#define MOEC_CLIENT_DIVERGENCE_H

#include "moec/Client/Evaluate.h"

namespace moec {

/// A model against a reference on the same tokens, by the predictions of tokens 2 to `length` of
/// every row.
struct Divergence {
  Evaluation model, reference;
  /// The model's mean loss minus the reference's, in nats, and its standard error over rows: the
  /// differences of rows are paired, so what is hard for both models does not count. NaN for one
  /// row.
  double lossDifference = 0, standardError = 0;
  /// The Kullback-Leibler divergence KL(reference || model) of the next token, in nats: mean and
  /// quantiles over tokens.
  double klMean = 0, klMedian = 0, klP99 = 0;
  /// The fraction of tokens whose likeliest successor, of equals the lowest, is the same.
  double topAgreement = 0;

  /// The model's perplexity divided by the reference's.
  double perplexityRatio() const;
};

/// KL(softmax(reference) || softmax(logits)) in nats; NaN if a logit is NaN or infinite.
double klDivergence(llvm::ArrayRef<float> reference, llvm::ArrayRef<float> logits);

/// Runs both models batch by batch. Models must have one vocabulary and take the same sizes. Needs
/// memory for one batch of logits of each model and eight bytes for each token.
llvm::Expected<Divergence>
measureDivergence(CausalLm &model, CausalLm &reference, const TokenSet &set,
                  const EvaluationOptions &options,
                  llvm::function_ref<void(int64_t done, int64_t total)> progress);

} // namespace moec

#endif // MOEC_CLIENT_DIVERGENCE_H
