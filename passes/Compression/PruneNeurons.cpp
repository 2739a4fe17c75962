//===- PruneNeurons.cpp - Feed-forward layers with fewer inner units ----------------------===//
#include "DecisionLog.h"
#include "DenseUnits.h"
#include "ExpertChoice.h"
#include "LayerPattern.h"
#include "UnitChoice.h"
#include "passes/Compression/Passes.h"

#include <cmath>

namespace moec {
#define GEN_PASS_DEF_PRUNENEURONSPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

constexpr StringLiteral kPass = "prune-neurons";

class PruneNeurons : public impl::PruneNeuronsPassBase<PruneNeurons> {
public:
  using PruneNeuronsPassBase::PruneNeuronsPassBase;

  void runOnOperation() override {
    if (failed(checkOptions()))
      return signalPassFailure();
    llvm::Expected<LayerPattern> pattern = LayerPattern::create(layers);
    if (!pattern) {
      (void)fail("'layers': " + llvm::toString(pattern.takeError()));
      return signalPassFailure();
    }
    FailureOr<WeightEditor> editor = WeightEditor::open(getOperation());
    if (failed(editor))
      return signalPassFailure();
    fixLayerNames(getOperation());
    std::vector<MoELayer> experts = getMoELayers(getOperation());
    std::vector<LinearLayer> dense = getDenseLayers();
    llvm::erase_if(experts, [&](MoELayer &layer) { return !pattern->match(layer.name); });
    llvm::erase_if(dense, [&](LinearLayer &layer) { return !pattern->match(layer.name); });
    if (!pattern->checkAllMatched([&](const Twine &message) { (void)fail(message); }))
      return signalPassFailure();
    if (isAsked(LinearKind::Experts))
      for (MoELayer &layer : experts)
        if (failed(prune(*editor, layer.name, LinearKind::Experts, layer.experts,
                         InnerUnits::find(layer.experts))))
          return signalPassFailure();
    // In order: what a layer replaces are linear layers before it.
    if (isAsked(LinearKind::FFN))
      for (LinearLayer &layer : dense)
        if (failed(prune(*editor, layer.name, LinearKind::FFN, layer.linear,
                         DenseUnits::find(layer.linear))))
          return signalPassFailure();
    log.attachTo(getOperation());
  }

private:
  using Magnitudes = std::vector<std::vector<UnitMagnitude>>;
  using Kept = std::vector<SmallVector<int64_t>>;

  LogicalResult fail(const Twine &message) {
    return emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
  }
  LogicalResult checkOptions() {
    if (!(ratio >= 0 && ratio <= 1))
      return fail("'ratio' is " + Twine(std::to_string(ratio)) + ", expected 0 to 1");
    if (score != "magnitude" && score != "norm" && score != "random")
      return fail("'score' is '" + score + "', expected magnitude, norm or random");
    if (scope != "expert" && scope != "layer")
      return fail("'scope' is '" + scope + "', expected expert or layer");
    for (const std::string &kind : kinds)
      if (kind != "experts" && kind != "ffn")
        return fail("'kinds' has '" + kind + "', expected experts or ffn");
    if (multiple < 0)
      return fail("'multiple' is " + Twine(multiple) + ", expected 0 or more");
    if (multiple == 0)
      multiple = scope == "layer" ? 16 : 8;
    return success();
  }

  DecisionLog log{kPass};

