//===- Experts.cpp - Spelling of experts
//-------------------------------------------------------------===//
#include "passes/Conversion/MoEToONNX/Spelling.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moec;

namespace {

using Results = FailureOr<SmallVector<Value>>;

/// The body of expert e on all tokens.
Value inlineBody(moe::ExpertsOp op, int64_t e, Value tokens, Spelling &s) {
  IRMapping mapping;
  mapping.map(op.getBodyTokens(), tokens);
  for (int64_t p = 0; p < op.getNumParameters(); ++p) {
    auto [segment, row] = *op.getRow(p, e);
    Value rows = op.getSegmentsOf(p)[segment];
    auto type = cast<RankedTensorType>(rows.getType());
    auto rowType = RankedTensorType::get(type.getShape().drop_front(), type.getElementType());
    mapping.map(op.getBodyParameter(p), s.node("Gather", 13, {rows, s.intScalar(row)}, rowType,
                                               s.attribute("axis", int64_t(0))));
  }
  for (Operation &inner : op.getBody().front().without_terminator())
    s.builder.clone(inner, mapping);
  return mapping.lookup(op.getBody().front().getTerminator()->getOperand(0));
}

/// Every expert on every token; of a token that did not choose it the result counts nothing,
/// whatever it is. The sum of a token's slots is in the order of the experts.
Results spellExperts(moe::ExpertsOp op, Spelling &s) {
  Type type = op.getResult().getType().getElementType(), f32 = s.builder.getF32Type();
  Type sumType = type.isF64() ? type : f32;
  Type i64 = s.builder.getI64Type();
  Value experts = s.cast(op.getExperts(), i64), sum;
  for (int64_t e = 0, count = op.getNumExperts(); e < count; ++e) {
    bool isNull = false;
    for (int64_t p = 0; p < op.getNumParameters(); ++p)
      isNull |= !op.getRow(p, e);
    if (isNull)
      continue;
    // [T, k]: the slots that chose the expert; [T, 1]: with what weight.
    Value chosen = s.compare("Equal", 19, experts, s.intScalar(e));
    Value share = s.cast(chosen, sumType);
    if (op.getWeights())
      share = s.where(chosen, s.cast(op.getWeights(), sumType), s.scalar(sumType, 0));
    auto addSlot = [&](Value mask, Value weight, Value tokens, bool weighs) {
      Value y = s.cast(inlineBody(op, e, tokens, s), sumType);
      if (weighs)
        y = s.mul(y, weight);
      y = s.where(mask, y, s.scalar(sumType, 0));
      sum = sum ? s.add(sum, y) : y;
    };
    Value any =
        s.cast(s.reduce("ReduceMax", 20, s.cast(chosen, i64), {1}, true), s.builder.getI1Type());
    if (!op.getWeighInputs()) {
      addSlot(any, s.reduce("ReduceSum", 13, share, {1}, true), op.getTokens(), true);
      continue;
    }
    // The body of a weighted token is not linear: slot by slot.
    int64_t k = op.getExperts().getType().getDimSize(1);
    if (ShapedType::isDynamic(k))
      return op.emitError()
             << "weighs its inputs, but has a number of slots that is known at run time only";
    for (int64_t slot = 0; slot < k; ++slot) {
      auto cut = [&](Value x) { return s.slice(x, slot, slot + 1, 1); };
      Value weight = s.cast(cut(share), op.getTokens().getType().getElementType());
      Value tokens = s.node("Mul", 14, {op.getTokens(), weight}, op.getTokens().getType());
      addSlot(cut(chosen), Value(), tokens, false);
    }
  }
  if (!sum) {
    Value zeros = s.mul(s.cast(s.slice(op.getTokens(), 0, 1, 1), type), s.scalar(type, 0));
    Value width = s.ints({1, op.getResult().getType().getDimSize(1)});
    return SmallVector<Value>{s.node("Tile", 13, {zeros, width}, op.getResult().getType())};
  }
  sum = s.cast(sum, type);
  sum.setType(op.getResult().getType());
  return SmallVector<Value>{sum};
}

} // namespace

void moec::addExpertSpellings(SpellingTable &table) {
  addSpelling<moe::ExpertsOp, spellExperts>(table);
}
