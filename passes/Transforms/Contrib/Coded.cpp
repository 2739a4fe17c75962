//===- Coded.cpp - Weights of codes packed in bytes
//-------------------------------------------------===//
#include "passes/Analysis/SymbolicExpr.h"
#include "passes/Transforms/Contrib/Contrib.h"

using namespace mlir;
using namespace moec;

using Results = std::optional<SmallVector<Value>>;

Value CodedWeights::read(Spelling &s, Value value, int64_t rows, unsigned bits) {
  auto bytes = dyn_cast<RankedTensorType>(value.getType());
  if (!bytes || !bytes.hasStaticShape() || !bytes.getElementType().isInteger(8) || rows < 1 ||
      bytes.getNumElements() % rows != 0)
    return {};
  unsigned perByte = 8 / bits;
  auto elementType = IntegerType::get(s.builder.getContext(), bits, IntegerType::Unsigned);
  auto type = RankedTensorType::get({rows, bytes.getNumElements() / rows * perByte}, elementType);
  if (auto constant = value.getDefiningOp<onnx::ConstantOp>()) {
    auto contents = dyn_cast<DenseIntElementsAttr>(constant.getValue());
    if (!contents)
      return {};
    SmallVector<APInt> codes;
    for (const APInt &byte : contents.getValues<APInt>())
      for (unsigned i = 0; i < perByte; ++i)
        codes.push_back(byte.extractBits(bits, i * bits));
    return onnx::ConstantOp::create(s.builder, s.loc, DenseElementsAttr::get(type, codes));
  }
  auto weight = value.getDefiningOp<moe::WeightOp>();
  if (!weight)
    return {};
  StringAttr &name = names[{weight.getKeyAttr().getAttr(), type}];
  if (!name) {
    auto data = symbols.lookup<moe::WeightDataOp>(weight.getKey());
    OpBuilder builder(data->getContext());
    builder.setInsertionPointAfter(data);
    auto coded = moe::WeightDataOp::create(
        builder, data.getLoc(), (data.getSymName() + ".codes").str(), data.getFile(),
        data.getOffset(), data.getLength(), type, data.getHashAttr());
    name = symbols.insert(coded);
  }
  return moe::WeightOp::create(s.builder, s.loc, type, name);
}

//===- Blocks along the last axis
//-------------------------------------------------------------------===//

namespace {

/// Codes in blocks along the last axis, a scale and a zero point each.
struct Blocks {
  Value codes, scales, zeroPoints; ///< matrices; zero points may be absent
  int64_t size;                    ///< of a block

  Value dequantize(Spelling &s, int64_t axis) const {
    // Version 21 has no codes of 2 bits.
    bool isNarrow = cast<TensorType>(codes.getType()).getElementTypeBitWidth() == 2;
    Type elementType = cast<TensorType>(scales.getType()).getElementType();
    SmallVector<Value> operands{codes, scales};
    if (zeroPoints)
      operands.push_back(zeroPoints);
    return s.node("DequantizeLinear", isNarrow ? 25 : 21, operands, s.tensorOf(elementType),
                  {s.attribute("axis", axis), s.attribute("block_size", size)});
  }
};

} // namespace

/// A matrix of `rows` rows as it lies, with the first `columns` columns.
static Value cutColumns(Spelling &s, Value matrix, int64_t columns) {
  auto type = cast<RankedTensorType>(matrix.getType());
  return type.getDimSize(1) == columns ? matrix : s.slice(matrix, 0, columns, 1);
}

/// The zero points of `rows` rows of `count` blocks, packed in `value`; null if they are not that.
static Value readZeroPoints(Spelling &s, CodedWeights &weights, Value value, int64_t rows,
                            int64_t count, unsigned bits) {
  Value codes = weights.read(s, value, rows, bits);
  return codes ? cutColumns(s, codes, count) : Value();
}

/// The middle of the codes, which is the zero point where there is none.
static Value getMiddle(Spelling &s, ArrayRef<int64_t> shape, unsigned bits) {
  auto elementType = IntegerType::get(s.builder.getContext(), bits, IntegerType::Unsigned);
  auto type = RankedTensorType::get(shape, elementType);
  return onnx::ConstantOp::create(s.builder, s.loc,
                                  DenseElementsAttr::get(type, APInt(bits, 1 << (bits - 1))));
}

/// Whether `value` is a constant whose bytes `weights` can read.
static bool isConstant(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getElementType().isInteger(8) &&
         isa_and_nonnull<onnx::ConstantOp, moe::WeightOp>(value.getDefiningOp());
}

static int64_t countElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : -1;
}

