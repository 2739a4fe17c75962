//===- Experts.cpp - Spellings of experts and of coarser routing
//-------------------------------------------------------------===//
#include "passes/Analysis/Match.h"
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
  return mapping.lookupOrDefault(op.getBody().front().getTerminator()->getOperand(0));
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
    Value shape = s.concat(
        {s.sizeOf(op.getTokens(), 0), s.ints({op.getResult().getType().getDimSize(1)})}, 0);
    Attribute zero = DenseElementsAttr::get(RankedTensorType::get(1, type),
                                            Attribute(s.builder.getZeroAttr(type)));
    return SmallVector<Value>{s.node("ConstantOfShape", 21, shape, op.getResult().getType(),
                                     s.builder.getNamedAttr("value", zero))};
  }
  sum = s.cast(sum, type);
  sum.setType(op.getResult().getType());
  return SmallVector<Value>{sum};
}

/// What a sum over slots is computed in: f32 for narrower floats.
Type getSumType(Value value) {
  Type type = getElementType(value);
  return type.getIntOrFloatBitWidth() < 32 ? Float32Type::get(value.getContext()) : type;
}

/// The operations of a region over rows in place; the values it yields.
SmallVector<Value> inlineRegion(Spelling &s, Region &body, ValueRange arguments) {
  IRMapping mapping;
  Block &block = body.front();
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments)) {
    value.setType(argument.getType());
    mapping.map(argument, value);
  }
  for (Operation &op : block.without_terminator())
    s.builder.clone(op, mapping);
  return llvm::map_to_vector(block.getTerminator()->getOperands(),
                             [&](Value value) { return mapping.lookupOrDefault(value); });
}

/// 0, 1, … up to a number of 64 bits, a scalar.
Value range(Spelling &s, Value count) {
  return s.node("Range", 11, {s.intScalar(0), count, s.intScalar(1)},
                s.tensorOf(s.builder.getI64Type()));
}
Value asScalar(Spelling &s, Value x) { return s.reshape(x, s.ints({})); }

/// The `count` ([1]) least values along the last axis in order, of equals the first one first.
std::pair<Value, Value> takeBest(Spelling &s, Value x, Value count, bool largest) {
  auto node = onnx::NodeOp::create(
      s.builder, s.loc,
      TypeRange{s.tensorOf(getElementType(x)), s.tensorOf(s.builder.getI64Type())}, "", "TopK", 11,
      ValueRange{x, count},
      {s.attribute("axis", int64_t(-1)), s.attribute("largest", int64_t(largest))});
  return {node->getResult(0), node->getResult(1)};
}

/// The places of 0, 1, … in a permutation.
Value invert(Spelling &s, Value permutation) {
  return takeBest(s, permutation, s.sizeOf(permutation, 0), /*largest=*/false).second;
}

Results spellDispatch(moe::DispatchOp op, Spelling &s) {
  Type i64 = s.builder.getI64Type();
  int64_t count = op.getNumExperts();
  Value experts = s.cast(op.getExperts(), i64);
  Value isEmpty = s.compare("Less", 13, experts, s.intScalar(0));
  Value key = s.reshape(s.where(isEmpty, s.intScalar(count), experts), {-1});
  Value order = takeBest(s, key, s.sizeOf(key, 0), /*largest=*/false).second;
  Value perToken = asScalar(s, s.sizeOf(experts, 1));
  Value rows = s.gather(op.getTokens(), s.div(order, perToken), 0);
  Value isBefore = s.compare("Less", 13, s.unsqueeze(key, {1}), range(s, s.intScalar(count + 1)));
  Value offsets = s.reduce("ReduceSum", 13, s.cast(isBefore, i64), {0}, false);
  return SmallVector<Value>{rows, s.cast(order, getElementType(op.getOrder())),
                            s.cast(offsets, getElementType(op.getOffsets()))};
}

