#include "DenseUnits.h"

#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/LayerLabel.h"
#include "passes/Analysis/Match.h"
#include "passes/Raising/EraseUnused.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;
using namespace moec;

static bool isCut(Operation *op) {
  auto node = dyn_cast<onnx::NodeOp>(op);
  return node && (node.getQualifiedName() == "Slice" || node.getQualifiedName() == "Split");
}

/// Whether rows of units stay rows of units, and only how they are counted changes.
static bool isRegrouping(Operation *op) {
  auto node = dyn_cast<onnx::NodeOp>(op);
  if (!node || node.getQualifiedName() != "Reshape" || !getShape(node.getInputs()[1]))
    return false;
  std::optional<int64_t> before = getLastSize(node.getInputs()[0]);
  auto shape = cast<RankedTensorType>(node.getInputs()[1].getType());
  return before && *before > 0 && getLastSize(node->getResult(0)) == before &&
         shape.getRank() == 1 && shape.hasStaticShape();
}

/// What a Reshape makes of rows, with another size of the last axis.
static Value regroup(OpBuilder &builder, onnx::NodeOp node, Value rows, int64_t width) {
  Value shape = node.getInputs()[1];
  auto type = cast<RankedTensorType>(shape.getType());
  auto constant = [&](int64_t value) -> Value {
    auto attr =
        DenseElementsAttr::get(RankedTensorType::get(1, type.getElementType()), ArrayRef(value));
    return onnx::ConstantOp::create(builder, node.getLoc(), attr.getType(),
                                    cast<ElementsAttr>(attr));
  };
  auto create = [&](StringRef opType, Type result, ValueRange operands,
                    ArrayRef<NamedAttribute> attributes) {
    return onnx::NodeOp::create(builder, node.getLoc(), result, "", opType, 13, operands,
                                attributes)
        ->getResult(0);
  };
  Value leading =
      create("Slice", RankedTensorType::get(type.getDimSize(0) - 1, type.getElementType()),
             {shape, constant(0), constant(type.getDimSize(0) - 1), constant(0)}, {});
  Value made = create("Concat", type, {leading, constant(width)},
                      builder.getNamedAttr("axis", builder.getI64IntegerAttr(0)));
  IRMapping mapping;
  mapping.map(shape, made);
  mapping.map(node.getInputs()[0], rows);
  return builder.clone(*node, mapping)->getResult(0);
}

/// Whether an operand of an elementwise operation is one element for all units.
static bool isSpread(Value value) {
  std::optional<ArrayRef<int64_t>> shape = getShape(value);
  return isa<NoneType>(value.getType()) || (shape && (shape->empty() || shape->back() == 1));
}

static bool isStored(Value value) {
  return isa_and_nonnull<moe::WeightOp, onnx::ConstantOp>(skipLayout(value).getDefiningOp());
}

static int64_t getColumnAxis(moe::LinearOp linear) { return linear.getTransposed() ? 0 : 1; }

static std::vector<int64_t> listUnits(moe::LinearOp last) {
  std::vector<int64_t> units(last.getInWidth());
  std::iota(units.begin(), units.end(), 0);
  return units;
}

bool DenseUnits::isLast(moe::LinearOp linear) {
  SmallVector<Value> open{linear.getInput()};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (isa<moe::LinearOp>(op))
      return true;
    if (isElementwise(op))
      llvm::append_range(open, op->getOperands());
    else if (isCut(op) || isRegrouping(op))
      open.push_back(op->getOperand(0));
  }
  return false;
}

llvm::Expected<DenseUnits> DenseUnits::find(moe::LinearOp last) {
  DenseUnits units(last);
  if (ShapedType::isDynamic(last.getInWidth()))
    return llvm::createStringError("its width is known at run time only");
  units.inside.push_back(last);
  if (llvm::Error error = units.visit(last.getInput(), listUnits(last)))
    return std::move(error);
  if (!units.hasFunction)
    return llvm::createStringError("no function lies between its linear layers");
  if (llvm::none_of(units.leaves, [](const Leaf &leaf) { return leaf.linear != nullptr; }))
    return llvm::createStringError("its units come from no linear layer");
  if (llvm::Error error = units.checkUses())
    return std::move(error);
  return units;
}