  bool isAsked(LinearKind kind) {
    return kinds.empty() || llvm::is_contained(kinds, stringifyLinearKind(kind));
  }
  /// The last linear layers of what looks like dense feed-forward layers.
  std::vector<LinearLayer> getDenseLayers();
  /// `Units` are InnerUnits or DenseUnits of the layer at `place`. Fails on errors only; a layer
  /// that is left is logged.
  template <typename Units>
  LogicalResult prune(WeightEditor &editor, StringRef name, LinearKind kind, Operation *place,
                      llvm::Expected<Units> units);
  /// The units to keep that `remove` leaves.
  FailureOr<Kept> keepOthers(StringRef layer, const Magnitudes &magnitudes, int64_t numUnits);
  Kept chooseKept(StringRef layer, const Magnitudes &magnitudes, int64_t numUnits);
  /// A number of units as it may be.
  int64_t roundCount(double count, int64_t numUnits) {
    int64_t rounded = std::llround(count / static_cast<double>(multiple)) * multiple;
    return std::clamp<int64_t>(rounded, std::min<int64_t>(multiple, numUnits), numUnits);
  }
};

FailureOr<PruneNeurons::Kept>
PruneNeurons::keepOthers(StringRef layer, const Magnitudes &magnitudes, int64_t numUnits) {
  int64_t numExperts = magnitudes.size();
  llvm::Expected<Kept> removed = readUnits(remove, "remove", layer, numExperts, numUnits);
  if (!removed)
    return fail(llvm::toString(removed.takeError()));
  Kept kept(numExperts);
  for (int64_t e = 0; e < numExperts; ++e) {
    std::vector<bool> isKept(numUnits, true);
    for (int64_t u : (*removed)[e])
      isKept[u] = false;
    for (int64_t u = 0; u < numUnits; ++u)
      if (isKept[u])
        kept[e].push_back(u);
    if (kept[e].empty())
      return fail("'remove' leaves expert " + Twine(e) + " of '" + layer +
                  "' without units: remove the expert");
  }
  return kept;
}

PruneNeurons::Kept PruneNeurons::chooseKept(StringRef layer, const Magnitudes &magnitudes,
                                            int64_t numUnits) {
  int64_t numExperts = magnitudes.size();
  std::vector<std::vector<double>> scores = getUnitScores(magnitudes, score, seed, layer);
  std::vector<int64_t> counts(numExperts, roundCount((1 - ratio) * numUnits, numUnits));
  if (scope == "layer") {
    // The smallest of all experts: what is above the threshold stays.
    std::vector<double> all;
    for (int64_t e = 0; e < numExperts; ++e)
      if (!magnitudes[e].empty())
        all.insert(all.end(), scores[e].begin(), scores[e].end());
    llvm::sort(all);
    size_t first = std::min<size_t>(std::llround(ratio * all.size()), all.size());
    double threshold = first < all.size() ? all[first] : std::numeric_limits<double>::infinity();
    for (int64_t e = 0; e < numExperts; ++e)
      counts[e] =
          roundCount(llvm::count_if(scores[e], [&](double s) { return s >= threshold; }), numUnits);
  }
  Kept kept(numExperts);
  for (int64_t e = 0; e < numExperts; ++e) {
    if (magnitudes[e].empty())
      continue;
    SmallVector<int64_t> removed = getSmallest(scores[e], numUnits - counts[e]);
    for (int64_t u = 0; u < numUnits; ++u)
      if (!llvm::is_contained(removed, u))
        kept[e].push_back(u);
  }
  return kept;
}

std::vector<LinearLayer> PruneNeurons::getDenseLayers() {
  std::vector<LinearLayer> layers = getLinearLayers(getOperation());
  llvm::erase_if(layers, [](LinearLayer &layer) {
    // What gives an output of the model may be the last of its feed-forward layer.
    bool isDense = layer.kind == LinearKind::FFN || layer.kind == LinearKind::Head;
    return !isDense || !DenseUnits::isLast(layer.linear);
  });
  return layers;
}

template <typename Units>
LogicalResult PruneNeurons::prune(WeightEditor &editor, StringRef name, LinearKind kind,
                                  Operation *place, llvm::Expected<Units> units) {
  auto refuse = [&](llvm::Error error) {
    log.refuse(place, name, llvm::toString(std::move(error)));
    return success();
  };
  if (!units)
    return refuse(units.takeError());
  int64_t numUnits = units->getNumUnits();
  llvm::Expected<Magnitudes> magnitudes = units->getMagnitudes(editor);
  if (!magnitudes)
    return refuse(magnitudes.takeError());
  FailureOr<Kept> kept = remove.empty() ? chooseKept(name, *magnitudes, numUnits)
                                        : keepOthers(name, *magnitudes, numUnits);
  if (failed(kept))
    return failure();
  int64_t numKept = 0, numAll = 0;
  double removedSum = 0, sum = 0;
  for (auto [unitsOfExpert, keptOfExpert] : llvm::zip(*magnitudes, *kept)) {
    numAll += unitsOfExpert.size();
    numKept += unitsOfExpert.empty() ? 0 : keptOfExpert.size();
    for (auto [u, magnitude] : llvm::enumerate(unitsOfExpert)) {
      sum += magnitude.sum;
      removedSum += llvm::is_contained(keptOfExpert, static_cast<int64_t>(u)) ? 0 : magnitude.sum;
    }
  }
  if (numKept == numAll)
    return refuse(llvm::createStringError("rounded to the multiple, all its units stay"));
  Decision decision;
  decision.layer = name.str();
  decision.before = units->getCost();
  llvm::Expected<KeptUnits> pruned = units->keep(editor, *kept);
  if (!pruned)
    return refuse(pruned.takeError());
  decision.after = pruned->cost;
  decision.relativeError = sum > 0 ? std::sqrt(removedSum / sum) : 0;
  Builder builder(&getContext());
  decision.options.set("kinds", builder.getStrArrayAttr({stringifyLinearKind(kind)}));
  if (remove.empty()) {
    // The same units are chosen again from the same weights.
    decision.options.set("ratio", builder.getF64FloatAttr(ratio));
    decision.options.set("score", builder.getStringAttr(score));
    decision.options.set("scope", builder.getStringAttr(scope));
    decision.options.set("multiple", builder.getI64IntegerAttr(multiple));
    if (score == "random")
      decision.options.set("seed", builder.getI64IntegerAttr(seed));
  } else {
    decision.options.set("remove", builder.getStrArrayAttr(llvm::map_to_vector(
                                       remove, [](const std::string &s) { return StringRef(s); })));
  }
  decision.reason =
      (Twine(numAll - numKept) + " of " + Twine(numAll) + " inner units removed").str();
  log.add(pruned->op, decision);
  return success();
}

} // namespace
} // namespace moec