Results spellGroupedLinear(moe::GroupedLinearOp op, Spelling &s) {
  // The product, then what is done to it: operations that are spelled next, if at all.
  if (moe::EpilogueAttr epilogue = op.getEpilogueAttr()) {
    RankedTensorType type = op.getResult().getType();
    int64_t width = type.getDimSize(1) * (epilogue.getGated() ? 2 : 1);
    Value y = moe::GroupedLinearOp::create(
        s.builder, s.loc, RankedTensorType::get({type.getDimSize(0), width}, type.getElementType()),
        op.getInput(), op.getOffsets(), op.getWeights(), op.getBias(), op.getTransposed(),
        op.getBlocks(), nullptr);
    return SmallVector<Value>{applyEpilogue(epilogue, y, type, s)};
  }
  Type i64 = s.builder.getI64Type(), type = op.getResult().getType().getElementType();
  Value offsets = s.cast(op.getOffsets(), i64), zero = s.scalar(type, 0), result;
  Value places = s.unsqueeze(range(s, asScalar(s, s.sizeOf(op.getInput(), 0))), {1});
  int64_t expert = 0, blocks = op.getBlocks();
  auto multiply = [&](Value weights, int64_t row) {
    if (blocks == 1) {
      Value weight = s.gather(weights, s.intScalar(row), 0);
      Value input = op.isRagged() ? s.slice(op.getInput(), 0, op.getDepthOf(weights), 1)
                                  : Value(op.getInput());
      return s.matmul(input, op.getTransposed() ? s.transpose(weight, {1, 0}) : weight);
    }
    // [M, b, 1, K] × [b, K, N].
    ArrayRef<int64_t> shape = cast<RankedTensorType>(weights.getType()).getShape();
    Value own = s.slice(weights, row * blocks, (row + 1) * blocks, 0);
    if (op.getTransposed())
      own = s.transpose(own, {0, 2, 1});
    Value input = s.reshape(op.getInput(), {-1, blocks, 1, shape[op.getTransposed() ? 2 : 1]});
    return s.reshape(s.matmul(input, own), {-1, blocks * shape[op.getTransposed() ? 1 : 2]});
  };
  for (Value weights : op.getWeights())
    for (int64_t row = 0, rows = cast<RankedTensorType>(weights.getType()).getDimSize(0) / blocks;
         row < rows; ++row, ++expert) {
      Value y = multiply(weights, row);
      int64_t width = op.getWidthOf(weights);
      if (op.getBias()) {
        Value bias = s.gather(op.getBias(), s.intScalar(expert), 0);
        y = s.add(y, op.isRagged() ? s.slice(bias, 0, width, 0) : bias);
      }
      if (op.isRagged()) {
        Value pads = s.ints({0, 0, 0, op.getResult().getType().getDimSize(1) - width});
        y = s.node("Pad", 13, {y, pads, zero}, s.tensorOf(type));
      }
      Value begin = s.gather(offsets, s.intScalar(expert), 0);
      Value end = s.gather(offsets, s.intScalar(expert + 1), 0);
      Value isOwn = s.node(
          "And", 7,
          {s.compare("GreaterOrEqual", 16, places, begin), s.compare("Less", 13, places, end)},
          s.tensorOf(s.builder.getI1Type()));
      result = s.where(isOwn, y, result ? result : zero);
    }
  return SmallVector<Value>{result};
}

Results spellCombine(moe::CombineOp op, Spelling &s) {
  Type sumType = getSumType(op.getResult()), i64 = s.builder.getI64Type();
  Value places = invert(s, s.cast(op.getOrder(), i64)); // of the slots, [T·k]
  Value filled = s.gather(s.cast(op.getOffsets(), i64), s.ints({-1}), 0);
  Value shape = s.shapeOf(op.getWeights());
  Value isFilled = s.unsqueeze(s.reshape(s.compare("Less", 13, places, filled), shape), {2});
  int64_t width = op.getRows().getType().getDimSize(1);
  Value columns = ShapedType::isDynamic(width) ? s.sizeOf(op.getRows(), 1) : s.ints({width});
  Value rows =
      s.reshape(s.gather(s.cast(op.getRows(), sumType), places, 0), s.concat({shape, columns}, 0));
  Value weights = s.unsqueeze(s.cast(op.getWeights(), sumType), {2});
  Value terms = s.where(isFilled, s.mul(rows, weights), s.scalar(sumType, 0));
  Value sum = s.reduce("ReduceSum", 13, terms, {1}, false);
  return SmallVector<Value>{s.cast(sum, op.getResult().getType().getElementType())};
}

