//===- RouterSelection.cpp - From the choice back to the logits
//--------------------------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Raising/Router.h"

using namespace mlir;
using namespace moec;
using moe::ScoreFunction;

bool moec::matchScore(Value value, ScoreFunction &score, Value &logits) {
  value = skipCasts(value);
  auto take = [&](ScoreFunction function, onnx::NodeOp node) {
    score = function;
    logits = skipCasts(node.getInputs()[0]);
    return true;
  };
  // Before version 13 softmax flattens the axes behind its axis: the last one stands alone anyway.
  if (onnx::NodeOp node = getNode(value, "Softmax"))
    return isAlongLastAxis(node, node.getVersion() < 13 ? 1 : -1) &&
           take(ScoreFunction::Softmax, node);
  if (onnx::NodeOp node = getNode(value, "Sigmoid"))
    return take(ScoreFunction::Sigmoid, node);
  // 1 / (1 + exp(−x))
  onnx::NodeOp inverse = getNode(value, "Reciprocal"), quotient = getNode(value, "Div");
  if (quotient && getSplat(quotient.getInputs()[0]) != 1.0)
    quotient = {};
  if (inverse || quotient) {
    onnx::NodeOp negated;
    matchEitherOrder((inverse ? inverse.getInputs()[0] : quotient.getInputs()[1]), "Add",
                     [&](Value power, Value one) {
                       onnx::NodeOp exp = getNode(power, "Exp");
                       negated = exp && getSplat(one) == 1.0 ? getNode(exp.getInputs()[0], "Neg")
                                                             : onnx::NodeOp();
                       return bool(negated);
                     });
    if (negated && getShape(negated->getResult(0)) == getShape(value))
      return take(ScoreFunction::Sigmoid, negated);
  }
  if (onnx::NodeOp node = getNode(value, "Softplus"))
    return take(ScoreFunction::Softplus, node);
  if (onnx::NodeOp root = getNode(value, "Sqrt"))
    if (onnx::NodeOp node = getNode(skipCasts(root.getInputs()[0]), "Softplus"))
      return take(ScoreFunction::SqrtSoftplus, node);
  return false;
}

/// One number for each expert, the same for all tokens.
static bool isPerExpert(Value value, int64_t numExperts) {
  std::optional<ArrayRef<int64_t>> shape = getShape(value);
  return shape && !shape->empty() && shape->back() == numExperts &&
         llvm::all_of(shape->drop_back(), [](int64_t size) { return size == 1; });
}

namespace {

/// A mask over experts that is true in chosen groups: where it comes from.
struct GroupMask {
  bool isNegated = false;
  onnx::NodeOp scatter;
};

} // namespace

/// The last two sizes, 0 where there are none or they are not known.
static std::pair<int64_t, int64_t> getLastTwo(Value value) {
  std::optional<ArrayRef<int64_t>> shape = getShape(value);
  if (!shape || shape->size() < 2)
    return {0, 0};
  return {(*shape)[shape->size() - 2], shape->back()};
}

/// Whether a step of a mask's way from groups [T, G] over [T, G, 1] and [T, G, E/G] to experts [T,
/// E] keeps each expert with its group.
static bool isSpreadingStep(onnx::NodeOp step, int64_t groups, int64_t numExperts) {
  Value from = step.getInputs()[0], to = step->getResult(0);
  size_t fromRank = getShape(from).value_or(ArrayRef<int64_t>()).size();
  size_t toRank = getShape(to).value_or(ArrayRef<int64_t>()).size();
  std::pair<int64_t, int64_t> column(groups, 1), spread(groups, numExperts / groups);
  if (fromRank == 2 && toRank == 3)
    return getLastSize(from) == groups && getLastTwo(to) == column;
  if (fromRank == 3 && toRank == 3)
    return getLastTwo(from) == column && getLastTwo(to) == spread;
  return fromRank == 3 && toRank == 2 && getLastTwo(from) == spread &&
         getLastSize(to) == numExperts;
}

/// Follows a mask [T, E] back through its spreading over the experts of a group.
static std::optional<GroupMask> matchGroupMask(Value mask, int64_t numExperts) {
  GroupMask result;
  SmallVector<onnx::NodeOp> steps;
  for (int numSteps = 0; numSteps < 16; ++numSteps) {
    auto node = mask.getDefiningOp<onnx::NodeOp>();
    if (!node || !node.getDomain().empty())
      return std::nullopt;
    StringRef opType = node.getOpType();
    if (opType == "ScatterElements") {
      result.scatter = node;
      std::optional<int64_t> groups = getLastSize(node->getResult(0));
      bool isSpread = groups && *groups > 0 && numExperts % *groups == 0 && !steps.empty() &&
                      llvm::all_of(steps, [&](onnx::NodeOp step) {
                        return isSpreadingStep(step, *groups, numExperts);
                      });
      return isSpread ? std::optional(result) : std::nullopt;
    }
    if (opType == "Not") {
      result.isNegated = !result.isNegated;
    } else if (opType == "Equal") {
      // Where it is 0, or false.
      if (getSplat(node.getInputs()[1]) != 0.0)
        return std::nullopt;
      result.isNegated = !result.isNegated;
    } else if (llvm::is_contained({"Expand", "Tile", "Reshape", "Unsqueeze", "Flatten"}, opType)) {
      steps.push_back(node);
    } else if (opType != "Cast" && opType != "Identity") {
      return std::nullopt;
    }
    mask = node.getInputs()[0];
  }
  return std::nullopt;
}

