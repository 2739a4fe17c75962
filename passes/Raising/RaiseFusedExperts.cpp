#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Raising/Passes.h"

#include "llvm/ADT/StringSwitch.h"

namespace moec {
#define GEN_PASS_DEF_RAISEFUSEDEXPERTSPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

/// A com.microsoft::MoE, as ONNX Runtime's docs/ContribOperators.md and CPU kernel have it. E
/// experts, width H, inner width I; F = 2 where gate and up are one matrix.
struct FusedExperts {
  onnx::NodeOp node;
  Value input, logits;       ///< [T, H], [T, E]
  Value fc1, fc2, fc3;       ///< [E, F·I, H], [E, H, I], [E, I, H]
  Value bias1, bias2, bias3; ///< [E, F·I], [E, H], [E, I], or null
  bool isTransposed = true;  ///< weights are [out, in]; in old files [in, out]
  int64_t numExperts = 0, k = 0, inner = 0;
  moe::ActivationKind kind = moe::ActivationKind::ReLU;
  enum { None, Interleaved, Halves } fusion = None;
};

/// Fills in everything, or gives the reason why not.
std::string analyze(onnx::NodeOp node, FusedExperts &moe) {
  auto rankOf = [](Value value) -> int64_t {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type ? type.getRank() : -1;
  };
  auto shapeOf = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
  moe.node = node;
  moe.input = node.getOptionalOperand(0);
  moe.logits = node.getOptionalOperand(1);
  moe.fc1 = node.getOptionalOperand(2);
  moe.bias1 = node.getOptionalOperand(3);
  moe.fc2 = node.getOptionalOperand(4);
  moe.bias2 = node.getOptionalOperand(5);
  moe.fc3 = node.getOptionalOperand(6);
  moe.bias3 = node.getOptionalOperand(7);
  if (!moe.input || !moe.logits || !moe.fc1 || !moe.fc2)
    return "it lacks an operand";
  if (rankOf(moe.input) < 2 || rankOf(moe.logits) != 2 ||
      ShapedType::isDynamic(shapeOf(moe.input).back()))
    return "tokens or logits are no rows of a known width";
  for (Value weight : {moe.fc1, moe.fc2, moe.fc3})
    if (weight &&
        (rankOf(weight) != 3 || !cast<RankedTensorType>(weight.getType()).hasStaticShape()))
      return "a weight is no static stack of matrices";
  ArrayRef<int64_t> fc1 = shapeOf(moe.fc1), fc2 = shapeOf(moe.fc2);
  int64_t width = shapeOf(moe.input).back();
  moe.numExperts = fc1[0];
  moe.k = node.getInt("k", 1);
  if (fc2[0] != moe.numExperts || shapeOf(moe.logits)[1] != moe.numExperts)
    return "router and weights disagree on the number of experts";
  if (moe.k < 1 || moe.k > moe.numExperts)
    return "k is " + std::to_string(moe.k) + " of " + std::to_string(moe.numExperts) + " experts";
  StringRef activation = node.getString("activation_type", "relu");
  std::optional<moe::ActivationKind> kind =
      llvm::StringSwitch<std::optional<moe::ActivationKind>>(activation)
          .Case("relu", moe::ActivationKind::ReLU)
          .Case("gelu", moe::ActivationKind::GELUTanh) // measured: the CPU kernel approximates
          .Cases({"silu", "swiglu"}, moe::ActivationKind::SiLU)
          .Case("identity", moe::ActivationKind::Identity)
          .Default(std::nullopt);
  if (!kind)
    return ("the activation '" + activation + "' is not known").str();
  moe.kind = *kind;
  // Old files have [E, in, out]: the second axis of fc2 is then the inner width.
  int64_t fusion = activation == "swiglu" ? node.getInt("swiglu_fusion", 0) : 0;
  if (fusion < 0 || fusion > 2 || (fusion == 0 && activation == "swiglu" && !moe.fc3))
    return "gate and up of its SwiGLU are not told apart (swiglu_fusion " + std::to_string(fusion) +
           ")";
  moe.fusion = fusion == 1   ? FusedExperts::Interleaved
               : fusion == 2 ? FusedExperts::Halves
                             : FusedExperts::None;
  if (fusion && moe.fc3)
    return "it has gate and up in fc1 and in fc3";
  moe.isTransposed = fc2[1] == width && (fc1[2] == width);
  if (!moe.isTransposed && !(fc2[2] == width && fc1[1] == width))
    return "the weights do not fit the width " + std::to_string(width);
  moe.inner = moe.isTransposed ? fc2[2] : fc2[1];
  int64_t out = moe.isTransposed ? fc1[1] : fc1[2];
  if (out != moe.inner * (moe.fusion == FusedExperts::None ? 1 : 2))
    return "fc1 has " + std::to_string(out) + " outputs for an inner width of " +
           std::to_string(moe.inner);
  if (moe.fc3 && shapeOf(moe.fc3) != fc1)
    return "fc3 has another shape than fc1";
  std::pair<Value, int64_t> biases[] = {
      {moe.bias1, out}, {moe.bias2, width}, {moe.bias3, moe.inner}};
  for (auto [bias, size] : biases)
    if (bias &&
        (rankOf(bias) != 2 || shapeOf(bias)[0] != moe.numExperts || shapeOf(bias)[1] != size))
      return "a bias is not one of " + std::to_string(size) + " numbers for each expert";
  Type elementType = cast<RankedTensorType>(moe.input.getType()).getElementType();
  for (Value operand : {moe.fc1, moe.fc2, moe.fc3, moe.bias1, moe.bias2, moe.bias3})
    if (operand && cast<RankedTensorType>(operand.getType()).getElementType() != elementType)
      return "weights and tokens have different types";
  return "";
}

class Builder {
public:
  explicit Builder(FusedExperts &moe)
      : moe(moe), builder(moe.node), s(builder, moe.node.getLoc()) {}