Results spellChooseTokens(moe::ChooseTokensOp op, Spelling &s) {
  Value scores = s.transpose(op.getScores(), {1, 0});
  Value capacity = s.reshape(s.cast(op.getCapacity(), s.builder.getI64Type()), {1});
  Value there =
      s.node("Min", 13, {capacity, s.sizeOf(scores, 1)}, s.tensorOf(s.builder.getI64Type()));
  auto [weights, tokens] = takeBest(s, scores, there, /*largest=*/true);
  // Nothing at the ends of the rows where there are fewer tokens.
  Value pads = s.concat({s.ints({0, 0, 0}), s.sub(capacity, there)}, 0);
  auto pad = [&](Value x, Value with) {
    return s.node("Pad", 13, {x, pads, with}, s.tensorOf(getElementType(x)));
  };
  weights = pad(weights, s.scalar(getElementType(weights), 0));
  tokens = pad(tokens, s.intScalar(-1));
  return SmallVector<Value>{weights, s.cast(tokens, getElementType(op.getTokens()))};
}

/// The numbers of the rows where a mask holds, [n].
Value whereTrue(Spelling &s, Value mask) {
  return s.reshape(s.node("NonZero", 13, mask, s.tensorOf(s.builder.getI64Type())), {-1});
}

Results spellSelect(moe::SelectOp op, Spelling &s) {
  Value which = s.cast(op.getWhich(), s.builder.getI64Type());
  SmallVector<Value> orders;
  SmallVector<SmallVector<Value>> parts(op->getNumResults());
  for (auto [i, choice] : llvm::enumerate(op.getChoices())) {
    Value rows = whereTrue(s, s.compare("Equal", 19, which, s.intScalar(i)));
    SmallVector<Value> inputs =
        llvm::map_to_vector(op.getInputs(), [&](Value input) { return s.gather(input, rows, 0); });
    orders.push_back(rows);
    for (auto [part, value] : llvm::zip(parts, inlineRegion(s, choice, inputs)))
      part.push_back(value);
  }
  Value places = invert(s, s.concat(orders, 0));
  return llvm::map_to_vector(
      parts, [&](ArrayRef<Value> part) { return s.gather(s.concat(part, 0), places, 0); });
}

Results spellSubset(moe::SubsetOp op, Spelling &s) {
  Value rows = whereTrue(s, op.getMask());
  Value y = inlineRegion(s, op.getBody(), s.gather(op.getInput(), rows, 0)).front();
  return SmallVector<Value>{s.node("ScatterND", 18, {op.getInput(), s.unsqueeze(rows, {1}), y},
                                   op.getResult().getType())};
}

Results spellObserve(moe::ObserveOp op, Spelling &s) { return SmallVector<Value>{op.getInput()}; }

} // namespace

void moec::addExpertSpellings(SpellingTable &table) {
  addSpelling<moe::ExpertsOp, spellExperts>(table);
  addSpelling<moe::DispatchOp, spellDispatch>(table);
  addSpelling<moe::GroupedLinearOp, spellGroupedLinear>(table);
  addSpelling<moe::CombineOp, spellCombine>(table);
  addSpelling<moe::ChooseTokensOp, spellChooseTokens>(table);
  addSpelling<moe::SelectOp, spellSelect>(table);
  addSpelling<moe::SubsetOp, spellSubset>(table);
  addSpelling<moe::ObserveOp, spellObserve>(table);
}
