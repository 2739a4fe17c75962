#include "passes/Raising/ExpertBody.h"

#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

namespace {

/// The weight that a value is one row of, with its number.
std::pair<Value, int64_t> getStackRow(Value value) {
  for (StringRef layout : {"Squeeze", "Reshape"})
    if (onnx::NodeOp node = getNode(value, layout)) {
      value = node.getInputs()[0];
      break;
    }
  auto node = value.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty() || node.getInt("axis", 0) != 0)
    return {};
  Value stack = node.getInputs()[0];
  if (node.getOpType() == "Gather")
    if (auto row = getIntegers(node.getInputs()[1]); row && row->size() == 1 && (*row)[0] >= 0)
      return {stack, (*row)[0]};
  std::optional<ArrayRef<int64_t>> shape = getShape(stack);
  if (node.getOpType() == "Split" && shape && !shape->empty() &&
      shape->front() == static_cast<int64_t>(node->getNumResults()))
    return {stack, cast<OpResult>(value).getResultNumber()};
  return {};
}

std::string getOperator(Operation *op) {
  auto node = dyn_cast<onnx::NodeOp>(op);
  return node ? node.getQualifiedName() : op->getName().getStringRef().str();
}

class Body {
public:
  Body(Layer &layer, Sweep &sweep)
      : layer(layer), sweep(sweep), outside(layer.sum), spelling(outside, layer.sum->getLoc()),
        inside(layer.sum->getContext()) {
    inside.setInsertionPointToStart(&block);
    auto type =
        RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic}, outside.getF32Type());
    tokens = block.addArgument(type, layer.sum->getLoc());
  }
  ~Body() { block.dropAllReferences(); }

  bool raise();

private:
  using Tuple = SmallVector<Row *>;

  bool refuse(const Twine &why) {
    sweep.refuse(layer.sum, why);
    return false;
  }
  bool takeGates();
  Value leaveOut(Value experts);
  Value build(Tuple tuple);
  Value buildNode(const Tuple &tuple);
  Value buildConstant(const Tuple &tuple, int64_t rank);
  Value addParameter(ArrayRef<Value> segments);
  bool isZeroAtZero(Row *row, unsigned depth = 0);
  Value flatten(Value value, int64_t width);
  Value toShape(Value result);

  Layer &layer;
  Sweep &sweep;
  OpBuilder outside;
  Spelling spelling;
  Block block;
  OpBuilder inside;
  BlockArgument tokens;
  Row *leaf = nullptr;
  Value weights;
  bool hasWeights = false, weighInputs = false;
  unsigned limit = 0;
  SmallVector<Value> parameters;
  SmallVector<int64_t> segments;
  llvm::DenseMap<Row *, SmallVector<std::pair<Tuple, Value>, 1>> built;
};

} // namespace

/// Takes the gates off the rows: they are the layer's weights.
bool Body::takeGates() {
  for (auto [e, row] : llvm::enumerate(layer.rows)) {
    Value own;
    bool isOwn = false;
    unsigned ownLimit = layer.limit;
    for (;;) {
      if (row->kind == RowKind::Choice) {
        row = row->operands[e];
        continue;
      }
      Row *gate, *rest;
      if (!splitGate(row, gate, rest))
        break;
      if (gate->expert >= 0 && gate->expert != static_cast<int64_t>(e))
        return refuse("expert " + Twine(e) + " has the weight of expert " + Twine(gate->expert));
      if (gate->value && own)
        return refuse("the weights of expert " + Twine(e) + " are multiplied twice");
      if (gate->limit && ownLimit && gate->limit != ownLimit)
        return refuse("expert " + Twine(e) + " is limited twice");
      ownLimit = gate->limit ? gate->limit : ownLimit;
      own = gate->value ? gate->value : own;
      isOwn |= gate->summed || gate->expert != Row::kAny || gate->value;
      row = rest;
    }
    if (e > 0 && (own != weights || isOwn != hasWeights))
      return refuse("expert " + Twine(e) + " differs from expert 0 in its weights");
    if (e > 0 && ownLimit != limit)
      return refuse("expert " + Twine(e) + " differs from expert 0 in its limit");
    weights = own;
    hasWeights = isOwn;
    limit = ownLimit;
  }
  return true;
}

