//===- Quantized.cpp - Spellings of codes
//--------------------------------------------------------------===//
#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"

using namespace mlir;
using namespace moec;

namespace {

using Results = FailureOr<SmallVector<Value>>;

/// A tensor of these sizes whose elements are all `code`.
Value getUniform(Spelling &s, ArrayRef<int64_t> shape, Type elementType, int64_t code) {
  APInt bits(elementType.getIntOrFloatBitWidth(), code, /*isSigned=*/true, /*implicitTrunc=*/true);
  auto type = RankedTensorType::get(shape, elementType);
  return onnx::ConstantOp::create(s.builder, s.loc, DenseElementsAttr::get(type, bits));
}

/// The codes that lie in bytes, low bits first, one a byte.
Value unpack(Spelling &s, Value bytes, int64_t bits, int64_t last) {
  if (bits == 8)
    return bytes;
  auto type = cast<RankedTensorType>(bytes.getType());
  int64_t rank = type.getRank(), perByte = 8 / bits;
  Type byte = type.getElementType();
  SmallVector<APInt> amounts;
  for (int64_t i = 0; i < perByte; ++i)
    amounts.emplace_back(8, i * bits);
  Value shifts = onnx::ConstantOp::create(
      s.builder, s.loc, DenseElementsAttr::get(RankedTensorType::get(perByte, byte), amounts));
  NamedAttribute direction = s.builder.getNamedAttr("direction", s.builder.getStringAttr("RIGHT"));
  Value codes =
      s.node("BitShift", 11, {s.unsqueeze(bytes, {rank}), shifts}, s.tensorOf(byte), direction);
  codes =
      s.node("BitwiseAnd", 18, {codes, getUniform(s, {}, byte, (1 << bits) - 1)}, s.tensorOf(byte));
  Value leading = s.node("Shape", 21, bytes, s.tensorOf(s.builder.getI64Type()),
                         {s.attribute("end", rank - 1), s.attribute("start", int64_t(0))});
  codes = s.reshape(codes, s.concat({leading, s.ints(-1)}, 0));
  return ShapedType::isDynamic(last) ? codes : s.slice(codes, 0, last, rank - 1);
}

Value dequantizeLinear(moe::DequantizeOp op, Spelling &s, Value codes, Value zeroPoints) {
  Type elementType = getElementType(codes);
  bool isNarrow = elementType.getIntOrFloatBitWidth() == 2;
  Type resultType = op.getResult().getType().getElementType();
  bool hasOtherType = getElementType(op.getScales()) != resultType;
  SmallVector<Value> operands{codes, op.getScales()};
  if (zeroPoints)
    operands.push_back(zeroPoints);
  SmallVector<NamedAttribute> attributes{
      s.attribute("axis", static_cast<int64_t>(op.getAxis())),
      s.attribute("block_size", static_cast<int64_t>(op.getBlock()))};
  if (hasOtherType)
    attributes.push_back(s.attribute("output_dtype", Spelling::getDataType(resultType)));
  return s.node("DequantizeLinear",
                isNarrow       ? 25
                : hasOtherType ? 23
                               : 21,
                operands, op.getResult().getType(), attributes);
}

Results spellDequantize(moe::DequantizeOp op, Spelling &s) {
  Value codes = op.getCodes(), zeroPoints = op.getZeroPoints();
  if (op.getPacked())
    codes = unpack(s, codes, op.getPacked(), op.getResult().getType().getShape().back());
  if (op.getCodebook()) {
    // The grid's numbers, times scales that are spread by dequantising ones.
    Type byte = IntegerType::get(s.builder.getContext(), 8, IntegerType::Unsigned);
    Value numbers = s.gather(op.getCodebook(), s.cast(codes, s.builder.getI64Type()), 0);
    Value ones =
        s.node("Expand", 13, {getUniform(s, {}, byte, 1), s.shapeOf(codes)}, s.tensorOf(byte));
    return SmallVector<Value>{s.node("Mul", 14, {numbers, dequantizeLinear(op, s, ones, Value())},
                                     op.getResult().getType())};
  }
  auto scaleType = cast<RankedTensorType>(op.getScales().getType());
  if (!zeroPoints && op.getZero()) {
    bool isStatic = scaleType.hasStaticShape();
    zeroPoints = getUniform(s, isStatic ? scaleType.getShape() : ArrayRef<int64_t>(),
                            getElementType(codes), op.getZero());
    if (!isStatic)
      zeroPoints = s.node("Expand", 13, {zeroPoints, s.shapeOf(op.getScales())},
                          s.tensorOf(getElementType(codes)));
  }
  return SmallVector<Value>{dequantizeLinear(op, s, codes, zeroPoints)};
}

/// The scale and the zero point cover the numbers and 0.
Results spellQuantizeDynamic(moe::QuantizeDynamicOp op, Spelling &s) {
  if (!op.getPerToken()) {
    auto node = onnx::NodeOp::create(s.builder, s.loc, op->getResultTypes(), "",
                                     "DynamicQuantizeLinear", 11, op.getInput());
    return SmallVector<Value>(node->getResults());
  }
  Value x = op.getInput();
  Type type = getElementType(x), byte = getElementType(op.getCodes());
  Value zero = s.scalar(type, 0), most = s.scalar(type, 255);
  auto end = [&](StringRef reduce, StringRef with) {
    Value value = s.reduce(reduce, 18, x, {-1}, /*keepDims=*/true);
    return s.node(with, 13, {value, zero}, s.tensorOf(type));
  };
  Value low = end("ReduceMin", "Min"), range = s.sub(end("ReduceMax", "Max"), low);
  Value scale = s.where(s.compare("Equal", 13, range, zero), s.scalar(type, 1), s.div(range, most));
  auto round = [&](Value number) { return s.unary("Round", 11, number); };
  auto clip = [&](Value number) {
    return s.node("Clip", 13, {number, zero, most}, s.tensorOf(type));
  };
  Value zeroPoint = round(clip(s.div(s.sub(zero, low), scale)));
  Value number = clip(s.add(round(s.div(x, scale)), zeroPoint));
  Value codes = s.node("Cast", 13, number, op.getCodes().getType(), s.attribute("to", int64_t(2)));
  auto drop = [&](Value value, Value result) {
    return s.node("Squeeze", 13, {value, s.ints(-1)}, result.getType());
  };
  return SmallVector<Value>{codes, drop(scale, op.getScale()),
                            drop(s.cast(zeroPoint, byte), op.getZeroPoint())};
}

} // namespace

void moec::addQuantizedSpellings(SpellingTable &table) {
  addSpelling<moe::DequantizeOp, spellDequantize>(table);
  addSpelling<moe::QuantizeDynamicOp, spellQuantizeDynamic>(table);
}
