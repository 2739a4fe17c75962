//===- Trigonometric.cpp - Circular functions and their inverses
//------------------------------------===//
#include "passes/Transforms/Math/Functions.h"

using namespace mlir;
using namespace moec;

//===- Reduction
//------------------------------------------------------------------------------------===//

namespace {

/// A number is quadrant * pi / 2 + r with |r| <= pi / 4, up to whole turns.
struct Quadrant {
  Value quadrant; ///< integers
  Value r;
};

} // namespace

/// Of |a| below 2^28. `d` emits f64 values; a is an f32 in f64.
static Quadrant reduceSmallAngle(const FloatEmitter &d, Value a) {
  FloatEmitter::Rounded n = d.round(a, 0.63661977236758134308);
  // pi / 2 in parts of 24 bits, whose products with n are exact, and a rest.
  Value r = d.mulAdd(n.number, -0x1.921fb4p+0, a);
  r = d.mulAdd(n.number, -0x1.4442dp-24, r);
  return {n.integer, d.mulAdd(n.number, -0x1.8469898cc517p-48, r)};
}

/// 64 bits of the concatenation of `high` and `low`, from bit `shift` on.
static Value emitFunnelShift(const FloatEmitter &d, Value high, Value low, Value shift) {
  Value lowPart = d.create<arith::ShRUIOp>(d.shiftRight(low, 1), d.subInt(d.integer(63), shift));
  return d.create<arith::OrIOp>(d.create<arith::ShLIOp>(high, shift), lowPart);
}

/// Of |a| from 2^28 on (Payne and Hanek, "Radian Reduction for Trigonometric Functions"): a = m 2^e
/// with an integer m of 24 bits is multiplied by those bits of 2 / pi that matter modulo 4.
static Quadrant reduceLargeAngle(const FloatEmitter &d, Value a) {
  static constexpr uint64_t twoOverPi[] = {0xa2f9836e4e441529, 0xfc2757d1f534ddc0,
                                           0xdb6295993c439041, 0xfe5163abdebbc561};
  Value bits = d.toBits(a);
  // The f64's low 29 mantissa bits are 0; a = m 2^(exponent - 23).
  Value m = d.create<arith::OrIOp>(d.andInt(d.shiftRight(bits, 29), 0x7fffff), d.integer(0x800000));
  // Bit 0 of 2 / pi weighs 1/2: the first that matters has number exponent - 25, at most 102; the
  // mask keeps what is not used (small a, NaN) in bounds.
  Value first = d.andInt(d.subInt(d.shiftRight(bits, 52), d.integer(1023 + 25)), 127);
  Value shift = d.andInt(first, 63);
  Value isUpper = d.create<arith::CmpIOp>(arith::CmpIPredicate::uge, first, d.integer(64));
  Value words[3];
  for (unsigned i = 0; i < 3; ++i)
    words[i] = d.select(isUpper, d.integer(twoOverPi[i + 1]), d.integer(twoOverPi[i]));
  Value high = emitFunnelShift(d, words[0], words[1], shift);
  Value low = emitFunnelShift(d, words[1], words[2], shift);
  // Quarter turns in units of 2^-62.
  Value turns = d.create<arith::MulIOp>(m, high);
  turns = d.addInt(turns, d.shiftRight(d.create<arith::MulIOp>(m, d.shiftRight(low, 32)), 32));
  Value rounded = d.addInt(turns, d.integer(uint64_t(1) << 61));
  Value fraction =
      d.subInt(d.andInt(rounded, (uint64_t(1) << 62) - 1), d.integer(uint64_t(1) << 61));
  Value r = d.mul(d.create<arith::SIToFPOp>(d.type, fraction),
                  d.constant(1.57079632679489661923 * 0x1p-62));
  return {d.shiftRight(rounded, 62), r};
}

