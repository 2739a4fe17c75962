//===- ErrorFunction.cpp - erf
//----------------------------------------------------------------------===//
#include "passes/Transforms/Math/Functions.h"

using namespace mlir;
using namespace moec;

/// Near 0, a + a P(a^2); further out 1 - exp(Q(a)); 1 from 4 on.
static Value emitSingleErf(const FloatEmitter &s, Value a) {
  static constexpr double near[] = {1.283791661e-01,  -3.761263192e-01, 1.128367633e-01,
                                    -2.685834467e-02, 5.198464263e-03,  -8.114055381e-04,
                                    8.250998508e-05};
  static constexpr double far[] = {1.692051883e-04,  -1.129488349e+00, -6.334008574e-01,
                                   -1.082203910e-01, 2.508062311e-02,  -4.156258423e-03,
                                   4.313944373e-04,  -2.082870560e-05};
  Value small = s.mulAdd(a, s.polynomial(s.mul(a, a), near), a);
  Value clamped = s.clamp(a, 0, 4);
  Value large = s.sub(s.constant(1), emitExp(s, s.polynomial(clamped, far)));
  return s.select(s.less(a, s.constant(0.92)), small, large);
}

/// Near 0, a + a P(a^2); further out 1 - exp(-a^2) Q((a - 3) / (a + 3)); 1 from 6 on.
static Value emitDoubleErf(const FloatEmitter &s, Value a) {
  static constexpr double near[] = {
      0.12837916709551259,     -0.37612638903183748,    0.11283791670954858,
      -0.026866170645072903,   0.0052239776247807995,   -0.00085483269787310666,
      0.00012055331036263046,  -1.4925593486749649e-05, 1.6460972425539068e-06,
      -1.6350020430624902e-07, 1.4657843773063121e-08,  -1.1365513300379408e-09,
      5.9449834337491803e-11};
  static constexpr double far[] = {
      0.17900115118138993,    -0.32623356004303805,   0.24560380171232551,
      -0.15011593650041261,   0.071665837206201205,   -0.02439249925687631,
      0.0042691362673049913,  0.000707741599085199,   -0.00059710510782263993,
      4.5040878281807839e-05, 6.3367570413058914e-05, -1.4338894772334017e-05,
      -1.004868182813447e-05, 4.0965518617682791e-07, 7.200920661924892e-07};
  Value small = s.mulAdd(a, s.polynomial(s.mul(a, a), near), a);
  Value clamped = s.clamp(a, 0, 6), three = s.constant(3);
  Value u = s.div(s.sub(clamped, three), s.add(clamped, three));
  Value exp = emitExp(s, s.neg(s.mul(clamped, clamped)));
  Value large = s.sub(s.constant(1), s.mul(exp, s.polynomial(u, far)));
  return s.select(s.less(a, s.constant(1)), small, large);
}

Value moec::emitErf(const FloatEmitter &s, Value x) {
  Value a = s.abs(x);
  return s.copySign(s.isDouble() ? emitDoubleErf(s, a) : emitSingleErf(s, a), x);
}
