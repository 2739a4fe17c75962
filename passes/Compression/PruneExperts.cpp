//===- PruneExperts.cpp - Fewer experts -------------------------------------------------------===//
#include "DecisionLog.h"
#include "ExpertChoice.h"
#include "ExpertSelection.h"
#include "RoutedLayers.h"
#include "passes/Compression/Passes.h"

#include "llvm/Support/FormatVariadic.h"
#include <limits>

namespace moec {
#define GEN_PASS_DEF_PRUNEEXPERTSPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

constexpr StringLiteral kPass = "prune-experts";

std::string getGroupsNeed(moe::RouteOp route) {
  return llvm::formatv(
      "its groups would have too few experts: {0} of {1} groups are rated by their "
      "{2} best and give a token {3}",
      route.getTopGroups(), route.getGroups(), route.getGroupTop(), route.getK());
}

class PruneExperts : public impl::PruneExpertsPassBase<PruneExperts> {
public:
  using PruneExpertsPassBase::PruneExpertsPassBase;

  void runOnOperation() override {
    if (failed(checkOptions()))
      return signalPassFailure();
    FailureOr<std::vector<RoutedLayers>> groups =
        findRoutedLayers(getOperation(), layers, [&](const Twine &message) { fail(message); });
    if (mlir::failed(groups))
      return;
    FailureOr<WeightEditor> editor = WeightEditor::open(getOperation());
    if (failed(editor))
      return signalPassFailure();
    for (RoutedLayers &group : *groups) {
      isRefused = false;
      bool failed =
          exact ? mlir::failed(pruneExactly(*editor, group)) : mlir::failed(prune(*editor, group));
      if (failed)
        return signalPassFailure();
    }
    decisions.attachTo(getOperation());
  }

private:
  void fail(const Twine &message) {
    emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
    signalPassFailure();
  }
  LogicalResult checkOptions() {
    if (!(ratio >= 0 && ratio <= 1))
      return fail("'ratio' is " + Twine(std::to_string(ratio)) + ", expected 0 to 1"), failure();
    if (score != "norm" && score != "random")
      return fail("'score' is '" + score + "', expected norm or random"), failure();
    if (denominator != "keep" && denominator != "drop")
      return fail("'denominator' is '" + denominator + "', expected keep or drop"), failure();
    return success();
  }

  void refuse(RoutedLayers &group, const Twine &reason) {
    isRefused = true;
    group.logRefusal(decisions, reason);
  }