/// The experts' numbers, −1 where the limit leaves the slot out.
Value Body::leaveOut(Value experts) {
  const Limit &limited = sweep.limits[limit - 1];
  int64_t numExperts = sweep.sizes.numExperts, k = sweep.sizes.k;
  auto tensor = [&](ArrayRef<int64_t> shape, Type type) {
    return RankedTensorType::get(shape, type);
  };
  constexpr int64_t kDynamic = ShapedType::kDynamic;
  Type numbers = getElementType(experts), maskType = getElementType(limited.mask);
  // Rows of experts, one for each slot or one for each token.
  int64_t perRow = limited.bySlot ? 1 : k;
  Value mask = spelling.node("Reshape", 21, {limited.mask, spelling.ints({-1, numExperts})},
                             tensor({kDynamic, numExperts}, maskType));
  Value chosen = spelling.node("Reshape", 21, {experts, spelling.ints({-1, perRow})},
                               tensor({kDynamic, perRow}, numbers));
  Value kept =
      spelling.node("GatherElements", 13, {mask, chosen}, tensor({kDynamic, perRow}, maskType),
                    spelling.attribute("axis", int64_t(1)));
  kept =
      spelling.node("Reshape", 21, {kept, spelling.ints({-1, k})}, tensor({kDynamic, k}, maskType));
  if (!maskType.isInteger(1))
    kept = spelling.node("Cast", 21, kept, tensor({kDynamic, k}, outside.getI1Type()),
                         spelling.attribute("to", int64_t(9)));
  auto none =
      DenseElementsAttr::get(tensor({}, numbers), Attribute(outside.getIntegerAttr(numbers, -1)));
  Value nobody = onnx::ConstantOp::create(outside, layer.sum->getLoc(), none);
  return spelling.node("Where", 16, {kept, experts, nobody}, experts.getType());
}

/// Whether a row is zero where the tokens are.
bool Body::isZeroAtZero(Row *row, unsigned depth) {
  if (!row || depth > 48)
    return false;
  if (row->kind == RowKind::Tokens || row == leaf)
    return true;
  if (row->kind == RowKind::Linear)
    return row->operands.size() == 2 && isZeroAtZero(row->operands[0], depth + 1);
  if (row->kind != RowKind::Apply)
    return false;
  if (auto activation = dyn_cast<moe::ActivationOp>(row->node))
    return activation.getKind() != moe::ActivationKind::Sigmoid &&
           isZeroAtZero(row->operands[0], depth + 1);
  auto node = dyn_cast<onnx::NodeOp>(row->node);
  if (!node)
    return false;
  StringRef opType = node.getOpType();
  if (opType == "Mul")
    return isZeroAtZero(row->operands[0], depth + 1) || isZeroAtZero(row->operands[1], depth + 1);
  static const StringRef kKeeps[] = {"Relu", "Slice", "Split", "Cast",
                                     "Tanh", "Gelu",  "Swish", "Neg"};
  return llvm::is_contained(kKeeps, opType) && isZeroAtZero(row->operands[0], depth + 1);
}

Value Body::addParameter(ArrayRef<Value> values) {
  auto type = cast<RankedTensorType>(values[0].getType());
  parameters.append(values.begin(), values.end());
  segments.push_back(values.size());
  return block.addArgument(
      RankedTensorType::get(type.getShape().drop_front(), type.getElementType()),
      layer.sum->getLoc());
}

/// A matrix (rank 2), a vector over the features (rank 1), or what stands as it is (rank −1).
Value Body::buildConstant(const Tuple &tuple, int64_t rank) {
  Row *first = tuple[0];
  auto reshaped = [&](Value value, bool isStacked) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    if (rank >= 0 && static_cast<int64_t>(shape.size()) > rank + isStacked) {
      SmallVector<int64_t> inner(shape.end() - rank, shape.end());
      shape.clear();
      if (isStacked)
        shape.push_back(sweep.sizes.numExperts);
      shape.append(inner);
    } else if (isStacked && rank == 1 && shape.size() == 1) {
      shape.push_back(1);
    }
    if (ArrayRef(shape) == type.getShape())
      return value;
    if (ShapedType::getNumElements(shape) != type.getNumElements())
      return Value();
    return spelling.node("Reshape", 21, {value, spelling.ints(shape)},
                         RankedTensorType::get(shape, type.getElementType()));
  };
  if (first->kind == RowKind::Param) {
    Value value = reshaped(first->value, true);
    return value ? addParameter(value) : Value();
  }
  if (llvm::all_equal(tuple)) {
    Value value = first->value;
    Operation *op = value.getDefiningOp();
    if (isa<onnx::ConstantOp>(op) && !(rank >= 0 && getShape(value)->size() > 1))
      return inside.clone(*op)->getResult(0);
    return reshaped(value, false);
  }
  SmallVector<Value> values;
  Value stack;
  bool isStack = true;
  for (auto [e, row] : llvm::enumerate(tuple)) {
    if (row->value.getType() != first->value.getType()) {
      refuse("expert " + Twine(e) + " differs from expert 0 in the type of a parameter");
      return {};
    }
    auto [from, number] = getStackRow(row->value);
    isStack &= from && (e == 0 || from == stack) && number == static_cast<int64_t>(e);
    stack = from;
    values.push_back(row->value);
  }
  if (isStack && getShape(stack)->front() == sweep.sizes.numExperts &&
      getShape(stack)->drop_front() == *getShape(values[0]))
    if (Value value = reshaped(stack, true))
      return addParameter(value);
  for (Value &value : values) {
    value = reshaped(value, false);
    if (!value)
      return {};
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.insert(shape.begin(), 1);
    value = spelling.node("Unsqueeze", 21, {value, spelling.ints({0})},
                          RankedTensorType::get(shape, type.getElementType()));
  }
  return addParameter(values);
}

