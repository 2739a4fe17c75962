//===- Generate.cpp - Text from a causal language model
//--------------------------------------------===//
#include "moec/Client/Generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace llvm;

namespace moec {

int64_t Sampler::choose(ArrayRef<float> logits) {
  if (options.temperature == 0)
    return std::max_element(logits.begin(), logits.end()) - logits.begin();

  candidates.resize(logits.size());
  std::iota(candidates.begin(), candidates.end(), 0);
  auto likelier = [&](int64_t a, int64_t b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  };
  if (options.topK > 0 && options.topK < int64_t(candidates.size())) {
    std::nth_element(candidates.begin(), candidates.begin() + options.topK - 1, candidates.end(),
                     likelier);
    candidates.resize(options.topK);
  }
  float max = logits[*std::min_element(candidates.begin(), candidates.end(), likelier)];
  weights.clear();
  double sum = 0;
  for (int64_t token : candidates) {
    weights.push_back(std::exp((double(logits[token]) - double(max)) / options.temperature));
    sum += weights.back();
  }
  // 53 random bits as a number in [0, 1): std::uniform_real_distribution may differ between
  // libraries.
  double rest = double(random() >> 11) * 0x1p-53 * sum;
  for (size_t i = 0; i < candidates.size(); ++i) {
    rest -= weights[i];
    if (rest < 0)
      return candidates[i];
  }
  return candidates.back();
}

Error generate(CausalLm &model, ArrayRef<int64_t> prompt, int64_t maxTokens, Sampler &sampler,
               function_ref<bool(int64_t token)> take) {
  if (prompt.empty())
    return createStringError("no tokens to go on from");
  if (model.fixedBatch() > 1 || model.fixedLength() > 0)
    return createStringError("generation needs a model that takes one row of any length");
  std::vector<int64_t> sequence(prompt);
  size_t seen = 0; // tokens that are in the cache
  std::vector<float> scratch;
  for (int64_t count = 0; count < maxTokens; ++count) {
    Expected<Logits> logits =
        model.run(ArrayRef(sequence).drop_front(seen), /*batch=*/1, model.hasCache());
    if (!logits)
      return logits.takeError();
    if (model.hasCache())
      seen = sequence.size();
    ArrayRef<float> last = logits->at(0, logits->length - 1, scratch);
    if (!std::all_of(last.begin(), last.end(), [](float x) { return std::isfinite(x); }))
      return createStringError("logits after token " + Twine(sequence.size()) + " are not finite");
    sequence.push_back(sampler.choose(last));
    if (!take(sequence.back()))
      break;
  }
  return Error::success();
}

} // namespace moec
