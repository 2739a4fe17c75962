//===- TokenBatches.h - Language models on a set of tokens, batch by batch ----------------===//
#ifndef MOEC_LIB_CLIENT_TOKENBATCHES_H
#define MOEC_LIB_CLIENT_TOKENBATCHES_H

#include "moec/Client/Evaluate.h"

namespace moec {

/// A model, and what messages call it.
struct NamedModel {
  CausalLm *model;
  llvm::StringRef name;
};

/// Rows `begin` to `begin + rows` of a set, and what each model says of them.
struct TokenBatch {
  int64_t begin, rows;
  llvm::ArrayRef<int64_t> tokens; ///< [rows, length]
  llvm::ArrayRef<Logits> logits;  ///< by model, of one vocabulary
};

/// Runs all models on one batch after the other, so that no more than one batch of logits of each
/// is in memory. Fails where the models take different sizes or have different vocabularies.
llvm::Error runBatches(llvm::ArrayRef<NamedModel> models, const TokenSet &set,
                       const EvaluationOptions &options,
                       llvm::function_ref<llvm::Error(const TokenBatch &)> use);

/// The error that logits of a token are not finite.
llvm::Error logitsNotFinite(llvm::StringRef model, int64_t row, int64_t position);

} // namespace moec

#endif // MOEC_LIB_CLIENT_TOKENBATCHES_H