/// Of |x|; infinities give garbage.
static Quadrant reduceAngle(const FloatEmitter &d, Value a) {
  Quadrant small = reduceSmallAngle(d, a), large = reduceLargeAngle(d, a);
  Value isSmall = d.less(a, d.constant(0x1p28));
  return {d.select(isSmall, small.quadrant, large.quadrant), d.select(isSmall, small.r, large.r)};
}

//===- Sine, cosine, tangent of f32, in f64
//---------------------------------------------------------===//

static Value emitReducedSin(const FloatEmitter &d, Value r, Value z) {
  static constexpr double coefficients[] = {-0.16666666641618932, 0.0083333293843041965,
                                            -0.00019839334199344905, 2.7183046940249156e-06};
  return d.mulAdd(d.mul(r, z), d.polynomial(z, coefficients), r);
}

static Value emitReducedCos(const FloatEmitter &d, Value z) {
  static constexpr double coefficients[] = {1,
                                            -0.5,
                                            0.041666666622797131,
                                            -0.0013888883750625704,
                                            2.4799519244537261e-05,
                                            -2.721017255615683e-07};
  return d.polynomial(z, coefficients);
}

static Value isOdd(const FloatEmitter &d, Value quadrant) {
  return d.create<arith::CmpIOp>(arith::CmpIPredicate::ne, d.andInt(quadrant, 1), d.integer(0));
}

/// `value` with its sign flipped where bit 1 of `quadrant` is set.
static Value flipSign(const FloatEmitter &d, Value value, Value quadrant) {
  Value sign = d.shiftLeft(d.andInt(quadrant, 2), 62);
  return d.fromBits(d.create<arith::XOrIOp>(d.toBits(value), sign));
}

/// `result`, NaN where x is not finite.
static Value ofFinite(const FloatEmitter &s, Value result, Value a) {
  return s.select(s.less(a, s.infinity()), result, s.nan());
}

Value moec::emitSin(const FloatEmitter &s, Value x) {
  FloatEmitter d = s.getWide();
  Value a = s.abs(x);
  auto [quadrant, r] = reduceAngle(d, s.widen(a));
  Value z = d.mul(r, r);
  Value value = d.select(isOdd(d, quadrant), emitReducedCos(d, z), emitReducedSin(d, r, z));
  Value result = ofFinite(s, s.narrow(flipSign(d, value, quadrant)), a);
  // sin(-x) = -sin(x)
  Value sign = s.create<arith::AndIOp>(s.toBits(x), s.toBits(s.constant(-0.0)));
  return s.fromBits(s.create<arith::XOrIOp>(s.toBits(result), sign));
}

Value moec::emitCos(const FloatEmitter &s, Value x) {
  FloatEmitter d = s.getWide();
  Value a = s.abs(x);
  auto [quadrant, r] = reduceAngle(d, s.widen(a));
  Value z = d.mul(r, r);
  Value value = d.select(isOdd(d, quadrant), emitReducedSin(d, r, z), emitReducedCos(d, z));
  // Negative in quadrants 1 and 2.
  Value result = s.narrow(flipSign(d, value, d.addInt(quadrant, d.integer(1))));
  return ofFinite(s, result, a);
}

Value moec::emitTan(const FloatEmitter &s, Value x) {
  FloatEmitter d = s.getWide();
  Value a = s.abs(x);
  auto [quadrant, r] = reduceAngle(d, s.widen(a));
  Value z = d.mul(r, r), sin = emitReducedSin(d, r, z), cos = emitReducedCos(d, z);
  // tan(r + pi / 2) = -1 / tan(r)
  Value odd = isOdd(d, quadrant);
  Value value = d.div(d.select(odd, d.neg(cos), sin), d.select(odd, sin, cos));
  Value result = ofFinite(s, s.narrow(value), a);
  Value sign = s.create<arith::AndIOp>(s.toBits(x), s.toBits(s.constant(-0.0)));
  return s.fromBits(s.create<arith::XOrIOp>(s.toBits(result), sign));
}