  void build() {
    auto inputType = cast<RankedTensorType>(moe.input.getType());
    int64_t width = inputType.getShape().back();
    Value tokens = moe.input;
    if (inputType.getRank() != 2)
      tokens =
          s.node("Reshape", 21, {tokens, s.ints({-1, width})},
                 RankedTensorType::get({ShapedType::kDynamic, width}, inputType.getElementType()));
    auto route = createRoute();
    auto tokensType = cast<RankedTensorType>(tokens.getType());
    SmallVector<Value> parameters;
    for (Value parameter : {moe.fc1, moe.bias1, moe.fc2, moe.bias2, moe.fc3, moe.bias3})
      if (parameter)
        parameters.push_back(parameter);
    auto experts = moe::ExpertsOp::create(
        builder, s.loc, tokensType, tokens, route.getExperts(), route.getWeights(), parameters,
        builder.getI64IntegerAttr(moe.numExperts),
        builder.getDenseI64ArrayAttr(SmallVector<int64_t>(parameters.size(), 1)), ArrayAttr(),
        /*weigh_inputs=*/UnitAttr());
    fillBody(experts);
    Value result = experts.getResult();
    builder.setInsertionPointAfter(experts);
    if (inputType.getRank() != 2) {
      Value shape = s.node("Shape", 21, moe.input,
                           RankedTensorType::get(inputType.getRank(), builder.getI64Type()));
      // A size may be 0.
      result = s.node("Reshape", 21, {result, shape}, moe.node->getResult(0).getType(),
                      s.attribute("allowzero", int64_t(1)));
    }
    moe.node->getResult(0).replaceAllUsesWith(result);
    experts.emitRemark() << "experts: " << moe.k << " of " << moe.numExperts << ", inner width "
                         << moe.inner;
  }

private:
  /// Softmax over all experts, then the best k.
  moe::RouteOp createRoute() {
    auto type = cast<RankedTensorType>(moe.logits.getType());
    auto number = [](float value) { return APFloat(value); };
    bool renormalizes = moe.node.getInt("normalize_routing_weights", 0) != 0;
    SmallVector<int64_t> shape{type.getDimSize(0), moe.k};
    return moe::RouteOp::create(
        builder, s.loc, RankedTensorType::get(shape, type.getElementType()),
        RankedTensorType::get(shape, builder.getI64Type()), moe.logits, Value(), Value(), Value(),
        moe.k, moe::ScoreFunction::Softmax,
        renormalizes ? moe::RouteWeight::Renormalized : moe::RouteWeight::Score,
        /*select_logits=*/false, number(0), number(1), /*renormalize_external=*/false, 1, 1, 1,
        number(-std::numeric_limits<float>::infinity()), FloatAttr(), IntegerAttr(),
        /*drop_slots_last=*/false, FloatAttr());
  }

