#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

#include "dialects/Kernel/KernelOps.h"
#include "passes/Analysis/WeightViews.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

//===- LoweringState
//----------------------------------------------------------------------------------===//

Value LoweringState::lookup(Location loc, Value original) {
  OpBuilder &builder = home;
  if (Value known = lowered_.lookup(original))
    return known;
  const SymbolicValue &value = shapes.get(original);
  // The elements of a small weight are those in memory.
  if (!value.elements || original.getDefiningOp<moe::WeightOp>()) {
    if (lowerDeferred)
      lowerDeferred(original);
    return lowered_.lookup(original);
  }
  SmallVector<int64_t> shape;
  for (SymExpr dim : value.dims)
    shape.push_back(*dim.getConstant());
  Type elementType = getStorageType(cast<TensorType>(original.getType()).getElementType());
  auto type = RankedTensorType::get(shape, elementType);
  SmallVector<Value> elements;
  for (SymExpr expr : *value.elements) {
    if (std::optional<int64_t> constant = expr.getConstant(); constant && !elementType.isIndex()) {
      elements.push_back(arith::ConstantOp::create(
          builder, loc,
          IntegerAttr::get(elementType, APInt(elementType.getIntOrFloatBitWidth(), *constant,
                                              /*isSigned=*/true, /*implicitTrunc=*/true))));
      continue;
    }
    Value index = getIndex(expr);
    if (elementType.isInteger(1)) {
      Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
      index = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, index, zero);
    } else if (!elementType.isIndex()) {
      index = arith::IndexCastOp::create(builder, loc, elementType, index);
    }
    elements.push_back(index);
  }
  Value tensor = elements.empty()
                     ? Value(tensor::EmptyOp::create(builder, loc, shape, elementType))
                     : Value(tensor::FromElementsOp::create(builder, loc, type, elements));
  lowered_[original] = tensor;
  return tensor;
}

Value LoweringState::getIndex(SymExpr expr) {
  assert(expr && "an unknown size has no value");
  if (Value known = indices.lookup(expr))
    return known;
  Location loc = home.getInsertionBlock()->getParentOp()->getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(home, loc, value);
  };
  Value sum;
  for (const SymTerm &term : expr.getNode()->terms) {
    Value product;
    for (const SymNode *atom : term.atoms) {
      Value factor = emitAtom(loc, atom);
      product = product ? Value(arith::MulIOp::create(home, loc, product, factor)) : factor;
    }
    if (!product)
      product = constant(term.coefficient);
    else if (term.coefficient != 1)
      product = arith::MulIOp::create(home, loc, product, constant(term.coefficient));
    sum = sum ? Value(arith::AddIOp::create(home, loc, sum, product)) : product;
  }
  if (!sum)
    sum = constant(0);
  indices[expr] = sum;
  return sum;
}

void LoweringState::bind(SymExpr expr, Value index) {
  const SymNode *atom = expr.getNode()->terms.front().atoms.front();
  atoms[atom] = indices[expr] = index;
}

Value LoweringState::emitDivision(Location loc, SymExpr a, SymExpr b, bool remainder) {
  SymContext &symbols = shapes.getSymbols();
  Value dividend = getIndex(a), divisor = getIndex(b);
  // The hardware traps on division by 0 and on the overflow of division by -1; hostile shapes must
  // not.
  Value isMinusOne;
  if (!symbols.isKnownPositive(b)) {
    auto equals = [&](int64_t value) -> Value {
      Value constant = arith::ConstantIndexOp::create(home, loc, value);
      return arith::CmpIOp::create(home, loc, arith::CmpIPredicate::eq, divisor, constant);
    };
    isMinusOne = equals(-1);
    Value traps = arith::OrIOp::create(home, loc, equals(0), isMinusOne);
    Value one = arith::ConstantIndexOp::create(home, loc, 1);
    divisor = arith::SelectOp::create(home, loc, traps, one, divisor);
  }
  if (remainder) // by 0, 1 and -1: 0
    return arith::RemSIOp::create(home, loc, dividend, divisor);
  Value quotient = arith::DivSIOp::create(home, loc, dividend, divisor);
  if (!isMinusOne)
    return quotient;
  Value zero = arith::ConstantIndexOp::create(home, loc, 0);
  Value negated = arith::SubIOp::create(home, loc, zero, dividend);
  return arith::SelectOp::create(home, loc, isMinusOne, negated, quotient);
}

