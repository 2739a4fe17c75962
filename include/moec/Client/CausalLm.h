//===- CausalLm.h - Feeding a causal language model --------------------------------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_CAUSALLM_H
#define MOEC_CLIENT_CAUSALLM_H

#include "moec/Client/LoadedModel.h"

#include <vector>

namespace moec {

/// Logits of one call, valid until the model's next call.
struct Logits {
  const void *data = nullptr;
  int32_t type = 0; ///< moec_type, one of the floating-point types
  int64_t batch = 0, length = 0, vocabulary = 0;

  /// The logits after token `position` of row `row`, as floats: in place where they are float32,
  /// else converted into `scratch`.
  llvm::ArrayRef<float> at(int64_t row, int64_t position, std::vector<float> &scratch) const;
};

/// A model that maps token ids [batch, length] to logits [batch, length, vocabulary], by the names
/// that exporters use:
///
///   input_ids (or the only integer matrix)      the tokens, of any integer type
///   attention_mask                              ones, [batch, past + length]
///   position_ids, cache_position                past, past + 1, …
///   past_key_values.… (past…, input.past…)      the cache; starts with length 0
///   logits (or the first floating-point output of rank 3)
///   present.… (output.past… for input.past…)    the cache after the call, which goes on as past
///
/// Caches that the model's sessions keep are no inputs and outputs.
class CausalLm {
public:
  /// Fails on inputs beyond those above, naming them.
  static llvm::Expected<CausalLm> create(Session session);

  bool hasCache() const { return !caches.empty() || session.hasState(); }
  const Session &getSession() const { return session; }
  /// Sizes of the token input that the model fixes; -1 where it does not.
  int64_t fixedBatch() const { return fixedSize(0); }
  int64_t fixedLength() const { return fixedSize(1); }

  /// Runs rows of `length` tokens each, on from the kept cache. With `keepCache` (needs a model
  /// with a cache) the next call goes on after these tokens, else it starts anew.
  llvm::Expected<Logits> run(llvm::ArrayRef<int64_t> tokens, int64_t batch, bool keepCache = false);

private:
  enum class Role { Tokens, Mask, Positions, Cache };
  struct Cache {
    int32_t input;
    int32_t output;
    std::vector<char> data; ///< empty: length 0
    llvm::SmallVector<int64_t, 4> shape;
  };

  explicit CausalLm(Session session) : session(std::move(session)) {}
  llvm::Error recogniseInputs();
  llvm::Error recogniseCaches();
  llvm::Error recogniseLogits();
  int64_t fixedSize(int dim) const;
  llvm::Expected<moec_tensor> makeInput(int32_t input, llvm::ArrayRef<int64_t> tokens,
                                        int64_t batch, std::vector<char> &memory);

  Session session;
  llvm::SmallVector<Role> roles;         ///< by input
  std::vector<std::vector<char>> memory; ///< of inputs, kept: a step asks for none
  llvm::SmallVector<moec_tensor> inputs;
  llvm::SmallVector<Cache, 0> caches;
  int32_t tokensInput = -1;
  int32_t logitsOutput = -1;
  int64_t pastLength = 0;
  bool isContinued = false; ///< the next call goes on with the session's state
};

} // namespace moec

#endif // MOEC_CLIENT_CAUSALLM_H
