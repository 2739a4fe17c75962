//===- Activation.cpp - Activation functions
//--------------------------------------------------------===//
#include "moec/Kernels/Activations.h"
#include "passes/Conversion/ONNXToLinalg/Elementwise.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec;

namespace {

using ActivationFn = Value (*)(ScalarEmitter &, onnx::NodeOp, Value);

template <ActivationFn fn>
NodeResults lowerActivation(NodeLowering &lowering) {
  return lowerByFormula(lowering, {0},
                        [&](ScalarEmitter &s, ValueRange x) { return fn(s, lowering.node, x[0]); });
}

/// max(x, 0) that keeps NaN.
Value emitRelu(ScalarEmitter &s, onnx::NodeOp, Value x) {
  Value zero = s.constant(0);
  return s.select(s.less(x, zero), zero, x);
}

/// One of the dialect's functions, of a float.
Value emitKind(ScalarEmitter &s, moe::ActivationKind kind, Value x, Value alpha = {}) {
  return emitActivation(s.builder, s.loc, kind, x, alpha);
}

Value emitLeakyRelu(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  Value scaled = s.mul(x, s.constant(node.getFloat("alpha", 0.01f)));
  return s.select(s.less(x, s.constant(0)), scaled, x);
}

Value emitThresholdedRelu(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  Value alpha = s.constant(node.getFloat("alpha", 1.0f));
  return s.select(s.less(alpha, x), x, s.constant(0));
}

Value emitShrink(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  float bias = node.getFloat("bias", 0.0f), lambda = node.getFloat("lambd", 0.5f);
  Value inner = s.select(s.less(s.constant(lambda), x), s.sub(x, s.constant(bias)), s.constant(0));
  return s.select(s.less(x, s.constant(-lambda)), s.add(x, s.constant(bias)), inner);
}

Value emitSigmoid(ScalarEmitter &s, onnx::NodeOp, Value x) {
  return emitKind(s, moe::ActivationKind::Sigmoid, x);
}

Value emitSwish(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  float alpha = node.getFloat("alpha", 1.0f);
  return emitKind(s, moe::ActivationKind::SiLU, x, alpha == 1.0f ? Value() : s.constant(alpha));
}

/// max(0, min(1, x)) that keeps NaN.
Value emitUnitClamp(ScalarEmitter &s, Value x) {
  Value zero = s.constant(0), one = s.constant(1);
  x = s.select(s.less(x, zero), zero, x);
  return s.select(s.less(one, x), one, x);
}

Value emitHardSigmoid(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  Value scaled = s.mul(s.constant(node.getFloat("alpha", 0.2f)), x);
  return emitUnitClamp(s, s.add(scaled, s.constant(node.getFloat("beta", 0.5f))));
}

Value emitHardSwish(ScalarEmitter &s, onnx::NodeOp, Value x) {
  Value scaled = s.add(s.mul(x, s.constant(1.0 / 6)), s.constant(0.5));
  return s.mul(x, emitUnitClamp(s, scaled));
}

/// x where it is positive, else scale * (exp(x / divisor) - 1).
Value emitExponentialUnit(ScalarEmitter &s, Value x, float scale, float divisor) {
  Value scaled = divisor == 1.0f ? x : s.div(x, s.constant(divisor));
  Value negative = s.mul(s.constant(scale), s.create<math::ExpM1Op>(scaled));
  return s.select(s.less(s.constant(0), x), x, negative);
}

Value emitElu(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  return emitExponentialUnit(s, x, node.getFloat("alpha", 1.0f), 1.0f);
}

Value emitCelu(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  float alpha = node.getFloat("alpha", 1.0f);
  return emitExponentialUnit(s, x, alpha, alpha);
}

Value emitSelu(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  float alpha = node.getFloat("alpha", 1.67326319217681884765625f);
  float gamma = node.getFloat("gamma", 1.05070102214813232421875f);
  return s.mul(s.constant(gamma), emitExponentialUnit(s, x, alpha, 1.0f));
}

/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)), which does not overflow.
Value emitSoftplus(ScalarEmitter &s, onnx::NodeOp node, Value x) {
  Value tail = s.create<math::Log1pOp>(s.create<math::ExpOp>(s.neg(s.abs(x))));
  return s.add(emitRelu(s, node, x), tail);
}

Value emitSoftsign(ScalarEmitter &s, onnx::NodeOp, Value x) {
  return s.div(x, s.add(s.constant(1), s.abs(x)));
}

/// x * tanh(log(1 + e)) = x * n / (n + 2) with e = exp(x) and n = e * (e + 2); from 20 on, the
/// factor is 1 to more digits than f64 has.
Value emitMish(ScalarEmitter &s, onnx::NodeOp, Value x) {
  Value two = s.constant(2), e = s.create<math::ExpOp>(x);
  Value n = s.mul(e, s.add(e, two));
  Value small = s.mul(x, s.div(n, s.add(n, two)));
  return s.select(s.less(s.constant(20), x), x, small);
}

NodeResults lowerGelu(NodeLowering &lowering) {
  StringRef approximate = lowering.node.getString("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return lowering.refuse("'approximate' is \"" + approximate +
                           "\", expected \"none\" or \"tanh\"");
  return lowerByFormula(lowering, {0}, [&](ScalarEmitter &s, ValueRange x) {
    return emitKind(
        s, approximate == "tanh" ? moe::ActivationKind::GELUTanh : moe::ActivationKind::GELU, x[0]);
  });
}

NodeResults lowerPRelu(NodeLowering &lowering) {
  return lowerByFormula(lowering, {0, 1}, [](ScalarEmitter &s, ValueRange x) {
    return s.select(s.less(x[0], s.constant(0)), s.mul(x[1], x[0]), x[0]);
  });
}

} // namespace

void moec::addActivationHandlers(NodeHandlerTable &table) {
  table.add("Celu", 12, lowerActivation<emitCelu>);
  table.add("Elu", 6, lowerActivation<emitElu>);
  table.add("Gelu", 20, lowerGelu);
  table.add("HardSigmoid", 6, lowerActivation<emitHardSigmoid>);
  table.add("HardSwish", 14, lowerActivation<emitHardSwish>);
  table.add("LeakyRelu", 6, lowerActivation<emitLeakyRelu>);
  table.add("Mish", 18, lowerActivation<emitMish>);
  table.add("PRelu", 7, lowerPRelu);
  table.add("Relu", 6, lowerActivation<emitRelu>);
  table.add("Selu", 6, lowerActivation<emitSelu>);
  table.add("Shrink", 9, lowerActivation<emitShrink>);
  table.add("Sigmoid", 6, lowerActivation<emitSigmoid>);
  table.add("Softplus", 1, lowerActivation<emitSoftplus>);
  table.add("Softsign", 1, lowerActivation<emitSoftsign>);
  table.add("Swish", 24, lowerActivation<emitSwish>);
  table.add("ThresholdedRelu", 10, lowerActivation<emitThresholdedRelu>);
}
