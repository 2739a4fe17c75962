#include "passes/Analysis/Layers.h"
#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Conversion/ONNXToLinalg/MatrixSource.h"
#include "passes/Raising/AttentionMask.h"
#include "passes/Raising/EraseUnused.h"
#include "passes/Raising/Passes.h"

namespace moec {
#define GEN_PASS_DEF_RAISEATTENTIONPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// From here on a negative number that is added absorbs the score, as −∞ does: what is left in a
/// row that is hidden whole are equal weights.
constexpr double kAbsorbing = -1e9;

RankedTensorType rankedTypeOf(Value value, int64_t rank) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == rank ? type : RankedTensorType();
}

/// softmax(scores) · values, as far as it has been recognised. Functions that say false have put
/// why into `reason`.
class AttentionMatch {
public:
  AttentionMatch(onnx::NodeOp softmax, SymbolicShapes &shapes)
      : softmax(softmax), shapes(shapes), builder(softmax), s(builder, softmax.getLoc()) {}

  /// Whether it is attention at all: rank 4, and products of two activations on both sides.
  bool match();
  /// Whether it is attention of another form, which is never raised; the `reason` says which.
  bool isOtherForm();
  /// The new value; null with a `reason`.
  Value raise();

  StringRef reason;
  onnx::NodeOp product; ///< the second product, which is replaced

private:
  bool no(StringRef why) {
    reason = why;
    return false;
  }
  bool matchWeights();
  bool matchScores(Value scores);
  bool matchSinks(Value &scores);
  bool matchMask(onnx::NodeOp node, Value &scores);
  bool matchFactor(onnx::NodeOp node, Value &scores);
  bool matchSoftcap(Value &scores);
  Value peelFactors(Value x);
  void addMask(Value value, bool isFlags);
  static Value sameShape(Value operand, Value made);
  static Value broadcastOf(Value a, Value b, Value made);
  bool leadsToProduct(Value value, int depth = 10);
  static onnx::NodeOp findProductBefore(Value value, int depth);
  static onnx::NodeOp findProductAfter(Value value, int depth);
  bool findHeads();
  Value stackHeads(Value source, bool isSwapped, int64_t heads, int64_t size);
  Value skipSinks();
  Value getMask();

  onnx::NodeOp softmax;
  SymbolicShapes &shapes;
  OpBuilder builder;
  Spelling s;

  onnx::NodeOp scoreProduct;
  Value query, key, value; ///< of the products; keys are there as columns
  Value sinks, flags, mask;
  double scale = 1, softcap = 0;
  SymExpr keyLength;
  bool dropsLast = false;
};

/// From the softmax to the product with the values: casts, NaN to zero, the sink cut off.
bool AttentionMatch::matchWeights() {
  Value weights = softmax->getResult(0);
  for (;;) {
    onnx::NodeOp isNan;
    for (Operation *user : weights.getUsers())
      if (auto node = dyn_cast<onnx::NodeOp>(user); node && node.getOpType() == "IsNaN")
        isNan = node;
    if (isNan) {
      onnx::NodeOp where = getOnlyUser(isNan->getResult(0), "Where");
      if (!where || where.getInputs()[2] != weights || getSplat(where.getInputs()[1]) != 0.0)
        return no("NaNs become something else than zero");
      for (Operation *user : weights.getUsers())
        if (user != isNan && user != where)
          return no("its weights have another use");
      weights = where->getResult(0);
      continue;
    }
    if (!weights.hasOneUse())
      return no("its weights have another use");
    auto node = dyn_cast<onnx::NodeOp>(*weights.getUsers().begin());
    if (!node || !node.getDomain().empty())
      return no("its weights go elsewhere than into a product");
    StringRef name = node.getOpType();
    if (name == "MatMul" && node.getInputs()[0] == weights) {
      product = node;
      value = skipCasts(node.getInputs()[1]);
      return true;
    }
    if (name == "Slice" && !dropsLast && node.getInputs()[0] == weights) {
      ArrayRef<SymExpr> from = shapes.get(weights).dims, to = shapes.get(node->getResult(0)).dims;
      std::optional<SmallVector<int64_t>> begin = getIntegers(node.getInputs()[1]);
      Value steps = node.getOptionalOperand(4);
      SymContext &symbols = shapes.getSymbols();
      bool isCut = begin && (!steps || getSplat(steps) == 1.0) &&
                   llvm::all_of(*begin, [](int64_t b) { return b == 0; }) &&
                   from.drop_back() == to.drop_back() &&
                   symbols.sub(from.back(), symbols.constant(1)) == to.back();
      if (!isCut)
        return no("a part of its weights is used");
      dropsLast = true;
    } else if ((name != "Cast" && name != "Identity") ||
               !isa<FloatType>(getElementType(node->getResult(0)))) {
      return no("its weights go elsewhere than into a product");
    }
    weights = node->getResult(0);
  }
}

