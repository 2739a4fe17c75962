// com.microsoft MultiHeadAttention.
#include "passes/Conversion/ONNXToLinalg/MatrixSource.h"
#include "passes/Raising/AttentionMask.h"
#include "passes/Raising/FusedAttention.h"

using namespace mlir;
using namespace moec;

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

Value FusedNode::findHeads(Value x, int64_t heads) {
  onnx::NodeOp merge = getNode(x, "Reshape");
  onnx::NodeOp transpose = merge ? getNode(merge.getInputs()[0], "Transpose") : onnx::NodeOp();
  std::optional<ArrayRef<int64_t>> order = transpose ? transpose.getInts("perm") : std::nullopt;
  auto type = transpose ? rankedTypeOf(transpose.getInputs()[0], 4) : RankedTensorType();
  if (!order || *order != ArrayRef<int64_t>{0, 2, 1, 3} || !rankedTypeOf(x, 3) || !type ||
      type.getDimSize(1) != heads || type.isDynamicDim(3))
    return {};
  ArrayRef<SymExpr> merged = shapes.get(x).dims;
  ArrayRef<SymExpr> apart = shapes.get(transpose.getInputs()[0]).dims;
  bool isMerged = apart[0] == merged[0] && apart[2] == merged[1] &&
                  merged[2].isConstant(heads * type.getDimSize(3));
  return isMerged ? transpose.getInputs()[0] : Value();
}

void FusedNode::shareHeads(AttentionOperands &operands) {
  MatrixSource sources[] = {traceMatrices(operands.key, shapes),
                            traceMatrices(operands.value, shapes)};
  Value *states[] = {&operands.key, &operands.value};
  for (auto [source, state] : llvm::zip_equal(sources, states)) {
    std::optional<int64_t> repeat = source.repeat.getConstant();
    ArrayRef<SymExpr> all = shapes.get(*state).dims, once = shapes.get(source.value).dims;
    // Heads are told apart by where they stand: only their number may be another.
    bool isRepeated = repeat && source.repeat == sources[0].repeat && !source.transposed &&
                      source.scales.empty() && rankedTypeOf(source.value, 4) &&
                      getElementType(source.value) == getElementType(*state) && once[0] == all[0] &&
                      once.drop_front(2) == all.drop_front(2) &&
                      shapes.getSymbols().mul(once[1], source.repeat) == all[1] &&
                      !ShapedType::isDynamic(getShape(source.value).value()[1]);
    if (!isRepeated)
      return;
  }
  for (auto [source, state] : llvm::zip_equal(sources, states))
    *state = source.value;
}

bool FusedNode::raiseMultiHead() {
  int64_t heads = node.getInt("num_heads", 0);
  if (!node.getOptionalOperand(0))
    return no("it has no queries");
  AttentionOperands operands{node.getInputs()[0], node.getOptionalOperand(1),
                             node.getOptionalOperand(2)};
  auto type = rankedTypeOf(operands.query, 3);
  if (!type || ShapedType::isDynamic(type.getDimSize(2)) || heads < 1 || type.getDimSize(2) % heads)
    return false;
  if (!operands.key || !operands.value)
    return no("its keys are packed");
  if (isUsed(3) || node.getOptionalOperand(8) || node.getOptionalOperand(9))
    return no("its scores are used, or it shares a buffer for the cache");
  Value padding = node.getOptionalOperand(4), extra = node.getOptionalOperand(5);
  Value past[] = {node.getOptionalOperand(6), node.getOptionalOperand(7)};
  operands.causal = node.getInt("unidirectional", 0) != 0;
  if (!operands.causal && !past[0] && !node.getOptionalOperand(3)) {
    Value key = findHeads(operands.key, heads), value = findHeads(operands.value, heads);
    if (key && value) {
      operands.key = key;
      operands.value = value;
    }
  }
  bool isCross = bool(rankedTypeOf(operands.key, 4));
  auto keyType = rankedTypeOf(operands.key, isCross ? 4 : 3);
  auto valueType = rankedTypeOf(operands.value, isCross ? 4 : 3);
  if (!keyType || !valueType || ShapedType::isDynamic(keyType.getShape().back()) ||
      ShapedType::isDynamic(valueType.getShape().back()))
    return false;
  if (isCross ? keyType.getDimSize(1) != heads || valueType.getDimSize(1) != heads
              : keyType.getDimSize(2) % heads || valueType.getDimSize(2) % heads)
    return no("its heads do not divide the width");
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

  if (extra) {
    SymExpr keys = shapes.get(operands.key).dims[isCross ? 2 : 1];
    if (past[0])
      keys = shapes.getSymbols().add(keys, shapes.get(past[0]).dims[2]);
    SymExpr queries = shapes.get(operands.query).dims[1];
    operands.hidden = findMaskRules(extra, queries, keys, shapes).getFacts(builder);
  }
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
  if (isCross)
    shareHeads(operands);
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
