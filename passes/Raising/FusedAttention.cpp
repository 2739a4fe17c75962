// What the nodes have in common, rotary embeddings, and ai.onnx Attention.
#include "passes/Raising/FusedAttention.h"

#include <cmath>

using namespace mlir;
using namespace moec;

Value FusedNode::splitHeads(Value x, int64_t heads) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t batch = type.getDimSize(0), length = type.getDimSize(1);
  int64_t size = type.getDimSize(2) / heads;
  Value split = typed(s.reshape(x, {0, 0, heads, size}), {batch, length, heads, size});
  return typed(s.transpose(split, {0, 2, 1, 3}), {batch, heads, length, size});
}

Value FusedNode::mergeHeads(Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t batch = type.getDimSize(0), heads = type.getDimSize(1), length = type.getDimSize(2);
  int64_t size = type.getDimSize(3);
  Value rows = typed(s.transpose(x, {0, 2, 1, 3}), {batch, length, heads, size});
  return typed(s.reshape(rows, {0, 0, heads * size}), {batch, length, heads * size});
}

/// `positions` is null where the cosines are there for every token.
Value FusedNode::rotate(Value x, Value cosines, Value sines, Value positions, bool interleaved) {
  auto type = cast<RankedTensorType>(x.getType());
  if (positions) {
    int64_t half = cast<RankedTensorType>(cosines.getType()).getDimSize(1);
    auto rows = rankedTypeOf(positions, 2);
    int64_t shape[] = {rows ? rows.getDimSize(0) : kDynamic, type.getDimSize(2), half};
    cosines = typed(s.gather(cosines, positions, 0), shape);
    sines = typed(s.gather(sines, positions, 0), shape);
  }
  return moe::RotaryOp::create(builder, node.getLoc(), type, x, cosines, sines, interleaved);
}

Value FusedNode::attend(AttentionOperands &operands) {
  auto query = cast<RankedTensorType>(operands.query.getType());
  auto value = cast<RankedTensorType>(operands.value.getType());
  SmallVector<int64_t> shape(query.getShape());
  float scale = operands.scale ? operands.scale : 1.0f / std::sqrt(float(shape[3]));
  shape[3] = value.getDimSize(3);
  auto attention = moe::AttentionOp::create(
      builder, node.getLoc(), query.clone(shape), operands.query, operands.key, operands.value,
      operands.mask, operands.sinks, /*slopes=*/Value(), operands.lengths,
      builder.getF32FloatAttr(scale), operands.causal ? builder.getUnitAttr() : UnitAttr(),
      builder.getI64IntegerAttr(operands.window), builder.getF32FloatAttr(operands.softcap),
      operands.hidden);
  attention.emitRemark() << "attention: " << attention.getNumHeads() << " heads of "
                         << attention.getHeadSize() << " for " << attention.getNumKVHeads()
                         << " of keys";
  return attention.getResult();
}

bool FusedNode::raiseRotary(bool isContrib) {
  Value input = node.getOptionalOperand(0), positions = node.getOptionalOperand(isContrib ? 1 : 3);
  Value cosines = node.getOptionalOperand(isContrib ? 2 : 1);
  Value sines = node.getOptionalOperand(isContrib ? 3 : 2);
  if (!input || !cosines || !sines)
    return no("it lacks an operand");
  auto type = dyn_cast<RankedTensorType>(input.getType());
  auto cosineType = rankedTypeOf(cosines, positions ? 2 : 3);
  if (!type || !cosineType || cosineType.getElementType() != type.getElementType() ||
      !rankedTypeOf(sines, positions ? 2 : 3) ||
      ShapedType::isDynamic(cosineType.getShape().back()))
    return false;
  if (isContrib && (node.getInt("is_packed_batching", 0) || node.getFloat("scale", 1.0f) != 1.0f))
    return no("it packs the batch or scales");
  if (positions && !rankedTypeOf(positions, 2))
    return no("it counts positions from one for each row");
  bool isFlat = type.getRank() == 3;
  int64_t half = cosineType.getShape().back(), heads = node.getInt("num_heads", 0);
  int64_t last = type.getShape().back();
  if (ShapedType::isDynamic(last) || (!isFlat && type.getRank() != 4))
    return false;
  if (isFlat) {
    if (!heads && !node.getInt("rotary_embedding_dim", 0))
      heads = last / (2 * half);
    if (heads < 1 || last % heads)
      return no("its number of heads is not known");
    input = splitHeads(input, heads);
  }
  int64_t size = cast<RankedTensorType>(input.getType()).getDimSize(3);
  if (2 * half > size)
    return no("it rotates more than there is of a head");
  if (ShapedType::isDynamic(cast<RankedTensorType>(input.getType()).getDimSize(1)))
    return no("its number of heads is not known");
  Value result = rotate(input, cosines, sines, positions, node.getInt("interleaved", 0) != 0);
  replace(0, isFlat ? mergeHeads(result) : result);
  return true;
}