/// Whether the scores come down this way: a product of two activations behind elementwise nodes.
bool AttentionMatch::leadsToProduct(Value value, int depth) {
  for (; depth > 0; --depth) {
    auto node = value.getDefiningOp<onnx::NodeOp>();
    if (!node || !node.getDomain().empty())
      return false;
    StringRef name = node.getOpType();
    if (name == "MatMul") {
      // A weight has no batch.
      return bool(rankedTypeOf(node.getInputs()[0], 4)) &&
             bool(rankedTypeOf(node.getInputs()[1], 4));
    }
    if (name == "Cast" || name == "Identity" || name == "Tanh") {
      value = node.getInputs()[0];
    } else if (name == "Where") {
      value = getSplat(node.getInputs()[1]) ? node.getInputs()[2] : node.getInputs()[1];
    } else if (name == "Add" || name == "Mul" || name == "Div") {
      if (leadsToProduct(node.getInputs()[0], depth - 1))
        return true;
      value = node.getInputs()[1];
    } else {
      return false;
    }
  }
  return false;
}

void AttentionMatch::addMask(Value value, bool isFlags) {
  Value &slot = isFlags ? flags : mask;
  // Masks were added to the scores, in their type.
  if (!isFlags)
    value = sameShape(value, s.cast(value, getElementType(softmax.getInputs()[0])));
  if (!slot) {
    slot = value;
    return;
  }
  Value both = isFlags ? s.node("And", 7, {slot, value}, s.tensorOf(builder.getI1Type()))
                       : s.add(slot, value);
  slot = broadcastOf(slot, value, both);
}

/// Gives a new elementwise value the shape of its operand.
Value AttentionMatch::sameShape(Value operand, Value made) {
  if (auto type = dyn_cast<RankedTensorType>(operand.getType()); type && made != operand)
    made.setType(type.clone(getElementType(made)));
  return made;
}

/// Gives a new value the rank of what its operands broadcast to.
Value AttentionMatch::broadcastOf(Value a, Value b, Value made) {
  std::optional<ArrayRef<int64_t>> x = getShape(a), y = getShape(b);
  if (x && y) {
    SmallVector<int64_t> shape(std::max(x->size(), y->size()), ShapedType::kDynamic);
    made.setType(RankedTensorType::get(shape, getElementType(made)));
  }
  return made;
}

bool AttentionMatch::matchSinks(Value &scores) {
  // Softmax is the same of scores less their maximum.
  if (onnx::NodeOp less = getNode(scores, "Sub")) {
    onnx::NodeOp max = getNode(less.getInputs()[1], "ReduceMax");
    bool keepDims = false;
    if (max && max.getInputs()[0] == less.getInputs()[0] && isReductionOfLastAxis(max, keepDims) &&
        keepDims)
      scores = skipCasts(less.getInputs()[0]);
  }
  onnx::NodeOp concat = getNode(scores, "Concat");
  if (bool(concat) != dropsLast)
    return no("a logit more, or a weight less, than it should be");
  if (!concat)
    return true;
  if (concat.getInputs().size() != 2 || !isAlongLastAxis(concat, 0) ||
      getLastSize(concat.getInputs()[1]) != 1)
    return no("more than one logit is appended");
  // A number for each head, spread over the rest.
  Value sink = skipCasts(concat.getInputs()[1]);
  int64_t heads = getShape(softmax->getResult(0)).value()[1];
  for (;;) {
    auto type = dyn_cast<RankedTensorType>(sink.getType());
    if (type && type.hasStaticShape() && type.getNumElements() == heads && type.getRank() >= 3 &&
        type.getDimSize(type.getRank() - 3) == heads) {
      sinks = sink;
      scores = skipCasts(concat.getInputs()[0]);
      return true;
    }
    auto node = sink.getDefiningOp<onnx::NodeOp>();
    if (!node || !node.getDomain().empty() || node.getOpType() != "Expand")
      return no("the appended logit is not one for each head");
    sink = skipCasts(node.getInputs()[0]);
  }
}

