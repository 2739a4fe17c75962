#include "passes/Analysis/Match.h"

#include "dialects/MoE/MoEOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace moec;

onnx::NodeOp moec::getNode(Value value, StringRef opType) {
  auto node = value ? value.getDefiningOp<onnx::NodeOp>() : onnx::NodeOp();
  bool found =
      node && node.getDomain().empty() && node.getOpType() == opType && node->getResult(0) == value;
  return found ? node : onnx::NodeOp();
}

std::optional<ArrayRef<int64_t>> moec::getShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return std::nullopt;
  return type.getShape();
}

std::optional<int64_t> moec::getLastSize(Value value) {
  std::optional<ArrayRef<int64_t>> shape = getShape(value);
  if (!shape || shape->empty() || ShapedType::isDynamic(shape->back()))
    return std::nullopt;
  return shape->back();
}

Type moec::getElementType(Value value) {
  return cast<TensorType>(value.getType()).getElementType();
}

Value moec::skipCasts(Value value) {
  for (;;) {
    onnx::NodeOp node = getNode(value, "Cast");
    if (!node)
      node = getNode(value, "Identity");
    if (!node || !isa<FloatType>(getElementType(value)) ||
        !isa<FloatType>(getElementType(node.getInputs()[0])))
      return value;
    value = node.getInputs()[0];
  }
}

static std::optional<double> getSplat(ElementsAttr elements) {
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense || !dense.isSplat())
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType())) {
    APFloat number = dense.getSplatValue<APFloat>();
    bool isInexact;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &isInexact);
    return number.convertToDouble();
  }
  auto type = dyn_cast<IntegerType>(dense.getElementType());
  if (!type)
    return std::nullopt;
  APInt number = dense.getSplatValue<APInt>();
  bool isSigned = !type.isUnsigned() && type.getWidth() > 1;
  return isSigned ? static_cast<double>(number.getSExtValue())
                  : static_cast<double>(number.getZExtValue());
}

std::optional<double> moec::getSplat(Value value) {
  if (auto constant = value.getDefiningOp<onnx::ConstantOp>())
    return ::getSplat(constant.getValue());
  auto node = value.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty())
    return std::nullopt;
  StringRef opType = node.getOpType();
  if (opType == "ConstantOfShape") {
    auto elements = dyn_cast_or_null<ElementsAttr>(node.getOnnxAttr("value"));
    return elements ? ::getSplat(elements) : std::optional<double>(0.0);
  }
  bool spreads = opType == "Expand" || opType == "Reshape" || opType == "Unsqueeze" ||
                 opType == "Squeeze" || opType == "Identity" || opType == "Tile";
  // A cast may round or wrap; between floats only to what the number is in that type.
  if (opType == "Cast" && isa<FloatType>(getElementType(value)))
    spreads = true;
  return spreads ? getSplat(node.getInputs()[0]) : std::nullopt;
}

std::optional<SmallVector<int64_t>> moec::getIntegers(Value value) {
  auto constant = value ? value.getDefiningOp<onnx::ConstantOp>() : onnx::ConstantOp();
  auto elements =
      constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : DenseIntElementsAttr();
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (const APInt &element : elements.getValues<APInt>())
    result.push_back(element.getSExtValue());
  return result;
}

bool moec::isAlongLastAxis(onnx::NodeOp node, int64_t defaultAxis) {
  std::optional<ArrayRef<int64_t>> shape = getShape(node.getInputs()[0]);
  int64_t axis = node.getInt("axis", defaultAxis);
  return shape && (axis == -1 || axis == static_cast<int64_t>(shape->size()) - 1);
}

bool moec::isReductionOfLastAxis(onnx::NodeOp node, bool &keepDims) {
  std::optional<ArrayRef<int64_t>> shape = getShape(node.getInputs()[0]);
  if (!shape)
    return false;
  SmallVector<int64_t> axes;
  if (std::optional<ArrayRef<int64_t>> attribute = node.getInts("axes"))
    axes.assign(attribute->begin(), attribute->end());
  else if (std::optional<SmallVector<int64_t>> operand = getIntegers(node.getOptionalOperand(1)))
    axes = *operand;
  keepDims = node.getInt("keepdims", 1) != 0;
  return axes.size() == 1 && (axes[0] == -1 || axes[0] == static_cast<int64_t>(shape->size()) - 1);
}

bool moec::matchEitherOrder(Value value, StringRef opType, function_ref<bool(Value, Value)> match) {
  onnx::NodeOp node = getNode(value, opType);
  if (!node || node.getInputs().size() != 2)
    return false;
  Value a = node.getInputs()[0], b = node.getInputs()[1];
  return match(a, b) || match(b, a);
}

onnx::NodeOp moec::getOnlyUser(Value value, StringRef opType) {
  if (!value.hasOneUse())
    return {};
  auto node = dyn_cast<onnx::NodeOp>(*value.getUsers().begin());
  bool found = node && node.getDomain().empty() && node.getOpType() == opType;
  return found ? node : onnx::NodeOp();
}

bool moec::isElementwise(Operation *op) {
  if (isa<moe::ActivationOp, moe::GLUOp>(op))
    return true;
  static const llvm::StringSet<> kinds = {
      "Abs",         "Add",       "Cast",      "Celu", "Clip", "Div",  "Elu",     "Erf",
      "Exp",         "Gelu",      "HardSwish", "Max",  "Min",  "Mish", "Mul",     "Neg",
      "HardSigmoid", "LeakyRelu", "Pow",       "Relu", "Selu", "Sign", "Sigmoid", "Softplus",
      "Softsign",    "Sqrt",      "Sub",       "Tanh", "Where"};
  auto node = dyn_cast<onnx::NodeOp>(op);
  return node && node.getDomain().empty() && kinds.contains(node.getOpType()) &&
         node->getNumResults() == 1 && node->getNumRegions() == 0;
}

std::optional<SmallVector<int64_t>> moec::getCutColumns(Value value, ArrayRef<int64_t> columns) {
  auto node = value.getDefiningOp<onnx::NodeOp>();
  Value input = node.getInputs()[0];
  auto type = dyn_cast<RankedTensorType>(input.getType());
  if (!type || type.isDynamicDim(type.getRank() - 1))
    return std::nullopt;
  int64_t last = type.getRank() - 1, size = type.getDimSize(last), start = 0, step = 1;
  auto isLast = [&](int64_t axis) { return axis == last || axis == -1; };
  if (node.getOpType() == "Split") {
    if (!isLast(node.getInt("axis", 0)))
      return std::nullopt;
    for (Value part : node->getResults()) {
      if (part == value)
        break;
      std::optional<int64_t> before = getLastSize(part);
      if (!before)
        return std::nullopt;
      start += *before;
    }
  } else {
    auto starts = getIntegers(node.getInputs()[1]);
    Value axesOperand = node.getOptionalOperand(3), stepsOperand = node.getOptionalOperand(4);
    auto axes = axesOperand ? getIntegers(axesOperand) : std::nullopt;
    if (!starts || starts->size() != 1 || !axes || axes->size() != 1 || !isLast((*axes)[0]))
      return std::nullopt;
    if (stepsOperand) {
      auto steps = getIntegers(stepsOperand);
      if (!steps || (*steps)[0] <= 0)
        return std::nullopt;
      step = (*steps)[0];
    }
    start = (*starts)[0] < 0 ? std::max<int64_t>((*starts)[0] + size, 0) : (*starts)[0];
  }
  SmallVector<int64_t> result;
  for (int64_t column : columns) {
    result.push_back(start + column * step);
    if (result.back() >= size)
      return std::nullopt;
  }
  return result;
}
