//===- ChosenRoute.cpp - A route among what another route has chosen
//------------------------------===//
//
// An operator that chooses experts by itself is made to use another choice by logits that are log w
// for the chosen and far below elsewhere: its softmax gives back w / Σ w. A factor on the result
// takes the weights to what they were to be.
//
//===----------------------------------------------------------------------------------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Raising/Router.h"

#include <cmath>

using namespace mlir;
using namespace moec;
using moe::RouteWeight;
using moe::ScoreFunction;

namespace {

/// scale · Σwᵃ / (Σw + epsilon)ᵇ of each token's weights w.
struct TokenFactor {
  double scale = 1, epsilon = 0;
  unsigned numerator = 0, denominator = 0;
  /// The product with it, and its other operand.
  onnx::NodeOp product;
  Value rows;
};

/// log(max(w, least)) of the weights of `first`, spread by its choice over `base`.
struct SpreadChoice {
  moe::RouteOp first;
  double base = 0, least = 0;
};

} // namespace

/// A value before changes of its shape that keep the last axis.
static Value skipReshapes(Value value) {
  std::optional<int64_t> last = getLastSize(value);
  for (;;) {
    onnx::NodeOp node = getNode(value, "Reshape");
    if (!node || !last || getLastSize(node.getInputs()[0]) != last)
      return value;
    value = node.getInputs()[0];
  }
}

static std::optional<SpreadChoice> matchSpread(Value logits, const SymbolicShapes &shapes) {
  onnx::NodeOp scatter = getNode(skipReshapes(logits), "ScatterElements");
  if (!scatter || scatter.getString("reduction", "none") != "none" || !isAlongLastAxis(scatter, 0))
    return std::nullopt;
  Value indices = scatter.getInputs()[1];
  std::optional<double> base = getSplat(scatter.getInputs()[0]);
  onnx::NodeOp log = getNode(scatter.getInputs()[2], "Log");
  // All rows have a choice of their own.
  ArrayRef<SymExpr> rows = shapes.get(scatter.getInputs()[0]).dims, own = shapes.get(indices).dims;
  if (!base || !log || rows.empty() || rows.drop_back() != own.drop_back())
    return std::nullopt;
  SpreadChoice choice;
  choice.base = *base;
  Value weights;
  onnx::NodeOp clip = getNode(log.getInputs()[0], "Clip");
  if (clip && (clip->getNumOperands() == 1 ||
               (clip->getNumOperands() > 2 && !isa<NoneType>(clip->getOperand(2).getType()))))
    return std::nullopt;
  auto take = [&](Value value, Value bound) {
    std::optional<double> least = getSplat(bound);
    weights = least ? value : Value();
    choice.least = least.value_or(0);
    return least.has_value();
  };
  if (clip)
    take(clip.getInputs()[0], clip.getInputs()[1]);
  else
    matchEitherOrder(log.getInputs()[0], "Max", take);
  if (!weights)
    return std::nullopt;
  choice.first = skipReshapes(weights).getDefiningOp<moe::RouteOp>();
  if (!choice.first || skipReshapes(weights) != choice.first.getWeights() ||
      skipReshapes(indices) != choice.first.getExperts())
    return std::nullopt;
  return choice;
}

/// Whether the second route chooses what the first has chosen, with weights max(w, least) / Σ.
static bool isSameChoice(moe::RouteOp second, const SpreadChoice &choice) {
  moe::RouteOp first = choice.first;
  auto fillsAllSlots = [](moe::RouteOp route) {
    return !route.getAlive() && !route.getThreshold() && !route.getCapacity();
  };
  bool ofChosen = second.getWeight() == RouteWeight::Renormalized ||
                  second.getWeight() == RouteWeight::Softmax ||
                  second.getWeight() == RouteWeight::Score;
  // The others' share of a softmax is below what f32 resolves, and all chosen ones' is a number.
  constexpr double kFar = 40, kLeast = 1e-36;
  return fillsAllSlots(first) && fillsAllSlots(second) && ofChosen && !second.getSelectionBias() &&
         second.getScore() == ScoreFunction::Softmax && second.getGroups() == 1 &&
         second.getEpsilon().isZero() && first.getK() == second.getK() &&
         first.getNumExperts() == second.getNumExperts() &&
         getElementType(first.getWeights()).isF32() && getElementType(second.getLogits()).isF32() &&
         choice.least >= kLeast && choice.base <= std::log(choice.least) - kFar;
}

/// Whether a value is the sum of each token's weights.
static bool isSum(Value value, moe::RouteOp route) {
  bool keepDims = false;
  onnx::NodeOp sum = getNode(value, "ReduceSum");
  return sum && isReductionOfLastAxis(sum, keepDims) && keepDims &&
         skipReshapes(sum.getInputs()[0]) == route.getWeights();
}

static bool matchFactor(Value value, moe::RouteOp route, TokenFactor &factor) {
  value = skipReshapes(value);
  if (isSum(value, route))
    return ++factor.numerator == 1;
  auto scale = [&](Value rest, Value number) {
    std::optional<double> splat = getSplat(number);
    TokenFactor inner = factor;
    if (!splat || getShape(rest) != getShape(value) || !matchFactor(rest, route, inner))
      return false;
    factor = inner;
    factor.scale *= *splat;
    return true;
  };
  if (matchEitherOrder(value, "Mul", scale))
    return true;
  onnx::NodeOp quotient = getNode(value, "Div");
  if (!quotient)
    return false;
  Value divisor = quotient.getInputs()[1];
  if (std::optional<double> number = getSplat(divisor)) {
    factor.scale /= *number;
    return *number != 0 && getShape(quotient.getInputs()[0]) == getShape(value) &&
           matchFactor(quotient.getInputs()[0], route, factor);
  }
  bool isDivided = matchEitherOrder(divisor, "Add", [&](Value sum, Value number) {
    std::optional<double> epsilon = getSplat(number);
    factor.epsilon = epsilon.value_or(0);
    return epsilon && isSum(sum, route) && getShape(sum) == getShape(divisor);
  });
  return isDivided && ++factor.denominator == 1 && getShape(divisor) == getShape(value) &&
         matchFactor(quotient.getInputs()[0], route, factor);
}

