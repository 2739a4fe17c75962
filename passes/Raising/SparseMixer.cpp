//===- SparseMixer.cpp - The router of PhiMoE
//--------------------------------------------------------===//
//
// Two rounds of arg-max, as transformers writes them: see moe.route. Round two hides the winner of
// round one, and compares distances with the original logits.
//
//===----------------------------------------------------------------------------------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Raising/Router.h"

using namespace mlir;
using namespace moec;

namespace {

bool isMinusInfinity(Value value) {
  return getSplat(value) == -std::numeric_limits<double>::infinity();
}

bool isMaximum(Value value, Value of) {
  bool keepDims = false;
  onnx::NodeOp max = getNode(skipCasts(value), "ReduceMax");
  return max && skipCasts(max.getInputs()[0]) == of && isReductionOfLastAxis(max, keepDims) &&
         keepDims;
}

/// One round: the weight of the winner `index` of `current`, where `logits` are those of round one.
/// Sets the threshold.
Value matchRound(Value index, Value current, Value logits, double &threshold) {
  for (Operation *user : index.getUsers()) {
    auto gather = dyn_cast<onnx::NodeOp>(user);
    if (!gather || !gather.getDomain().empty() || gather.getOpType() != "GatherElements" ||
        !isAlongLastAxis(gather, 0) || gather.getInputs()[1] != index)
      continue;
    onnx::NodeOp softmax = getNode(skipCasts(gather.getInputs()[0]), "Softmax");
    onnx::NodeOp where =
        softmax ? getNode(skipCasts(softmax.getInputs()[0]), "Where") : onnx::NodeOp();
    if (!where || !isAlongLastAxis(softmax, softmax.getVersion() < 13 ? 1 : -1) ||
        !isMinusInfinity(where.getInputs()[1]) || skipCasts(where.getInputs()[2]) != current)
      continue;
    Value condition = where.getInputs()[0];
    while (onnx::NodeOp cast = getNode(condition, "Cast"))
      condition = cast.getInputs()[0];
    onnx::NodeOp greater = getNode(condition, "Greater");
    std::optional<double> bound = greater ? getSplat(greater.getInputs()[1]) : std::nullopt;
    onnx::NodeOp quotient =
        bound ? getNode(skipCasts(greater.getInputs()[0]), "Div") : onnx::NodeOp();
    onnx::NodeOp distance =
        quotient ? getNode(skipCasts(quotient.getInputs()[0]), "Sub") : onnx::NodeOp();
    if (!distance || !isMaximum(distance.getInputs()[0], current) ||
        skipCasts(distance.getInputs()[1]) != logits)
      continue;
    bool isScale =
        matchEitherOrder(skipCasts(quotient.getInputs()[1]), "Max", [&](Value a, Value b) {
          onnx::NodeOp abs = getNode(skipCasts(a), "Abs");
          return abs && skipCasts(abs.getInputs()[0]) == logits && isMaximum(b, current);
        });
    if (!isScale)
      continue;
    threshold = *bound;
    return gather->getResult(0);
  }
  return {};
}

Value getArgMaxInput(Value index) {
  onnx::NodeOp node = getNode(index, "ArgMax");
  bool isPlain = node && isAlongLastAxis(node, 0) && node.getInt("keepdims", 1) &&
                 !node.getInt("select_last_index", 0);
  return isPlain ? skipCasts(node.getInputs()[0]) : Value();
}

} // namespace

std::optional<Router> moec::matchSparseMixer(onnx::NodeOp concat) {
  if (!concat.getDomain().empty() || concat.getOpType() != "Concat" ||
      concat.getInputs().size() != 2 || !isAlongLastAxis(concat, 0))
    return std::nullopt;
  Value first = concat.getInputs()[0], second = concat.getInputs()[1];
  Value logits = getArgMaxInput(first), rest = getArgMaxInput(second);
  onnx::NodeOp hide = rest ? getNode(rest, "ScatterElements") : onnx::NodeOp();
  if (!logits || !hide || skipCasts(hide.getInputs()[0]) != logits ||
      hide.getInputs()[1] != first || !isMinusInfinity(hide.getInputs()[2]) ||
      !isAlongLastAxis(hide, 0) || hide.getString("reduction", "none") != "none" ||
      !getLastSize(logits))
    return std::nullopt;
  double threshold[2];
  Value weights[] = {matchRound(first, logits, logits, threshold[0]),
                     matchRound(second, rest, logits, threshold[1])};
  if (!weights[0] || !weights[1] || threshold[0] != threshold[1])
    return std::nullopt;
  Router router;
  router.logits = logits;
  router.k = 2;
  router.score = moe::ScoreFunction::SparseMixer;
  router.jitter = threshold[0] / 2;
  router.experts = concat->getResult(0);
  for (Operation *user : weights[0].getUsers()) {
    auto node = dyn_cast<onnx::NodeOp>(user);
    if (node && node.getDomain().empty() && node.getOpType() == "Concat" &&
        isAlongLastAxis(node, 0) && node.getInputs().size() == 2 &&
        node.getInputs()[0] == weights[0] && node.getInputs()[1] == weights[1])
      router.weights = node->getResult(0);
  }
  if (!router.weights)
    return std::nullopt;
  return router;
}