llvm::Error DenseUnits::visit(Value value, const Columns &columns) {
  if (!known.try_emplace({value.getAsOpaquePointer(), columns}, Value()).second)
    return llvm::Error::success();
  Operation *op = value.getDefiningOp();
  if (isStored(value)) {
    leaves.push_back({nullptr, value, columns});
    return llvm::Error::success();
  }
  if (!op)
    return llvm::createStringError("its units depend on an input of the model");
  inside.push_back(op);
  if (auto linear = dyn_cast<moe::LinearOp>(op)) {
    leaves.push_back({linear, nullptr, columns});
    return llvm::Error::success();
  }
  if (isElementwise(op))
    return visitElementwise(op, columns);
  if (isRegrouping(op))
    return visit(op->getOperand(0), columns);
  if (!isCut(op))
    return llvm::createStringError("'" + op->getName().getStringRef() +
                                   "' in it mixes units, as far as is known");
  std::optional<SmallVector<int64_t>> before = getCutColumns(value, columns);
  if (!before)
    return llvm::createStringError("units are cut out of a value in a way that is not constant");
  return visit(op->getOperand(0), Columns(before->begin(), before->end()));
}

llvm::Error DenseUnits::visitElementwise(Operation *op, const Columns &columns) {
  std::optional<int64_t> size = getLastSize(op->getResult(0));
  hasFunction = true;
  for (Value operand : op->getOperands()) {
    if (isSpread(operand))
      continue;
    if (!size || getLastSize(operand) != size)
      return llvm::createStringError("sizes in it are not known");
    if (llvm::Error error = visit(operand, columns))
      return error;
  }
  return llvm::Error::success();
}

/// What others read would change its shape.
llvm::Error DenseUnits::checkUses() {
  llvm::SmallPtrSet<Operation *, 16> all(inside.begin(), inside.end());
  for (Operation *op : ArrayRef(inside).drop_front())
    for (Operation *user : op->getUsers())
      if (!all.contains(user))
        return llvm::createStringError("'" + user->getName().getStringRef() +
                                       "' reads the values of its units, too");
  llvm::SmallSetVector<Value, 4> weights;
  weights.insert(last.getWeight());
  for (const Leaf &leaf : leaves)
    if (moe::LinearOp linear = leaf.linear)
      weights.insert(linear.getWeight());
  for (Value weight : weights) {
    if (skipLayout(weight).getDefiningOp<moe::DequantizeOp>())
      return llvm::createStringError(
          "its weights are quantised: change units first, then quantise");
    if (!isStored(weight))
      return llvm::createStringError("a weight of it is not stored in the model");
    for (Value value = weight;; value = value.getDefiningOp()->getOperand(0)) {
      if (!value.hasOneUse())
        return llvm::createStringError("a weight of it has other uses");
      if (value == skipLayout(weight))
        break;
    }
  }
  for (const Leaf &leaf : leaves)
    if (moe::LinearOp linear = leaf.linear;
        linear && linear.getBias() && !isStored(linear.getBias()))
      return llvm::createStringError("a bias of it is not stored in the model");
  return llvm::Error::success();
}

LayerCost DenseUnits::getCost() const {
  LayerCost cost = moec::getCost(last);
  llvm::SmallPtrSet<Operation *, 4> seen;
  for (const Leaf &leaf : leaves)
    if (moe::LinearOp linear = leaf.linear; linear && seen.insert(linear).second)
      cost += moec::getCost(linear);
  return cost;
}

llvm::Expected<std::vector<std::vector<UnitMagnitude>>>
DenseUnits::getMagnitudes(WeightEditor &editor) {
  std::vector<UnitMagnitude> magnitudes(getNumUnits());
  auto take = [&](Value weight, int64_t axis, const Columns &indices) -> llvm::Error {
    llvm::Expected<WeightTensor> tensor = editor.read(weight);
    if (!tensor)
      return tensor.takeError();
    addMagnitudes(magnitudes, tensor->shape, axis, tensor->values, indices);
    return llvm::Error::success();
  };
  for (const Leaf &leaf : leaves)
    if (moe::LinearOp linear = leaf.linear)
      if (llvm::Error error = take(linear.getWeight(), getColumnAxis(linear), leaf.columns))
        return std::move(error);
  if (llvm::Error error = take(last.getWeight(), 1 - getColumnAxis(last), listUnits(last)))
    return std::move(error);
  return std::vector<std::vector<UnitMagnitude>>{std::move(magnitudes)};
}

