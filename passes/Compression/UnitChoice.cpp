#include "UnitChoice.h"

#include "ExpertChoice.h"

using namespace mlir;
using namespace moec;

std::vector<std::vector<double>>
moec::getUnitScores(llvm::ArrayRef<std::vector<UnitMagnitude>> magnitudes, StringRef score,
                    int64_t seed, StringRef layer) {
  std::vector<std::vector<double>> scores(magnitudes.size());
  for (auto [e, units] : llvm::enumerate(magnitudes)) {
    if (score == "random")
      scores[e] = getRandomScores(units.size(), seed, (layer + "/" + Twine(e)).str());
    else
      for (const UnitMagnitude &magnitude : units)
        scores[e].push_back(score == "norm" ? magnitude.sum : magnitude.product);
  }
  return scores;
}

llvm::Expected<std::vector<SmallVector<int64_t>>>
moec::readUnits(llvm::ArrayRef<std::string> entries, StringRef option, StringRef layer,
                int64_t numExperts, int64_t numUnits) {
  std::vector<SmallVector<int64_t>> units(numExperts);
  for (StringRef entry : entries) {
    auto [expert, unit] = entry.split(':');
    int64_t e, u;
    if (expert.getAsInteger(10, e) || unit.getAsInteger(10, u) || e < 0 || u < 0 ||
        e >= numExperts || u >= numUnits)
      return llvm::createStringError(
          "'" + option + "' names '" + entry + "', expected EXPERT:UNIT; '" + layer + "' has " +
          Twine(numExperts) + " experts of " + Twine(numUnits) + " units");
    units[e].push_back(u);
  }
  return units;
}
