//===- Attention.cpp - Spellings of attention and rotary embedding
//-----------------------------------===//
#include "passes/Conversion/MoEToONNX/Spelling.h"

using namespace mlir;
using namespace moec;

namespace {

using Results = FailureOr<SmallVector<Value>>;

class AttentionSpelling {
public:
  AttentionSpelling(moe::AttentionOp op, Spelling &s)
      : op(op), s(s), sumType(s.builder.getF32Type()), sequence(s.sizeOf(op.getQuery(), 2)),
        keys(s.sizeOf(op.getKey(), 2)) {
    if (op.getQuery().getType().getElementType().isF64())
      sumType = s.builder.getF64Type();
  }

  Value spell();

private:
  Value infinity() { return s.scalar(sumType, -std::numeric_limits<double>::infinity()); }
  Value count(Value size) {
    Type i64 = s.builder.getI64Type();
    Value end = s.node("Squeeze", 13, size, s.tensorOf(i64));
    return s.node("Range", 11, {s.intScalar(0), end, s.intScalar(1)}, s.tensorOf(i64));
  }
  void addRule(Value rule) {
    keep = keep ? s.node("And", 7, {keep, rule}, s.tensorOf(s.builder.getI1Type())) : rule;
  }

  /// [B, heads, S, x] as [B, KV heads, rest, x]: the heads that share keys are one tall matrix.
  Value groupHeads(Value x, Value last);
  Value separateHeads(Value x, Value last);
  Value sizeAsValue(Value x, int64_t axis) {
    int64_t size = cast<RankedTensorType>(x.getType()).getDimSize(axis);
    return ShapedType::isDynamic(size) ? s.sizeOf(x, axis) : s.ints(size);
  }

  Value getScores();
  void findRules();
  Value getVisible();
  Value getBias();

