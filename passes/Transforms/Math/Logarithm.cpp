//===- Logarithm.cpp - log and what follows from it
//-------------------------------------------------===//
#include "passes/Transforms/Math/Functions.h"

using namespace mlir;
using namespace moec;

namespace {

/// A positive number is 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
struct ReducedLog {
  Value k, f; ///< floats
};

} // namespace

static ReducedLog reduceLog(const FloatEmitter &s, Value x) {
  unsigned mantissa = s.mantissaBits();
  // Subnormal numbers become normal.
  Value smallest = s.constant(s.isDouble() ? 0x1p-1022 : 0x1p-126);
  Value isSubnormal = s.less(x, smallest);
  double lift = s.isDouble() ? 0x1p54 : 0x1p25;
  x = s.select(isSubnormal, s.mul(x, s.constant(lift)), x);
  Value offset = s.select(isSubnormal, s.constant(s.isDouble() ? 54 : 25), s.constant(0));
  // The exponent of x / sqrt(1/2).
  uint64_t root = s.isDouble() ? 0x3fe6a09e667f3bcd : 0x3f3504f3;
  uint64_t one = static_cast<uint64_t>(s.bias()) << mantissa;
  Value bits = s.toBits(x);
  Value biased = s.shiftRight(s.addInt(bits, s.integer(one - root)), mantissa);
  Value k = s.subInt(biased, s.integer(s.bias()));
  Value m = s.fromBits(s.subInt(bits, s.shiftLeft(k, mantissa)));
  return {s.sub(s.fromInt(k), offset), s.sub(m, s.constant(1))};
}

/// The results that the formulas do not give: of x, and of what is not finite and positive.
static Value withSpecialLogs(const FloatEmitter &s, Value result, Value x) {
  Value zero = s.constant(0), infinity = s.infinity();
  result = s.select(s.less(x, infinity), result, x); // also NaN
  result = s.select(s.less(x, zero), s.nan(), result);
  return s.select(s.equal(x, zero), s.neg(infinity), result);
}

/// log(1 + f) - f + f^2 / 2 in f32: f^3 P(f).
static Value emitSingleLogTail(const FloatEmitter &s, Value f) {
  static constexpr double coefficients[] = {3.333331347e-01,  -2.500000894e-01, 2.000211775e-01,
                                            -1.666800082e-01, 1.421956569e-01,  -1.240549758e-01,
                                            1.188799962e-01,  -1.167617664e-01, 6.747601181e-02};
  return s.mul(s.mul(s.mul(f, f), f), s.polynomial(f, coefficients));
}

/// The same in f64: with v = f / (2 + f), log(1 + f) = 2 atanh(v) = f - h + v (h + R(v^2)), h = f^2
/// / 2.
static Value emitDoubleLogTail(const FloatEmitter &s, Value f, Value h) {
  static constexpr double coefficients[] = {
      0.6666666666666734, 0.39999999999415514, 0.28571428742213945, 0.22222198589001838,
      0.181835636315863,  0.15314064890750756, 0.14795839603064972};
  Value v = s.div(f, s.add(s.constant(2), f)), z = s.mul(v, v);
  Value r = s.mul(z, s.polynomial(z, coefficients));
  return s.mul(v, s.add(h, r));
}

/// log(1 + f) + k ln(2) + correction, where the correction is tiny.
static Value emitReducedLog(const FloatEmitter &s, const ReducedLog &log, Value correction = {}) {
  Value h = s.mul(s.mul(log.f, log.f), s.constant(0.5));
  Value tail = s.isDouble() ? emitDoubleLogTail(s, log.f, h) : emitSingleLogTail(s, log.f);
  double high = s.isDouble() ? 0x1.62e42fefp-1 : 0x1.63p-1;
  double low = s.isDouble() ? 0x1.473de6af278edp-34 : -2.1219444005469057e-4;
  tail = s.mulAdd(log.k, low, tail);
  if (correction)
    tail = s.add(tail, correction);
  // Smallest first.
  Value result = s.sub(log.f, s.sub(h, tail));
  return s.mulAdd(log.k, high, result);
}

Value moec::emitLog(const FloatEmitter &s, Value x) {
  return withSpecialLogs(s, emitReducedLog(s, reduceLog(s, x)), x);
}

