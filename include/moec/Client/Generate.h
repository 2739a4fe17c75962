//===- Generate.h - Text from a causal language model ------------------------------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_GENERATE_H
#define MOEC_CLIENT_GENERATE_H

#include "moec/Client/CausalLm.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <random>

namespace moec {

struct SamplingOptions {
  double temperature = 0; ///< 0: the likeliest token, ties to the lower id
  int64_t topK = 0;       ///< sample among so many likeliest tokens; 0: among all
  uint64_t seed = 0;
};

/// Chooses tokens; the same seed and logits give the same tokens on every machine of the same libm.
class Sampler {
public:
  explicit Sampler(const SamplingOptions &options) : options(options), random(options.seed) {}
  int64_t choose(llvm::ArrayRef<float> logits);

private:
  SamplingOptions options;
  std::mt19937_64 random;
  std::vector<int64_t> candidates;
  std::vector<double> weights;
};

/// Appends tokens to the prompt one by one, `maxTokens` of them or until `take` returns false. A
/// model with a cache sees each token once; one without sees the whole sequence in every call.
llvm::Error generate(CausalLm &model, llvm::ArrayRef<int64_t> prompt, int64_t maxTokens,
                     Sampler &sampler, llvm::function_ref<bool(int64_t token)> take);

} // namespace moec

#endif // MOEC_CLIENT_GENERATE_H
