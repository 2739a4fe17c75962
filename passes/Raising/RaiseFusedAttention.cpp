#include "passes/Analysis/Match.h"
#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Raising/Passes.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>

namespace moec {
#define GEN_PASS_DEF_RAISEFUSEDATTENTIONPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

bool isPresent(onnx::NodeOp node, unsigned result) {
  return result < node->getNumResults() && isa<TensorType>(node->getResult(result).getType());
}
bool isUsed(onnx::NodeOp node, unsigned result) {
  return isPresent(node, result) && !node->getResult(result).use_empty();
}

RankedTensorType rankedTypeOf(Value value, int64_t rank) {
  auto type = value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
  return type && type.getRank() == rank ? type : RankedTensorType();
}

/// What becomes a moe.attention.
struct Operands {
  Value query, key, value; ///< as the operation takes them
  Value mask = {}, sinks = {}, lengths = {};
  float scale = 0; ///< 0: 1 / sqrt(head size)
  bool causal = false;
  int64_t window = 0;
  float softcap = 0;
};

/// One node. Functions that say false or give null have found what they cannot express; `reason`
/// says what.
class FusedNode {
public:
  /// Results and what replaces them.
  using Replacements = SmallVector<std::pair<Value, Value>>;

  FusedNode(onnx::NodeOp node, SymbolicShapes &shapes, Replacements &replacements)
      : node(node), builder(node), s(builder, node.getLoc()), shapes(shapes),
        replacements(replacements) {}

  bool raise();
  StringRef reason = "its sizes are not known";

private:
  bool no(StringRef why) {
    reason = why;
    return false;
  }
  Value typed(Value value, ArrayRef<int64_t> shape) {
    value.setType(RankedTensorType::get(shape, getElementType(value)));
    return value;
  }

  /// [B, S, heads · D] as [B, heads, S, D], and back.
  Value splitHeads(Value x, int64_t heads);
  Value mergeHeads(Value x);
  Value toInts(Value x) { return s.reshape(s.cast(x, builder.getI64Type()), {-1}); }
  Value maximum(Value a, Value b) {
    return s.node("Max", 13, {a, b}, s.tensorOf(builder.getI64Type()));
  }
  Value rotate(Value x, Value cosines, Value sines, Value positions, bool interleaved);
  Value attend(Operands &operands);
  void replace(unsigned result, Value value) {
    if (isPresent(node, result))
      replacements.emplace_back(node->getResult(result), value);
  }

  bool raiseAttention();
  bool raiseGroupQuery();
  bool raiseMultiHead();
  bool raiseRotary(bool isContrib);

  /// `past` with `update` at `starts` [B], made longer to `total` [1] where it is too short.
  Value writeCache(Value past, Value update, Value starts, Value total);
  Value addRow(Value x, Value bias, int64_t begin, int64_t end);
  Value normalizeHeads(Value x, Value weight);
  Value padMask(Value mask, Value keys);
  Value getPaddingMask(Value padding, Value keys);

  onnx::NodeOp node;
  OpBuilder builder;
  Spelling s;
  SymbolicShapes &shapes;
  Replacements &replacements;
};

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

Value FusedNode::attend(Operands &operands) {
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
      /*hidden=*/DictionaryAttr());
  attention.emitRemark() << "attention: " << attention.getNumHeads() << " heads of "
                         << attention.getHeadSize() << " for " << attention.getNumKVHeads()
                         << " of keys";
  return attention.getResult();
}

//===- Rotary embedding
//-----------------------------------------------------------------------------===//

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

//===- ai.onnx Attention
//----------------------------------------------------------------------------===//

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
  Operands operands{node.getInputs()[0], node.getInputs()[1], node.getInputs()[2]};
  if (isUsed(node, 3))
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

//===- com.microsoft GroupQueryAttention
//------------------------------------------------------------===//

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
  Operands operands{node.getInputs()[0], node.getOptionalOperand(1), node.getOptionalOperand(2)};
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
  if (isUsed(node, 3))
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

//===- com.microsoft MultiHeadAttention
//-------------------------------------------------------------===//

Value FusedNode::addRow(Value x, Value bias, int64_t begin, int64_t end) {
  return s.node("Add", 14, {x, s.slice(bias, begin, end, 0)}, x.getType());
}

/// What is added to the scores of keys that are padding: [B, 1, 1, L] or [B, 1, S, L].
Value FusedNode::getPaddingMask(Value padding, Value keys) {
  Type elementType = getElementType(node.getInputs()[0]), i64 = builder.getI64Type();
  auto type = cast<RankedTensorType>(padding.getType());
  Value isKept;
  if (type.getRank() == 1) {
    Value end = s.node("Squeeze", 13, s.sizeOf(keys, 2), s.tensorOf(i64));
    Value range = s.node("Range", 11, {s.intScalar(0), end, s.intScalar(1)}, s.tensorOf(i64));
    isKept = s.compare("Less", 13, range, s.unsqueeze(s.cast(padding, i64), {1, 2, 3}));
  } else {
    Value flags =
        s.unsqueeze(padding, type.getRank() == 2 ? ArrayRef<int64_t>{1, 2} : ArrayRef<int64_t>{1});
    isKept = s.cast(flags, builder.getI1Type());
  }
  Value mask = s.where(isKept, s.scalar(elementType, 0),
                       s.scalar(elementType, node.getFloat("mask_filter_value", -10000.0f)));
  return typed(mask, {type.getDimSize(0), 1, kDynamic, kDynamic});
}

