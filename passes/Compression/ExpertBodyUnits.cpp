#include "ExpertBodyUnits.h"

#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/Match.h"

using namespace mlir;
using namespace moec;

static bool isMoved(Value value, StringRef opType) {
  auto node = value.getDefiningOp<onnx::NodeOp>();
  return node && node.getDomain().empty() && node.getOpType() == opType;
}

std::optional<int64_t> ExpertBodyUnits::getParameter(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != &experts.getBody().front() ||
      argument.getArgNumber() == 0)
    return std::nullopt;
  return argument.getArgNumber() - 1;
}

Value ExpertBodyUnits::getArgument(UnitSlice slice) {
  auto it = llvm::find(slices, slice);
  if (it == slices.end())
    it = slices.insert(slices.end(), std::move(slice));
  return block ? block->getArgument(1 + (it - slices.begin())) : Value();
}

static Type withLastSize(Type type, int64_t size) {
  auto ranked = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(ranked.getShape());
  shape.back() = size;
  return RankedTensorType::get(shape, ranked.getElementType());
}

llvm::Expected<Value> ExpertBodyUnits::visitLast() {
  llvm::Expected<Value> input =
      visitUnits(last.getInput(), llvm::to_vector(llvm::seq(last.getInWidth())));
  if (!input)
    return input.takeError();
  auto units = llvm::to_vector(llvm::seq(last.getInWidth()));
  Value weight = getArgument(
      {*getParameter(last.getWeight()), last.getTransposed() ? 1 : 0, std::move(units)});
  Value bias = last.getBias() ? getArgument({*getParameter(last.getBias()), -1, {}}) : Value();
  if (!block)
    return Value();
  return moe::LinearOp::create(*builder, last.getLoc(), last.getResult().getType(), *input, weight,
                               bias, last.getTransposed())
      .getResult();
}

llvm::Expected<Value> ExpertBodyUnits::visitWhole(Value value) {
  if (value == experts.getBodyTokens())
    return block ? block->getArgument(0) : Value();
  if (std::optional<int64_t> p = getParameter(value))
    return getArgument({*p, -1, {}});
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &experts.getBody().front())
    return value;
  auto key = std::pair<void *, std::vector<int64_t>>(value.getAsOpaquePointer(), {});
  if (auto it = known.find(key); it != known.end())
    return it->second;
  if (op == last) {
    llvm::Expected<Value> result = visitLast();
    if (result)
      known[key] = *result;
    return result;
  }
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    llvm::Expected<Value> whole = visitWhole(operand);
    if (!whole)
      return whole.takeError();
    mapping.map(operand, *whole);
  }
  if (op->getNumRegions())
    return llvm::createStringError("'" + op->getName().getStringRef() + "' in its body has a body");
  Value result;
  if (block) {
    Operation *clone = builder->clone(*op, mapping);
    for (auto [old, made] : llvm::zip(op->getResults(), clone->getResults()))
      known[{old.getAsOpaquePointer(), {}}] = made;
    result = clone->getResult(cast<OpResult>(value).getResultNumber());
  }
  known[key] = result;
  return result;
}

llvm::Expected<Value> ExpertBodyUnits::visitLinear(moe::LinearOp linear, Columns columns) {
  std::optional<int64_t> weight = getParameter(linear.getWeight());
  std::optional<int64_t> bias =
      linear.getBias() ? getParameter(linear.getBias()) : std::optional<int64_t>(-1);
  if (!weight || !bias)
    return llvm::createStringError("a linear layer in its body has a weight that is not stacked");
  llvm::Expected<Value> input = visitWhole(linear.getInput());
  if (!input)
    return input.takeError();
  Value part = getArgument({*weight, linear.getTransposed() ? 0 : 1, llvm::to_vector(columns)});
  Value biasPart = *bias >= 0 ? getArgument({*bias, 0, llvm::to_vector(columns)}) : Value();
  if (!block)
    return Value();
  return moe::LinearOp::create(*builder, linear.getLoc(),
                               withLastSize(linear.getResult().getType(), width), *input, part,
                               biasPart, linear.getTransposed())
      .getResult();
}

llvm::Expected<Value> ExpertBodyUnits::visitElementwise(Operation *op, Columns columns) {
  IRMapping mapping;
  int64_t size = getLastSize(op->getResult(0)).value_or(0);
  for (Value operand : op->getOperands()) {
    std::optional<int64_t> operandSize = getLastSize(operand);
    bool isScalar = getShape(operand) && (getShape(operand)->empty() || operandSize == 1);
    llvm::Expected<Value> part = isScalar || isa<NoneType>(operand.getType()) ? visitWhole(operand)
                                 : operandSize == size
                                     ? visitUnits(operand, columns)
                                     : llvm::createStringError("sizes in its body are not known");
    if (!part)
      return part.takeError();
    mapping.map(operand, *part);
  }
  if (!block)
    return Value();
  Operation *clone = builder->clone(*op, mapping);
  clone->getResult(0).setType(cast<TensorType>(withLastSize(op->getResult(0).getType(), width)));
  return clone->getResult(0);
}

llvm::Expected<Value> ExpertBodyUnits::visitUnits(Value value, Columns columns) {
  auto key = std::pair<void *, std::vector<int64_t>>(value.getAsOpaquePointer(), columns);
  if (auto it = known.find(key); it != known.end())
    return it->second;
  llvm::Expected<Value> result = [&]() -> llvm::Expected<Value> {
    if (std::optional<int64_t> p = getParameter(value)) {
      if (cast<RankedTensorType>(value.getType()).getRank() != 1)
        return llvm::createStringError("a matrix in its body meets units elementwise");
      return getArgument({*p, 0, llvm::to_vector(columns)});
    }
    if (value == experts.getBodyTokens())
      return llvm::createStringError("its experts are one linear layer, without inner units");
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != &experts.getBody().front())
      return llvm::createStringError("its units depend on something that is no parameter");
    if (op == last)
      return llvm::createStringError("its last linear layer feeds itself");
    if (auto linear = dyn_cast<moe::LinearOp>(op))
      return visitLinear(linear, columns);
    if (isMoved(value, "Slice") || isMoved(value, "Split")) {
      std::optional<SmallVector<int64_t>> before = getCutColumns(value, columns);
      if (!before)
        return llvm::createStringError(
            "units are cut out of a value in a way that is not constant");
      return visitUnits(cast<onnx::NodeOp>(op).getInputs()[0], *before);
    }
    if (isElementwise(op))
      return visitElementwise(op, columns);
    return llvm::createStringError("'" + op->getName().getStringRef() +
                                   "' in its body mixes units, as far as is known");
  }();
  if (result)
    known[key] = *result;
  return result;
}

llvm::Error ExpertBodyUnits::analyze() {
  llvm::Expected<Value> result =
      visitWhole(experts.getBody().front().getTerminator()->getOperand(0));
  known.clear();
  return result ? llvm::Error::success() : result.takeError();
}

void ExpertBodyUnits::build(Block &newBlock, int64_t newWidth) {
  block = &newBlock;
  width = newWidth;
  builder = OpBuilder::atBlockEnd(block);
  Operation *yield = experts.getBody().front().getTerminator();
  llvm::Expected<Value> result = visitWhole(yield->getOperand(0));
  // Analysis has gone the same way.
  moe::YieldOp::create(*builder, yield->getLoc(), ValueRange{llvm::cantFail(std::move(result))});
}
