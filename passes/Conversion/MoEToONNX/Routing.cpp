//===- Routing.cpp - Spelling of routers
//-------------------------------------------------------------===//
#include "passes/Conversion/MoEToONNX/Spelling.h"

#include <cmath>

using namespace mlir;
using namespace moec;
using moe::RouteWeight;
using moe::ScoreFunction;

namespace {

using Results = FailureOr<SmallVector<Value>>;

class RouteSpelling {
public:
  RouteSpelling(moe::RouteOp op, Spelling &s) : op(op), s(s) {
    Type logitType = op.getLogits().getType().getElementType();
    type = logitType.isF64() ? logitType : s.builder.getF32Type();
    logits = s.cast(op.getLogits(), type);
  }

  SmallVector<Value> spell();

private:
  Value scalar(double value) { return s.scalar(type, value); }
  Value alongLast(StringRef opType, int64_t version, Value x) {
    return s.node(opType, version, x, s.tensorOf(type), s.attribute("axis", int64_t(-1)));
  }
  std::pair<Value, Value> top(Value x, int64_t k);
  Value gatherAt(Value x, Value indices) {
    return s.node("GatherElements", 13, {x, indices}, s.tensorOf(type),
                  s.attribute("axis", int64_t(1)));
  }

  Value getScores();
  Value restrictToGroups(Value values);
  std::pair<Value, Value> mixSparsely();
  Value getWeights(Value scores, Value topValues, Value indices);
  Value renormalize(Value weights);
  Value keepUpToThreshold(Value scores, Value indices);
  Value keepUpToCapacity(Value indices);