bool AttentionMatch::matchMask(onnx::NodeOp node, Value &scores) {
  if (node.getOpType() == "Add") {
    bool isFirst = leadsToProduct(node.getInputs()[0]);
    if (!isFirst && !leadsToProduct(node.getInputs()[1]))
      return no("what is added to has no product in it");
    addMask(skipCasts(node.getInputs()[isFirst ? 1 : 0]), /*isFlags=*/false);
    scores = skipCasts(node.getInputs()[isFirst ? 0 : 1]);
    return true;
  }
  std::optional<double> yes = getSplat(node.getInputs()[1]), no = getSplat(node.getInputs()[2]);
  if (!yes == !no || (yes ? *yes : *no) > kAbsorbing)
    return this->no("what replaces hidden scores does not hide them");
  double fill = yes ? *yes : *no;
  Value condition = node.getInputs()[0];
  scores = skipCasts(node.getInputs()[yes ? 2 : 1]);
  if (fill == -kInfinity) {
    if (yes)
      condition = s.node("Not", 1, condition, condition.getType());
    addMask(condition, /*isFlags=*/true);
    return true;
  }
  Type elementType = getElementType(softmax.getInputs()[0]);
  Value zero = s.scalar(elementType, 0), low = s.scalar(elementType, fill);
  Value added = yes ? s.where(condition, low, zero) : s.where(condition, zero, low);
  addMask(sameShape(condition, added), /*isFlags=*/false);
  return true;
}

bool AttentionMatch::matchFactor(onnx::NodeOp node, Value &scores) {
  bool divides = node.getOpType() == "Div";
  for (int i : {1, 0}) {
    std::optional<double> factor = getSplat(node.getInputs()[i]);
    if (!factor || (divides && i == 0))
      continue;
    scale *= divides ? 1 / *factor : *factor;
    scores = skipCasts(node.getInputs()[1 - i]);
    return true;
  }
  return no("the scores are scaled by something that is no constant");
}

/// c · tanh(s / c)
bool AttentionMatch::matchSoftcap(Value &scores) {
  Value inner;
  std::optional<double> outer;
  bool isCap = matchEitherOrder(scores, "Mul", [&](Value a, Value b) {
    onnx::NodeOp tanh = getNode(skipCasts(a), "Tanh");
    outer = getSplat(b);
    inner = tanh && outer ? skipCasts(tanh.getInputs()[0]) : Value();
    return bool(inner);
  });
  if (!isCap || *outer <= 0)
    return false;
  scores = inner;
  softcap = *outer;
  // What is under the tangent is the scores times 1 / c.
  scale *= softcap;
  return true;
}

/// From the scores down to the first product.
bool AttentionMatch::matchScores(Value scores) {
  bool isMasked = true;
  for (;;) {
    scores = skipCasts(scores);
    auto node = scores.getDefiningOp<onnx::NodeOp>();
    if (!node || !node.getDomain().empty())
      return no("its scores come from elsewhere than a product");
    StringRef name = node.getOpType();
    if (name == "MatMul") {
      scoreProduct = node;
      query = peelFactors(node.getInputs()[0]);
      key = peelFactors(node.getInputs()[1]);
      return true;
    }
    if ((name == "Add" || name == "Where") && isMasked) {
      if (!matchMask(node, scores))
        return false;
    } else if (isMasked && softcap == 0 && matchSoftcap(scores)) {
      isMasked = false;
    } else if (name == "Mul" || name == "Div") {
      if (!matchFactor(node, scores))
        return false;
      isMasked = false;
    } else {
      return no("its scores come from elsewhere than a product");
    }
  }
}