static Type withLastSize(Type type, int64_t size) {
  auto ranked = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(ranked.getShape());
  shape.back() = size;
  return RankedTensorType::get(shape, ranked.getElementType());
}

Value DenseUnits::build(OpBuilder &builder, Value value, const Columns &columns, int64_t width) {
  Value &made = known[{value.getAsOpaquePointer(), columns}];
  if (made)
    return made;
  Operation *op = value.getDefiningOp();
  if (isCut(op)) {
    SmallVector<int64_t> before = *getCutColumns(value, columns);
    return made = build(builder, op->getOperand(0), Columns(before.begin(), before.end()), width);
  }
  Value result;
  if (isRegrouping(op)) {
    result = regroup(builder, cast<onnx::NodeOp>(op),
                     build(builder, op->getOperand(0), columns, width), width);
  } else {
    IRMapping mapping;
    for (Value operand : op->getOperands())
      if (!isSpread(operand))
        mapping.map(operand, build(builder, operand, columns, width));
    result = builder.clone(*op, mapping)->getResult(0);
  }
  result.setType(cast<TensorType>(withLastSize(value.getType(), width)));
  return made = result;
}

llvm::Expected<KeptUnits> DenseUnits::keep(WeightEditor &editor,
                                           llvm::ArrayRef<llvm::SmallVector<int64_t>> kept) {
  llvm::ArrayRef<int64_t> units = kept[0];
  int64_t width = units.size();
  OpBuilder builder(last);
  // The part of a stored tensor whose index of `axis` is one of a kept unit.
  auto cut = [&](Value stored, int64_t axis, const Columns &columns) -> llvm::Expected<Value> {
    llvm::Expected<WeightTensor> tensor = editor.read(stored);
    if (!tensor)
      return tensor.takeError();
    SmallVector<int64_t> indices, shape(tensor->shape);
    for (int64_t unit : units)
      indices.push_back(columns[unit]);
    std::vector<float> values;
    appendIndices(values, shape, axis, tensor->values, indices);
    shape[axis] = width;
    FailureOr<Value> made =
        editor.write(builder, last.getLoc(), getWeightName(stored, "ffn"),
                     RankedTensorType::get(shape, getElementType(stored)), values);
    if (failed(made))
      return llvm::createStringError("its new weights cannot be stored");
    return *made;
  };
  KeptUnits result;
  int64_t numParts = 0;
  for (const Leaf &leaf : leaves) {
    Value stored = leaf.vector, made;
    moe::LinearOp linear = leaf.linear;
    llvm::Expected<Value> part = linear
                                     ? cut(linear.getWeight(), getColumnAxis(linear), leaf.columns)
                                     : cut(stored, getShape(stored)->size() - 1, leaf.columns);
    if (!part)
      return part.takeError();
    made = *part;
    if (linear) {
      Value bias;
      if (linear.getBias()) {
        llvm::Expected<Value> cutBias = cut(linear.getBias(), 0, leaf.columns);
        if (!cutBias)
          return cutBias.takeError();
        bias = *cutBias;
      }
      // Each part of what was one layer has a name of its own.
      Location loc = linear.getLoc();
      bool isPart = static_cast<int64_t>(leaf.columns.size()) < linear.getOutWidth();
      if (std::optional<LayerLabel> label = getLayerLabel(loc); label && isPart)
        loc =
            withLayerLabel(loc, {label->name + "/part" + std::to_string(numParts++), label->kind});
      auto narrow =
          moe::LinearOp::create(builder, loc, withLastSize(linear.getResult().getType(), width),
                                linear.getInput(), made, bias, linear.getTransposed());
      made = narrow.getResult();
      stored = linear.getResult();
      result.cost += moec::getCost(narrow);
    }
    known[{stored.getAsOpaquePointer(), leaf.columns}] = made;
  }
  Columns all = listUnits(last);
  llvm::Expected<Value> weight = cut(last.getWeight(), 1 - getColumnAxis(last), all);
  if (!weight)
    return weight.takeError();
  Value input = build(builder, last.getInput(), all, width);
  auto narrow = moe::LinearOp::create(builder, last.getLoc(), last.getResult().getType(), input,
                                      *weight, last.getBias(), last.getTransposed());
  result.cost += moec::getCost(narrow);
  result.op = narrow;
  last.getResult().replaceAllUsesWith(narrow.getResult());
  eraseUnused(last);
  return result;
}
