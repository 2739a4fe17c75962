//===- Elementwise.cpp - Transfer functions of elementwise operators
//------------------------------===//
#include "passes/Analysis/Transfers/TransferHelpers.h"

using namespace mlir;
using namespace moec;

namespace {

using UnaryFn = SymExpr (*)(SymContext &, SymExpr);
using BinaryFn = SymExpr (*)(SymContext &, SymExpr, SymExpr);

/// Same sizes; the elements through `fn`.
template <UnaryFn fn>
void transferUnary(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  std::optional<SymVector> elements;
  if (x->elements) {
    elements.emplace();
    for (SymExpr element : *x->elements)
      elements->push_back(fn(t.symbols, element));
  }
  t.setResult(0, x->dims, elements);
}

/// All operands broadcast together; the elements folded from the left through `fn` (null: not
/// followed).
void transferBroadcast(ShapeTransfer &t, BinaryFn fn) {
  SymVector dims;
  unsigned count = t.node.getInputs().size();
  for (unsigned i = 0; i < count; ++i) {
    const SymbolicValue *x = t.operand(i);
    if (!x)
      return;
    dims = i == 0 ? x->dims : broadcastDims(t.symbols, dims, x->dims);
  }
  std::optional<SymVector> elements;
  if (fn)
    elements = makeElements(dims, [&](Index index) {
      SymExpr result = getBroadcastElement(*t.operand(0), index);
      for (unsigned i = 1; i < count && result; ++i)
        result = fn(t.symbols, result, getBroadcastElement(*t.operand(i), index));
      return result;
    });
  t.setResult(0, dims, elements);
}

template <BinaryFn fn>
void transferBinary(ShapeTransfer &t) {
  transferBroadcast(t, fn);
}

void transferBroadcastDims(ShapeTransfer &t) { transferBroadcast(t, nullptr); }

SymExpr add(SymContext &s, SymExpr a, SymExpr b) { return s.add(a, b); }
SymExpr sub(SymContext &s, SymExpr a, SymExpr b) { return s.sub(a, b); }
SymExpr mul(SymContext &s, SymExpr a, SymExpr b) { return s.mul(a, b); }
SymExpr div(SymContext &s, SymExpr a, SymExpr b) { return s.div(a, b); }
SymExpr min(SymContext &s, SymExpr a, SymExpr b) { return s.min(a, b); }
SymExpr max(SymContext &s, SymExpr a, SymExpr b) { return s.max(a, b); }
SymExpr equal(SymContext &s, SymExpr a, SymExpr b) { return s.eq(a, b); }
SymExpr less(SymContext &s, SymExpr a, SymExpr b) { return s.lt(a, b); }
SymExpr greater(SymContext &s, SymExpr a, SymExpr b) { return s.lt(b, a); }
SymExpr lessOrEqual(SymContext &s, SymExpr a, SymExpr b) { return s.le(a, b); }
SymExpr greaterOrEqual(SymContext &s, SymExpr a, SymExpr b) { return s.le(b, a); }
SymExpr logicalAnd(SymContext &s, SymExpr a, SymExpr b) { return s.logicalAnd(a, b); }
SymExpr logicalOr(SymContext &s, SymExpr a, SymExpr b) { return s.logicalOr(a, b); }
SymExpr logicalXor(SymContext &s, SymExpr a, SymExpr b) { return s.logicalNot(s.eq(a, b)); }
SymExpr logicalNot(SymContext &s, SymExpr a) { return s.logicalNot(a); }
SymExpr negate(SymContext &s, SymExpr a) { return s.sub(s.constant(0), a); }
SymExpr absolute(SymContext &s, SymExpr a) { return s.max(a, negate(s, a)); }
SymExpr relu(SymContext &s, SymExpr a) { return s.max(a, s.constant(0)); }
SymExpr identity(SymContext &, SymExpr a) { return a; }
SymExpr sign(SymContext &s, SymExpr a) {
  return s.sub(s.lt(s.constant(0), a), s.lt(a, s.constant(0)));
}

void transferMod(ShapeTransfer &t) {
  transferBroadcast(
      t, t.node.getInt("fmod", 0)
             ? BinaryFn([](SymContext &s, SymExpr a, SymExpr b) { return s.rem(a, b); })
             : BinaryFn([](SymContext &s, SymExpr a, SymExpr b) { return s.mod(a, b); }));
}

void transferPow(ShapeTransfer &t) {
  transferBroadcast(t, [](SymContext &s, SymExpr base, SymExpr exponent) -> SymExpr {
    std::optional<int64_t> power = exponent.getConstant();
    if (!power || *power < 0 || *power > 3)
      return {};
    return s.product(SymVector(*power, base));
  });
}

void transferWhere(ShapeTransfer &t) {
  const SymbolicValue *condition = t.operand(0), *a = t.operand(1), *b = t.operand(2);
  if (!condition || !a || !b)
    return;
  SymVector dims =
      broadcastDims(t.symbols, broadcastDims(t.symbols, condition->dims, a->dims), b->dims);
  t.setResult(0, dims, makeElements(dims, [&](Index index) {
                return t.symbols.select(getBroadcastElement(*condition, index),
                                        getBroadcastElement(*a, index),
                                        getBroadcastElement(*b, index));
              }));
}

/// Clip: bounds are scalars (attributes of float type before version 11, where elements are not
/// followed).
void transferClip(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  SymVector elements;
  for (SymExpr element : x->elements.value_or(SymVector())) {
    for (unsigned bound : {1u, 2u}) {
      if (!t.node.getOptionalOperand(bound))
        continue;
      std::optional<ArrayRef<SymExpr>> limit = t.elements(bound);
      SymExpr value = limit && limit->size() == 1 ? limit->front() : SymExpr();
      element = bound == 1 ? t.symbols.max(element, value) : t.symbols.min(element, value);
    }
    elements.push_back(element);
  }
  if (x->elements)
    t.setResult(0, x->dims, elements);
  else
    t.setResult(0, x->dims);
}

/// Cast of integers to narrower ones drops the high bits: the element stays the same only where
/// it fits. What is computed from sizes alone is taken to fit 32 bits, as its author did.
void transferCast(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x || t.node->getNumResults() < 1)
    return;
  auto type = dyn_cast<TensorType>(t.node->getResult(0).getType());
  Type elementType = type ? type.getElementType() : Type();
  if (!x->elements || !elementType || !elementType.isInteger())
    return t.setResult(0, x->dims);
  SymVector elements;
  for (SymExpr element : *x->elements) {
    if (elementType.isInteger(1))
      element = t.symbols.logicalNot(t.symbols.eq(element, t.symbols.constant(0)));
    else if (!(elementType.getIntOrFloatBitWidth() >= 32 && element.isOfSizes()) &&
             !SymContext::fits(t.symbols.range(element), elementType))
      element = {};
    elements.push_back(element);
  }
  t.setResult(0, x->dims, elements);
}

