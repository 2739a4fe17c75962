//===- LinearAttention.cpp - Spelling of attention by an associative state ---------------===//
//
// The recurrence as sums over earlier tokens: key j counts for query i what decays after j are
// multiplied to, ∏ decay_t over j < t ≤ i. All pairs, and for decays all triples, of positions.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/Conversion/MoEToONNX/Spelling.h"

using namespace mlir;
using namespace moec;

namespace {

class LinearAttentionSpelling {
public:
  LinearAttentionSpelling(moe::LinearAttentionOp op, Spelling &s)
      : op(op), s(s), sumType(s.builder.getF32Type()) {
    if (op.getQuery().getType().getElementType().isF64())
      sumType = s.builder.getF64Type();
    auto asSum = [&](Value x) { return x ? s.cast(x, sumType) : Value(); };
    query = asSum(op.getQuery());
    key = asSum(op.getKey());
    value = asSum(op.getValue());
    decay = asSum(op.getDecay());
    state = asSum(op.getState());
    Type i64 = s.builder.getI64Type();
    Value count = s.reshape(s.sizeOf(query, 2), s.ints({}));
    positions = s.node("Range", 11, {s.intScalar(0), count, s.intScalar(1)}, s.tensorOf(i64));
  }

  SmallVector<Value> spell() {
    Value result, last = s.matmul(s.transpose(weighKeys(), {0, 1, 3, 2}), value);
    if (op.getCausal()) {
      result = s.matmul(weighScores(getScores()), value);
      if (state) {
        result = s.add(result, weigh(s.matmul(query, state), decaysUpTo()));
        last = s.add(last, weigh(state, decaysOfAll()));
      }
    } else {
      result = s.matmul(query, last);
    }
    if (op.getNormalize())
      result = s.div(result, s.add(s.reduce("ReduceSum", 13, getScores(), {-1}, true),
                                   s.scalar(sumType, op.getEpsilon().convertToDouble())));
    auto finish = [&](Value x, TypedValue<RankedTensorType> as) {
      x = s.cast(x, as.getType().getElementType());
      x.setType(as.getType());
      return x;
    };
    return {finish(result, op.getResult()), finish(last, op.getNewState())};
  }

private:
  Value one() { return s.scalar(sumType, 1); }
  Value at(ArrayRef<int64_t> axes) { return s.unsqueeze(positions, axes); }
  Value product(Value x) { return s.reduce("ReduceProd", 18, x, {-1}, false); }
  /// x, or x times a factor that there only is with decays.
  Value weigh(Value x, Value factor) { return factor ? s.mul(x, factor) : x; }

  /// q_i · k_j of the keys that a query sees, [B, heads, S, S].
  Value getScores() {
    Value scores = s.matmul(query, s.transpose(key, {0, 1, 3, 2}));
    if (!op.getCausal())
      return scores;
    return s.where(s.compare("LessOrEqual", 16, positions, at({1})), scores, s.scalar(sumType, 0));
  }

  Value weighScores(Value scores) {
    if (!decay)
      return scores;
    // [i, j, t]: whether t lies behind j, and not behind i.
    Value isBetween = s.node("And", 7,
                             {s.compare("Greater", 13, positions, at({1})),
                              s.compare("LessOrEqual", 16, positions, at({1, 2}))},
                             s.tensorOf(s.builder.getI1Type()));
    return s.mul(scores, product(s.where(isBetween, s.unsqueeze(decay, {2, 3}), one())));
  }

  /// What key j counts for the last state.
  Value weighKeys() {
    if (!decay)
      return key;
    Value isLater = s.compare("Greater", 13, positions, at({1}));
    return s.mul(key, s.unsqueeze(product(s.where(isLater, s.unsqueeze(decay, {2}), one())), {3}));
  }

  /// What the first state counts for query i, [B, heads, S, 1], and for the last state.
  Value decaysUpTo() {
    if (!decay)
      return {};
    Value isEarlier = s.compare("LessOrEqual", 16, positions, at({1}));
    return s.unsqueeze(product(s.where(isEarlier, s.unsqueeze(decay, {2}), one())), {3});
  }
  Value decaysOfAll() { return decay ? s.unsqueeze(product(decay), {2, 3}) : Value(); }

  moe::LinearAttentionOp op;
  Spelling &s;
  Type sumType; ///< what is computed in
  Value query, key, value, decay, state;
  Value positions; ///< 0, 1, …, [S]
};

FailureOr<SmallVector<Value>> spellLinearAttention(moe::LinearAttentionOp op, Spelling &s) {
  return LinearAttentionSpelling(op, s).spell();
}

} // namespace

void moec::addLinearAttentionSpellings(SpellingTable &table) {
  addSpelling<moe::LinearAttentionOp, spellLinearAttention>(table);
}
