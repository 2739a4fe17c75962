//===- PermuteExperts.cpp - Experts in another order --------------------------------------===//
#include "ExpertChoice.h"
#include "ExpertSelection.h"
#include "RoutedLayers.h"
#include "dialects/ONNX/ONNXOps.h"
#include "passes/Compression/Passes.h"

#include "mlir/IR/TypeUtilities.h"

namespace moec {
#define GEN_PASS_DEF_PERMUTEEXPERTSPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

constexpr StringLiteral kPass = "permute-experts";

/// Whether experts that lie in one group of a route still do.
bool keepsGroups(moe::RouteOp route, llvm::ArrayRef<int64_t> order) {
  int64_t size = order.size() / route.getGroups();
  for (auto [place, e] : llvm::enumerate(order))
    if (e / size != order[place / size * size] / size)
      return false;
  return true;
}

/// Whether a use of numbers of experts can have the old ones.
bool canRestoreNumbers(OpOperand *use) {
  Type element = getElementTypeOrSelf(use->get());
  bool isIndex = element.isSignlessInteger(32) || element.isSignlessInteger(64);
  return isIndex && skipLayout(use->get()).getDefiningOp<moe::RouteOp>();
}

/// Gives a use of numbers of experts the old ones, as the model runs.
void restoreNumbers(OpOperand &use, llvm::ArrayRef<int64_t> order) {
  OpBuilder builder(use.getOwner());
  Location loc = use.getOwner()->getLoc();
  // An empty slot has −1, which ONNX takes for the last entry.
  SmallVector<APInt> table;
  unsigned width = getElementTypeOrSelf(use.get()).getIntOrFloatBitWidth();
  for (int64_t e : order)
    table.emplace_back(width, e);
  table.push_back(APInt::getAllOnes(width));
  auto type = RankedTensorType::get(table.size(), builder.getIntegerType(width));
  Value numbers = onnx::ConstantOp::create(
      builder, loc, type, cast<ElementsAttr>(Attribute(DenseElementsAttr::get(type, table))));
  Value old = onnx::NodeOp::create(builder, loc, TypeRange(use.get().getType()), "", "Gather", 13,
                                   ValueRange{numbers, use.get()})
                  ->getResult(0);
  use.set(old);
}

class PermuteExperts : public impl::PermuteExpertsPassBase<PermuteExperts> {
public:
  using PermuteExpertsPassBase::PermuteExpertsPassBase;

  void runOnOperation() override {
    if (score != "norm" && score != "random")
      return fail("'score' is '" + score + "', expected norm or random");
    FailureOr<std::vector<RoutedLayers>> groups =
        findRoutedLayers(getOperation(), layers, [&](const Twine &message) { fail(message); });
    if (failed(groups))
      return;
    FailureOr<WeightEditor> editor = WeightEditor::open(getOperation());
    if (failed(editor))
      return signalPassFailure();
    for (RoutedLayers &group : *groups) {
      if (std::optional<std::string> reason = findObstacle(group)) {
        group.logRefusal(decisions, *reason);
        continue;
      }
      if (failed(permute(*editor, group)))
        return signalPassFailure();
    }
    decisions.attachTo(getOperation());
  }

private:
  DecisionLog decisions{kPass};

  void fail(const Twine &message) {
    emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
    signalPassFailure();
  }

  /// Why the experts cannot have other numbers.
  std::optional<std::string> findObstacle(RoutedLayers &group) {
    moe::RouteOp route = group.getRoute();
    if (!route)
      return "its router is not known";
    for (moe::ExpertsOp experts : group.getExperts())
      if (static_cast<int64_t>(experts.getNumExperts()) != route.getNumExperts())
        return ("its router chooses among " + Twine(route.getNumExperts()) +
                " experts, and it has " + Twine(experts.getNumExperts()))
            .str();
    if (!llvm::all_of(group.getOtherUses(), canRestoreNumbers))
      return "the numbers of its experts are used elsewhere, behind a choice or in a type that is "
             "no index";
    return std::nullopt;
  }

  /// The old number of each new expert; empty, with the reason logged, where there is none.
  FailureOr<SmallVector<int64_t>> chooseOrder(WeightEditor &editor, RoutedLayers &group);
  LogicalResult permute(WeightEditor &editor, RoutedLayers &group);
};

FailureOr<SmallVector<int64_t>> PermuteExperts::chooseOrder(WeightEditor &editor,
                                                            RoutedLayers &group) {
  moe::RouteOp route = group.getRoute();
  int64_t numExperts = route.getNumExperts();
  if (!order.empty()) {
    llvm::Expected<SmallVector<int64_t>> named = putFirst(order, numExperts);
    if (!named) {
      fail("'order' of '" + group.getName() + "' " + llvm::toString(named.takeError()));
      return failure();
    }
    if (!keepsGroups(route, *named)) {
      group.logRefusal(decisions, "its router chooses among groups of " +
                                      Twine(numExperts / route.getGroups()) +
                                      " experts, which the order tears apart");
      return SmallVector<int64_t>();
    }
    return std::move(*named);
  }
  std::vector<double> scores;
  if (score == "random") {
    scores = getRandomScores(numExperts, seed, group.getName());
  } else {
    llvm::Expected<std::vector<double>> norms = getSquaredNorms(editor, group.getExperts());
    if (!norms) {
      group.logRefusal(decisions, "the norm of its weights is not known: " +
                                      llvm::toString(norms.takeError()));
      return SmallVector<int64_t>();
    }
    scores = std::move(*norms);
  }
  // Groups stay where they are.
  SmallVector<int64_t> chosen;
  int64_t size = numExperts / route.getGroups();
  for (int64_t first = 0; first < numExperts; first += size)
    for (int64_t e : getLargestFirst(llvm::ArrayRef(scores).slice(first, size)))
      chosen.push_back(first + e);
  return chosen;
}

LogicalResult PermuteExperts::permute(WeightEditor &editor, RoutedLayers &group) {
  FailureOr<SmallVector<int64_t>> chosen = chooseOrder(editor, group);
  if (failed(chosen))
    return failure();
  if (chosen->empty())
    return success();
  int64_t numMoved = llvm::count_if(llvm::enumerate(*chosen), [](auto pair) {
    return pair.value() != static_cast<int64_t>(pair.index());
  });
  if (numMoved == 0)
    return group.logRefusal(decisions, "its experts are in that order"), success();
  SmallVector<OpOperand *> otherUses = group.getOtherUses();
  std::vector<LayerCost> before = group.getCosts();
  if (llvm::Error error = selectExperts(editor, group.getRoute(), group.getExperts(), *chosen,
                                        RouterChange::Renumber))
    return group.logRefusal(decisions,
                            "its weights cannot be changed: " + llvm::toString(std::move(error))),
           success();
  for (OpOperand *use : otherUses)
    restoreNumbers(*use, *chosen);
  NamedAttrList options;
  options.set("order", Builder(&getContext()).getDenseI64ArrayAttr(*chosen));
  std::string how = !order.empty()    ? "in the order that is named"
                    : score == "norm" ? "the largest by norm first"
                                      : "at random, seed " + std::to_string(seed);
  group.logDecision(decisions, before, options,
                    Twine(numMoved) + " of " + Twine(chosen->size()) + " experts moved, " + how);
  return success();
}

} // namespace
} // namespace moec