Value LoweringState::emitAtom(Location loc, const SymNode *atom) {
  if (Value known = atoms.lookup(atom))
    return known;
  auto arg = [&](unsigned i) { return getIndex(atom->args[i]); };
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) -> Value {
    return arith::CmpIOp::create(home, loc, predicate, a, b);
  };
  auto toIndex = [&](Value flag) -> Value {
    return arith::IndexCastUIOp::create(home, loc, home.getIndexType(), flag);
  };
  Value zero =
      atom->kind == SymKind::Select ? arith::ConstantIndexOp::create(home, loc, 0) : Value();
  Value result;
  switch (atom->kind) {
  case SymKind::Sum:
    llvm_unreachable("a sum is no atom");
  case SymKind::Dim: {
    Value tensor = lookup(loc, atom->value);
    result = tensor::DimOp::create(home, loc, tensor, atom->index);
    break;
  }
  case SymKind::Element: {
    Value tensor = lookup(loc, atom->value);
    SmallVector<Value> position;
    int64_t rest = atom->index;
    for (int64_t size : llvm::reverse(cast<RankedTensorType>(tensor.getType()).getShape())) {
      position.push_back(arith::ConstantIndexOp::create(home, loc, rest % size));
      rest /= size;
    }
    std::reverse(position.begin(), position.end());
    result = tensor::ExtractOp::create(home, loc, tensor, position);
    bool isUnsigned = result.getType().isInteger(1) ||
                      cast<TensorType>(atom->value.getType()).getElementType().isUnsignedInteger();
    if (isUnsigned)
      result = arith::IndexCastUIOp::create(home, loc, home.getIndexType(), result);
    else if (!result.getType().isIndex())
      result = arith::IndexCastOp::create(home, loc, home.getIndexType(), result);
    break;
  }
  case SymKind::Div:
    result = emitDivision(loc, atom->args[0], atom->args[1], /*remainder=*/false);
    break;
  case SymKind::Rem:
    result = emitDivision(loc, atom->args[0], atom->args[1], /*remainder=*/true);
    break;
  case SymKind::Mod: {
    // ((a rem b) + b) rem b has the sign of b.
    SymContext &symbols = shapes.getSymbols();
    SymExpr b = atom->args[1];
    result = getIndex(symbols.rem(symbols.add(symbols.rem(atom->args[0], b), b), b));
    break;
  }
  case SymKind::Min:
    result = arith::MinSIOp::create(home, loc, arg(0), arg(1));
    break;
  case SymKind::Max:
    result = arith::MaxSIOp::create(home, loc, arg(0), arg(1));
    break;
  case SymKind::Select: {
    Value condition = compare(arith::CmpIPredicate::ne, arg(0), zero);
    Value a = arg(1), b = arg(2);
    result = arith::SelectOp::create(home, loc, condition, a, b);
    break;
  }
  case SymKind::Eq:
    result = toIndex(compare(arith::CmpIPredicate::eq, arg(0), arg(1)));
    break;
  case SymKind::Lt: {
    Value a = arg(0), b = arg(1);
    result = toIndex(compare(arith::CmpIPredicate::slt, a, b));
    break;
  }
  }
  atoms[atom] = result;
  return result;
}

//===- NodeLowering: operands and results
//-------------------------------------------------------------===//

Results moec::single(Value value) {
  if (!value)
    return failure();
  return SmallVector<Value>{value};
}

Value NodeLowering::getOriginal(unsigned i) {
  if (node)
    return node.getOptionalOperand(i);
  return i < op->getNumOperands() ? op->getOperand(i) : Value();
}