/// Dropout: output and mask.
void transferDropout(ShapeTransfer &t) {
  copyDims(t, 0, 0);
  copyDims(t, 1, 0);
}

} // namespace

void moec::addElementwiseTransfers(ShapeTransferTable &table) {
  for (StringRef name : {"Acos",
                         "Acosh",
                         "Asin",
                         "Asinh",
                         "Atan",
                         "Atanh",
                         "BitCast",
                         "BitwiseNot",
                         "Ceil",
                         "Celu",
                         "Cos",
                         "Cosh",
                         "Elu",
                         "Erf",
                         "Exp",
                         "Floor",
                         "Gelu",
                         "HardSigmoid",
                         "HardSwish",
                         "Hardmax",
                         "IsInf",
                         "IsNaN",
                         "LeakyRelu",
                         "Log",
                         "LogSoftmax",
                         "LpNormalization",
                         "Mish",
                         "PRelu",
                         "Reciprocal",
                         "Round",
                         "Selu",
                         "Shrink",
                         "Sigmoid",
                         "Sin",
                         "Sinh",
                         "Softmax",
                         "Softplus",
                         "Softsign",
                         "Sqrt",
                         "Swish",
                         "Tan",
                         "Tanh",
                         "ThresholdedRelu",
                         "com.microsoft::BiasGelu",
                         "com.microsoft::FastGelu",
                         "com.microsoft::Gelu",
                         "com.microsoft::QuickGelu"})
    table[name] = transferSameShape;
  table["Abs"] = transferUnary<absolute>;
  table["Identity"] = transferUnary<identity>;
  table["Neg"] = transferUnary<negate>;
  table["Not"] = transferUnary<logicalNot>;
  table["Relu"] = transferUnary<relu>;
  table["Sign"] = transferUnary<sign>;
  table["Cast"] = table["CastLike"] = transferCast;
  table["Clip"] = transferClip;
  table["Dropout"] = transferDropout;

  for (StringRef name : {"BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Mean"})
    table[name] = transferBroadcastDims;
  table["Add"] = table["Sum"] = transferBinary<add>;
  table["And"] = transferBinary<logicalAnd>;
  table["Div"] = transferBinary<div>;
  table["Equal"] = transferBinary<equal>;
  table["Greater"] = transferBinary<greater>;
  table["GreaterOrEqual"] = transferBinary<greaterOrEqual>;
  table["Less"] = transferBinary<less>;
  table["LessOrEqual"] = transferBinary<lessOrEqual>;
  table["Max"] = transferBinary<max>;
  table["Min"] = transferBinary<min>;
  table["Mod"] = transferMod;
  table["Mul"] = transferBinary<mul>;
  table["Or"] = transferBinary<logicalOr>;
  table["Pow"] = transferPow;
  table["Sub"] = transferBinary<sub>;
  table["Where"] = transferWhere;
  table["Xor"] = transferBinary<logicalXor>;
}