Value AttentionMatch::peelFactors(Value x) {
  for (;;) {
    onnx::NodeOp node = getNode(x, "Mul");
    if (!node)
      node = getNode(x, "Div");
    if (!node)
      return x;
    bool divides = node.getOpType() == "Div";
    std::optional<double> factor = getSplat(node.getInputs()[1]);
    int kept = 0;
    if (!factor && !divides) {
      factor = getSplat(node.getInputs()[0]);
      kept = 1;
    }
    // Only what keeps the shape.
    if (!factor || getShape(node.getInputs()[kept]) != getShape(x))
      return x;
    scale *= divides ? 1 / *factor : *factor;
    x = node.getInputs()[kept];
  }
}

/// The matrices of `source` as [B, heads, L, x]; `isSwapped`: they are [x, L] there.
Value AttentionMatch::stackHeads(Value source, bool isSwapped, int64_t heads, int64_t size) {
  constexpr int64_t kDynamic = ShapedType::kDynamic;
  int64_t batch = getShape(query).value()[0];
  auto typed = [&](Value x, ArrayRef<int64_t> shape) {
    x.setType(RankedTensorType::get(shape, getElementType(x)));
    return x;
  };
  auto type = cast<RankedTensorType>(source.getType());
  if (type.getRank() != 4 || type.getDimSize(1) != heads) {
    Value inner =
        s.ints(isSwapped ? ArrayRef<int64_t>{heads, size, -1} : ArrayRef<int64_t>{heads, -1, size});
    source = s.reshape(source, s.concat({s.sizeOf(query, 0), inner}, 0));
    typed(source, isSwapped ? ArrayRef<int64_t>{batch, heads, size, kDynamic}
                            : ArrayRef<int64_t>{batch, heads, kDynamic, size});
  }
  if (!isSwapped)
    return source;
  ArrayRef<int64_t> swapped = *getShape(source);
  SmallVector<int64_t> shape{swapped[0], swapped[1], swapped[3], swapped[2]};
  SmallVector<int64_t> order{0, 1, 3, 2};
  if (onnx::NodeOp transpose = getNode(source, "Transpose")) {
    if (std::optional<ArrayRef<int64_t>> inner = transpose.getInts("perm")) {
      order = {(*inner)[0], (*inner)[1], (*inner)[3], (*inner)[2]};
      source = transpose.getInputs()[0];
    }
  }
  return llvm::is_sorted(order) ? source : typed(s.transpose(source, order), shape);
}

/// Which keys and values there are once, and how many heads share one.
bool AttentionMatch::findHeads() {
  auto queryType = rankedTypeOf(query, 4);
  std::optional<int64_t> valueSize = getLastSize(value);
  auto keyType = rankedTypeOf(key, 4);
  if (!queryType || !keyType || !rankedTypeOf(value, 4) || !valueSize ||
      ShapedType::isDynamic(queryType.getDimSize(1)) ||
      ShapedType::isDynamic(queryType.getDimSize(3)))
    return no("its number or size of heads is known at run time only");
  int64_t heads = queryType.getDimSize(1);
  if (keyType.getDimSize(1) != heads || getShape(value).value()[1] != heads)
    return no("queries and keys have other numbers of heads");
  auto mayEqual = [](SymExpr a, SymExpr b) {
    return !a.getConstant() || !b.getConstant() || a == b;
  };
  SymExpr batch = shapes.get(query).dims[0];
  if (!mayEqual(shapes.get(key).dims[0], batch) || !mayEqual(shapes.get(value).dims[0], batch))
    return no("queries, keys and values have other batches");
  if (!llvm::all_of(llvm::zip(shapes.get(softmax->getResult(0)).dims,
                              shapes.get(scoreProduct->getResult(0)).dims),
                    [&](auto sizes) { return mayEqual(std::get<0>(sizes), std::get<1>(sizes)); }) &&
      !dropsLast)
    return no("its scores are spread by a mask");
  keyLength = shapes.get(key).dims[3];
  MatrixSource keys = traceMatrices(key, shapes), values = traceMatrices(value, shapes);
  std::optional<int64_t> repeat = keys.repeat.getConstant();
  bool isShared = repeat && *repeat > 0 && heads % *repeat == 0 && keys.repeat == values.repeat &&
                  values.scales.empty();
  double factor = 1;
  for (Value one : keys.scales) {
    std::optional<double> splat = getSplat(one);
    isShared &= splat.has_value();
    factor *= splat.value_or(1);
  }
  // Heads are told apart by where they stand: stacks of another number of them would be mixed up.
  SymContext &symbols = shapes.getSymbols();
  auto counts = [&](Value source) {
    return symbols.product(ArrayRef(shapes.get(source).dims).drop_back(2));
  };
  SymExpr all = symbols.mul(shapes.get(query).dims[0], symbols.constant(heads));
  isShared = isShared && symbols.mul(counts(keys.value), keys.repeat) == all &&
             symbols.mul(counts(values.value), values.repeat) == all;
  builder.setInsertionPoint(product);
  int64_t size = queryType.getDimSize(3);
  if (isShared) {
    scale *= factor;
    key = stackHeads(keys.value, !keys.transposed, heads / *repeat, size);
    value = stackHeads(values.value, values.transposed, heads / *repeat, *valueSize);
  } else {
    key = stackHeads(key, /*isSwapped=*/true, heads, size);
  }
  return true;
}

