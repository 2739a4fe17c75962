#include "passes/Transforms/ExpertWidths.h"

#include "passes/Analysis/Match.h"

using namespace mlir;
using namespace moec;

std::optional<int64_t> ExpertWidths::parameterOf(Value value) const {
  auto argument = dyn_cast_or_null<BlockArgument>(value);
  moe::ExpertsOp experts = op;
  if (!argument || argument.getOwner() != &experts.getBody().front() ||
      argument.getArgNumber() == 0)
    return std::nullopt;
  return argument.getArgNumber() - 1;
}

ExpertWidths::Widths ExpertWidths::getSizes(int64_t p, int64_t axis) const {
  moe::ExpertsOp all = op;
  return llvm::map_to_vector(experts, [&](int64_t e) {
    Value segment = all.getSegmentsOf(p)[all.getRow(p, e)->first];
    return cast<RankedTensorType>(segment.getType()).getDimSize(axis + 1);
  });
}

ExpertWidths::Widths ExpertWidths::getWidths(Value value) const {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() == 0)
    return {};
  int64_t last = type.getRank() - 1;
  if (std::optional<int64_t> p = parameterOf(value))
    return getSizes(*p, last);
  return type.isDynamicDim(last) ? Widths() : Widths(experts.size(), type.getDimSize(last));
}

std::optional<int64_t> ExpertWidths::getWidest(Value value) const {
  Widths widths = getWidths(value);
  return widths.empty() ? std::nullopt : std::optional(*llvm::max_element(widths));
}

std::string ExpertWidths::measureLinear(Operation *linear, Value input, Value weight, Value bias,
                                        bool transposed) {
  int64_t p = *parameterOf(weight);
  Widths depths = getSizes(p, transposed ? 1 : 0), widths = getSizes(p, transposed ? 0 : 1);
  if (getWidths(input) != depths || (bias && getWidths(bias) != widths))
    return "the sizes of its experts' matrices do not fit";
  known[linear->getResult(0)] = widths;
  return "";
}

std::string ExpertWidths::measureElementwise(Operation *inner) {
  Value result = inner->getResult(0);
  std::optional<Widths> widths;
  for (Value operand : inner->getOperands()) {
    std::optional<ArrayRef<int64_t>> shape = getShape(operand);
    bool isSpread = isa<NoneType>(operand.getType()) ||
                    (shape && (shape->empty() || (shape->size() <= 2 && shape->back() == 1)));
    if (isSpread)
      continue;
    Widths own = getWidths(operand);
    if (own.empty() || (widths && *widths != own))
      return "its experts differ in size, and '" + inner->getName().getStringRef().str() +
             "' in its body has operands of other sizes";
    widths = own;
  }
  if (getShape(result).value_or(ArrayRef<int64_t>()).size() != 2)
    return "its experts differ in size, and the shapes in its body are not known";
  known[result] = *widths;
  return "";
}

std::string ExpertWidths::measure() {
  Block &body = op.getBody().front();
  for (Operation &inner : body.without_terminator()) {
    std::string reason;
    auto node = dyn_cast<onnx::NodeOp>(inner);
    auto linear = dyn_cast<moe::LinearOp>(inner);
    if (linear && parameterOf(linear.getWeight()))
      reason = measureLinear(linear, linear.getInput(), linear.getWeight(), linear.getBias(),
                             linear.getTransposed());
    else if (node && node.getQualifiedName() == "MatMul" && parameterOf(node->getOperand(1)))
      reason = measureLinear(node, node->getOperand(0), node->getOperand(1), Value(), false);
    else if (!llvm::any_of(inner.getOperands(), [&](Value operand) { return isRagged(operand); }))
      continue;
    else if (isElementwise(&inner))
      reason = measureElementwise(&inner);
    else
      reason = "its experts differ in size, and '" + inner.getName().getStringRef().str() +
               "' in its body takes their rows as a whole";
    if (!reason.empty())
      return reason;
  }
  if (isRagged(body.getTerminator()->getOperand(0)))
    return "its experts differ in the size of their results";
  return "";
}