Value Body::build(Tuple tuple) {
  for (auto [e, row] : llvm::enumerate(tuple))
    while (row && row->kind == RowKind::Choice)
      row = row->operands[e];
  Row *first = tuple[0];
  for (auto &[known, value] : built[first])
    if (known == tuple)
      return value;
  Value result;
  bool isShared = llvm::all_equal(tuple) && !first->perExpert;
  Row *gate, *rest;
  if (isShared && !hasWeights && splitGate(first, gate, rest) && rest->onToken && rest->origin &&
      (!leaf || (weighInputs && leaf == rest && weights == gate->value))) {
    // The weight is a factor of the tokens.
    leaf = rest;
    weights = gate->value;
    weighInputs = true;
    result = tokens;
  } else if (isShared && first->onToken && first->origin) {
    if (weighInputs || (leaf && leaf != first)) {
      refuse("the experts have two inputs");
      return {};
    }
    leaf = first;
    result = tokens;
  } else {
    for (auto [e, row] : llvm::enumerate(tuple))
      if (row->kind != first->kind || row->operands.size() != first->operands.size() ||
          row->number != first->number || row->width != first->width ||
          row->elementType != first->elementType) {
        refuse("expert " + Twine(e) + " differs from expert 0");
        return {};
      }
    result = first->kind == RowKind::Apply || first->kind == RowKind::Linear ? buildNode(tuple)
             : first->kind == RowKind::Constant || first->kind == RowKind::Param
                 ? buildConstant(tuple, 1)
                 : Value();
    if (!result && first->kind == RowKind::Gate)
      refuse("a weight is inside of the experts");
  }
  if (result)
    built[first].push_back({tuple, result});
  return result;
}

Value Body::buildNode(const Tuple &tuple) {
  Row *first = tuple[0];
  SmallVector<Value> operands;
  bool isLinear = first->kind == RowKind::Linear;
  auto node = first->node ? dyn_cast<onnx::NodeOp>(first->node) : onnx::NodeOp();
  bool isSlice = node && (node.getOpType() == "Slice" || node.getOpType() == "Split");
  for (unsigned i = 0; i < first->operands.size(); ++i) {
    Tuple operand;
    for (Row *row : tuple)
      operand.push_back(row->operands[i]);
    if (!operand[0]) {
      operands.push_back(onnx::NoneOp::create(inside, layer.sum->getLoc()));
      continue;
    }
    bool isConstant = llvm::all_of(operand, [](Row *row) {
      return row->kind == RowKind::Constant || row->kind == RowKind::Param;
    });
    Value value = isConstant && ((isLinear && i == 1) || (isSlice && i > 0))
                      ? buildConstant(operand, isLinear ? 2 : -1)
                      : build(operand);
    if (!value)
      return {};
    operands.push_back(value);
  }
  Location loc = layer.sum->getLoc();
  auto rowType = [&](int64_t width, Type elementType) {
    return RankedTensorType::get({ShapedType::kDynamic, width}, elementType);
  };
  if (isLinear)
    return moe::LinearOp::create(inside, loc, rowType(first->width, first->elementType),
                                 operands[0], operands[1],
                                 operands.size() > 2 ? operands[2] : Value(), first->number != 0);
  for (auto [e, row] : llvm::enumerate(tuple))
    if (!computeTheSame(row->node, first->node) || row->result != first->result) {
      refuse("expert " + Twine(e) + " differs from expert 0 in '" + getOperator(row->node) +
             "' against '" + getOperator(first->node) + "'");
      return {};
    }
  if (node && (node.getOpType() == "Einsum" || node.getOpType() == "MatMul")) {
    refuse("a product with a weight is inside of the experts");
    return {};
  }
  if (first->width == 0 && first->onToken) {
    refuse("a node of the experts has no row");
    return {};
  }
  SmallVector<Type> types;
  for (Value result : first->node->getResults())
    types.push_back(isa<NoneType>(result.getType())
                        ? Type(result.getType())
                        : Type(rowType(first->node->getNumResults() == 1
                                           ? first->width
                                           : getLastSize(result).value_or(first->width),
                                       getElementType(result))));
  if (!node) {
    Operation *copy = inside.clone(*first->node);
    copy->setOperands(operands);
    for (auto [result, type] : llvm::zip(copy->getResults(), types))
      result.setType(type);
    return copy->getResult(first->result);
  }
  // Rows have their features on the last of two axes.
  SmallVector<NamedAttribute> attributes;
  for (NamedAttribute attribute : node.getOnnxAttrs())
    attributes.push_back(attribute.getName() == "axis" ? spelling.attribute("axis", int64_t(-1))
                                                       : attribute);
  if (node.getOpType() == "Slice" && operands.size() > 3)
    operands[3] = onnx::ConstantOp::create(
        inside, loc,
        DenseIntElementsAttr::get(RankedTensorType::get({1}, inside.getI64Type()),
                                  ArrayRef<int64_t>{-1}));
  auto copy = onnx::NodeOp::create(inside, first->node->getLoc(), types, node.getDomain(),
                                   node.getOpType(), node.getVersion(), operands, attributes);
  return copy->getResult(first->result);
}