  moe::AttentionOp op;
  Spelling &s;
  Type sumType;         ///< what is computed in
  Value sequence, keys; ///< S and L, [1]
  Value lengths;        ///< [B, 1, 1, 1]
  Value keyPositions;   ///< [L]
  Value positions;      ///< of the queries, [S, 1] or [B, 1, S, 1]
  Value keep;           ///< boolean, broadcasts to the scores; null: all
};

Value AttentionSpelling::groupHeads(Value x, Value last) {
  if (op.getNumHeads() == op.getNumKVHeads())
    return x;
  return s.reshape(x, s.concat({s.ints({0, op.getNumKVHeads(), -1}), last}, 0));
}

Value AttentionSpelling::separateHeads(Value x, Value last) {
  if (op.getNumHeads() == op.getNumKVHeads())
    return x;
  return s.reshape(x, s.concat({s.ints({0, op.getNumHeads()}), sequence, last}, 0));
}

Value AttentionSpelling::getScores() {
  Value query = s.cast(op.getQuery(), sumType), key = s.cast(op.getKey(), sumType);
  if (double scale = op.getScale().convertToDouble(); scale != 1)
    query = s.mul(query, s.scalar(sumType, scale));
  query = groupHeads(query, sizeAsValue(op.getQuery(), 3));
  Value scores = separateHeads(s.matmul(query, s.transpose(key, {0, 1, 3, 2})), keys);
  if (double cap = op.getSoftcap().convertToDouble())
    scores =
        s.mul(s.unary("Tanh", 13, s.div(scores, s.scalar(sumType, cap))), s.scalar(sumType, cap));
  return scores;
}

void AttentionSpelling::findRules() {
  if (op.getLengths())
    lengths = s.unsqueeze(s.cast(op.getLengths(), s.builder.getI64Type()), {1, 2, 3});
  if (op.getCausal() || op.getWindow() || op.getSlopes() || lengths) {
    keyPositions = count(keys);
    positions = s.add(s.unsqueeze(count(sequence), {1}), s.sub(lengths ? lengths : keys, sequence));
  }
  // A query's position lies before its length.
  if (op.getCausal())
    addRule(s.compare("LessOrEqual", 16, keyPositions, positions));
  else if (lengths)
    addRule(s.compare("Less", 13, keyPositions, lengths));
  if (int64_t window = op.getWindow())
    addRule(s.compare("Greater", 13, keyPositions, s.sub(positions, s.intScalar(window))));
}

/// What is added to the scores; null if nothing.
Value AttentionSpelling::getBias() {
  Value bias;
  if (Value mask = op.getMask(); mask && isa<FloatType>(op.getMask().getType().getElementType()))
    bias = s.cast(mask, sumType);
  if (!op.getSlopes())
    return bias;
  Value distance = s.cast(s.sub(keyPositions, positions), sumType);
  Value slopes = s.mul(s.unsqueeze(s.cast(op.getSlopes(), sumType), {1, 2}), distance);
  return bias ? s.add(bias, slopes) : slopes;
}

/// Which queries see a key: boolean, broadcasts to [B, heads, S, 1]; null: all.
Value AttentionSpelling::getVisible() {
  // One more logit stands in.
  if (op.getSinks())
    return {};
  Value mask = op.getMask();
  if (!mask && op.getCausal())
    // The key at the query's own position.
    return s.compare("GreaterOrEqual", 16, positions, s.intScalar(0));
  Value allowed = keep;
  if (mask && isa<FloatType>(op.getMask().getType().getElementType())) {
    allowed = s.cast(mask, sumType);
    if (op.getMask().getType().getRank() == 0)
      allowed = s.reshape(allowed, {1});
    if (keep)
      allowed = s.where(keep, allowed, infinity());
  } else if (keep) {
    allowed = s.where(keep, s.scalar(sumType, 0), infinity());
  } else {
    return {};
  }
  return s.compare("Greater", 13, s.reduce("ReduceMax", 20, allowed, {-1}, true), infinity());
}

Value AttentionSpelling::spell() {
  findRules();
  if (Value mask = op.getMask(); mask && op.getMask().getType().getElementType().isInteger(1))
    addRule(mask);
  Value scores = getScores();
  if (Value bias = getBias())
    scores = s.add(scores, bias);
  if (keep)
    scores = s.where(keep, scores, infinity());
  Value weights, sum;
  if (op.getSinks()) {
    Value sinks = s.unsqueeze(s.cast(op.getSinks(), sumType), {1, 2});
    Value max = s.node("Max", 13, {s.reduce("ReduceMax", 20, scores, {-1}, true), sinks},
                       s.tensorOf(sumType));
    weights = s.unary("Exp", 13, s.sub(scores, max));
    sum = s.add(s.reduce("ReduceSum", 13, weights, {-1}, true),
                s.unary("Exp", 13, s.sub(sinks, max)));
  } else {
    weights = s.node("Softmax", 13, scores, s.tensorOf(sumType), s.attribute("axis", int64_t(-1)));
  }
  Value product = s.matmul(groupHeads(weights, keys), s.cast(op.getValue(), sumType));
  Value result = separateHeads(product, sizeAsValue(op.getValue(), 3));
  if (sum)
    result = s.div(result, sum);
  if (Value visible = getVisible())
    result = s.where(visible, result, s.scalar(sumType, 0));
  result = s.cast(result, op.getResult().getType().getElementType());
  // What was known of the operation's result holds for the node's.
  result.setType(op.getResult().getType());
  return result;
}

Results spellAttention(moe::AttentionOp op, Spelling &s) {
  return SmallVector<Value>{AttentionSpelling(op, s).spell()};
}

Results spellRotary(moe::RotaryOp op, Spelling &s) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  int64_t half = cast<RankedTensorType>(op.getCos().getType()).getDimSize(2);
  if (ShapedType::isDynamic(half) || ShapedType::isDynamic(type.getDimSize(3)))
    return op.emitOpError("has a head size that is known at run time only");
  Value x = op.getInput(), cos = s.unsqueeze(op.getCos(), {1}), sin = s.unsqueeze(op.getSin(), {1});
  bool interleaved = op.getInterleaved();
  Value first = interleaved ? s.slice(x, 0, 2 * half, 3, 2) : s.slice(x, 0, half, 3);
  Value second = interleaved ? s.slice(x, 1, 2 * half, 3, 2) : s.slice(x, half, 2 * half, 3);
  SmallVector<Value> parts{s.sub(s.mul(first, cos), s.mul(second, sin)),
                           s.add(s.mul(second, cos), s.mul(first, sin))};
  if (interleaved) {
    Value pairs = s.concat({s.unsqueeze(parts[0], {4}), s.unsqueeze(parts[1], {4})}, 4);
    parts = {s.reshape(pairs, {0, 0, 0, 2 * half})};
  }
  if (2 * half < type.getDimSize(3))
    parts.push_back(s.slice(x, 2 * half, type.getDimSize(3), 3));
  Value result = parts.size() == 1 ? parts[0] : s.concat(parts, 3);
  result.setType(op.getResult().getType());
  return SmallVector<Value>{result};
}

} // namespace

void moec::addAttentionSpellings(SpellingTable &table) {
  addSpelling<moe::AttentionOp, spellAttention>(table);
  addSpelling<moe::RotaryOp, spellRotary>(table);
}
