//===- Exponential.cpp - exp and what follows from it
//-----------------------------------------------===//
#include "passes/Transforms/Math/Functions.h"

using namespace mlir;
using namespace moec;

namespace {

/// exp(x) = 2^k (1 + p).
struct ReducedExp {
  Value k, p;
};

} // namespace

/// exp(r) - 1 for |r| <= ln(2) / 2: r + r^2 P(r).
static Value emitReducedExpM1(const FloatEmitter &s, Value r) {
  static constexpr double single[] = {5.000000000e-01, 1.666666567e-01, 4.166636243e-02,
                                      8.333390579e-03, 1.394063700e-03, 1.984545379e-04};
  static constexpr double wide[] = {0.5,
                                    0.16666666666666677,
                                    0.041666666666666512,
                                    0.0083333333333216915,
                                    0.0013888888888962353,
                                    0.00019841269885967052,
                                    2.4801587172553352e-05,
                                    2.7557244373042353e-06,
                                    2.7557402639421614e-07,
                                    2.5108979286734202e-08,
                                    2.0875329507630417e-09};
  Value p = s.isDouble() ? s.polynomial(r, wide) : s.polynomial(r, single);
  return s.mulAdd(s.mul(r, r), p, r);
}

static ReducedExp reduceExp(const FloatEmitter &s, Value x, Value xLow = {}) {
  FloatEmitter::Rounded n = s.round(x, 1.4426950408889634);
  // ln(2) in two parts, the first so short that its product with n is exact.
  double high = s.isDouble() ? 0x1.62e42fefp-1 : 0x1.63p-1;
  double low = s.isDouble() ? 0x1.473de6af278edp-34 : -2.1219444005469057e-4;
  Value r = s.mulAdd(n.number, -high, x);
  r = s.mulAdd(n.number, -low, r);
  if (xLow)
    r = s.add(r, xLow);
  return {n.integer, emitReducedExpM1(s, r)};
}

/// p * 2^k for |k| < 2 * bias, in two steps, so that the result may overflow or lose bits below the
/// smallest normal number.
static Value scaleByPower(const FloatEmitter &s, Value p, Value k) {
  Value biased = s.addInt(k, s.integer(2 * s.bias()));
  Value first = s.shiftRight(biased, 1), second = s.subInt(biased, first);
  p = s.mul(p, s.fromBits(s.shiftLeft(first, s.mantissaBits())));
  return s.mul(p, s.fromBits(s.shiftLeft(second, s.mantissaBits())));
}

/// The power that `emit` makes of `x`, which is 0 below `lowest` and infinite above `highest`. What
/// vanishes goes through the arithmetic as exp(0): results that are too small for a normal number
/// take some processors a hundred times as long, and the masked scores of a softmax are of that
/// kind.
static Value emitPower(const FloatEmitter &s, Value x, double lowest, double highest,
                       llvm::function_ref<Value(Value)> emit) {
  Value vanishes = s.less(x, s.constant(lowest)), zero = s.constant(0);
  Value result = emit(s.clamp(s.select(vanishes, zero, x), lowest, highest));
  return s.select(vanishes, zero, result);
}

/// exp(x) / 2^halvings.
static Value emitScaledExp(const FloatEmitter &s, Value x, Value low, unsigned halvings) {
  // The logarithms of half the smallest number, less a little, and of infinity.
  double lowest = s.isDouble() ? -745.14 : -103.98, highest = s.isDouble() ? 711 : 90;
  return emitPower(s, x, lowest, highest, [&](Value x) {
    ReducedExp e = reduceExp(s, x, low);
    Value k = halvings ? s.subInt(e.k, s.integer(halvings)) : e.k;
    return scaleByPower(s, s.add(e.p, s.constant(1)), k);
  });
}

Value moec::emitExp(const FloatEmitter &s, Value x, Value low) {
  return emitScaledExp(s, x, low, 0);
}

Value moec::emitHalfExp(const FloatEmitter &s, Value x) { return emitScaledExp(s, x, {}, 1); }

Value moec::emitExp2(const FloatEmitter &s, Value x) {
  double lowest = s.isDouble() ? -1075.1 : -150.1, highest = s.isDouble() ? 1025 : 129;
  return emitPower(s, x, lowest, highest, [&](Value x) {
    FloatEmitter::Rounded n = s.round(x);
    Value r = s.mul(s.sub(x, n.number), s.constant(0.6931471805599453));
    return scaleByPower(s, s.add(emitReducedExpM1(s, r), s.constant(1)), n.integer);
  });
}

Value moec::emitExpM1(const FloatEmitter &s, Value x) {
  // Below -40, exp vanishes beside 1; above the other bounds it overflows with k = 1024 (128), but
  // half of 2^k does not.
  Value clamped = s.isDouble() ? s.clamp(x, -40, 709.9) : s.clamp(x, -40, 89);
  ReducedExp e = reduceExp(s, clamped);
  Value biased = s.addInt(e.k, s.integer(s.bias() - 1));
  Value half = s.fromBits(s.shiftLeft(biased, s.mantissaBits()));
  Value result = s.mulAdd(half, e.p, s.sub(half, s.constant(0.5)));
  return s.copySign(s.add(result, result), x);
}

Value moec::emitSinh(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitSinh(s.getWide(), s.widen(x)));
  static constexpr double coefficients[] = {0.16666666666666669,    0.0083333333333331389,
                                            0.00019841269841437464, 2.7557319155391254e-06,
                                            2.5052123392093227e-08, 1.6057240687445215e-10,
                                            7.7593059506569382e-13};
  Value a = s.abs(x), z = s.mul(a, a);
  Value small = s.mulAdd(s.mul(a, z), s.polynomial(z, coefficients), a);
  Value half = emitHalfExp(s, a);
  Value large = s.sub(half, s.div(s.constant(0.25), half));
  return s.copySign(s.select(s.less(s.constant(1), a), large, small), x);
}

Value moec::emitCosh(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitCosh(s.getWide(), s.widen(x)));
  Value half = emitHalfExp(s, s.abs(x));
  return s.add(half, s.div(s.constant(0.25), half));
}

/// tanh(a) = -t / (2 + t) with t = exp(-2a) - 1.
Value moec::emitTanh(const FloatEmitter &s, Value x) {
  Value a = s.abs(x);
  Value t = emitExpM1(s, s.mul(a, s.constant(-2)));
  return s.copySign(s.div(t, s.add(t, s.constant(2))), x);
}