/// The worth of each group, [T, G], from selection values [T, E] cut into groups.
static bool matchGroupWorth(Value worth, Value values, int64_t numExperts, Router &router) {
  worth = skipCasts(worth);
  onnx::NodeOp sum = getNode(worth, "ReduceSum"), max = getNode(worth, "ReduceMax");
  onnx::NodeOp reduction = sum ? sum : max;
  bool keepDims = false;
  if (!reduction || !isReductionOfLastAxis(reduction, keepDims) || keepDims)
    return false;
  Value cut = skipCasts(reduction.getInputs()[0]);
  router.groupTop = 1;
  if (sum) {
    onnx::NodeOp top = getNode(cut, "TopK");
    std::optional<int64_t> count = top ? getLastSize(top->getResult(0)) : std::nullopt;
    if (!count || !isAlongLastAxis(top, -1) || !top.getInt("largest", 1))
      return false;
    router.groupTop = *count;
    cut = skipCasts(top.getInputs()[0]);
  }
  onnx::NodeOp reshape = getNode(cut, "Reshape");
  std::optional<ArrayRef<int64_t>> shape = getShape(cut);
  return reshape && shape && shape->size() >= 3 && shape->back() > 0 &&
         (*shape)[shape->size() - 2] == router.groups &&
         shape->back() * router.groups == numExperts && skipCasts(reshape.getInputs()[0]) == values;
}

/// Where(mask, values, excluded) or values · mask: fills in the groups and gives the values.
static Value matchGroups(Value selected, int64_t numExperts, Router &router) {
  Value mask, values;
  double excluded = 0;
  bool whereMaskIsTrue = true;
  if (onnx::NodeOp where = getNode(selected, "Where")) {
    mask = where.getInputs()[0];
    for (unsigned side : {1, 2})
      if (std::optional<double> fill = getSplat(where.getInputs()[side])) {
        values = where.getInputs()[3 - side];
        excluded = *fill;
        whereMaskIsTrue = side == 2;
      }
  } else if (onnx::NodeOp product = getNode(selected, "Mul")) {
    for (unsigned side : {0, 1})
      if (!mask && matchGroupMask(product.getInputs()[side], numExperts)) {
        mask = product.getInputs()[side];
        values = product.getInputs()[1 - side];
      }
  }
  if (!mask || !values)
    return {};
  std::optional<GroupMask> group = matchGroupMask(mask, numExperts);
  if (!group || group->isNegated == whereMaskIsTrue)
    return {};
  onnx::NodeOp scatter = group->scatter;
  onnx::NodeOp choice = scatter.getInputs()[1].getDefiningOp<onnx::NodeOp>();
  std::optional<int64_t> groups = getLastSize(scatter->getResult(0));
  if (!choice || choice.getOpType() != "TopK" || choice->getResult(1) != scatter.getInputs()[1] ||
      getSplat(scatter.getInputs()[0]) != 0.0 || getSplat(scatter.getInputs()[2]) != 1.0 ||
      scatter.getString("reduction", "none") != "none" || !isAlongLastAxis(scatter, 0) ||
      !isAlongLastAxis(choice, -1) || !choice.getInt("largest", 1) || !groups || *groups < 1 ||
      numExperts % *groups)
    return {};
  std::optional<int64_t> topGroups = getLastSize(choice->getResult(0));
  Router found = router;
  found.groups = *groups;
  found.topGroups = topGroups.value_or(0);
  found.excluded = excluded;
  values = skipCasts(values);
  if (!topGroups || !matchGroupWorth(choice.getInputs()[0], values, numExperts, found))
    return {};
  router = found;
  return values;
}

void moec::matchSelection(Value selected, Router &router) {
  selected = skipCasts(selected);
  int64_t numExperts = *getLastSize(selected);
  if (Value values = matchGroups(selected, numExperts, router))
    selected = values;
  if (matchScore(selected, router.score, router.logits)) {
    router.scores = selected;
    return;
  }
  bool isBiased = matchEitherOrder(selected, "Add", [&](Value scores, Value bias) {
    if (!isPerExpert(bias, numExperts) || !matchScore(scores, router.score, router.logits))
      return false;
    router.scores = skipCasts(scores);
    router.selectionBias = bias;
    return true;
  });
  if (isBiased)
    return;
  router.score = ScoreFunction::Identity;
  router.logits = router.scores = selected;
}