bool AttentionMatch::match() {
  auto type = rankedTypeOf(softmax->getResult(0), 4);
  return type && isAlongLastAxis(softmax, softmax.getVersion() < 13 ? 1 : -1) &&
         !ShapedType::isDynamic(type.getDimSize(1)) && leadsToProduct(skipSinks());
}

/// MatMul or Einsum of two values that are computed.
static bool isProductOfActivations(onnx::NodeOp node) {
  if (!node || !node.getDomain().empty() ||
      !llvm::is_contained({"MatMul", "Einsum"}, node.getOpType()) || node.getInputs().size() != 2)
    return false;
  return llvm::all_of(node.getInputs(), [](Value input) {
    auto type = dyn_cast<RankedTensorType>(input.getType());
    return type && type.getRank() >= 3 &&
           !isa_and_nonnull<moe::WeightOp, onnx::ConstantOp>(skipLayout(input).getDefiningOp());
  });
}

/// The product that scores come from, in whatever form, behind masks, factors and layout.
onnx::NodeOp AttentionMatch::findProductBefore(Value value, int depth) {
  auto node = value.getDefiningOp<onnx::NodeOp>();
  if (isProductOfActivations(node))
    return node;
  if (depth == 0 || !node || !node.getDomain().empty() ||
      !llvm::is_contained({"Add", "Cast", "Div", "Identity", "Max", "Mul", "Reshape", "Sub", "Tanh",
                           "Transpose", "Where"},
                          node.getOpType()))
    return {};
  for (Value input : node.getInputs())
    if (onnx::NodeOp found = findProductBefore(input, depth - 1))
      return found;
  return {};
}

/// The product that weights go to.
onnx::NodeOp AttentionMatch::findProductAfter(Value value, int depth) {
  for (Operation *user : value.getUsers()) {
    auto node = dyn_cast<onnx::NodeOp>(user);
    if (isProductOfActivations(node))
      return node;
    if (depth > 0 && node && node.getDomain().empty() &&
        llvm::is_contained({"Cast", "Identity", "Mul", "Reshape", "Slice", "Transpose", "Where"},
                           node.getOpType()))
      if (onnx::NodeOp found = findProductAfter(node->getResult(0), depth - 1))
        return found;
  }
  return {};
}

bool AttentionMatch::isOtherForm() {
  onnx::NodeOp before = findProductBefore(softmax.getInputs()[0], 6);
  onnx::NodeOp after = before ? findProductAfter(softmax->getResult(0), 4) : onnx::NodeOp();
  if (!after)
    return false;
  auto type = dyn_cast<RankedTensorType>(softmax->getResult(0).getType());
  if (before.getOpType() == "Einsum" || after.getOpType() == "Einsum")
    reason = "its products are Einsum";
  else if (!type || type.getRank() != 4)
    reason = "its scores have no axes of batch and heads, they are not of rank 4";
  else if (ShapedType::isDynamic(type.getDimSize(1)))
    reason = "its number of heads is known at run time only";
  else
    reason = "its softmax is along another axis, or behind layout that is not followed";
  return true;
}

