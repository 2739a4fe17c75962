//===- Power.cpp - pow
//------------------------------------------------------------------------------===//
#include "passes/Transforms/Math/Functions.h"

using namespace mlir;
using namespace moec;

/// Whether |y| is an integer; infinity is one.
static Value isIntegral(const FloatEmitter &s, Value y) {
  // From 2^52 (2^23) on, there are no fractions; below, adding it rounds them away.
  Value a = s.abs(y), whole = s.constant(s.isDouble() ? 0x1p52 : 0x1p23);
  Value isRound = s.equal(s.sub(s.add(a, whole), whole), a);
  return s.create<arith::OrIOp>(isRound, s.less(whole, a));
}

/// a^y in f64: exp(y log(a)) with a product in two parts.
static Value emitMagnitude(const FloatEmitter &s, Value a, Value y) {
  LongFloat log = emitLongLog(s, a);
  // Beyond 2^66, y is as good as infinite, since |log(a)| is 0 or at least 2^-53.
  y = s.clamp(y, -0x1p66, 0x1p66);
  Value product = s.mul(y, log.high);
  // Factors of at most 27 bits have exact products.
  auto split = [&](Value v) {
    Value high = s.fromBits(s.andInt(s.toBits(v), ~uint64_t(0x7ffffff)));
    return std::pair(high, s.sub(v, high));
  };
  auto [yHigh, yLow] = split(y);
  auto [logHigh, logLow] = split(log.high);
  Value rest = s.sub(s.mul(yHigh, logHigh), product);
  rest = s.add(rest, s.add(s.mul(yHigh, logLow), s.mul(yLow, logHigh)));
  rest = s.add(rest, s.mulAdd(yLow, logLow, s.mul(y, log.low)));
  // Where the product overflows exp, there is no rest.
  rest = s.select(s.less(s.abs(product), s.constant(1000)), rest, s.constant(0));
  return emitExp(s, product, rest);
}

/// Signs and special cases: those of C's pow.
static Value withSpecialPowers(const FloatEmitter &s, Value magnitude, Value x, Value y) {
  Value zero = s.constant(0), one = s.constant(1), infinity = s.infinity();
  Value isInteger = isIntegral(s, y);
  Value isOdd = s.both(isInteger, s.isNot(isIntegral(s, s.mul(y, s.constant(0.5)))));
  // The sign of x, also of -0.
  Value signedOne = s.copySign(one, x);
  Value isNegative = s.less(signedOne, zero);
  Value result = s.select(s.both(isNegative, isOdd), s.neg(magnitude), magnitude);
  Value hasNoPower =
      s.both(s.both(s.less(x, zero), s.less(s.neg(infinity), x)), s.isNot(isInteger));
  result = s.select(hasNoPower, s.nan(), result);
  // 1^y and x^0 are 1 even of NaN; (-1)^inf is 1.
  Value yIsInfinite = s.equal(s.abs(y), infinity);
  Value isOne = s.equal(x, one);
  isOne = s.create<arith::OrIOp>(isOne, s.both(s.equal(x, s.constant(-1)), yIsInfinite));
  isOne = s.create<arith::OrIOp>(isOne, s.equal(y, zero));
  return s.select(isOne, one, result);
}

Value moec::emitPow(const FloatEmitter &s, Value x, Value y) {
  if (!s.isDouble()) {
    // The logarithm in f64 has bits to spare.
    FloatEmitter d = s.getWide();
    Value product = d.mul(s.widen(y), emitLog(d, s.widen(s.abs(x))));
    return withSpecialPowers(s, s.narrow(emitExp(d, product)), x, y);
  }
  return withSpecialPowers(s, emitMagnitude(s, s.abs(x), y), x, y);
}