LongFloat moec::emitLongLog(const FloatEmitter &s, Value x) {
  static constexpr double coefficients[] = {
      0.40000000000006242, 0.28571428569087193, 0.22222222646597833, 0.18181775681559578,
      0.15387090050122965, 0.13250134208517558, 0.13251181816111146};
  auto [k, f] = reduceLog(s, x);
  // v + vLow = f / (2 + f): v has 26 bits, so that its products are exact.
  auto shorten = [&](Value value) {
    return s.fromBits(s.andInt(s.toBits(value), ~uint64_t(0x7ffffff)));
  };
  Value two = s.constant(2), sum = s.add(two, f), sumLow = s.add(s.sub(two, sum), f);
  Value v = shorten(s.div(f, sum)), sumHigh = shorten(sum);
  Value rest = s.sub(f, s.mul(v, sumHigh));
  rest = s.sub(rest, s.mul(v, s.sub(sum, sumHigh)));
  rest = s.sub(rest, s.mul(v, sumLow));
  Value vLow = s.div(rest, sum);
  // log = k ln(2) + 2 v + 2/3 v^3 + (2 vLow + v^5 P(v^2)), the cube in two parts.
  Value square = s.mul(v, v), squareHigh = shorten(square);
  Value squareLow = s.add(s.sub(square, squareHigh), s.mul(s.add(s.add(v, v), vLow), vLow));
  Value z = s.add(squareHigh, squareLow);
  Value cube = s.mul(v, squareHigh), cubeHigh = shorten(cube);
  Value cubeLow = s.add(s.sub(cube, cubeHigh), s.mulAdd(v, squareLow, s.mul(vLow, z)));
  Value third = s.mul(cubeHigh, s.constant(0x1.5555550p-1));
  Value thirdLow = s.mulAdd(cubeHigh, 0x1.5555555555555p-27, s.mul(cubeLow, s.constant(2.0 / 3)));
  Value fifth = s.mul(s.mul(s.add(cubeHigh, cubeLow), z), s.polynomial(z, coefficients));
  Value exponent = s.mul(k, s.constant(0x1.62e42fefp-1)), twice = s.add(v, v);
  Value high = s.add(exponent, twice), low = s.sub(twice, s.sub(high, exponent));
  Value withCube = s.add(high, third);
  low = s.add(low, s.sub(third, s.sub(withCube, high)));
  Value tail = s.add(s.add(thirdLow, fifth), s.add(vLow, vLow));
  low = s.add(low, s.mulAdd(k, 0x1.473de6af278edp-34, tail));
  Value result = s.add(withCube, low);
  low = s.sub(low, s.sub(result, withCube));
  Value isFinite = s.both(s.less(s.constant(0), x), s.less(x, s.infinity()));
  return {withSpecialLogs(s, result, x), s.select(isFinite, low, s.constant(0))};
}

Value moec::emitLog2(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitLog2(s.getWide(), s.widen(x)));
  ReducedLog log = reduceLog(s, x);
  // Powers of two are exact.
  Value fraction = emitReducedLog(s, {s.constant(0), log.f});
  return withSpecialLogs(s, s.mulAdd(fraction, 1.4426950408889634, log.k), x);
}

Value moec::emitLog10(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitLog10(s.getWide(), s.widen(x)));
  return s.mul(emitLog(s, x), s.constant(0.43429448190325182765));
}

Value moec::emitLog1p(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitLog1p(s.getWide(), s.widen(x)));
  // u + c = 1 + x exactly, and log(u + c) = log(u) + c / u.
  Value one = s.constant(1), u = s.add(x, one), part = s.sub(u, one);
  Value c = s.add(s.sub(one, s.sub(u, part)), s.sub(x, part));
  Value result = emitReducedLog(s, reduceLog(s, u), s.div(c, u));
  // The sign for -0.
  return s.copySign(withSpecialLogs(s, result, u), x);
}

/// log1p(argument) where the argument stands for x + sqrt(…); of very large numbers log(x) + ln(2).
static Value emitLogOfSum(const FloatEmitter &s, Value argument, Value x) {
  Value isLarge = s.less(s.constant(0x1p60), x);
  Value result = emitLog1p(s, s.select(isLarge, x, argument));
  return s.add(result, s.select(isLarge, s.constant(0.6931471805599453), s.constant(0)));
}

Value moec::emitAsinh(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitAsinh(s.getWide(), s.widen(x)));
  Value a = s.abs(x), one = s.constant(1), square = s.mul(a, a);
  Value root = s.sqrt(s.add(square, one));
  Value sum = s.add(a, s.div(square, s.add(root, one)));
  return s.copySign(emitLogOfSum(s, sum, a), x);
}

Value moec::emitAcosh(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitAcosh(s.getWide(), s.widen(x)));
  Value one = s.constant(1), t = s.sub(x, one);
  Value root = s.sqrt(s.mulAdd(t, t, s.add(t, t)));
  Value result = emitLogOfSum(s, s.add(t, root), x);
  return s.select(s.less(x, one), s.nan(), result);
}

Value moec::emitAtanh(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitAtanh(s.getWide(), s.widen(x)));
  Value a = s.abs(x);
  Value ratio = s.div(s.add(a, a), s.sub(s.constant(1), a));
  return s.copySign(s.mul(s.constant(0.5), emitLog1p(s, ratio)), x);
}