/// Past what only attention with sinks has, for a first look.
Value AttentionMatch::skipSinks() {
  Value scores = skipCasts(softmax.getInputs()[0]);
  if (onnx::NodeOp less = getNode(scores, "Sub"))
    scores = skipCasts(less.getInputs()[0]);
  if (onnx::NodeOp concat = getNode(scores, "Concat"))
    scores = concat.getInputs()[0];
  return scores;
}

Value AttentionMatch::raise() {
  Value scores = skipCasts(softmax.getInputs()[0]);
  if (!matchWeights() || !matchSinks(scores) || !matchScores(scores))
    return {};
  if (!findHeads())
    return {};
  SymContext &symbols = shapes.getSymbols();
  SymExpr queryLength = shapes.get(query).dims[2];
  bool isCausal = false;
  int64_t window = 0;
  DictionaryAttr hidden;
  if (flags || mask) {
    MaskRules rules;
    for (Value part : {flags, mask}) {
      if (!part)
        continue;
      MaskRules found = findMaskRules(part, queryLength, keyLength, shapes);
      rules.causal |= found.causal;
      rules.window = rules.window && found.window ? std::min(rules.window, found.window)
                                                  : rules.window + found.window;
      rules.isComplete &= found.isComplete && !found.isAssumed;
      rules.isAssumed |= found.isAssumed;
    }
    // A query before all keys would see none: such a row is another thing in a mask than in a rule.
    bool isSpread = shapes.get(softmax->getResult(0)).dims.front() !=
                    shapes.get(scoreProduct->getResult(0)).dims.front();
    if (rules.isComplete && !isSpread &&
        symbols.isKnownNonNegative(symbols.sub(keyLength, queryLength))) {
      isCausal = rules.causal;
      window = rules.window;
      mask = flags = {};
    } else {
      hidden = rules.getFacts(builder);
    }
  }
  Value both = getMask();
  if (both && !isa<RankedTensorType>(both.getType())) {
    no("the rank of its mask is not known");
    return {};
  }
  if (sinks) {
    int64_t heads = getShape(query).value()[1];
    sinks = s.reshape(sinks, ArrayRef<int64_t>{heads});
    sinks.setType(RankedTensorType::get(heads, getElementType(sinks)));
  }
  auto type = cast<RankedTensorType>(product->getResult(0).getType());
  auto attention = moe::AttentionOp::create(
      builder, softmax.getLoc(), type.clone(getElementType(query)), query, key, value, both, sinks,
      /*slopes=*/Value(), /*lengths=*/Value(), builder.getF32FloatAttr(static_cast<float>(scale)),
      isCausal ? builder.getUnitAttr() : UnitAttr(), builder.getI64IntegerAttr(window),
      builder.getF32FloatAttr(static_cast<float>(softcap)), hidden);
  InFlightDiagnostic remark = attention.emitRemark();
  remark << "attention: " << attention.getNumHeads() << " heads of " << attention.getHeadSize()
         << " for " << attention.getNumKVHeads() << " of keys";
  if (sinks)
    remark << ", with sinks";
  return s.cast(attention.getResult(), type.getElementType());
}

Value AttentionMatch::getMask() {
  if (flags && mask)
    return broadcastOf(flags, mask,
                       s.where(flags, mask, s.scalar(getElementType(mask), -kInfinity)));
  return flags ? flags : mask;
}

struct RaiseAttention : impl::RaiseAttentionPassBase<RaiseAttention> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) {
      if (node.getDomain().empty() && node.getOpType() == "Softmax")
        nodes.push_back(node);
    });
    if (nodes.empty())
      return;
    SymbolicShapes shapes(getOperation());
    SmallVector<std::pair<Operation *, Value>> replacements;
    for (onnx::NodeOp node : nodes) {
      AttentionMatch found(node, shapes);
      bool isMatch = found.match();
      if (!isMatch && !found.isOtherForm())
        continue;
      if (Value result = isMatch ? found.raise() : Value()) {
        replacements.emplace_back(found.product, result);
        ++numRaised;
      } else {
        node.emitRemark() << "looks like attention and is not raised: " << found.reason;
      }
    }
    // Not before: sizes are known of the old values only.
    for (auto [product, value] : replacements) {
      product->getResult(0).replaceAllUsesWith(value);
      eraseUnused(product);
    }
  }
};

} // namespace
} // namespace moec