  bool isRefused = false; ///< the layers in work
  DecisionLog decisions{kPass};
  LogicalResult prune(WeightEditor &editor, RoutedLayers &group);
  LogicalResult pruneExactly(WeightEditor &editor, RoutedLayers &group);
  FailureOr<SmallVector<int64_t>> chooseRemoved(WeightEditor &editor, RoutedLayers &group);
  RouterChange getChange(RoutedLayers &group);
};

/// The experts to remove, ascending.
FailureOr<SmallVector<int64_t>> PruneExperts::chooseRemoved(WeightEditor &editor,
                                                            RoutedLayers &group) {
  int64_t numExperts = group.getRoute().getNumExperts();
  if (!remove.empty()) {
    SmallVector<int64_t> removed(remove.begin(), remove.end());
    llvm::sort(removed);
    removed.erase(llvm::unique(removed), removed.end());
    for (int64_t e : removed)
      if (e < 0 || e >= numExperts)
        return fail("'remove' names expert " + Twine(e) + ", but '" + group.getName() + "' has " +
                    Twine(numExperts)),
               failure();
    return removed;
  }
  std::vector<bool> live = getLiveExperts(editor, group.getRoute(), group.getExperts());
  int64_t count = std::llround(ratio * static_cast<double>(llvm::count(live, true)));
  if (count == 0)
    return SmallVector<int64_t>();
  std::vector<double> scores;
  if (score == "random") {
    scores = getRandomScores(numExperts, seed, group.getName());
  } else {
    llvm::Expected<std::vector<double>> norms = getSquaredNorms(editor, group.getExperts());
    if (!norms) {
      refuse(group, "the norm of its weights is not known: " + llvm::toString(norms.takeError()));
      return SmallVector<int64_t>();
    }
    scores = std::move(*norms);
  }
  if (group.getRoute().getGroups() > 1) {
    auto removed = getSmallestInGroups(group.getRoute(), live, scores, count);
    if (removed.empty())
      refuse(group, getGroupsNeed(group.getRoute()));
    return removed;
  }
  for (auto [score, isLive] : llvm::zip(scores, live))
    if (!isLive)
      score = std::numeric_limits<double>::infinity();
  return getSmallest(scores, count);
}

RouterChange PruneExperts::getChange(RoutedLayers &group) {
  moe::RouteOp route = group.getRoute();
  bool sharesDenominator = route.getScore() == moe::ScoreFunction::Softmax &&
                           route.getWeight() == moe::RouteWeight::Score && denominator == "keep";
  // The probability that a threshold is compared with is a softmax score too.
  sharesDenominator |= route.getThreshold().has_value() && denominator == "keep";
  // Scores of a softmax that has fewer terms rank differently beside a bias.
  sharesDenominator |= route.getScore() == moe::ScoreFunction::Softmax &&
                       route.getSelectionBias() && !route.getSelectLogits();
  bool isOnly = group.getOtherUses().empty();
  return sharesDenominator || route.getGroups() > 1 || !isOnly ? RouterChange::Mask
                                                               : RouterChange::Renumber;
}

LogicalResult PruneExperts::prune(WeightEditor &editor, RoutedLayers &group) {
  moe::RouteOp route = group.getRoute();
  if (!route)
    return refuse(group, "its router is not known"), success();
  FailureOr<SmallVector<int64_t>> removed = chooseRemoved(editor, group);
  if (failed(removed))
    return failure();
  if (removed->empty()) {
    if (!isRefused)
      refuse(group, Twine(std::to_string(ratio)) + " of its experts are none");
    return success();
  }
  int64_t numExperts = route.getNumExperts(), k = route.getK();
  for (moe::ExpertsOp experts : group.getExperts())
    if (static_cast<int64_t>(experts.getNumExperts()) != numExperts)
      return refuse(group, "its router chooses among " + Twine(numExperts) +
                               " experts, and it has " + Twine(experts.getNumExperts())),
             success();
  std::vector<bool> live = getLiveExperts(editor, route, group.getExperts());
  int64_t numAsked = std::llround(ratio * static_cast<double>(llvm::count(live, true)));
  for (int64_t e : *removed)
    live[e] = false;
  int64_t numKept = llvm::count(live, true);
  RouterChange change = getChange(group);
  bool isMixer = route.getScore() == moe::ScoreFunction::SparseMixer;
  if (isMixer && change == RouterChange::Mask)
    return refuse(group, "its router is a sparse mixer, which cannot pass over experts whose "
                         "columns stay"),
           success();
  // Groups that are chosen must have enough experts whichever they are.
  if (numKept < k)
    return refuse(group,
                  "it would have " + Twine(numKept) + " experts, and a token takes " + Twine(k)),
           success();
  SmallVector<int64_t> kept;
  for (int64_t e = 0; e < numExperts; ++e)
    if (!llvm::is_contained(*removed, e))
      kept.push_back(e);
  SmallVector<int64_t> alive;
  for (int64_t e : kept)
    if (live[e])
      alive.push_back(e);
  if (route.getGroups() > 1 && !canChooseAnyGroups(route, alive))
    return refuse(group, getGroupsNeed(route)), success();
  std::vector<LayerCost> before = group.getCosts();
  if (llvm::Error error = selectExperts(editor, route, group.getExperts(), kept, change))
    return refuse(group, "its weights cannot be changed: " + llvm::toString(std::move(error))),
           success();
  Builder builder(&getContext());
  NamedAttrList options;
  options.set("remove", builder.getDenseI64ArrayAttr(*removed));
  if (route.getScore() == moe::ScoreFunction::Softmax && change == RouterChange::Mask)
    options.set("denominator", builder.getStringAttr(denominator));
  std::string how = remove.empty()
                        ? (score == "norm" ? "the smallest by norm"
                                           : "chosen at random, seed " + std::to_string(seed))
                        : "those that are named";
  group.logDecision(
      decisions, before, options,
      Twine(removed->size()) + " of " + Twine(numExperts) + " experts removed, " + how +
          (remove.empty() && static_cast<int64_t>(removed->size()) < numAsked
               ? "; its groups need the others"
               : "") +
          (change == RouterChange::Mask ? "; the router keeps its columns" : "") +
          (isMixer ? "; the softmax of its sparse mixer has no share of theirs any more" : ""));
  return success();
}

LogicalResult PruneExperts::pruneExactly(WeightEditor &editor, RoutedLayers &group) {
  std::vector<LayerCost> before = group.getCosts();
  Builder builder(&getContext());
  NamedAttrList options;
  options.set("exact", builder.getBoolAttr(true));
  SmallVector<int64_t> idle;
  if (moe::RouteOp route = group.getRoute())
    idle = findIdleExperts(editor, route);
  int64_t numMerged = 0;
  for (moe::ExpertsOp experts : group.getExperts()) {
    llvm::Expected<SmallVector<int64_t>> places = findEqualExperts(editor, experts);
    if (!places)
      return refuse(group, llvm::toString(places.takeError())), success();
    for (auto [e, place] : llvm::enumerate(*places)) {
      if (llvm::is_contained(idle, static_cast<int64_t>(e)))
        place = -1;
      numMerged += place >= 0 && place != static_cast<int64_t>(e);
    }
    if (numMerged == 0 && idle.empty())
      continue;
    if (llvm::Error error = placeExperts(editor, experts, *places))
      return refuse(group, "its weights cannot be changed: " + llvm::toString(std::move(error))),
             success();
  }
  if (numMerged > 0 || !idle.empty())
    group.logDecision(decisions, before, options,
                      Twine(idle.size()) + " experts removed that no token can choose, and " +
                          Twine(numMerged) + " that are equal to others");
  else
    refuse(group, "each of its experts may be chosen, and no two are equal");
  return success();
}

} // namespace
} // namespace moec
