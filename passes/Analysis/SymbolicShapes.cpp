#include "passes/Analysis/SymbolicShapes.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace moec;

const ShapeTransferTable &moec::getShapeTransfers() {
  static const ShapeTransferTable table = [] {
    ShapeTransferTable result;
    addElementwiseTransfers(result);
    addMovementTransfers(result);
    addIndexingTransfers(result);
    addReductionTransfers(result);
    addMatrixTransfers(result);
    addFusedTransfers(result);
    addGeneratorTransfers(result);
    return result;
  }();
  return table;
}

std::optional<SmallVector<int64_t>> SymbolicValue::getConstants() const {
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (SymExpr expr : *elements) {
    std::optional<int64_t> constant = expr.getConstant();
    if (!constant)
      return std::nullopt;
    result.push_back(*constant);
  }
  return result;
}

//===- ShapeTransfer
//----------------------------------------------------------------------------------===//

const SymbolicValue *ShapeTransfer::operand(unsigned i) const {
  Value value = onnx::NodeOp(node).getOptionalOperand(i);
  if (!value)
    return nullptr;
  const SymbolicValue &known = shapes.get(value);
  return known.isRanked ? &known : nullptr;
}

std::optional<ArrayRef<SymExpr>> ShapeTransfer::elements(unsigned i) const {
  const SymbolicValue *known = operand(i);
  if (!known || !known->elements)
    return std::nullopt;
  return ArrayRef<SymExpr>(*known->elements);
}

std::optional<SmallVector<int64_t>> ShapeTransfer::constants(unsigned i) const {
  const SymbolicValue *known = operand(i);
  return known ? known->getConstants() : std::nullopt;
}

void ShapeTransfer::setResult(unsigned i, ArrayRef<SymExpr> dims,
                              std::optional<ArrayRef<SymExpr>> elements) {
  if (i < node->getNumResults() && isa<TensorType>(node->getResult(i).getType()))
    shapes.set(node->getResult(i), dims, elements);
}

//===- SymbolicShapes
//---------------------------------------------------------------------------------===//

SymbolicShapes::SymbolicShapes(FunctionOpInterface function)
    : SymbolicShapes(function, [](Operation *op, SymbolicShapes &shapes) { shapes.update(op); }) {}

SymbolicShapes::SymbolicShapes(FunctionOpInterface function, Visitor visit) {
  analyzeArguments(function);
  analyzeRegion(function.getFunctionBody(), visit);
}

void SymbolicShapes::analyzeRegion(Region &region, Visitor visit) {
  for (Block &block : region)
    for (Operation &op : block) {
      for (Region &body : op.getRegions()) {
        for (Block &inner : body)
          for (BlockArgument argument : inner.getArguments())
            if (isa<TensorType>(argument.getType()))
              setFromType(argument);
        analyzeRegion(body, visit);
      }
      visit(&op, *this);
    }
}

const SymbolicValue &SymbolicShapes::get(Value value) const {
  auto it = values.find(value);
  static const SymbolicValue nothing;
  return it == values.end() ? nothing : it->second;
}

TensorType SymbolicShapes::getRefinedType(Value value) const {
  auto type = cast<TensorType>(value.getType());
  const SymbolicValue &known = get(value);
  if (!known.isRanked)
    return type;
  SmallVector<int64_t> shape;
  for (SymExpr dim : known.dims) {
    std::optional<int64_t> constant = dim.getConstant();
    shape.push_back(constant && *constant >= 0 ? *constant : ShapedType::kDynamic);
  }
  return RankedTensorType::get(shape, type.getElementType());
}

bool SymbolicShapes::isExpression(Operation *op) {
  return llvm::all_of(op->getResults(), [&](Value result) {
    if (isa<NoneType>(result.getType()))
      return true;
    const SymbolicValue &known = get(result);
    if (!known.elements)
      return false;
    for (auto [i, element] : llvm::enumerate(*known.elements))
      if (element == symbols.element(result, i))
        return false;
    return true;
  });
}

void SymbolicShapes::analyzeArguments(FunctionOpInterface function) {
  llvm::StringMap<SymExpr> named;
  for (BlockArgument argument : function.getArguments()) {
    setFromType(argument);
    auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), onnx::kDimsAttr);
    SymbolicValue &known = values[argument];
    if (!names || names.size() != known.dims.size())
      continue;
    for (auto [dim, name] : llvm::zip(known.dims, names.getAsRange<StringAttr>())) {
      if (name.empty() || dim.getConstant())
        continue;
      dim = named.try_emplace(name, dim).first->second;
    }
  }
}