Value Body::flatten(Value value, int64_t width) {
  if (getShape(value)->size() == 2 && getShape(value)->back() == width)
    return value;
  return spelling.node("Reshape", 21, {value, spelling.ints({-1, width})},
                       RankedTensorType::get({ShapedType::kDynamic, width}, getElementType(value)));
}

/// The result in the shape of the sum that it replaces, or null.
Value Body::toShape(Value result) {
  auto type = cast<RankedTensorType>(layer.sum->getResult(0).getType());
  if (type.getRank() == 2 && layer.axes.size() == 2 && !layer.axes[0].empty())
    return result;
  SmallVector<int64_t> shape;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  if (type.getNumDynamicDims() <= 1)
    return spelling.node("Reshape", 21, {result, spelling.ints(shape)}, type);
  // The sizes of a tensor that has them.
  ArrayRef<SymExpr> wanted = sweep.shapes.get(layer.sum->getResult(0)).dims;
  for (Value candidate = leaf->origin; candidate;) {
    ArrayRef<SymExpr> dims = sweep.shapes.get(candidate).dims;
    if (dims.size() == wanted.size() && dims.drop_back() == wanted.drop_back()) {
      int64_t rank = dims.size();
      NamedAttribute range[] = {spelling.attribute("end", rank - 1),
                                spelling.attribute("start", int64_t(0))};
      Value leading = spelling.node("Shape", 21, candidate,
                                    RankedTensorType::get(rank - 1, outside.getI64Type()), range);
      Value sizes = spelling.node("Concat", 13, {leading, spelling.ints({shape.back()})},
                                  RankedTensorType::get(rank, outside.getI64Type()),
                                  spelling.attribute("axis", int64_t(0)));
      return spelling.node("Reshape", 21, {result, sizes}, type);
    }
    onnx::NodeOp above = getNode(candidate, "Reshape");
    candidate = above ? above.getInputs()[0] : Value();
  }
  return {};
}

