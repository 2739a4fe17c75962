//===- RouterWeights.cpp - From the choice on to the weights
//-----------------------------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Raising/Router.h"

using namespace mlir;
using namespace moec;
using moe::RouteWeight;
using moe::ScoreFunction;

/// The quotient of `value` and the sum of its last axis (+ epsilon), if that is all it is used for.
static Value matchRenormalization(Value value, double &epsilon) {
  onnx::NodeOp sum, quotient;
  for (Operation *user : value.getUsers()) {
    auto node = dyn_cast<onnx::NodeOp>(user);
    if (!node || !node.getDomain().empty())
      return {};
    if (node.getOpType() == "ReduceSum" && !sum)
      sum = node;
    else if (node.getOpType() == "Div" && !quotient)
      quotient = node;
    else
      return {};
  }
  bool keepDims = false;
  if (!sum || !quotient || quotient.getInputs()[0] != value ||
      !isReductionOfLastAxis(sum, keepDims) || !keepDims)
    return {};
  epsilon = 0;
  Value divisor = skipCasts(quotient.getInputs()[1]);
  matchEitherOrder(divisor, "Add", [&](Value a, Value b) {
    std::optional<double> added = getSplat(b);
    if (!added || skipCasts(a) != sum->getResult(0))
      return false;
    epsilon = *added;
    divisor = sum->getResult(0);
    return true;
  });
  return divisor == sum->getResult(0) ? quotient->getResult(0) : Value();
}

/// What the values that were taken are, before anything is done to them.
static Value matchTaken(Value topValues, Value indices, const SymbolicShapes &shapes,
                        Router &router) {
  for (Operation *user : indices.getUsers()) {
    auto gather = dyn_cast<onnx::NodeOp>(user);
    if (!gather || !gather.getDomain().empty() || gather.getOpType() != "GatherElements" ||
        gather.getInputs()[1] != indices || !isAlongLastAxis(gather, 0))
      continue;
    Value from = skipCasts(gather.getInputs()[0]);
    if (from == router.scores)
      return gather->getResult(0);
    ScoreFunction score;
    Value logits;
    // The choice is made by the logits, the weights are their scores.
    if (router.score == ScoreFunction::Identity && matchScore(from, score, logits) &&
        logits == router.logits) {
      router.score = score;
      router.selectLogits = true;
      return gather->getResult(0);
    }
    // Beside the values themselves, others are the graph's business.
    if (topValues.use_empty() && isa<FloatType>(getElementType(from)) &&
        getLastSize(from) == getLastSize(router.scores) && shapes.get(from).isRanked &&
        shapes.get(from).dims == shapes.get(router.scores).dims) {
      router.weight = RouteWeight::External;
      router.external = from;
      return gather->getResult(0);
    }
  }
  // Scores outside of the best groups are 0. Where one is chosen all the same, those left inside
  // are 0 as well, and either one has no weight: the choice can stay inside.
  bool isZeroOutside =
      router.groups > 1 && !router.selectionBias && router.excluded == 0 &&
      (router.score == ScoreFunction::Softmax || router.score == ScoreFunction::Sigmoid) &&
      router.k <= router.topGroups * (*getLastSize(router.scores) / router.groups);
  if (isZeroOutside) {
    router.excluded = -std::numeric_limits<double>::infinity();
    return topValues;
  }
  // The values are the selection values: scores, unless a bias or a group changed them.
  return router.selectionBias || router.groups > 1 ? Value() : topValues;
}

void moec::matchWeights(Value topValues, Value indices, const SymbolicShapes &shapes,
                        Router &router) {
  Value current = matchTaken(topValues, indices, shapes, router);
  if (!current)
    return;
  bool isPlain = router.weight == RouteWeight::Score;
  for (bool grows = true; grows;) {
    router.weights = current;
    grows = false;
    double epsilon;
    if (Value quotient = matchRenormalization(current, epsilon)) {
      if (router.scale != 1 || router.weight == RouteWeight::Renormalized ||
          router.weight == RouteWeight::Softmax || router.renormalizeExternal)
        return;
      router.epsilon = epsilon;
      if (isPlain)
        router.weight = RouteWeight::Renormalized;
      else
        router.renormalizeExternal = true;
      isPlain = false;
      current = quotient;
      grows = true;
      continue;
    }
    if (!current.hasOneUse())
      return;
    auto node = dyn_cast<onnx::NodeOp>(*current.getUsers().begin());
    if (!node || !node.getDomain().empty())
      return;
    StringRef opType = node.getOpType();
    bool ofLogits = isPlain && router.scale == 1 && router.score == ScoreFunction::Identity;
    if (opType == "Cast" && isa<FloatType>(getElementType(node->getResult(0)))) {
      grows = true;
    } else if (opType == "Softmax" && ofLogits &&
               isAlongLastAxis(node, node.getVersion() < 13 ? 1 : -1)) {
      router.weight = RouteWeight::Softmax;
      isPlain = false;
      grows = true;
    } else if (opType == "Sigmoid" && ofLogits) {
      router.score = ScoreFunction::Sigmoid;
      router.selectLogits = true;
      grows = true;
    } else if (opType == "Mul") {
      Value other = node.getInputs()[node.getInputs()[0] == current ? 1 : 0];
      std::optional<double> factor = getSplat(other);
      std::optional<ArrayRef<int64_t>> before = getShape(current),
                                       after = getShape(node->getResult(0));
      if (!factor || before != after)
        return;
      router.scale *= *factor;
      isPlain = false;
      grows = true;
    }
    if (grows)
      current = node->getResult(0);
  }
}
