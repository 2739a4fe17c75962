#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Analysis/Match.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace moec;

int64_t Spelling::getDataType(Type type) {
  if (type.isF32())
    return 1;
  if (type.isF16())
    return 10;
  if (type.isF64())
    return 11;
  if (type.isBF16())
    return 16;
  if (type.isInteger(1))
    return 9;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 8:
    return isUnsigned ? 2 : 3;
  case 16:
    return isUnsigned ? 4 : 5;
  case 32:
    return isUnsigned ? 12 : 6;
  case 64:
    return isUnsigned ? 13 : 7;
  }
  llvm_unreachable("no spelling casts to this type");
}

Value Spelling::node(StringRef opType, int64_t version, ValueRange operands, Type result,
                     ArrayRef<NamedAttribute> attributes) {
  return onnx::NodeOp::create(builder, loc, TypeRange(result), "", opType, version, operands,
                              attributes)
      ->getResult(0);
}

Type Spelling::tensorOf(Type elementType) { return UnrankedTensorType::get(elementType); }

NamedAttribute Spelling::attribute(StringRef name, int64_t value) {
  return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
}
NamedAttribute Spelling::attribute(StringRef name, float value) {
  return builder.getNamedAttr(name, builder.getF32FloatAttr(value));
}
NamedAttribute Spelling::attribute(StringRef name, ArrayRef<int64_t> value) {
  return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(value));
}

Value Spelling::ints(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(values.size(), builder.getI64Type());
  return onnx::ConstantOp::create(builder, loc, DenseIntElementsAttr::get(type, values));
}
Value Spelling::intScalar(int64_t value) {
  auto type = RankedTensorType::get({}, builder.getI64Type());
  return onnx::ConstantOp::create(builder, loc, DenseIntElementsAttr::get(type, value));
}
Value Spelling::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  return onnx::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(type, Attribute(builder.getFloatAttr(elementType, value))));
}
Value Spelling::optional(Value value) {
  return value ? value : Value(onnx::NoneOp::create(builder, loc));
}

Value Spelling::same(StringRef opType, int64_t version, ValueRange operands) {
  return node(opType, version, operands, tensorOf(getElementType(operands[0])));
}
Value Spelling::where(Value condition, Value a, Value b) {
  return node("Where", 16, {condition, a, b}, tensorOf(getElementType(a)));
}
Value Spelling::compare(StringRef opType, int64_t version, Value a, Value b) {
  return node(opType, version, {a, b}, tensorOf(builder.getI1Type()));
}
Value Spelling::cast(Value x, Type elementType) {
  if (getElementType(x) == elementType)
    return x;
  return node("Cast", 21, x, tensorOf(elementType), attribute("to", getDataType(elementType)));
}
Value Spelling::transpose(Value x, ArrayRef<int64_t> permutation) {
  return node("Transpose", 21, x, tensorOf(getElementType(x)), attribute("perm", permutation));
}
Value Spelling::reshape(Value x, Value shape) { return same("Reshape", 21, {x, shape}); }
Value Spelling::unsqueeze(Value x, ArrayRef<int64_t> axes) {
  return same("Unsqueeze", 21, {x, ints(axes)});
}
Value Spelling::slice(Value x, int64_t begin, int64_t end, int64_t axis, int64_t step) {
  return same("Slice", 13, {x, ints(begin), ints(end), ints(axis), ints(step)});
}
Value Spelling::concat(ValueRange parts, int64_t axis) {
  return node("Concat", 13, parts, tensorOf(getElementType(parts[0])), attribute("axis", axis));
}
Value Spelling::gather(Value x, Value indices, int64_t axis) {
  return node("Gather", 13, {x, indices}, tensorOf(getElementType(x)), attribute("axis", axis));
}
Value Spelling::reduce(StringRef opType, int64_t version, Value x, ArrayRef<int64_t> axes,
                       bool keepDims) {
  return node(opType, version, {x, ints(axes)}, tensorOf(getElementType(x)),
              attribute("keepdims", static_cast<int64_t>(keepDims)));
}
Value Spelling::shapeOf(Value x) { return node("Shape", 21, x, tensorOf(builder.getI64Type())); }
Value Spelling::sizeOf(Value x, int64_t axis) {
  return node("Shape", 21, x, tensorOf(builder.getI64Type()),
              {attribute("end", axis + 1), attribute("start", axis)});
}
