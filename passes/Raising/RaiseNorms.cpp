#include "passes/Analysis/Match.h"
#include "passes/Raising/Passes.h"

namespace moec {
#define GEN_PASS_DEF_RAISENORMSPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

/// What a norm is made of so far.
struct Norm {
  moe::NormKind kind = moe::NormKind::RMS;
  Value input, scale, bias;
  float epsilon = 0;
  /// The value that it gives.
  Value result;
};

/// x², as a product or a power.
Value matchSquare(Value value) {
  value = skipCasts(value);
  if (onnx::NodeOp power = getNode(value, "Pow"))
    return getSplat(power.getInputs()[1]) == 2.0 ? power.getInputs()[0] : Value();
  onnx::NodeOp product = getNode(value, "Mul");
  return product && product.getInputs()[0] == product.getInputs()[1] ? product.getInputs()[0]
                                                                     : Value();
}

/// What is averaged over the last axis, its size kept.
Value matchMean(Value value) {
  bool keepDims = false;
  onnx::NodeOp mean = getNode(skipCasts(value), "ReduceMean");
  return mean && isReductionOfLastAxis(mean, keepDims) && keepDims ? mean.getInputs()[0] : Value();
}

/// x of mean(x²) + epsilon; null if it is something else.
Value matchMeanSquare(Value sum, float &epsilon) {
  Value x;
  matchEitherOrder(skipCasts(sum), "Add", [&](Value mean, Value added) {
    std::optional<double> number = getSplat(added);
    Value square = number && *number >= 0 ? matchMean(mean) : Value();
    x = square ? matchSquare(square) : Value();
    if (x)
      epsilon = *number;
    return bool(x);
  });
  return x;
}

/// x of sqrt(mean(x²) + epsilon).
Value matchDeviation(Value root, float &epsilon) {
  root = skipCasts(root);
  if (onnx::NodeOp node = getNode(root, "Sqrt"))
    return matchMeanSquare(node.getInputs()[0], epsilon);
  onnx::NodeOp power = getNode(root, "Pow");
  bool isRoot = power && getSplat(power.getInputs()[1]) == 0.5;
  return isRoot ? matchMeanSquare(power.getInputs()[0], epsilon) : Value();
}

/// 1 / root.
Value matchInverse(Value value) {
  value = skipCasts(value);
  if (onnx::NodeOp node = getNode(value, "Reciprocal"))
    return node.getInputs()[0];
  onnx::NodeOp quotient = getNode(value, "Div");
  return quotient && getSplat(quotient.getInputs()[0]) == 1.0 ? quotient.getInputs()[1] : Value();
}

/// x / sqrt(mean(x²) + epsilon), spelled as a quotient or a product.
std::optional<Norm> matchNormalized(onnx::NodeOp node) {
  Norm norm;
  norm.result = node->getResult(0);
  auto accept = [&](Value x, Value squared) {
    if (!squared || skipCasts(squared) != skipCasts(x))
      return false;
    norm.input = x;
    return true;
  };
  bool found = false;
  if (node.getOpType() == "Div")
    found = accept(node.getInputs()[0], matchDeviation(node.getInputs()[1], norm.epsilon));
  else if (node.getOpType() == "Mul")
    found = matchEitherOrder(norm.result, "Mul", [&](Value x, Value inverse) {
      if (Value root = matchInverse(inverse))
        return accept(x, matchDeviation(root, norm.epsilon));
      onnx::NodeOp power = getNode(skipCasts(inverse), "Pow");
      return power && getSplat(power.getInputs()[1]) == -0.5 &&
             accept(x, matchMeanSquare(power.getInputs()[0], norm.epsilon));
    });
  // Constants of more axes would give the result more.
  if (!found || getShape(norm.input) != getShape(norm.result))
    return std::nullopt;
  // x − mean(x): a layer norm.
  onnx::NodeOp centered = getNode(skipCasts(norm.input), "Sub");
  Value averaged = centered ? matchMean(centered.getInputs()[1]) : Value();
  if (averaged && skipCasts(averaged) == skipCasts(centered.getInputs()[0])) {
    norm.kind = moe::NormKind::Layer;
    norm.input = centered.getInputs()[0];
  }
  norm.input = skipCasts(norm.input);
  return norm;
}

/// The operators that are norms by themselves.
std::optional<Norm> matchOperator(onnx::NodeOp node) {
  Norm norm;
  StringRef opType = node.getOpType();
  bool isLayer = opType == "LayerNormalization";
  if ((!isLayer && opType != "RMSNormalization" && opType != "SimplifiedLayerNormalization") ||
      !isAlongLastAxis(node, -1))
    return std::nullopt;
  // Mean and deviation are results of their own.
  for (Value result : node->getResults().drop_front())
    if (!result.use_empty())
      return std::nullopt;
  norm.kind = isLayer ? moe::NormKind::Layer : moe::NormKind::RMS;
  norm.input = node.getInputs()[0];
  norm.scale = node.getOptionalOperand(1);
  norm.bias = isLayer ? node.getOptionalOperand(2) : Value();
  norm.epsilon = node.getFloat("epsilon", 1e-5f);
  norm.result = node->getResult(0);
  return norm;
}

/// Whether a value spreads over rows: its axes but the last have size one.
bool isPerChannel(Value value, Value input) {
  std::optional<ArrayRef<int64_t>> shape = getShape(value), target = getShape(input);
  return shape && target && !shape->empty() && shape->size() <= target->size() &&
         shape->back() == target->back() && isa<FloatType>(getElementType(value)) &&
         llvm::all_of(shape->drop_back(), [](int64_t size) { return size == 1; });
}

/// Takes in the factor, then the summand, then a conversion, each the only use of what was there.
void extend(Norm &norm) {
  for (;;) {
    if (!norm.result.hasOneUse())
      return;
    auto node = dyn_cast<onnx::NodeOp>(*norm.result.getUsers().begin());
    if (!node || !node.getDomain().empty())
      return;
    StringRef opType = node.getOpType();
    if (opType == "Cast" && !norm.scale && isa<FloatType>(getElementType(node->getResult(0)))) {
      norm.result = node->getResult(0);
      continue;
    }
    bool isScale = opType == "Mul" && !norm.scale && !norm.bias;
    if (!isScale &&
        (opType != "Add" || norm.bias || !norm.scale || norm.kind != moe::NormKind::Layer))
      return;
    Value other = node.getInputs()[node.getInputs()[0] == norm.result ? 1 : 0];
    if (!isPerChannel(other, norm.result) || getElementType(other) != getElementType(norm.result))
      return;
    (isScale ? norm.scale : norm.bias) = other;
    norm.result = node->getResult(0);
  }
}

struct RaiseNorms : impl::RaiseNormsPassBase<RaiseNorms> {
  void runOnOperation() override {
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) {
      if (node.getDomain().empty())
        nodes.push_back(node);
    });
    for (onnx::NodeOp node : nodes) {
      std::optional<Norm> norm = matchOperator(node);
      if (!norm)
        norm = matchNormalized(node);
      if (!norm || !getLastSize(norm->input))
        continue;
      extend(*norm);
      // After everything that it takes in, all of which precedes the last node.
      OpBuilder builder(norm->result.getDefiningOp());
      auto op = moe::NormOp::create(builder, node.getLoc(), norm->result.getType(), norm->kind,
                                    norm->input, norm->scale, norm->bias, APFloat(norm->epsilon));
      norm->result.replaceAllUsesWith(op.getResult());
      ++numRaised;
    }
  }
};

} // namespace
} // namespace moec
