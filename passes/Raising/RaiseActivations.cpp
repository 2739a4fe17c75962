#include "passes/Analysis/Match.h"
#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Raising/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <cmath>
#include <numbers>

namespace moec {
#define GEN_PASS_DEF_RAISEACTIVATIONSPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;
using moe::ActivationKind;

namespace {

/// Whether a number is a constant that somebody has written with that many digits.
bool isNear(double number, double constant) {
  return std::abs(number - constant) <= 1e-4 * std::abs(constant);
}

/// A product: a number times values.
struct Product {
  double coefficient = 1;
  SmallVector<Value> factors;
};

/// Takes a product apart: inner products that have no other use, quotients by numbers, numbers.
void collect(Value value, Product &product, bool isRoot) {
  if (std::optional<double> number = getSplat(value)) {
    product.coefficient *= *number;
    return;
  }
  if (isRoot || value.hasOneUse()) {
    if (onnx::NodeOp node = getNode(value, "Mul")) {
      collect(node.getInputs()[0], product, false);
      collect(node.getInputs()[1], product, false);
      return;
    }
    onnx::NodeOp node = getNode(value, "Div");
    std::optional<double> divisor = node ? getSplat(node.getInputs()[1]) : std::nullopt;
    if (divisor && *divisor != 0) {
      product.coefficient /= *divisor;
      collect(node.getInputs()[0], product, false);
      return;
    }
  }
  product.factors.push_back(value);
}

/// alpha of alpha · x, for that x.
std::optional<double> matchMultiple(Value value, Value x) {
  if (value == x)
    return 1.0;
  Product product;
  collect(value, product, true);
  if (product.factors.size() == 1 && product.factors[0] == x)
    return product.coefficient;
  return std::nullopt;
}

/// y of 1 + y.
Value matchOnePlus(Value value) {
  Value result;
  matchEitherOrder(value, "Add", [&](Value y, Value one) {
    if (getSplat(one) != 1.0)
      return false;
    result = y;
    return true;
  });
  return result;
}

bool isCube(Value value, Value x) {
  if (onnx::NodeOp power = getNode(value, "Pow"))
    return power.getInputs()[0] == x && getSplat(power.getInputs()[1]) == 3.0;
  Product product;
  collect(value, product, true);
  return product.coefficient == 1 && product.factors.size() == 3 &&
         llvm::all_equal(product.factors) && product.factors[0] == x;
}

/// Whether a value is √(2/π)·(x + 0.044715·x³).
bool isTanhArgument(Value value, Value x) {
  Product product;
  collect(value, product, true);
  constexpr double kFactor = 0.79788456, kCubic = 0.044715;
  if (!isNear(product.coefficient, kFactor))
    return false;
  auto isCubic = [&](Value term, unsigned power) {
    Product cubic;
    collect(term, cubic, true);
    if (!isNear(cubic.coefficient, kCubic))
      return false;
    if (cubic.factors.size() == 1)
      return power == 3 ? isCube(cubic.factors[0], x)
                        : getNode(cubic.factors[0], "Pow") &&
                              getNode(cubic.factors[0], "Pow").getInputs()[0] == x &&
                              getSplat(getNode(cubic.factors[0], "Pow").getInputs()[1]) == 2.0;
    return cubic.factors.size() == power && llvm::all_equal(cubic.factors) && cubic.factors[0] == x;
  };
  if (product.factors.size() == 1)
    return matchEitherOrder(product.factors[0], "Add",
                            [&](Value a, Value b) { return a == x && isCubic(b, 3); });
  // x·(1 + 0.044715·x²).
  for (unsigned i : {0, 1})
    if (product.factors.size() == 2 && product.factors[i] == x)
      if (Value square = matchOnePlus(product.factors[1 - i]))
        if (isCubic(square, 2))
          return true;
  return false;
}

struct Activation {
  ActivationKind kind;
  Value input;
  double alpha = 1;
};

/// The activation that two factors make, and what has to stand before them.
std::optional<Activation> matchPair(Value x, Value gate, double &coefficient) {
  if (onnx::NodeOp sigmoid = getNode(gate, "Sigmoid"); sigmoid && gate.hasOneUse()) {
    std::optional<double> alpha = matchMultiple(sigmoid.getInputs()[0], x);
    coefficient = 1;
    if (alpha)
      return Activation{ActivationKind::SiLU, x, *alpha};
  }
  Value inner = gate.hasOneUse() ? matchOnePlus(gate) : Value();
  coefficient = 0.5;
  if (onnx::NodeOp erf = inner ? getNode(inner, "Erf") : onnx::NodeOp()) {
    std::optional<double> factor = matchMultiple(erf.getInputs()[0], x);
    if (factor && isNear(*factor, std::numbers::sqrt2 / 2))
      return Activation{ActivationKind::GELU, x};
  }
  if (onnx::NodeOp tanh = inner ? getNode(inner, "Tanh") : onnx::NodeOp())
    if (isTanhArgument(tanh.getInputs()[0], x))
      return Activation{ActivationKind::GELUTanh, x};
  return std::nullopt;
}

/// An activation that is one node.
std::optional<Activation> matchNode(onnx::NodeOp node) {
  Value x = node.getInputs().empty() ? Value() : node.getInputs()[0];
  StringRef name = node.getOpType();
  if (node.getDomain() == "com.microsoft") {
    // BiasGelu and FastGelu may add a bias.
    if (name == "QuickGelu")
      return Activation{ActivationKind::SiLU, x, node.getFloat("alpha", 1.702f)};
    if (name == "Gelu" || (name == "FastGelu" && !node.getOptionalOperand(1)))
      return Activation{name == "Gelu" ? ActivationKind::GELU : ActivationKind::GELUTanh, x};
    return std::nullopt;
  }
  if (!node.getDomain().empty())
    return std::nullopt;
  if (name == "Relu")
    return Activation{ActivationKind::ReLU, x};
  if (name == "Swish")
    return Activation{ActivationKind::SiLU, x, node.getFloat("alpha", 1)};
  if (name == "Gelu")
    return Activation{node.getString("approximate", "none") == "tanh" ? ActivationKind::GELUTanh
                                                                      : ActivationKind::GELU,
                      x};
  if (name == "Div") {
    // x / (1 + exp(−x)).
    Value inner = matchOnePlus(node.getInputs()[1]);
    onnx::NodeOp exp = inner ? getNode(inner, "Exp") : onnx::NodeOp();
    std::optional<double> factor = exp ? matchMultiple(exp.getInputs()[0], x) : std::nullopt;
    onnx::NodeOp negation = exp ? getNode(exp.getInputs()[0], "Neg") : onnx::NodeOp();
    if (!factor && negation)
      if (std::optional<double> inside = matchMultiple(negation.getInputs()[0], x))
        factor = -*inside;
    if (factor)
      return Activation{ActivationKind::SiLU, x, -*factor};
  }
  if (name == "Pow" && getSplat(node.getInputs()[1]) == 2.0)
    if (auto relu = x.getDefiningOp<moe::ActivationOp>();
        relu && relu.getKind() == ActivationKind::ReLU)
      return Activation{ActivationKind::ReLUSquared, relu.getInput()};
  if (name == "Mul" && node.getInputs()[0] == node.getInputs()[1])
    if (auto relu = x.getDefiningOp<moe::ActivationOp>();
        relu && relu.getKind() == ActivationKind::ReLU)
      return Activation{ActivationKind::ReLUSquared, relu.getInput()};
  return std::nullopt;
}

/// The activation in a product, and the factors that are left.
std::optional<Activation> matchProduct(const Product &product, SmallVectorImpl<Value> &rest) {
  auto keepAllBut = [&](size_t i, size_t j) {
    rest.clear();
    for (auto [n, factor] : llvm::enumerate(product.factors))
      if (n != i && n != j)
        rest.push_back(factor);
  };
  for (size_t i = 0; i < product.factors.size(); ++i)
    for (size_t j = 0; j < product.factors.size(); ++j) {
      double coefficient;
      if (i == j)
        continue;
      std::optional<Activation> found =
          matchPair(product.factors[i], product.factors[j], coefficient);
      if (!found || product.coefficient != coefficient)
        continue;
      keepAllBut(i, j);
      return found;
    }
  if (product.coefficient != 1)
    return std::nullopt;
  for (auto [i, factor] : llvm::enumerate(product.factors))
    if (auto op = factor.getDefiningOp<moe::ActivationOp>(); op && factor.hasOneUse()) {
      keepAllBut(i, i);
      return Activation{op.getKind(), op.getInput(), op.getAlpha().convertToDouble()};
    }
  return std::nullopt;
}

/// x of clamp(x, low, high), the bounds being −∞ and ∞ where absent.
Value matchClamp(Value value, double &low, double &high) {
  onnx::NodeOp clip = getNode(value, "Clip");
  low = -std::numeric_limits<double>::infinity();
  high = -low;
  if (!clip)
    return {};
  Value bounds[] = {clip.getOptionalOperand(1), clip.getOptionalOperand(2)};
  double *numbers[] = {&low, &high};
  for (auto [bound, number] : llvm::zip(bounds, numbers)) {
    std::optional<double> constant = bound ? getSplat(bound) : std::nullopt;
    if (bound && !constant)
      return {};
    if (constant)
      *number = *constant;
  }
  return clip.getInputs()[0];
}

struct RaiseActivations : impl::RaiseActivationsPassBase<RaiseActivations> {
  void runOnOperation() override {
    SymbolicShapes before(getOperation());
    shapes = &before;
    // Single nodes first: they are factors of gated ones. Then products, the outermost first.
    SmallVector<Operation *> nodes;
    getOperation().walk([&](onnx::NodeOp node) { nodes.push_back(node); });
    for (Operation *&op : nodes)
      if (std::optional<Activation> activation = matchNode(cast<onnx::NodeOp>(op)))
        if (replaceBy(op, *activation))
          op = nullptr;
    for (Operation *op : llvm::reverse(nodes)) {
      auto node = dyn_cast_or_null<onnx::NodeOp>(op);
      if (!node || !node.getDomain().empty() || node.getOpType() != "Mul" || node->use_empty())
        continue;
      Product product;
      collect(node->getResult(0), product, true);
      SmallVector<Value> rest;
      std::optional<Activation> activation = matchProduct(product, rest);
      if (!activation)
        continue;
      if (rest.empty())
        replaceBy(op, *activation);
      else if (rest.size() == 1)
        replaceByGated(node, *activation, rest.front());
    }
  }

private:
  /// Whether two values are floats of the same shape: nothing is broadcast.
  bool isSame(Value a, Value b) {
    auto type = dyn_cast<RankedTensorType>(a.getType());
    return type && type == b.getType() && isa<FloatType>(type.getElementType()) &&
           (type.hasStaticShape() ||
            (shapes->get(a).isRanked && shapes->get(a).dims == shapes->get(b).dims));
  }