  moe::RouteOp op;
  Spelling &s;
  Type type; ///< what is computed in
  Value logits;
};

std::pair<Value, Value> RouteSpelling::top(Value x, int64_t k) {
  auto node = onnx::NodeOp::create(
      s.builder, s.loc, TypeRange{s.tensorOf(type), s.tensorOf(s.builder.getI64Type())}, "", "TopK",
      11, ValueRange{x, s.ints({k})}, s.attribute("axis", int64_t(-1)));
  return {node->getResult(0), node->getResult(1)};
}

Value RouteSpelling::getScores() {
  switch (op.getScore()) {
  case ScoreFunction::Identity:
  case ScoreFunction::SparseMixer:
    return logits;
  case ScoreFunction::Softmax:
    return alongLast("Softmax", 13, logits);
  case ScoreFunction::Sigmoid:
    return s.unary("Sigmoid", 13, logits);
  case ScoreFunction::Softplus:
    return s.unary("Softplus", 1, logits);
  case ScoreFunction::SqrtSoftplus:
    return s.unary("Sqrt", 13, s.unary("Softplus", 1, logits));
  }
  llvm_unreachable("a score function");
}

Value RouteSpelling::restrictToGroups(Value values) {
  int64_t experts = op.getNumExperts(), groups = op.getGroups(), size = experts / groups;
  Value cut = s.reshape(values, {-1, groups, size});
  Value worth = op.getGroupTop() == 1
                    ? s.reduce("ReduceMax", 20, cut, {-1}, false)
                    : s.reduce("ReduceSum", 13, top(cut, op.getGroupTop()).first, {-1}, false);
  Value best = top(worth, op.getTopGroups()).second;
  // [T, top groups, G]: a group is chosen if it is one of the best.
  Value isBest =
      s.compare("Equal", 19, s.unsqueeze(best, {2}),
                s.node("Range", 11, {s.intScalar(0), s.intScalar(groups), s.intScalar(1)},
                       s.tensorOf(s.builder.getI64Type())));
  Value chosen = s.reduce("ReduceMax", 20, s.cast(isBest, s.builder.getI64Type()), {1}, false);
  Value mask = s.cast(s.unsqueeze(chosen, {2}), s.builder.getI1Type());
  return s.reshape(s.where(mask, cut, scalar(op.getExcluded().convertToDouble())), {-1, experts});
}

/// Weights and indices.
std::pair<Value, Value> RouteSpelling::mixSparsely() {
  Value infinity = scalar(-std::numeric_limits<double>::infinity());
  Value magnitude = s.unary("Abs", 13, logits), current = logits;
  Value bound = scalar(2 * op.getJitter()->convertToDouble());
  SmallVector<Value> weights, indices;
  for (int64_t round = 0, k = op.getK(); round < k; ++round) {
    auto [max, index] = top(current, 1);
    Value scale = s.node("Max", 13, {magnitude, max}, s.tensorOf(type));
    Value isFar = s.compare("Greater", 13, s.div(s.sub(max, logits), scale), bound);
    Value near = s.where(isFar, infinity, current);
    weights.push_back(gatherAt(alongLast("Softmax", 13, near), index));
    indices.push_back(index);
    if (round + 1 < k)
      current = s.node(
          "ScatterElements", 18,
          {current, index, s.node("Expand", 13, {infinity, s.shapeOf(index)}, s.tensorOf(type))},
          s.tensorOf(type), s.attribute("axis", int64_t(1)));
  }
  return {s.concat(weights, 1), s.concat(indices, 1)};
}

Value RouteSpelling::renormalize(Value weights) {
  Value sum = s.reduce("ReduceSum", 13, weights, {-1}, true);
  double epsilon = op.getEpsilon().convertToDouble();
  return s.div(weights, epsilon ? s.add(sum, scalar(epsilon)) : sum);
}

Value RouteSpelling::getWeights(Value scores, Value topValues, Value indices) {
  // The values that the choice was made by serve where they are what is asked for.
  bool isPlain = !op.getSelectionBias() && !op.getAlive() && op.getGroups() == 1;
  auto chosen = [&](Value from, bool byLogits) {
    bool isSame = byLogits == op.getSelectLogits() || op.getScore() == ScoreFunction::Identity;
    return isPlain && isSame ? topValues : gatherAt(from, indices);
  };
  switch (op.getWeight()) {
  case RouteWeight::Score:
    return chosen(scores, false);
  case RouteWeight::Renormalized:
    return renormalize(chosen(scores, false));
  case RouteWeight::Softmax:
    return alongLast("Softmax", 13, chosen(logits, true));
  case RouteWeight::Unit:
    return s.cast(s.compare("Equal", 19, indices, indices), type);
  case RouteWeight::External: {
    Value weights = gatherAt(s.cast(op.getExternal(), type), indices);
    return op.getRenormalizeExternal() ? renormalize(weights) : weights;
  }
  }
  llvm_unreachable("a weight");
}

/// True for the slots before which the scores do not add up to the threshold.
Value RouteSpelling::keepUpToThreshold(Value scores, Value indices) {
  Value before = s.node("CumSum", 14, {gatherAt(scores, indices), s.intScalar(1)}, s.tensorOf(type),
                        s.attribute("exclusive", int64_t(1)));
  return s.compare("Less", 13, before, scalar(op.getThreshold()->convertToDouble()));
}

/// True for the slots that find their expert with room.
Value RouteSpelling::keepUpToCapacity(Value indices) {
  // One after the other: [T·k], or all first choices first.
  bool isBySlot = op.getDropSlotsLast();
  Value queue = s.reshape(isBySlot ? s.transpose(indices, {1, 0}) : indices, {-1});
  Type i64 = s.builder.getI64Type();
  Value experts =
      s.node("Range", 11, {s.intScalar(0), s.intScalar(op.getNumExperts()), s.intScalar(1)},
             s.tensorOf(i64));
  // [T·k, E]: who of the queue asks for whom. An empty slot asks for nobody.
  Value asks = s.cast(s.compare("Equal", 19, s.unsqueeze(queue, {1}), experts), i64);
  Value place = s.node("CumSum", 14, {asks, s.intScalar(0)}, s.tensorOf(i64));
  Value own = s.reduce("ReduceSum", 13, s.mul(asks, place), {1}, false);
  Value keep = s.compare("LessOrEqual", 16, own, s.intScalar(*op.getCapacity()));
  int64_t k = op.getK();
  return isBySlot ? s.transpose(s.reshape(keep, {k, -1}), {1, 0}) : s.reshape(keep, {-1, k});
}

SmallVector<Value> RouteSpelling::spell() {
  Value weights, indices;
  if (op.getScore() == ScoreFunction::SparseMixer) {
    std::tie(weights, indices) = mixSparsely();
  } else {
    Value scores = getScores(), values = op.getSelectLogits() ? logits : scores, topValues;
    if (op.getSelectionBias())
      values = s.add(values, s.cast(op.getSelectionBias(), type));
    auto excludeDead = [&] {
      if (op.getAlive())
        values = s.where(op.getAlive(), values, scalar(-std::numeric_limits<double>::infinity()));
    };
    excludeDead();
    if (op.getGroups() > 1) {
      values = restrictToGroups(values);
      if (std::isfinite(op.getExcluded().convertToDouble()))
        excludeDead();
    }
    std::tie(topValues, indices) = top(values, op.getK());
    Value keep = op.getThreshold() ? keepUpToThreshold(scores, indices) : Value();
    weights = getWeights(scores, topValues, indices);
    if (keep) {
      weights = s.where(keep, weights, scalar(0));
      indices = s.where(keep, indices, s.intScalar(-1));
    }
  }
  if (double scale = op.getScale().convertToDouble(); scale != 1)
    weights = s.mul(weights, scalar(scale));
  if (op.getCapacity()) {
    Value keep = keepUpToCapacity(indices);
    weights = s.where(keep, weights, scalar(0));
    indices = s.where(keep, indices, s.intScalar(-1));
  }
  weights = s.cast(weights, op.getWeights().getType().getElementType());
  indices = s.cast(indices, op.getExperts().getType().getElementType());
  // What was known of the operation's results holds for the nodes'.
  weights.setType(op.getWeights().getType());
  indices.setType(op.getExperts().getType());
  return {weights, indices};
}

Results spellRoute(moe::RouteOp op, Spelling &s) { return RouteSpelling(op, s).spell(); }

} // namespace

void moec::addRoutingSpellings(SpellingTable &table) {
  addSpelling<moe::RouteOp, spellRoute>(table);
}