bool Body::raise() {
  Sizes &sizes = sweep.sizes;
  SmallVector<Factor> leading;
  for (const Axis &axis : ArrayRef<Axis>(layer.axes).drop_back())
    leading.append(axis.begin(), axis.end());
  bool inOrder = layer.ofSlots
                     ? makeAxis(leading, sizes) == makeAxis({sizes.token(), sizes.slot()}, sizes)
                     : isAll(makeAxis(leading, sizes), Coordinate::Token, sizes);
  if (!inOrder)
    return refuse("the sum over the experts is not in the order of the tokens");
  if (!takeGates())
    return false;
  Operation *before = layer.sum->getPrevNode();
  Value result = build(layer.rows);
  if (result && !leaf)
    refuse("the experts have no input");
  if (result && leaf && weighInputs && !layer.overSlots && !isZeroAtZero(layer.rows[0]))
    refuse("experts that a token is not routed to see a token of zeros and may give something");
  bool fits = result && leaf && (!weighInputs || layer.overSlots || isZeroAtZero(layer.rows[0]));
  auto sumType = cast<RankedTensorType>(layer.sum->getResult(0).getType());
  if (fits) {
    Type elementType = sumType.getElementType();
    if (getElementType(result) != elementType) {
      int64_t to = isa<Float32Type>(elementType) ? 1 : isa<Float16Type>(elementType) ? 10 : 16;
      auto type =
          RankedTensorType::get(cast<RankedTensorType>(result.getType()).getShape(), elementType);
      result = onnx::NodeOp::create(inside, layer.sum->getLoc(), TypeRange{type}, "", "Cast", 21,
                                    ValueRange{result},
                                    {inside.getNamedAttr("to", inside.getI64IntegerAttr(to))})
                   ->getResult(0);
    }
    moe::YieldOp::create(inside, layer.sum->getLoc(), result);
    tokens.setType(RankedTensorType::get({ShapedType::kDynamic, leaf->width}, leaf->elementType));
    Value x = flatten(leaf->origin, leaf->width);
    Value w = weights ? flatten(weights, sizes.k) : Value();
    Value chosen = sweep.route.getExperts();
    if (limit)
      chosen = leaveOut(chosen);
    // Slots that have an input or a result of their own are tokens with one choice.
    bool ofSlots = layer.ofSlots || leaf->number;
    if (layer.ofSlots && !leaf->number) {
      auto spread =
          RankedTensorType::get({ShapedType::kDynamic, sizes.k, leaf->width}, leaf->elementType);
      Value rows = spelling.node(
          "Unsqueeze", 21, {x, spelling.ints({1})},
          RankedTensorType::get({getShape(x)->front(), 1, leaf->width}, leaf->elementType));
      rows = spelling.node("Expand", 13, {rows, spelling.ints({1, sizes.k, 1})}, spread);
      x = spelling.node(
          "Reshape", 21, {rows, spelling.ints({-1, leaf->width})},
          RankedTensorType::get({ShapedType::kDynamic, leaf->width}, leaf->elementType));
    }
    if (ofSlots && sizes.k > 1) {
      chosen = flatten(chosen, 1);
      w = w ? flatten(w, 1) : w;
    }
    int64_t width = cast<RankedTensorType>(result.getType()).getDimSize(1);
    auto type = RankedTensorType::get({getShape(x)->front(), width}, elementType);
    auto op = moe::ExpertsOp::create(outside, layer.sum->getLoc(), type, x, chosen, w, parameters,
                                     sizes.numExperts, segments, ArrayAttr(), weighInputs && w);
    op.getBody().emplaceBlock();
    Block &target = op.getBody().front();
    for (BlockArgument argument : block.getArguments())
      argument.replaceAllUsesWith(target.addArgument(argument.getType(), argument.getLoc()));
    target.getOperations().splice(target.end(), block.getOperations());
    Value rows = op.getResult();
    if (ofSlots && !layer.ofSlots && sizes.k > 1) {
      auto slots = RankedTensorType::get({ShapedType::kDynamic, sizes.k, width}, elementType);
      rows = spelling.node("Reshape", 21, {rows, spelling.ints({-1, sizes.k, width})}, slots);
      NamedAttribute keep[] = {spelling.attribute("keepdims", int64_t(0))};
      rows = spelling.node("ReduceSum", 13, {rows, spelling.ints({1})},
                           RankedTensorType::get({ShapedType::kDynamic, width}, elementType), keep);
    }
    Value sum = toShape(rows);
    fits = sum != nullptr;
    if (fits) {
      for (Value other : layer.others)
        sum = spelling.node("Add", 14, {sum, other}, sumType);
      // What has been made is known to those that come later.
      Operation *made = before ? before->getNextNode() : &layer.sum->getBlock()->front();
      for (; made != layer.sum; made = made->getNextNode())
        sweep.shapes.update(made);
      layer.sum->getResult(0).replaceAllUsesWith(sum);
      op.emitRemark() << "experts: " << sizes.numExperts << ", " << sizes.k << " for each token, "
                      << segments.size() << " parameters"
                      << (weighInputs ? ", the weight on the input" : "")
                      << (limit ? ", some tokens left out" : "");
      return true;
    }
    refuse("the sizes of the sum over the experts cannot be told from its input");
  }
  // What was made for nothing.
  Operation *made = layer.sum->getPrevNode();
  while (made && made != before) {
    Operation *above = made->getPrevNode();
    made->erase();
    made = above;
  }
  return false;
}

bool experts::raiseLayer(Layer &layer, Sweep &sweep) { return Body(layer, sweep).raise(); }