  /// Whether gate and up spread to the result, with nothing else that does.
  bool broadcastTo(Value gate, Value up, Value result) {
    const SymbolicValue &a = shapes->get(gate), &b = shapes->get(up), &c = shapes->get(result);
    if (!a.isRanked || !b.isRanked || !c.isRanked)
      return false;
    return llvm::all_of(llvm::zip_equal(a.dims, b.dims, c.dims), [&](auto sizes) {
      auto [x, y, z] = sizes;
      return z == (x == y ? x : shapes->getSymbols().broadcast(x, y));
    });
  }

  bool replaceBy(Operation *op, const Activation &activation) {
    if (!isSame(activation.input, op->getResult(0)))
      return false;
    OpBuilder builder(op);
    auto raised = moe::ActivationOp::create(builder, op->getLoc(), op->getResult(0).getType(),
                                            activation.kind, activation.input,
                                            APFloat(static_cast<float>(activation.alpha)));
    op->getResult(0).replaceAllUsesWith(raised.getResult());
    op->erase();
    ++numRaised;
    return true;
  }

  void replaceByGated(onnx::NodeOp node, const Activation &activation, Value up) {
    Type type = node->getResult(0).getType();
    Value gate = activation.input;
    double offset = 0;
    if (up.getType() != type || gate.getType() != type)
      return;
    // (clamp(u, −l, l) + offset) beside min(g, l).
    Value summand = up;
    matchEitherOrder(up, "Add", [&](Value u, Value added) {
      std::optional<double> number = getSplat(added);
      if (!number || !isSame(u, up))
        return false;
      summand = u;
      offset = *number;
      return true;
    });
    double low, high, gateLow, gateHigh;
    Value unclamped = matchClamp(summand, low, high),
          gateUnclamped = matchClamp(gate, gateLow, gateHigh);
    bool isLimited = unclamped && gateUnclamped && low == -high && high == gateHigh && high >= 0 &&
                     std::isinf(gateLow);
    if (!broadcastTo(gate, summand, node->getResult(0)))
      return;
    OpBuilder builder(node);
    FloatAttr limit;
    if (isLimited) {
      limit = builder.getF32FloatAttr(high);
      summand = unclamped;
      gate = gateUnclamped;
    }
    auto raised = moe::GLUOp::create(builder, node.getLoc(), type, activation.kind, gate, summand,
                                     APFloat(static_cast<float>(activation.alpha)),
                                     APFloat(static_cast<float>(offset)), limit);
    node->getResult(0).replaceAllUsesWith(raised.getResult());
    node.erase();
    ++numRaised;
  }

  SymbolicShapes *shapes = nullptr; ///< before anything is changed
};

} // namespace
} // namespace moec