  void fillBody(moe::ExpertsOp experts) {
    Block &body = experts.getBody().emplaceBlock();
    Type elementType = experts.getTokens().getType().getElementType();
    auto rows = [&](int64_t width) {
      return RankedTensorType::get({ShapedType::kDynamic, width}, elementType);
    };
    int64_t width = experts.getTokens().getType().getDimSize(1);
    Value tokens = body.addArgument(rows(width), s.loc);
    auto addParameter = [&](Value stack) {
      auto type = cast<RankedTensorType>(stack.getType());
      return Value(body.addArgument(
          RankedTensorType::get(type.getShape().drop_front(), type.getElementType()), s.loc));
    };
    auto argument = [&](Value stack) { return stack ? addParameter(stack) : Value(); };
    Value fc1 = argument(moe.fc1), bias1 = argument(moe.bias1), fc2 = argument(moe.fc2),
          bias2 = argument(moe.bias2), fc3 = argument(moe.fc3), bias3 = argument(moe.bias3);
    builder.setInsertionPointToStart(&body);
    auto linear = [&](Value x, Value weight, Value bias, int64_t out) {
      return Value(
          moe::LinearOp::create(builder, s.loc, rows(out), x, weight, bias, moe.isTransposed));
    };
    bool isFused = moe.fusion != FusedExperts::None;
    Value gate = linear(tokens, fc1, bias1, isFused ? 2 * moe.inner : moe.inner), up;
    if (isFused) {
      // Rows 0, 2, 4, … are the gate, or the first half.
      int64_t step = moe.fusion == FusedExperts::Interleaved ? 2 : 1, both = 2 * moe.inner;
      auto cut = [&](int64_t begin, int64_t end) {
        return s.node("Slice", 13,
                      {gate, s.ints({begin}), s.ints({end}), s.ints({1}), s.ints({step})},
                      rows(moe.inner));
      };
      up = step == 2 ? cut(1, both) : cut(moe.inner, both);
      gate = step == 2 ? cut(0, both) : cut(0, moe.inner);
    } else if (fc3) {
      up = linear(tokens, fc3, bias3, moe.inner);
    }
    auto number = [&](StringRef name, float value) {
      return APFloat(moe.node.getFloat(name, value));
    };
    Value hidden;
    if (!up) {
      hidden =
          moe::ActivationOp::create(builder, s.loc, gate.getType(), moe.kind, gate, APFloat(1.0f));
    } else {
      FloatAttr limit;
      if (isFused)
        limit = dyn_cast_or_null<FloatAttr>(moe.node.getOnnxAttr("swiglu_limit"));
      hidden = moe::GLUOp::create(builder, s.loc, gate.getType(), moe.kind, gate, up,
                                  isFused ? number("activation_alpha", 1) : APFloat(1.0f),
                                  isFused ? number("activation_beta", 0) : APFloat(0.0f), limit);
    }
    moe::YieldOp::create(builder, s.loc, linear(hidden, fc2, bias2, width));
  }

  FusedExperts &moe;
  OpBuilder builder;
  Spelling s;
};

struct RaiseFusedExperts : impl::RaiseFusedExpertsPassBase<RaiseFusedExperts> {
  void runOnOperation() override {
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) {
      if (node.getQualifiedName() == "com.microsoft::MoE")
        nodes.push_back(node);
    });
    for (onnx::NodeOp node : nodes) {
      FusedExperts moe;
      std::string reason = analyze(node, moe);
      if (!reason.empty()) {
        node.emitRemark() << "not raised: " << reason;
        continue;
      }
      if (node.getInt("use_sparse_mixer", 0))
        node.emitWarning(
            "asks for the sparse mixer, which ONNX Runtime's CPU kernel ignores; so does this");
      Builder(moe).build();
      node.erase();
      ++numRaised;
    }
  }
};

} // namespace
} // namespace moec