/// A · Bᵀ + bias with a constant B [N, K] of codes: DequantizeLinear, Transpose, MatMul, Add. What
/// has float zero points, reordered groups or a computed B stays.
static Results expandMatMulNBits(onnx::NodeOp node, Spelling &s, CodedWeights &weights) {
  int64_t bits = node.getInt("bits", 4), size = node.getInt("block_size", 0);
  int64_t columns = node.getInt("N", 0), depth = node.getInt("K", 0);
  Value packed = node.getInputs()[1], scales = node.getInputs()[2];
  Value zeroPoints = node.getOptionalOperand(3), bias = node.getOptionalOperand(5);
  auto isSize = [](int64_t n) { return n >= 1 && n <= kMaxSize; };
  if ((bits != 2 && bits != 4 && bits != 8) || size < 16 || !isSize(size) || !isSize(columns) ||
      !isSize(depth) || columns > kMaxSize / static_cast<int64_t>(llvm::alignTo(depth, size)) ||
      node.getInt("weight_prepacked", 0) || node.getOptionalOperand(4) || !isConstant(packed) ||
      (zeroPoints && !isConstant(zeroPoints)))
    return std::nullopt;
  int64_t count = llvm::divideCeil(depth, size), zeroBytes = llvm::divideCeil(count * bits, 8);
  // Sizes that do not fit are the lowering's to refuse.
  if (countElements(packed) != columns * count * size * bits / 8 ||
      countElements(scales) != columns * count ||
      (zeroPoints && countElements(zeroPoints) != columns * zeroBytes))
    return std::nullopt;
  if (cast<RankedTensorType>(scales.getType()).getRank() != 2)
    scales = s.reshape(scales, {columns, count});
  zeroPoints = zeroPoints ? readZeroPoints(s, weights, zeroPoints, columns, count, bits)
                          : getMiddle(s, {columns, count}, bits);
  Value codes = weights.read(s, packed, columns, bits);
  if (!codes || !zeroPoints)
    return std::nullopt;
  Blocks blocks{cutColumns(s, codes, depth), scales, zeroPoints, size};
  Value matrix = s.transpose(blocks.dequantize(s, 1), {1, 0});
  Value product = s.node("MatMul", 13, {node.getInputs()[0], matrix}, node->getResultTypes()[0]);
  if (bias)
    product = s.node("Add", 14, {product, bias}, node->getResultTypes()[0]);
  return SmallVector<Value>{product};
}

/// Rows of a matrix of codes, dequantised after they have been gathered.
static Results expandGatherBlockQuantized(onnx::NodeOp node, Spelling &s, CodedWeights &weights) {
  Value data = node.getInputs()[0], indices = node.getInputs()[1], scales = node.getInputs()[2];
  Value zeroPoints = node.getOptionalOperand(3), middle;
  auto type = dyn_cast<RankedTensorType>(data.getType());
  auto scaleType = dyn_cast<RankedTensorType>(scales.getType());
  int64_t size = node.getInt("block_size", 128), axis = node.getInt("quantize_axis", 1);
  if (!type || type.getRank() != 2 || !type.hasStaticShape() || !scaleType ||
      scaleType.getRank() != 2 || !scaleType.hasStaticShape() ||
      node.getInt("gather_axis", 0) != 0 || (axis != 1 && axis != -1) || size < 16)
    return std::nullopt;
  int64_t rows = type.getDimSize(0), count = scaleType.getDimSize(1);
  if (type.getElementType().isUnsignedInteger(8)) {
    int64_t bits = node.getInt("bits", 4);
    if ((bits != 2 && bits != 4 && bits != 8) || !isConstant(data) ||
        (zeroPoints && !isConstant(zeroPoints)))
      return std::nullopt;
    int64_t zeroBytes = llvm::divideCeil(count * bits, 8);
    if (zeroPoints && countElements(zeroPoints) != rows * zeroBytes)
      return std::nullopt;
    data = weights.read(s, data, rows, bits);
    if (!data)
      return std::nullopt;
    if (!zeroPoints)
      middle = getMiddle(s, {}, bits);
    else if (!(zeroPoints = readZeroPoints(s, weights, zeroPoints, rows, count, bits)))
      return std::nullopt;
  }
  Blocks blocks{s.gather(data, indices, 0), s.gather(scales, indices, 0), Value(), size};
  if (zeroPoints)
    blocks.zeroPoints = s.gather(zeroPoints, indices, 0);
  else if (middle)
    blocks.zeroPoints = s.node("Expand", 13, {middle, s.shapeOf(blocks.scales)},
                               s.tensorOf(cast<TensorType>(middle.getType()).getElementType()));
  return SmallVector<Value>{blocks.dequantize(s, -1)};
}

