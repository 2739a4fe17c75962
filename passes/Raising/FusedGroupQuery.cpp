// com.microsoft GroupQueryAttention.
#include "passes/Raising/FusedAttention.h"

using namespace mlir;
using namespace moec;

Value FusedNode::writeCache(Value past, Value update, Value starts, Value total) {
  auto type = cast<RankedTensorType>(past.getType());
  SmallVector<int64_t> shape(cast<RankedTensorType>(update.getType()).getShape());
  shape[2] = kDynamic;
  Value room = maximum(s.sub(total, s.sizeOf(past, 2)), s.ints(0));
  Value sizes = s.concat({s.sizeOf(past, 0), s.ints(shape[1]), room, s.ints(shape[3])}, 0);
  auto zero = DenseElementsAttr::get(RankedTensorType::get(1, type.getElementType()),
                                     Attribute(builder.getZeroAttr(type.getElementType())));
  Value padding = s.node("ConstantOfShape", 21, sizes, s.tensorOf(type.getElementType()),
                         builder.getNamedAttr("value", zero));
  Value grown = s.concat({past, padding}, 2);
  return typed(s.node("TensorScatter", 24, {grown, update, starts},
                      s.tensorOf(type.getElementType()), s.attribute("axis", int64_t(-2))),
               shape);
}

/// RMS norm of each head.
Value FusedNode::normalizeHeads(Value x, Value weight) {
  float epsilon = node.getFloat("qk_norm_epsilon", 1e-6f);
  return s.node("RMSNormalization", 23, {x, weight}, x.getType(), s.attribute("epsilon", epsilon));
}