Value NodeLowering::operand(unsigned i) {
  Value original = getOriginal(i);
  return original ? state.lookup(loc, original) : Value();
}

Type NodeLowering::modelElementType(unsigned i) {
  return cast<TensorType>(getOriginal(i).getType()).getElementType();
}

ArrayRef<SymExpr> NodeLowering::dims(unsigned i) { return state.shapes.get(getOriginal(i)).dims; }

std::optional<ArrayRef<SymExpr>> NodeLowering::elements(unsigned i) {
  Value original = getOriginal(i);
  if (!original)
    return std::nullopt;
  const SymbolicValue &value = state.shapes.get(original);
  if (!value.elements)
    return std::nullopt;
  return ArrayRef<SymExpr>(*value.elements);
}

std::optional<SmallVector<int64_t>> NodeLowering::constants(unsigned i) {
  Value original = getOriginal(i);
  return original ? state.shapes.get(original).getConstants() : std::nullopt;
}

Value NodeLowering::scalarOperand(unsigned i) {
  Value tensor = operand(i);
  SmallVector<Value> zeros(cast<RankedTensorType>(tensor.getType()).getRank(), index(0));
  return tensor::ExtractOp::create(builder, loc, tensor, zeros);
}

std::optional<int64_t> NodeLowering::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  (void)refuse("axis " + Twine(axis) + " is not one of a tensor of rank " + Twine(rank));
  return std::nullopt;
}

std::optional<PackedMatrices> NodeLowering::packedOperand(unsigned i, bool transposed) {
  return packedStack(getOriginal(i), transposed);
}

std::optional<PackedMatrices> NodeLowering::packedStack(ValueRange values, bool transposed,
                                                        bool halved) {
  SmallVector<SmallVector<WeightView>> stacks;
  for (Value value : values) {
    int64_t rank = state.shapes.get(value).dims.size();
    if (rank < 2 || rank > 3)
      return std::nullopt;
    stacks.push_back(traceWeightColumns(value, transposed ? rank - 2 : rank - 1, state.shapes));
  }
  if (halved)
    stacks = halveColumns<WeightView>(stacks, transposed);
  SmallVector<moe::WeightOp> weights;
  SmallVector<kernel::PanelsAttr> layouts;
  PackedMatrices all{nullptr, 0, 0, 0, 0};
  Type elementType;
  size_t beside = 0;
  for (ArrayRef<WeightView> views : stacks) {
    if (views.empty())
      return std::nullopt;
    WeightView first = views.front();
    int64_t rank = first.shape.size(), row = rank - 2, column = rank - 1;
    if (transposed)
      std::swap(row, column);
    int64_t count = rank == 3 ? first.shape[0] : 1, depth = first.shape[row], columns = 0;
    for (WeightView view : views) {
      columns += view.shape[column];
      if (view.getElementType() != first.getElementType())
        return std::nullopt;
    }
    int64_t panel = getPanelColumns(first.getElementType(), columns, state.kernels);
    if (panel == 0 || count == 0 || depth == 0 || columns == 0)
      return std::nullopt;
    if (elementType && (depth != all.depth || columns != all.columns ||
                        elementType != first.getElementType() || views.size() != beside))
      return std::nullopt;
    elementType = first.getElementType();
    beside = views.size();
    for (const WeightView &view : views) {
      auto strides = builder.getDenseI64ArrayAttr(
          {rank == 3 ? view.strides[0] : 0, view.strides[row], view.strides[column]});
      weights.push_back(view.weight);
      layouts.push_back(kernel::PanelsAttr::get(
          builder.getContext(), count, depth, view.shape[column], view.offset, strides, panel, 1));
    }
    all = {nullptr, all.count + count, depth, columns, panel};
  }
  if (weights.empty())
    return std::nullopt;
  all.tensor = packWeights(weights, layouts, elementType, beside);
  return all;
}