namespace {

/// One of the stacks of matrices of a QMoE: codes [E, N, K · bits / 8], scales [E, N] or [E, N, K /
/// block], zero points packed along N, or along the blocks.
struct CodedStack {
  Value codes, scales, zeroPoints;

  /// The stack [E, N, K] of `elementType`; null if the sizes are not these.
  Value dequantize(Spelling &s, CodedWeights &weights, unsigned bits, Type elementType) const;
};

} // namespace

Value CodedStack::dequantize(Spelling &s, CodedWeights &weights, unsigned bits,
                             Type elementType) const {
  auto type = dyn_cast<RankedTensorType>(codes.getType());
  auto scaleType = dyn_cast<RankedTensorType>(scales.getType());
  if (!type || type.getRank() != 3 || !isConstant(codes) || !scaleType ||
      !scaleType.hasStaticShape() || (scaleType.getRank() != 2 && scaleType.getRank() != 3))
    return {};
  int64_t experts = type.getDimSize(0), columns = type.getDimSize(1), rows = experts * columns;
  int64_t depth = type.getDimSize(2) * 8 / bits;
  int64_t count = scaleType.getRank() == 2 ? 1 : scaleType.getDimSize(2);
  Value read = rows < 1 ? Value() : weights.read(s, codes, rows, bits);
  if (!read || depth < 1 || count < 1 || depth % count ||
      scaleType.getNumElements() != rows * count)
    return {};
  Blocks blocks{read, s.cast(s.reshape(scales, {rows, count}), elementType),
                getMiddle(s, {rows, count}, bits), depth / count};
  if (zeroPoints) {
    bool isByRow = scaleType.getRank() == 2;
    int64_t lines = isByRow ? experts : rows, perLine = isByRow ? columns : count;
    int64_t bytes = llvm::divideCeil(perLine * bits, 8);
    if (!isConstant(zeroPoints) || countElements(zeroPoints) != lines * bytes)
      return {};
    Value points = readZeroPoints(s, weights, zeroPoints, lines, perLine, bits);
    if (!points)
      return {};
    blocks.zeroPoints = s.reshape(points, {rows, count});
  }
  return s.reshape(blocks.dequantize(s, 1), {experts, columns, depth});
}

/// The MoE of the dequantised weights. Unlike there, the weights of the chosen are the softmax of
/// their logits, which is what MoE's are when renormalised. What brings weights of its own for the
/// chosen, or weights in another layout, stays.
static Results expandQMoE(onnx::NodeOp node, Spelling &s, CodedWeights &weights) {
  int64_t bits = node.getInt("expert_weight_bits", 4),
          prepacked = node.getInt("weights_prepacked", -1);
  if ((bits != 2 && bits != 4 && bits != 8) || (prepacked != -1 && prepacked != 0) ||
      node.getString("quant_type", "int") != "int")
    return std::nullopt;
  for (unsigned i = 14; i < node.getInputs().size(); ++i)
    if (node.getOptionalOperand(i))
      return std::nullopt;
  Value none = s.optional(nullptr);
  Type elementType = cast<TensorType>(node.getInputs()[0].getType()).getElementType();
  SmallVector<Value> operands{node.getInputs()[0], node.getInputs()[1]};
  for (unsigned i = 0; i < 3; ++i) {
    CodedStack stack{node.getOptionalOperand(2 + 3 * i), node.getOptionalOperand(3 + 3 * i),
                     node.getOptionalOperand(11 + i)};
    Value bias = node.getOptionalOperand(4 + 3 * i);
    if (!stack.codes && i == 2)
      break;
    Value matrices =
        stack.codes && stack.scales ? stack.dequantize(s, weights, bits, elementType) : Value();
    if (!matrices)
      return std::nullopt;
    operands.push_back(matrices);
    operands.push_back(bias ? bias : none);
  }
  SmallVector<NamedAttribute> attributes{s.attribute("normalize_routing_weights", int64_t(1))};
  for (StringRef name : {"activation_alpha", "activation_beta", "activation_type", "k",
                         "swiglu_fusion", "swiglu_limit"})
    if (Attribute value = node.getOnnxAttr(name))
      attributes.push_back(s.builder.getNamedAttr(name, value));
  return SmallVector<Value>{onnx::NodeOp::create(s.builder, s.loc, node->getResultTypes()[0],
                                                 "com.microsoft", "MoE", 1, operands, attributes)
                                ->getResult(0)};
}

void moec::addCodedExpansions(ExpansionTable &table) {
  table["com.microsoft::QMoE"] = expandQMoE;
  table["com.microsoft::GatherBlockQuantized"] = expandGatherBlockQuantized;
  table["com.microsoft::MatMulNBits"] = expandMatMulNBits;
}