bool FusedNode::raiseMultiHead() {
  int64_t heads = node.getInt("num_heads", 0);
  if (!node.getOptionalOperand(0))
    return no("it has no queries");
  Operands operands{node.getInputs()[0], node.getOptionalOperand(1), node.getOptionalOperand(2)};
  auto type = rankedTypeOf(operands.query, 3);
  if (!type || ShapedType::isDynamic(type.getDimSize(2)) || heads < 1 || type.getDimSize(2) % heads)
    return false;
  if (!operands.key || !operands.value)
    return no("its keys are packed");
  if (isUsed(node, 3) || node.getOptionalOperand(8) || node.getOptionalOperand(9))
    return no("its scores are used, or it shares a buffer for the cache");
  bool isCross = bool(rankedTypeOf(operands.key, 4));
  auto keyType = rankedTypeOf(operands.key, isCross ? 4 : 3);
  auto valueType = rankedTypeOf(operands.value, isCross ? 4 : 3);
  if (!keyType || !valueType || ShapedType::isDynamic(keyType.getShape().back()) ||
      ShapedType::isDynamic(valueType.getShape().back()))
    return false;
  if (isCross ? keyType.getDimSize(1) != heads || valueType.getDimSize(1) != heads
              : keyType.getDimSize(2) % heads || valueType.getDimSize(2) % heads)
    return no("its heads do not divide the width");
  Value padding = node.getOptionalOperand(4), extra = node.getOptionalOperand(5);
  Value past[] = {node.getOptionalOperand(6), node.getOptionalOperand(7)};
  operands.causal = node.getInt("unidirectional", 0) != 0;
  if (operands.causal &&
      (isCross || shapes.get(operands.query).dims[1] != shapes.get(operands.key).dims[1]))
    return no("it is causal, and there may be other numbers of queries and of keys");
  if (extra && (!isa<RankedTensorType>(extra.getType()) || getShape(extra)->size() > 4))
    return false;
  if (padding) {
    std::optional<ArrayRef<int64_t>> shape = getShape(padding);
    if (!shape || shape->empty() || shape->size() > 3)
      return false;
    // Lengths, or lengths, starts and ends: [3 B + 2].
    if (shape->size() == 1 && shapes.get(padding).dims[0] != shapes.get(operands.query).dims[0])
      return no("its padding is neither lengths nor flags");
  }
  if (bool(past[0]) != bool(past[1]) || (past[0] && isCross) ||
      (past[0] && (!rankedTypeOf(past[0], 4) || !rankedTypeOf(past[1], 4))))
    return no("only one of keys and values has a past");

  if (Value bias = node.getOptionalOperand(3)) {
    int64_t width = type.getDimSize(2), valueWidth = valueType.getShape().back();
    operands.query = addRow(operands.query, bias, 0, width);
    if (!isCross) {
      operands.key = addRow(operands.key, bias, width, 2 * width);
      operands.value = addRow(operands.value, bias, 2 * width, 2 * width + valueWidth);
    }
  }
  operands.query = splitHeads(operands.query, heads);
  if (!isCross) {
    operands.key = splitHeads(operands.key, heads);
    operands.value = splitHeads(operands.value, heads);
  }
  Value *states[] = {&operands.key, &operands.value};
  for (auto [i, state] : llvm::enumerate(states)) {
    if (past[i]) {
      SmallVector<int64_t> shape(cast<RankedTensorType>(state->getType()).getShape());
      shape[2] = kDynamic;
      *state = typed(s.concat({past[i], *state}, 2), shape);
    }
    replace(1 + i, *state);
  }
  if (padding)
    operands.mask = getPaddingMask(padding, operands.key);
  if (extra && operands.mask)
    operands.mask = typed(s.add(operands.mask, extra), SmallVector<int64_t>(4, kDynamic));
  else if (extra)
    operands.mask = extra;
  operands.scale = node.getFloat("scale", 0.0f);
  replace(0, mergeHeads(attend(operands)));
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

bool isFused(onnx::NodeOp node) {
  return llvm::StringSwitch<bool>(node.getQualifiedName())
      .Cases({"Attention", "RotaryEmbedding", "com.microsoft::GroupQueryAttention",
              "com.microsoft::MultiHeadAttention", "com.microsoft::RotaryEmbedding"},
             true)
      .Default(false);
}

struct RaiseFusedAttention : impl::RaiseFusedAttentionPassBase<RaiseFusedAttention> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) {
      if (isFused(node))
        nodes.push_back(node);
    });
    if (nodes.empty())
      return;
    SymbolicShapes shapes(getOperation());
    SmallVector<Operation *> replaced;
    FusedNode::Replacements replacements;
    for (onnx::NodeOp node : nodes) {
      FusedNode fused(node, shapes, replacements);
      if (!fused.raise()) {
        node.emitRemark() << "'" << node.getQualifiedName() << "' is not raised: " << fused.reason;
        continue;
      }
      replaced.push_back(node);
      ++numRaised;
    }
    // Not before: sizes are known of the old values only.
    for (auto [result, value] : replacements)
      result.replaceAllUsesWith(value);
    for (Operation *op : replaced)
      op->erase();
    func::FuncOp function = getOperation();
    function.setType(
        FunctionType::get(&getContext(), function.getArgumentTypes(),
                          function.getBody().back().getTerminator()->getOperandTypes()));
  }
};

} // namespace
} // namespace moec