Value NodeLowering::packWeights(ArrayRef<moe::WeightOp> weights,
                                ArrayRef<kernel::PanelsAttr> layouts, Type elementType,
                                int64_t beside) {
  kernel::PanelsAttr first = layouts.front();
  int64_t count = 0, columns = 0;
  for (auto [i, layout] : llvm::enumerate(layouts)) {
    count += i % beside == 0 ? layout.getCount() : 0;
    columns += i < static_cast<size_t>(beside) ? layout.getColumns() : 0;
  }
  auto type = RankedTensorType::get(
      {count, static_cast<int64_t>(llvm::divideCeil(columns, first.getPanel())),
       first.getPackedDepth(), first.getPanel()},
      elementType);
  return kernel::WeightOp::create(builder, loc, type,
                                  state.weights.get(weights, layouts, beside).getSymName());
}

Value NodeLowering::packPanels(ArrayRef<moe::WeightOp> weights,
                               ArrayRef<kernel::PanelsAttr> layouts, int64_t size,
                               Type elementType) {
  return kernel::WeightOp::create(builder, loc, RankedTensorType::get(size, elementType),
                                  state.weights.get(weights, layouts).getSymName());
}

std::optional<SymExpr> NodeLowering::normalizeAxis(SymExpr axis, int64_t rank) {
  if (std::optional<int64_t> constant = axis.getConstant()) {
    std::optional<int64_t> normal = normalizeAxis(*constant, rank);
    return normal ? std::optional(symbols.constant(*normal)) : std::nullopt;
  }
  StringRef message = "an axis is not one of the operand's";
  if (failed(checkLessEqual(symbols.constant(-rank), axis, message)) ||
      failed(checkLessEqual(axis, symbols.constant(rank - 1), message)))
    return std::nullopt;
  return symbols.select(symbols.lt(axis, symbols.constant(0)),
                        symbols.add(axis, symbols.constant(rank)), axis);
}

bool NodeLowering::hasResult(unsigned i) {
  return i < op->getNumResults() && isa<TensorType>(op->getResult(i).getType());
}

RankedTensorType NodeLowering::resultType(unsigned i) {
  Type elementType = cast<TensorType>(op->getResult(i).getType()).getElementType();
  return tensorType(resultDims(i), getStorageType(elementType));
}

ArrayRef<SymExpr> NodeLowering::resultDims(unsigned i) {
  return state.shapes.get(op->getResult(i)).dims;
}

FailureOr<ArrayRef<SymExpr>> NodeLowering::resolveResultDims(unsigned i,
                                                             ArrayRef<SymExpr> computed) {
  ArrayRef<SymExpr> known = resultDims(i);
  if (known.size() != computed.size())
    return refuse("result " + Twine(i) + " has rank " + Twine(known.size()) + ", not " +
                  Twine(computed.size()));
  for (auto [d, size] : llvm::enumerate(known)) {
    if (size != symbols.dim(op->getResult(i), d))
      continue;
    if (!computed[d])
      return refuse("size " + Twine(d) + " of result " + Twine(i) +
                    " is not computed from sizes and small tensors");
    if (failed(checkSizes(computed[d])))
      return failure();
    bindResultDim(i, d, index(computed[d]));
  }
  return known;
}

SymExpr NodeLowering::bindResultDim(unsigned i, unsigned d, Value index) {
  SymExpr size = symbols.dim(op->getResult(i), d);
  state.bind(size, index);
  return size;
}

//===- NodeLowering: emitting
//-------------------------------------------------------------------------===//

SmallVector<OpFoldResult> NodeLowering::sizes(ArrayRef<SymExpr> dims) {
  SmallVector<OpFoldResult> result;
  for (SymExpr dim : dims) {
    if (std::optional<int64_t> constant = dim.getConstant(); constant && *constant >= 0)
      result.push_back(builder.getIndexAttr(*constant));
    else
      result.push_back(index(dim));
  }
  return result;
}

RankedTensorType NodeLowering::tensorType(ArrayRef<SymExpr> dims, Type elementType) {
  SmallVector<int64_t> shape;
  for (SymExpr dim : dims) {
    std::optional<int64_t> constant = dim.getConstant();
    shape.push_back(constant && *constant >= 0 ? *constant : ShapedType::kDynamic);
  }
  return RankedTensorType::get(shape, elementType);
}