/// A mask for the first keys alone hides the others.
Value FusedNode::padMask(Value mask, Value keys) {
  auto type = cast<RankedTensorType>(mask.getType());
  int64_t rank = type.getRank();
  bool isFlags = type.getElementType().isInteger(1);
  Attribute hides = isFlags ? Attribute(builder.getBoolAttr(false))
                            : builder.getFloatAttr(type.getElementType(),
                                                   -std::numeric_limits<double>::infinity());
  auto scalar = DenseElementsAttr::get(RankedTensorType::get({}, type.getElementType()), hides);
  Value rest = s.sub(s.sizeOf(keys, 2), s.sizeOf(mask, rank - 1));
  Value pads = s.concat({s.ints(SmallVector<int64_t>(2 * rank - 1, 0)), rest}, 0);
  Value padded =
      s.node("Pad", 21, {mask, pads, onnx::ConstantOp::create(builder, node.getLoc(), scalar)},
             s.tensorOf(type.getElementType()));
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = kDynamic;
  return typed(padded, shape);
}

bool FusedNode::raiseAttention() {
  AttentionOperands operands{node.getInputs()[0], node.getInputs()[1], node.getInputs()[2]};
  if (isUsed(3))
    return no("its scores are used");
  if (node.getInt("left_window_size", -1) >= 0 || node.getInt("right_window_size", -1) >= 0)
    return no("it has a window");
  bool isFlat = bool(rankedTypeOf(operands.query, 3));
  int64_t rank = isFlat ? 3 : 4, heads = node.getInt("q_num_heads", 0);
  int64_t kvHeads = node.getInt("kv_num_heads", 0);
  Value *states[] = {&operands.query, &operands.key, &operands.value};
  for (Value *state : states) {
    auto type = rankedTypeOf(*state, rank);
    if (!type || ShapedType::isDynamic(type.getShape().back()))
      return false;
  }
  if (isFlat && (heads < 1 || kvHeads < 1))
    return no("it does not say how many heads there are");
  Value past[] = {node.getOptionalOperand(4), node.getOptionalOperand(5)};
  if (bool(past[0]) != bool(past[1]) || (past[0] && !rankedTypeOf(past[0], 4)) ||
      (past[1] && !rankedTypeOf(past[1], 4)))
    return no("only one of keys and values has a past");
  SymExpr queryLength = shapes.get(operands.query).dims[isFlat ? 1 : 2];
  SymExpr keyLength = shapes.get(operands.key).dims[isFlat ? 1 : 2], total = keyLength;
  if (past[0])
    total = shapes.getSymbols().add(total, shapes.get(past[0]).dims[2]);
  operands.causal = node.getInt("is_causal", 0) != 0;
  operands.lengths = node.getOptionalOperand(6);
  bool padsMask = false;
  // The first query stands at the end of the past, for us at L - S.
  if (operands.causal && !operands.lengths && queryLength != keyLength)
    return no("it is causal, and there may be other numbers of queries and of keys");
  if (Value mask = node.getOptionalOperand(3)) {
    const SymbolicValue &known = shapes.get(mask);
    if (!known.isRanked || known.dims.empty() || known.dims.size() > 4 ||
        !isa<RankedTensorType>(mask.getType()))
      return false;
    Type elementType = getElementType(mask);
    if (!isa<FloatType>(elementType) && !elementType.isInteger(1))
      return no("its mask is of integers");
    operands.mask = mask;
    bool isWhole = known.dims.back() == total;
    if (!isWhole && node.getVersion() < 24 && !known.dims.back().isConstant(1))
      return no("its mask may have another length than the keys");
    padsMask = !isWhole && node.getVersion() >= 24;
  }
  if (isFlat) {
    for (Value *state : states) {
      int64_t count = state == states[0] ? heads : kvHeads;
      if (cast<RankedTensorType>(state->getType()).getShape().back() % count)
        return no("its heads do not divide the width");
      *state = splitHeads(*state, count);
    }
  }
  auto queryType = cast<RankedTensorType>(operands.query.getType());
  auto keyType = cast<RankedTensorType>(operands.key.getType());
  if (ShapedType::isDynamic(queryType.getDimSize(1)) ||
      ShapedType::isDynamic(keyType.getDimSize(1)) || keyType.getDimSize(1) < 1 ||
      queryType.getDimSize(1) % keyType.getDimSize(1))
    return no("its number of heads is not known");
  for (int i : {0, 1}) {
    Value &state = *states[1 + i];
    if (past[i]) {
      SmallVector<int64_t> shape(cast<RankedTensorType>(state.getType()).getShape());
      shape[2] = kDynamic;
      state = typed(s.concat({past[i], state}, 2), shape);
    }
    replace(1 + i, state);
  }
  if (padsMask)
    operands.mask = padMask(operands.mask, operands.key);
  operands.scale = node.getFloat("scale", 0.0f);
  operands.softcap = node.getFloat("softcap", 0.0f);
  Value result = attend(operands);
  replace(0, isFlat ? mergeHeads(result) : result);
  return true;
}

bool FusedNode::raise() {
  std::string name = node.getQualifiedName();
  if (name == "Attention")
    return raiseAttention();
  if (name == "com.microsoft::GroupQueryAttention")
    return raiseGroupQuery();
  if (name == "com.microsoft::MultiHeadAttention")
    return raiseMultiHead();
  return raiseRotary(name != "RotaryEmbedding");
}