//===- Inverses
//-------------------------------------------------------------------------------------===//

namespace {

/// With a = |x|: asin(a) = arc where a <= 1/2, else pi / 2 - 2 arc.
struct Arc {
  Value isLarge, arc;
};

} // namespace

static Arc reduceArc(const FloatEmitter &s, Value a) {
  static constexpr double coefficients[] = {
      0.16666666666666763,  0.074999999999702471,  0.044642857175136802, 0.03038194268279348,
      0.02237221568487284,  0.017351599628977015,  0.013980967230846911, 0.011397726980903532,
      0.010786812657091241, 0.0036819390966089625, 0.02176625561851555,  -0.021081291960173911,
      0.032679450648014322};
  Value half = s.constant(0.5), isLarge = s.less(half, a);
  // sin(pi / 2 - 2 arc) = 1 - 2 sin^2(arc)
  Value z = s.select(isLarge, s.mul(s.sub(s.constant(1), a), half), s.mul(a, a));
  Value v = s.select(isLarge, s.sqrt(z), a);
  return {isLarge, s.mulAdd(s.mul(v, z), s.polynomial(z, coefficients), v)};
}

// pi / 2 in two parts.
static constexpr double halfPi = 0x1.921fb54442d18p+0, halfPiLow = 0x1.1a62633145c07p-54;

Value moec::emitAsin(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitAsin(s.getWide(), s.widen(x)));
  auto [isLarge, arc] = reduceArc(s, s.abs(x));
  Value twice = s.sub(s.add(arc, arc), s.constant(halfPiLow));
  Value result = s.select(isLarge, s.sub(s.constant(halfPi), twice), arc);
  return s.copySign(result, x);
}

Value moec::emitAcos(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitAcos(s.getWide(), s.widen(x)));
  auto [isLarge, arc] = reduceArc(s, s.abs(x));
  Value twice = s.add(arc, arc);
  Value obtuse = s.sub(s.constant(2 * halfPi), s.sub(twice, s.constant(2 * halfPiLow)));
  Value large = s.select(s.less(x, s.constant(0)), obtuse, twice);
  Value small = s.sub(s.copySign(arc, x), s.constant(halfPiLow));
  return s.select(isLarge, large, s.sub(s.constant(halfPi), small));
}

Value moec::emitAtan(const FloatEmitter &s, Value x) {
  if (!s.isDouble())
    return s.narrow(emitAtan(s.getWide(), s.widen(x)));
  static constexpr double coefficients[] = {
      -0.33333333333333326,  0.19999999999997689,  -0.14285714285390491,  0.11111111088332892,
      -0.090909081501329814, 0.07692282885529679,  -0.066662286325981326, 0.058770401762794564,
      -0.052185227884691605, 0.045040312576352041, -0.033485683994650739, 0.015206566015476953};
  // atan(a) = offset + atan((a cos - sin) / (cos + a sin)) for the angles 0, pi / 4, pi / 2.
  Value a = s.abs(x), one = s.constant(1), zero = s.constant(0);
  Value isMiddle = s.less(s.constant(0.41421356237309505), a);
  Value isLarge = s.less(s.constant(2.4142135623730950), a);
  auto choose = [&](Value small, Value middle, Value large) {
    return s.select(isLarge, large, s.select(isMiddle, middle, small));
  };
  Value v = s.div(choose(a, s.sub(a, one), s.constant(-1)), choose(one, s.add(a, one), a));
  Value z = s.mul(v, v);
  Value offset = choose(zero, s.constant(halfPi / 2), s.constant(halfPi));
  Value offsetLow = choose(zero, s.constant(halfPiLow / 2), s.constant(halfPiLow));
  Value tail = s.mulAdd(s.mul(v, z), s.polynomial(z, coefficients), offsetLow);
  return s.copySign(s.add(offset, s.add(v, tail)), x);
}