Value NodeLowering::empty(ArrayRef<SymExpr> dims, Type elementType) {
  return tensor::EmptyOp::create(builder, loc, sizes(dims), elementType);
}

Value NodeLowering::filled(ArrayRef<SymExpr> dims, Value value) {
  Value init = empty(dims, value.getType());
  return linalg::FillOp::create(builder, loc, value, init).getResult(0);
}

Value NodeLowering::castTo(Value tensor, RankedTensorType type) {
  if (tensor.getType() == type)
    return tensor;
  return tensor::CastOp::create(builder, loc, type, tensor);
}

Value NodeLowering::scalar(Type type, double value) {
  return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(type, value));
}

Value NodeLowering::scalarInt(Type type, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
}

void NodeLowering::check(Value condition, StringRef message) {
  kernel::CheckOp::create(builder, loc, condition, message);
}

LogicalResult NodeLowering::checkEqual(SymExpr a, SymExpr b, StringRef message) {
  SymExpr equal = symbols.eq(a, b);
  if (equal.isConstant(1))
    return success();
  if (equal.isConstant(0))
    return refuse(message);
  check(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, index(a), index(b)), message);
  return success();
}

LogicalResult NodeLowering::checkLessEqual(SymExpr a, SymExpr b, StringRef message) {
  SymExpr holds = symbols.le(a, b);
  if (holds.isConstant(1))
    return success();
  if (holds.isConstant(0))
    return refuse(message);
  check(arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, index(a), index(b)),
        message);
  return success();
}

LogicalResult NodeLowering::checkSizes(ArrayRef<SymExpr> dims) {
  for (SymExpr dim : dims) {
    SymRange range = symbols.range(dim);
    if (range.lower && *range.lower >= 0 && range.upper)
      continue; // finite bounds come from sizes that exist
    if (std::optional<int64_t> constant = dim.getConstant()) {
      if (*constant < 0 || *constant > kMaxSize)
        return refuse("a size of " + Twine(*constant));
      continue;
    }
    // As unsigned numbers, negative ones are large.
    check(
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule, index(dim), index(kMaxSize)),
        "a size is negative or too large");
  }
  return success();
}

LogicalResult NodeLowering::refuse(const Twine &reason) {
  std::string name = node ? node.getQualifiedName() : op->getName().getStringRef().str();
  return op->emitError() << "cannot lower '" << name << "': " << reason;
}

//===- NodeHandlerTable
//-------------------------------------------------------------------------------===//

void NodeHandlerTable::add(StringRef name, int64_t minVersion, NodeHandlerFn handler) {
  auto &versions = handlers[name];
  versions.emplace_back(minVersion, handler);
  llvm::sort(versions, llvm::less_first());
}

NodeHandlerFn NodeHandlerTable::lookup(onnx::NodeOp node) const {
  auto it = handlers.find(node.getQualifiedName());
  if (it == handlers.end())
    return nullptr;
  NodeHandlerFn handler = nullptr;
  for (auto [minVersion, candidate] : it->second)
    if (minVersion <= static_cast<int64_t>(node.getVersion()))
      handler = candidate;
  return handler;
}

const NodeHandlerTable &moec::getNodeHandlers() {
  static const NodeHandlerTable table = [] {
    NodeHandlerTable result;
    addElementwiseHandlers(result);
    addReductionHandlers(result);
    addMatrixHandlers(result);
    addNormalizationHandlers(result);
    addQuantizationHandlers(result);
    addMovementHandlers(result);
    addIndexingHandlers(result);
    addSortingHandlers(result);
    addGeneratorHandlers(result);
    return result;
  }();
  return table;
}

const OperationHandlerTable &moec::getOperationHandlers() {
  static const OperationHandlerTable table = [] {
    OperationHandlerTable result;
    addEpilogueHandlers(result);
    addExpertHandlers(result);
    return result;
  }();
  return table;
}
