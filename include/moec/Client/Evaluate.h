//===- Evaluate.h - The loss of a causal language model on a set of tokens ---------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_EVALUATE_H
#define MOEC_CLIENT_EVALUATE_H

#include "moec/Client/CausalLm.h"
#include "moec/Support/Npz.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>
#include <string>
#include <vector>

namespace moec {

/// Rows of tokens and the label of each.
struct TokenSet {
  std::vector<int64_t> tokens; ///< [rows, length]
  int64_t rows = 0, length = 0;
  std::vector<std::string> labelNames;
  std::vector<int64_t> labels; ///< by row, indices into labelNames; empty: no labels
};

/// Reads token ids of any integer type: the array input_ids, else the first integer matrix. Labels
/// come from the array `labelKey` (strings, or integers that index the strings in `labelKey`_names,
/// or else stand for themselves); "" takes "domain" where there is one. Rows need at least two
/// tokens.
llvm::Expected<TokenSet> readTokenSet(NpzReader &file, llvm::StringRef labelKey);

/// Keeps rows 0, every, 2 * every, …, at most `rows` of them.
void selectRows(TokenSet &set, int64_t every, std::optional<int64_t> rows);

/// A sum of losses. The loss of one token is its negative log-likelihood in nats.
struct LossSum {
  double sum = 0;
  int64_t tokens = 0;

  double loss() const { return sum / double(tokens); }
  double perplexity() const;
};

struct Evaluation {
  LossSum total;
  std::vector<std::pair<std::string, LossSum>> labels; ///< those that occur, in order of labelNames
};

struct EvaluationOptions {
  int64_t batch = 0;    ///< rows per call; 0: 8, or what the model fixes
  unsigned threads = 0; ///< for the losses (the model has its own); 0: all CPUs
};

/// The mean negative log-likelihood of tokens 2 to `length` of every row, in double precision.
/// Logits that are not finite and tokens outside the vocabulary are errors. `progress` is told rows
/// done and rows in all.
llvm::Expected<Evaluation>
evaluateCausalLm(CausalLm &model, const TokenSet &set, const EvaluationOptions &options,
                 llvm::function_ref<void(int64_t done, int64_t total)> progress);

/// log(sum(exp(logits))) - logits[token]; NaN if a logit is NaN or infinite.
double tokenLoss(llvm::ArrayRef<float> logits, int64_t token);

} // namespace moec

#endif // MOEC_CLIENT_EVALUATE_H
