#include "passes/Transforms/ConstantFolding.h"

#include "passes/Transforms/TypeInference.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace moec;

namespace {

/// Tensors with more elements than this are not computed here.
constexpr int64_t kMaxFoldedElements = 256;

APFloat withSemantics(APFloat value, const llvm::fltSemantics &semantics) {
  bool losesInfo;
  value.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return value;
}

/// A function of doubles, rounded to the type: right for f32 and narrower, since for these
/// operations rounding twice equals rounding once (Figueroa 1995); f64 itself is computed in f64.
APFloat viaDouble(APFloat value, double (*fn)(double)) {
  const llvm::fltSemantics &semantics = value.getSemantics();
  APFloat wide = withSemantics(value, APFloat::IEEEdouble());
  return withSemantics(APFloat(fn(wide.convertToDouble())), semantics);
}

using UnaryFn = APFloat (*)(APFloat);
using BinaryFn = std::optional<APFloat> (*)(APFloat, APFloat);

UnaryFn getUnary(StringRef name) {
  return llvm::StringSwitch<UnaryFn>(name)
      .Case("Abs", [](APFloat x) { return llvm::abs(x); })
      .Case("Neg", [](APFloat x) { return llvm::neg(x); })
      .Case("Reciprocal",
            [](APFloat x) {
              APFloat one(x.getSemantics(), 1);
              one.divide(x, APFloat::rmNearestTiesToEven);
              return one;
            })
      .Case("Sqrt", [](APFloat x) { return viaDouble(x, [](double v) { return std::sqrt(v); }); })
      .Case("Floor", [](APFloat x) { return viaDouble(x, [](double v) { return std::floor(v); }); })
      .Case("Ceil", [](APFloat x) { return viaDouble(x, [](double v) { return std::ceil(v); }); })
      .Default(nullptr);
}

/// x to a power of which no library's opinion is asked.
std::optional<APFloat> power(APFloat x, APFloat exponent) {
  if (exponent.isExactlyValue(1))
    return x;
  if (exponent.isExactlyValue(2))
    return x * x;
  if (exponent.isExactlyValue(0.5) && !x.isNegative())
    return getUnary("Sqrt")(x);
  return std::nullopt;
}

BinaryFn getBinary(StringRef name) {
  return llvm::StringSwitch<BinaryFn>(name)
      .Case("Add", [](APFloat a, APFloat b) { return std::optional(a + b); })
      .Case("Sub", [](APFloat a, APFloat b) { return std::optional(a - b); })
      .Case("Mul", [](APFloat a, APFloat b) { return std::optional(a * b); })
      .Case("Div", [](APFloat a, APFloat b) { return std::optional(a / b); })
      .Case("Pow", power)
      .Default(nullptr);
}

DenseElementsAttr makeFloats(RankedTensorType type, ArrayRef<APFloat> values) {
  return DenseElementsAttr::get(type, values);
}

DenseElementsAttr foldUnary(UnaryFn fn, DenseElementsAttr x, RankedTensorType type) {
  SmallVector<APFloat> values;
  for (APFloat value : x.getValues<APFloat>())
    values.push_back(fn(value));
  return makeFloats(type, values);
}

/// Same shapes, or one of them a single element.
DenseElementsAttr foldBinary(BinaryFn fn, DenseElementsAttr a, DenseElementsAttr b,
                             RankedTensorType type) {
  auto reaches = [&](DenseElementsAttr x) {
    return x.getNumElements() == 1 || x.getType().getShape() == type.getShape();
  };
  if (a.getElementType() != b.getElementType() || !reaches(a) || !reaches(b))
    return {};
  auto as = a.getValues<APFloat>(), bs = b.getValues<APFloat>();
  SmallVector<APFloat> values;
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    std::optional<APFloat> value =
        fn(as[a.getNumElements() == 1 ? 0 : i], bs[b.getNumElements() == 1 ? 0 : i]);
    if (!value)
      return {};
    values.push_back(*value);
  }
  return makeFloats(type, values);
}

/// Integers and floats to floats. (To integers: what is out of range differs between runtimes.)
DenseElementsAttr foldCast(DenseElementsAttr x, RankedTensorType type) {
  auto to = dyn_cast<FloatType>(type.getElementType());
  if (!to || to.getWidth() < 16)
    return {};
  SmallVector<APFloat> values;
  if (isa<FloatType>(x.getElementType())) {
    for (APFloat value : x.getValues<APFloat>())
      values.push_back(withSemantics(value, to.getFloatSemantics()));
  } else if (auto from = dyn_cast<IntegerType>(x.getElementType())) {
    bool isSigned = !from.isUnsigned() && from.getWidth() > 1;
    for (APInt value : x.getValues<APInt>()) {
      APFloat number(to.getFloatSemantics());
      number.convertFromAPInt(value, isSigned, APFloat::rmNearestTiesToEven);
      values.push_back(number);
    }
  } else {
    return {};
  }
  return makeFloats(type, values);
}

} // namespace

DenseElementsAttr moec::foldConstantNode(onnx::NodeOp node, const SymbolicShapes &shapes) {
  if (!node.getDomain().empty() || node.isRandom() || node->getNumResults() != 1)
    return {};
  auto type = dyn_cast<RankedTensorType>(shapes.getRefinedType(node->getResult(0)));
  if (!type || !type.hasStaticShape() || type.getNumElements() > kMaxFoldedElements)
    return {};
  StringRef name = node.getOpType();
  if (name == "ConstantOfShape") {
    auto value = dyn_cast_or_null<DenseElementsAttr>(node.getOnnxAttr("value"));
    if (!value)
      return isa<FloatType>(type.getElementType())
                 ? DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), 0.0))
                 : DenseElementsAttr();
    if (value.getNumElements() != 1 || value.getElementType() != type.getElementType())
      return {};
    return value.reshape(RankedTensorType::get({}, type.getElementType())).resizeSplat(type);
  }
  SmallVector<DenseElementsAttr> operands;
  for (Value operand : node.getInputs()) {
    DenseElementsAttr contents =
        isa<TensorType>(operand.getType()) ? getContents(operand, shapes) : DenseElementsAttr();
    if (!contents || contents.getNumElements() > kMaxFoldedElements)
      return {};
    operands.push_back(contents);
  }
  if (operands.empty())
    return {};
  DenseElementsAttr x = operands[0];
  if (llvm::is_contained({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"}, name))
    return x.getNumElements() == type.getNumElements() ? x.reshape(type) : DenseElementsAttr();
  if (name == "Expand" || name == "Tile")
    return x.isSplat() ? x.resizeSplat(type) : DenseElementsAttr();
  if (name == "Cast" && operands.size() == 1)
    return foldCast(x, type);
  auto floatType = dyn_cast<FloatType>(x.getElementType());
  if (!floatType || floatType.getWidth() < 16 || type.getElementType() != floatType)
    return {};
  if (UnaryFn fn = getUnary(name); fn && operands.size() == 1)
    return foldUnary(fn, x, type);
  if (BinaryFn fn = getBinary(name); fn && operands.size() == 2)
    return foldBinary(fn, x, operands[1], type);
  return {};
}