/// The factor of each token that the experts' result is multiplied by.
static std::optional<TokenFactor> matchScaling(Value result, moe::RouteOp route,
                                               const SymbolicShapes &shapes) {
  std::optional<int64_t> width = getLastSize(result);
  while (width && result.hasOneUse()) {
    auto node = dyn_cast<onnx::NodeOp>(*result.getUsers().begin());
    if (getNode(node ? node->getResult(0) : Value(), "Mul")) {
      TokenFactor factor;
      factor.product = node;
      factor.rows = result;
      Value other = node.getInputs()[node.getInputs()[0] == result ? 1 : 0];
      ArrayRef<SymExpr> rows = shapes.get(result).dims, own = shapes.get(other).dims;
      // One number a token, in the order of the tokens.
      bool fits = !own.empty() && own.back().isConstant(1) && rows.drop_back() == own.drop_back();
      return fits && matchFactor(other, route, factor) ? std::optional(factor) : std::nullopt;
    }
    if (!getNode(node ? node->getResult(0) : Value(), "Reshape") ||
        getLastSize(node->getResult(0)) != width)
      return std::nullopt;
    result = node->getResult(0);
  }
  return std::nullopt;
}

static Value makeScores(moe::RouteOp route, double least, Spelling &s) {
  auto type = cast<RankedTensorType>(route.getLogits().getType()).clone(s.builder.getF32Type());
  Value logits = s.cast(route.getLogits(), type.getElementType());
  logits.setType(type);
  Value scores = route.getScore() == ScoreFunction::Sigmoid
                     ? s.node("Sigmoid", 13, logits, type)
                     : s.node("Softmax", 13, logits, type, s.attribute("axis", int64_t(-1)));
  return s.node("Clip", 13, {scores, s.scalar(type.getElementType(), least)}, type);
}

bool moec::foldChosenRoute(moe::RouteOp second, const SymbolicShapes &shapes) {
  std::optional<SpreadChoice> choice = matchSpread(second.getLogits(), shapes);
  if (!choice)
    return false;
  moe::RouteOp first = choice->first;
  auto refuse = [&](const Twine &why) {
    second.emitRemark() << "a route among what another route has chosen stays beside it: " << why;
    return false;
  };
  if (!isSameChoice(second, *choice))
    return refuse("it may choose others, or give them other weights");
  bool isPlain =
      first.getWeight() == RouteWeight::Score && first.getScale().isExactlyValue(1) &&
      (first.getScore() == ScoreFunction::Sigmoid || first.getScore() == ScoreFunction::Softmax);
  if (!isPlain)
    return refuse("the weights that the other gives are not its scores");
  // The order among the chosen changes, and with it the order of a token's slots.
  bool hasOneUse = second.getExperts().hasOneUse() && second.getWeights().hasOneUse();
  auto experts = hasOneUse ? dyn_cast<moe::ExpertsOp>(*second.getExperts().getUsers().begin())
                           : moe::ExpertsOp();
  bool isOnlyUser = experts && experts.getExperts() == second.getExperts() &&
                    experts.getWeights() == second.getWeights() && !experts.getWeighInputs();
  if (!isOnlyUser)
    return refuse("its choice is not only used by one layer of experts");
  std::optional<TokenFactor> factor = matchScaling(experts.getResult(), first, shapes);
  OpBuilder builder(second);
  auto route = cast<moe::RouteOp>(builder.clone(*first));
  auto setScale = [&](double scale) {
    route.setScale(APFloat(static_cast<float>(scale * second.getScale().convertToDouble())));
  };
  // max(w, least) and w differ by less than `least`: nothing, beside a sum that is not smaller than
  // epsilon.
  constexpr double kNothing = 1e-12;
  bool isRenormalized = factor && factor->numerator == 1 && factor->denominator == 1 &&
                        choice->least <= kNothing * factor->epsilon;
  bool isScore =
      factor && factor->numerator == 1 && factor->denominator == 0 && choice->least <= kNothing;
  if (isRenormalized || isScore) {
    route.setWeight(isScore ? RouteWeight::Score : RouteWeight::Renormalized);
    route.setEpsilon(APFloat(static_cast<float>(isScore ? 0 : factor->epsilon)));
    setScale(factor->scale);
    factor->product->getResult(0).replaceAllUsesWith(factor->rows);
  } else {
    Spelling spelling(builder, second.getLoc());
    builder.setInsertionPoint(route);
    route.setWeight(RouteWeight::External);
    route.getExternalMutable().assign(makeScores(first, choice->least, spelling));
    route.setRenormalizeExternal(true);
    setScale(1);
  }
  route.getWeights().setType(second.getWeights().getType());
  route.getExperts().setType(second.getExperts().getType());
  second.replaceAllUsesWith(route);
  route.emitRemark("the route among the chosen is this one, with the weights that it gives them");
  return true;
}