/// Whether the elements of a tensor of that type are followed, and how many there are.
static std::optional<int64_t> countFollowed(Type elementType, ArrayRef<SymExpr> dims) {
  if (!elementType.isInteger() && !elementType.isIndex())
    return std::nullopt;
  int64_t count = 1;
  for (SymExpr dim : dims) {
    std::optional<int64_t> size = dim.getConstant();
    if (!size || *size < 0 || *size > kMaxElements)
      return std::nullopt;
    count *= *size;
    if (count > kMaxElements)
      return std::nullopt;
  }
  return count;
}

void SymbolicShapes::set(Value value, ArrayRef<SymExpr> dims,
                         std::optional<ArrayRef<SymExpr>> elements) {
  auto type = cast<TensorType>(value.getType());
  auto ranked = dyn_cast<RankedTensorType>(type);
  // A transfer function that contradicts the rank of the type is not believed.
  if (ranked && ranked.getRank() != static_cast<int64_t>(dims.size()))
    return setFromType(value);
  // Arithmetic in narrow or unsigned types wraps, in wider ones it is taken not to. Booleans are 0
  // or 1 by construction.
  auto wraps = [&](SymExpr element, Type elementType) {
    bool isWide = elementType.isSignlessInteger(32) || elementType.isSignlessInteger(64) ||
                  elementType.isSignedInteger(32) || elementType.isSignedInteger(64);
    return !isWide && !elementType.isInteger(1) && !elementType.isIndex() &&
           !SymContext::fits(symbols.range(element), elementType);
  };
  SymbolicValue known;
  known.isRanked = true;
  for (int64_t i = 0, rank = dims.size(); i < rank; ++i) {
    SymExpr size =
        ranked && !ranked.isDynamicDim(i) ? symbols.constant(ranked.getDimSize(i)) : dims[i];
    known.dims.push_back(size ? size : symbols.dim(value, i));
  }
  if (std::optional<int64_t> count = countFollowed(type.getElementType(), known.dims)) {
    known.elements.emplace();
    bool fits = elements && static_cast<int64_t>(elements->size()) == *count;
    for (int64_t i = 0; i < *count; ++i) {
      SymExpr element = fits ? (*elements)[i] : SymExpr();
      if (element && wraps(element, type.getElementType()))
        element = {};
      known.elements->push_back(element ? element : symbols.element(value, i));
    }
  }
  values[value] = std::move(known);
}

void SymbolicShapes::setFromType(Value value) {
  auto ranked = dyn_cast<RankedTensorType>(value.getType());
  if (!ranked) {
    values[value] = SymbolicValue();
    return;
  }
  set(value, SmallVector<SymExpr>(ranked.getRank()), std::nullopt);
}

void SymbolicShapes::setFromConstant(Value value, ElementsAttr constant) {
  setFromType(value);
  SymbolicValue &known = values[value];
  auto integers = dyn_cast<DenseIntElementsAttr>(constant);
  if (!known.elements || !integers)
    return;
  bool isUnsigned =
      constant.getElementType().isUnsignedInteger() || constant.getElementType().isInteger(1);
  for (auto [element, integer] : llvm::zip(*known.elements, integers.getValues<APInt>()))
    if (integer.getBitWidth() < 64 || !isUnsigned || !integer.isNegative())
      element = symbols.constant(isUnsigned ? static_cast<int64_t>(integer.getZExtValue())
                                            : integer.getSExtValue());
}

void SymbolicShapes::update(Operation *op) {
  for (Value result : op->getResults())
    if (isa<TensorType>(result.getType()))
      setFromType(result);
  if (auto constant = dyn_cast<onnx::ConstantOp>(op)) {
    setFromConstant(constant.getResult(), constant.getValue());
    return;
  }
  auto node = dyn_cast<onnx::NodeOp>(op);
  if (!node)
    return updateMoE(op);
  const ShapeTransferTable &table = getShapeTransfers();
  auto it = table.find(node.getQualifiedName());
  if (it == table.end())
    return;
  ShapeTransfer transfer(*this, symbols, node);
  it->second(transfer);
}