bool FusedNode::raiseGroupQuery() {
  int64_t heads = node.getInt("num_heads", 0), kvHeads = node.getInt("kv_num_heads", 0);
  if (!node.getOptionalOperand(0))
    return no("it has no queries");
  AttentionOperands operands{node.getInputs()[0], node.getOptionalOperand(1),
                             node.getOptionalOperand(2)};
  auto type = rankedTypeOf(operands.query, 3);
  if (!type || ShapedType::isDynamic(type.getDimSize(2)) || heads < 1 || kvHeads < 1)
    return false;
  bool isPacked = !operands.key;
  int64_t width = type.getDimSize(2), parts = isPacked ? heads + 2 * kvHeads : heads;
  if (width % parts || heads % kvHeads)
    return no("its heads do not divide the width");
  int64_t size = width / parts;
  auto isNone = [&](StringRef name) {
    StringRef text = node.getString(name, "NONE");
    return text.empty() || text == "NONE";
  };
  if (!isNone("k_quant_type") || !isNone("v_quant_type") || node.getOptionalOperand(12))
    return no("its caches are quantised");
  if (isUsed(3))
    return no("its scores are used");
  Value past[] = {node.getOptionalOperand(3), node.getOptionalOperand(4)};
  for (Value state : past)
    if (state && (!rankedTypeOf(state, 4) || getElementType(state) != type.getElementType()))
      return no("its caches have another type than the queries");
  if (bool(past[0]) != bool(past[1]) || !node.getOptionalOperand(5) || !node.getOptionalOperand(6))
    return no("it lacks an operand");
  Value cosines = node.getOptionalOperand(7), sines = node.getOptionalOperand(8);
  bool rotates = node.getInt("do_rotary", 0) != 0;
  auto cosineType = rankedTypeOf(cosines, 2);
  if (rotates && (!sines || !cosineType || ShapedType::isDynamic(cosineType.getDimSize(1)) ||
                  2 * cosineType.getDimSize(1) > size))
    return no("its cosines do not fit");
  if (!isPacked &&
      (!operands.value || !rankedTypeOf(operands.key, 3) || !rankedTypeOf(operands.value, 3) ||
       cast<RankedTensorType>(operands.key.getType()).getDimSize(2) != kvHeads * size ||
       cast<RankedTensorType>(operands.value.getType()).getDimSize(2) != kvHeads * size))
    return no("its keys or values have another width");

  operands.mask = node.getOptionalOperand(10);
  operands.sinks = node.getOptionalOperand(11);
  if ((operands.mask && !rankedTypeOf(operands.mask, 4)) ||
      (operands.sinks && !rankedTypeOf(operands.sinks, 1)))
    return no("its bias or its sinks do not fit");

  int64_t batch = type.getDimSize(0), length = type.getDimSize(1);
  Value sequence = s.sizeOf(operands.query, 1);
  if (isPacked) {
    int64_t keyEnd = (heads + kvHeads) * size, kvWidth = kvHeads * size;
    Value packed = operands.query;
    operands.query = typed(s.slice(packed, 0, heads * size, 2), {batch, length, heads * size});
    operands.key = typed(s.slice(packed, heads * size, keyEnd, 2), {batch, length, kvWidth});
    operands.value = typed(s.slice(packed, keyEnd, width, 2), {batch, length, kvWidth});
  }
  operands.query = splitHeads(operands.query, heads);
  operands.key = splitHeads(operands.key, kvHeads);
  operands.value = splitHeads(operands.value, kvHeads);
  if (Value weight = node.getOptionalOperand(14))
    operands.query = normalizeHeads(operands.query, weight);
  if (Value weight = node.getOptionalOperand(15))
    operands.key = normalizeHeads(operands.key, weight);

  // How many keys each row of the batch has. In a first call with padding at the end they are fewer
  // than queries: these are counted then, of which the last ones mean nothing.
  Value lengths = typed(maximum(s.add(toInts(node.getInputs()[5]), s.ints(1)), sequence), {batch});
  Value starts = typed(s.sub(lengths, sequence), {batch});
  if (rotates) {
    Value positions = node.getOptionalOperand(9);
    if (positions && !rankedTypeOf(positions, 2))
      return no("its positions are no matrix");
    if (!positions) {
      Type i64 = builder.getI64Type();
      Value end = s.node("Squeeze", 13, sequence, s.tensorOf(i64));
      Value range = s.node("Range", 11, {s.intScalar(0), end, s.intScalar(1)}, s.tensorOf(i64));
      positions = typed(s.add(s.unsqueeze(starts, {1}), range), {batch, length});
    }
    bool interleaved = node.getInt("rotary_interleaved", 0) != 0;
    operands.query = rotate(operands.query, cosines, sines, positions, interleaved);
    operands.key = rotate(operands.key, cosines, sines, positions, interleaved);
  }
  if (past[0]) {
    Value total = toInts(node.getInputs()[6]);
    Value *states[] = {&operands.key, &operands.value};
    for (auto [i, state] : llvm::enumerate(states)) {
      Value present = writeCache(past[i], *state, starts, total);
      replace(1 + i, present);
      Value used = s.node("Slice", 13, {present, s.ints(0), total, s.ints(2)},
                          s.tensorOf(type.getElementType()));
      *state = typed(used, cast<RankedTensorType>(present.getType()).getShape());
    }
    operands.lengths = lengths;
  } else {
    replace(1, operands.key);
    replace(2, operands.value);
  }
  operands.causal = node.getInt("causal", 1) != 0;
  operands.window = std::max<int64_t>(node.getInt("local_window_size", -1), 0);
  operands.softcap = node.getFloat("softcap", 0.0f);
  operands.scale = node.getFloat("scale", 0.0f);
  if (!operands.sinks && node.getInt("smooth_softmax", 0) == 1) {
    auto zeros = DenseElementsAttr::get(RankedTensorType::get(heads, type.getElementType()),
                                        Attribute(builder.getZeroAttr(type.getElementType())));
    operands.sinks = onnx::ConstantOp::create(builder, node.getLoc(), zeros);
  }
  replace(0, mergeHeads(attend(operands)));
  return true;
}
