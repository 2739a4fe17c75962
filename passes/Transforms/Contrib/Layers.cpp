//===- Layers.cpp - Activations, norms, products, rotary embedding
//----------------------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Transforms/Contrib/Contrib.h"

using namespace mlir;
using namespace moec;

using Results = std::optional<SmallVector<Value>>;

static bool hasResult(onnx::NodeOp node, unsigned i) {
  return i < node->getNumResults() && isa<TensorType>(node->getResult(i).getType());
}

static bool isUsed(onnx::NodeOp node, unsigned i) {
  return hasResult(node, i) && !node->getResult(i).use_empty();
}

static RankedTensorType rankedTypeOf(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

//===- Activations
//----------------------------------------------------------------------------------===//

/// A Gelu of the sum of the operand and the bias, which may be absent.
static Results expandGelu(onnx::NodeOp node, Spelling &s, StringRef approximate) {
  Value x = node.getInputs()[0], bias = node.getOptionalOperand(1);
  if (bias)
    x = s.add(x, bias);
  NamedAttribute attribute =
      s.builder.getNamedAttr("approximate", s.builder.getStringAttr(approximate));
  return SmallVector<Value>{s.node("Gelu", 20, x, node->getResultTypes()[0], attribute)};
}

static Results expandErfGelu(onnx::NodeOp node, Spelling &s, CodedWeights &) {
  return expandGelu(node, s, "none");
}

static Results expandTanhGelu(onnx::NodeOp node, Spelling &s, CodedWeights &) {
  return expandGelu(node, s, "tanh");
}

static Results expandQuickGelu(onnx::NodeOp node, Spelling &s, CodedWeights &) {
  return SmallVector<Value>{s.node("Swish", 24, node.getInputs()[0], node->getResultTypes()[0],
                                   s.attribute("alpha", node.getFloat("alpha", 1.702f)))};
}

//===- Norms
//----------------------------------------------------------------------------------------===//

/// The attributes that norms of both kinds share.
static SmallVector<NamedAttribute> getNormAttributes(onnx::NodeOp node, Spelling &s,
                                                     float epsilon) {
  return {s.attribute("axis", node.getInt("axis", -1)),
          s.attribute("epsilon", node.getFloat("epsilon", epsilon))};
}

/// RMSNormalization has no second result.
static Results expandSimplifiedNorm(onnx::NodeOp node, Spelling &s, CodedWeights &) {
  if (isUsed(node, 1))
    return std::nullopt;
  SmallVector<Value> results(node->getNumResults());
  results[0] = s.node("RMSNormalization", 23, node.getInputs().take_front(2),
                      node->getResultTypes()[0], getNormAttributes(node, s, 1e-5f));
  return results;
}

/// The norm of input + skip + bias; and that sum as result 3.
template <bool isSimplified>
static Results expandSkipNorm(onnx::NodeOp node, Spelling &s, CodedWeights &) {
  if (isSimplified && (isUsed(node, 1) || isUsed(node, 2)))
    return std::nullopt;
  Value sum = s.add(node.getInputs()[0], node.getInputs()[1]);
  if (Value bias = node.getOptionalOperand(isSimplified ? 3 : 4))
    sum = s.add(sum, bias);
  SmallVector<Value> results(node->getNumResults());
  SmallVector<NamedAttribute> attributes = getNormAttributes(node, s, 1e-12f);
  Value scale = node.getInputs()[2];
  if (isSimplified) {
    results[0] =
        s.node("RMSNormalization", 23, {sum, scale}, node->getResultTypes()[0], attributes);
  } else {
    SmallVector<Value> operands{sum, scale};
    if (Value shift = node.getOptionalOperand(3))
      operands.push_back(shift);
    unsigned count = std::min<unsigned>(node->getNumResults(), 3);
    auto norm =
        onnx::NodeOp::create(s.builder, s.loc, TypeRange(node->getResultTypes()).take_front(count),
                             "", "LayerNormalization", 17, operands, attributes);
    for (unsigned i = 0; i < count; ++i)
      results[i] = norm->getResult(i);
  }
  if (hasResult(node, 3))
    results[3] = sum;
  return results;
}

//===- Products
//-------------------------------------------------------------------------------------===//

/// The last two axes swapped; null if there are no two.
static Value transposeMatrices(Spelling &s, Value x) {
  RankedTensorType type = rankedTypeOf(x);
  if (!type || type.getRank() < 2)
    return {};
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  std::swap(order[order.size() - 2], order[order.size() - 1]);
  return s.transpose(x, order);
}

static Results expandFusedMatMul(onnx::NodeOp node, Spelling &s, CodedWeights &) {
  if (node.getInt("transBatchA", 0) || node.getInt("transBatchB", 0))
    return std::nullopt;
  Value operands[] = {node.getInputs()[0], node.getInputs()[1]};
  for (auto [i, name] : llvm::enumerate(ArrayRef<StringRef>{"transA", "transB"}))
    if (RankedTensorType type = rankedTypeOf(operands[i]);
        node.getInt(name, 0) && !(type && type.getRank() >= 2))
      return std::nullopt;
  if (node.getInt("transA", 0))
    operands[0] = transposeMatrices(s, operands[0]);
  if (node.getInt("transB", 0))
    operands[1] = transposeMatrices(s, operands[1]);
  Value product = s.node("MatMul", 13, operands, node->getResultTypes()[0]);
  if (float alpha = node.getFloat("alpha", 1.0f); alpha != 1.0f)
    product = s.mul(product, s.scalar(getElementType(product), alpha));
  return SmallVector<Value>{product};
}

//===- Rotary embedding
//-----------------------------------------------------------------------------===//

/// How many heads the operand has; 0 if that is not known.
static int64_t getHeads(onnx::NodeOp node, RankedTensorType input, RankedTensorType cosines) {
  if (input.getRank() == 4)
    return input.getDimSize(1);
  if (int64_t heads = node.getInt("num_heads", 0))
    return heads;
  // The whole head is rotated.
  int64_t hidden = input.getDimSize(2), half = cosines.getDimSize(1);
  bool isKnown = hidden > 0 && half > 0 && hidden % (2 * half) == 0;
  return isKnown && node.getInt("rotary_embedding_dim", 0) == 0 ? hidden / (2 * half) : 0;
}

/// Positions of all tokens, [B, S], from that of the first, [1].
static Value countPositions(Spelling &s, Value first, Value input, int64_t sequenceAxis) {
  Value length = s.sizeOf(input, sequenceAxis);
  Type i64 = s.builder.getI64Type();
  Value end = s.node("Squeeze", 13, length, s.tensorOf(i64));
  Value offsets = s.node("Range", 11, {s.intScalar(0), end, s.intScalar(1)}, s.tensorOf(i64));
  Value batch = s.sizeOf(input, 0);
  return s.node("Expand", 13, {s.add(offsets, first), s.concat({batch, length}, 0)},
                s.tensorOf(i64));
}

/// ai.onnx RotaryEmbedding, whose operands come in another order.
static Results expandRotaryEmbedding(onnx::NodeOp node, Spelling &s, CodedWeights &) {
  Value input = node.getInputs()[0], positions = node.getInputs()[1];
  Value cosines = node.getInputs()[2], sines = node.getInputs()[3];
  RankedTensorType type = rankedTypeOf(input), positionType = rankedTypeOf(positions);
  RankedTensorType cosineType = rankedTypeOf(cosines);
  if (node.getInt("is_packed_batching", 0) || node.getFloat("scale", 1.0f) != 1.0f || !type ||
      !positionType || !cosineType || cosineType.getRank() != 2 || type.getRank() < 3 ||
      type.getRank() > 4 || positionType.getRank() > 2)
    return std::nullopt;
  int64_t heads = getHeads(node, type, cosineType);
  if (heads <= 0 && type.getRank() == 3)
    return std::nullopt;
  if (positionType.getRank() < 2)
    positions = countPositions(s, positions, input, type.getRank() == 3 ? 1 : 2);
  SmallVector<NamedAttribute> attributes{
      s.attribute("interleaved", node.getInt("interleaved", 0)),
      s.attribute("num_heads", std::max<int64_t>(heads, 0)),
      s.attribute("rotary_embedding_dim", node.getInt("rotary_embedding_dim", 0))};
  return SmallVector<Value>{s.node("RotaryEmbedding", 23, {input, cosines, sines, positions},
                                   node->getResultTypes()[0], attributes)};
}

void moec::addLayerExpansions(ExpansionTable &table) {
  table["SimplifiedLayerNormalization"] = expandSimplifiedNorm;
  table["com.microsoft::BiasGelu"] = expandErfGelu;
  table["com.microsoft::FastGelu"] = expandTanhGelu;
  table["com.microsoft::FusedMatMul"] = expandFusedMatMul;
  table["com.microsoft::Gelu"] = expandErfGelu;
  table["com.microsoft::QuickGelu"] = expandQuickGelu;
  table["com.microsoft::RotaryEmbedding"] = expandRotaryEmbedding;
  table["com.microsoft::SkipLayerNormalization"] = expandSkipNorm<false>;
  table["com.microsoft::SkipSimplifiedLayerNormalization"] = expandSkipNorm<true>;
}
