//===- PermuteNeurons.cpp - Inner units of experts in another order -----------------------===//
#include "DecisionLog.h"
#include "ExpertChoice.h"
#include "RoutedLayers.h"
#include "UnitChoice.h"
#include "passes/Compression/Passes.h"

namespace moec {
#define GEN_PASS_DEF_PERMUTENEURONSPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

constexpr StringLiteral kPass = "permute-neurons";

class PermuteNeurons : public impl::PermuteNeuronsPassBase<PermuteNeurons> {
public:
  using PermuteNeuronsPassBase::PermuteNeuronsPassBase;

  void runOnOperation() override {
    if (score != "magnitude" && score != "norm" && score != "random") {
      (void)fail("'score' is '" + score + "', expected magnitude, norm or random");
      return signalPassFailure();
    }
    FailureOr<std::vector<MoELayer>> found =
        findLayers(getOperation(), layers, [&](const Twine &message) { (void)fail(message); });
    if (failed(found))
      return signalPassFailure();
    FailureOr<WeightEditor> editor = WeightEditor::open(getOperation());
    if (failed(editor))
      return signalPassFailure();
    for (MoELayer &layer : *found)
      if (failed(permute(*editor, layer)))
        return signalPassFailure();
    log.attachTo(getOperation());
  }

private:
  DecisionLog log{kPass};

  using Magnitudes = std::vector<std::vector<UnitMagnitude>>;
  using Orders = std::vector<SmallVector<int64_t>>;

  LogicalResult fail(const Twine &message) {
    return emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
  }

  /// The old number of each new unit of each expert.
  FailureOr<Orders> chooseOrders(const MoELayer &layer, const Magnitudes &magnitudes,
                                 int64_t numUnits);
  NamedAttrList getOptions();
  LogicalResult permute(WeightEditor &editor, MoELayer &layer);
};

FailureOr<PermuteNeurons::Orders> PermuteNeurons::chooseOrders(const MoELayer &layer,
                                                               const Magnitudes &magnitudes,
                                                               int64_t numUnits) {
  if (order.empty()) {
    Orders orders;
    for (const std::vector<double> &scores : getUnitScores(magnitudes, score, seed, layer.name))
      orders.push_back(getLargestFirst(scores));
    return orders;
  }
  llvm::Expected<Orders> named = readUnits(order, "order", layer.name, magnitudes.size(), numUnits);
  if (!named)
    return fail(llvm::toString(named.takeError()));
  for (auto [e, units] : llvm::enumerate(*named)) {
    llvm::Expected<SmallVector<int64_t>> all = putFirst(units, numUnits);
    if (!all)
      return fail("'order' of expert " + Twine(e) + " of '" + layer.name + "' " +
                  llvm::toString(all.takeError()));
    units = std::move(*all);
  }
  return std::move(*named);
}

/// What does the same again: a choice is made again from the same weights.
NamedAttrList PermuteNeurons::getOptions() {
  Builder builder(&getContext());
  NamedAttrList options;
  if (order.empty()) {
    options.set("score", builder.getStringAttr(score));
    if (score == "random")
      options.set("seed", builder.getI64IntegerAttr(seed));
  } else {
    auto entries = llvm::map_to_vector(order, [](const std::string &s) { return StringRef(s); });
    options.set("order", builder.getStrArrayAttr(entries));
  }
  return options;
}

LogicalResult PermuteNeurons::permute(WeightEditor &editor, MoELayer &layer) {
  auto refuse = [&](const Twine &reason) {
    log.refuse(layer.experts, layer.name, reason);
    return success();
  };
  llvm::Expected<InnerUnits> units = InnerUnits::find(layer.experts);
  if (!units)
    return refuse(llvm::toString(units.takeError()));
  llvm::Expected<Magnitudes> magnitudes = units->getMagnitudes(editor);
  if (!magnitudes)
    return refuse(llvm::toString(magnitudes.takeError()));
  FailureOr<Orders> orders = chooseOrders(layer, *magnitudes, units->getNumUnits());
  if (failed(orders))
    return failure();
  int64_t numMoved = 0, numAll = 0;
  for (auto [unitsOfExpert, orderOfExpert] : llvm::zip_equal(*magnitudes, *orders))
    if (!unitsOfExpert.empty()) {
      numAll += unitsOfExpert.size();
      for (auto [place, unit] : llvm::enumerate(orderOfExpert))
        numMoved += unit != static_cast<int64_t>(place);
    }
  if (numMoved == 0)
    return refuse("its inner units are in that order");
  Decision decision;
  decision.layer = layer.name;
  decision.before = units->getCost();
  llvm::Expected<KeptUnits> permuted = units->keep(editor, *orders);
  if (!permuted)
    return refuse(llvm::toString(permuted.takeError()));
  decision.after = permuted->cost;
  decision.options = getOptions();
  decision.reason = (Twine(numMoved) + " of " + Twine(numAll) + " inner units moved").str();
  log.add(permuted->op, decision);
  return success();
}

} // namespace
} // namespace moec
