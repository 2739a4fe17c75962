#include "passes/Raising/RotaryFrequencies.h"

#include "dialects/MoE/MoEOps.h"
#include "dialects/MoE/ModuleWeights.h"
#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace moec;

namespace {

using Sharing = RotaryFrequencies::Sharing;

/// Functions of each element by itself.
bool isUnary(StringRef opType) {
  return llvm::StringSwitch<bool>(opType)
      .Cases({"Cos", "Sin", "Cast", "Identity", "Neg"}, true)
      .Default(false);
}
bool isBinary(StringRef opType) {
  return llvm::StringSwitch<bool>(opType).Cases({"Mul", "Div", "Add", "Sub"}, true).Default(false);
}

/// Whether an operand of an elementwise node is the same for the whole last axis.
bool isSpread(Value value) {
  std::optional<ArrayRef<int64_t>> shape = getShape(value);
  return shape && (shape->empty() || shape->back() == 1);
}

/// Rows of `size` elements that are `equal(i, j)` where they have to be.
bool areRowsShared(int64_t count, int64_t size, Sharing sharing,
                   function_ref<bool(int64_t, int64_t)> equal) {
  int64_t half = size / 2;
  for (int64_t row = 0; row < count; row += size)
    for (int64_t i = 0; i < half; ++i)
      if (sharing == Sharing::Halves ? !equal(row + i, row + half + i)
                                     : !equal(row + 2 * i, row + 2 * i + 1))
        return false;
  return true;
}

/// Whether the bytes of a weight, in a file that is open, are shared.
bool isWeightShared(moe::WeightOp op, Sharing sharing) {
  auto module = op->getParentOfType<ModuleOp>();
  ModuleWeights *weights = module ? findModuleWeights(module) : nullptr;
  auto data =
      SymbolTable::lookupNearestSymbolFrom<moe::WeightDataOp>(op.getOperation(), op.getKeyAttr());
  RankedTensorType type = op.getResult().getType();
  unsigned width = type.getElementTypeBitWidth() / 8;
  if (!weights || !data || !isa<FloatType>(type.getElementType()) || width == 0)
    return false;
  std::optional<uint32_t> file = weights->lookup(data.getFile());
  if (!file)
    return false;
  WeightRange range{*file, static_cast<uint64_t>(data.getOffset()),
                    static_cast<uint64_t>(data.getLength())};
  llvm::Expected<ArrayRef<char>> bytes = weights->getStore().bytes(range);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return false;
  }
  if (static_cast<int64_t>(bytes->size()) != type.getNumElements() * width)
    return false;
  bool result = areRowsShared(
      type.getNumElements(), type.getShape().back(), sharing, [&](int64_t i, int64_t j) {
        return bytes->slice(i * width, width) == bytes->slice(j * width, width);
      });
  weights->getStore().release(range);
  return result;
}

/// Axes of an Unsqueeze or Squeeze; std::nullopt if they are not constant.
std::optional<SmallVector<int64_t>> getAxes(onnx::NodeOp node, int64_t rank) {
  SmallVector<int64_t> axes;
  if (std::optional<ArrayRef<int64_t>> attribute = node.getInts("axes"))
    axes.assign(attribute->begin(), attribute->end());
  else if (std::optional<SmallVector<int64_t>> operand = getIntegers(node.getOptionalOperand(1)))
    axes = *operand;
  else
    return std::nullopt;
  for (int64_t &axis : axes)
    axis += axis < 0 ? rank : 0;
  return axes;
}

/// Whether a Reshape gives [..., R, 2] the shape [..., 2·R], each two being the same.
bool isPairedReshape(onnx::NodeOp reshape) {
  std::optional<ArrayRef<int64_t>> from = getShape(reshape.getInputs()[0]);
  std::optional<int64_t> size = getLastSize(reshape->getResult(0));
  if (!from || from->size() < 2 || from->back() != 2 || !size ||
      from->drop_back().back() != *size / 2)
    return false;
  Value pairs = reshape.getInputs()[0];
  if (onnx::NodeOp concat = getNode(pairs, "Concat"))
    return isAlongLastAxis(concat, 0) && concat.getInputs().size() == 2 &&
           concat.getInputs()[0] == concat.getInputs()[1];
  onnx::NodeOp expand = getNode(pairs, "Expand");
  return expand && getLastSize(expand.getInputs()[0]) == 1;
}

} // namespace

bool RotaryFrequencies::isShared(Value value, Sharing sharing, int depth) {
  std::optional<int64_t> size = getLastSize(value);
  if (!size || *size % 2 || depth == 0)
    return false;
  auto [found, isNew] = proven.try_emplace({value, static_cast<int>(sharing)}, false);
  if (!isNew)
    return found->second;
  bool result = false;
  if (auto constant = value.getDefiningOp<onnx::ConstantOp>()) {
    if (auto elements = dyn_cast<DenseFPElementsAttr>(constant.getValue())) {
      auto numbers = elements.getValues<APFloat>();
      result = areRowsShared(elements.getNumElements(), *size, sharing, [&](int64_t i, int64_t j) {
        return numbers[i].bitwiseIsEqual(numbers[j]);
      });
    }
  } else if (auto weight = value.getDefiningOp<moe::WeightOp>()) {
    result = isWeightShared(weight, sharing);
  } else if (auto node = value.getDefiningOp<onnx::NodeOp>(); node && node.getDomain().empty()) {
    result = isSharedNode(node, value, sharing, depth - 1);
  }
  proven[{value, static_cast<int>(sharing)}] = result;
  return result;
}

bool RotaryFrequencies::isSharedNode(onnx::NodeOp node, Value value, Sharing sharing, int depth) {
  StringRef name = node.getOpType();
  if (node->getNumOperands() == 0 || node->getNumResults() != 1)
    return false;
  Value input = node.getInputs()[0];
  if (isUnary(name))
    return isShared(input, sharing, depth);
  if (isBinary(name))
    return llvm::all_of(node.getInputs(), [&](Value operand) {
      return isSpread(operand) || isShared(operand, sharing, depth);
    });
  std::optional<ArrayRef<int64_t>> from = getShape(input), to = getShape(value);
  if (!from || from->empty() || !to)
    return false;
  if (name == "Concat")
    return sharing == Sharing::Halves && isAlongLastAxis(node, 0) && node.getInputs().size() == 2 &&
           input == node.getInputs()[1];
  if (name == "Reshape" && sharing == Sharing::Pairs && isPairedReshape(node))
    return true;
  // What moves whole rows about.
  if (from->back() != to->back())
    return false;
  int64_t rank = from->size();
  if (name == "Unsqueeze" || name == "Squeeze") {
    bool grows = name == "Unsqueeze";
    int64_t outer = grows ? to->size() : rank;
    std::optional<SmallVector<int64_t>> axes = getAxes(node, outer);
    return axes && !llvm::is_contained(*axes, outer - 1) && isShared(input, sharing, depth);
  }
  if (name == "Gather") {
    int64_t axis = node.getInt("axis", 0);
    return rank > 1 && axis != -1 && axis != rank - 1 && isShared(input, sharing, depth);
  }
  if (name == "Transpose") {
    std::optional<ArrayRef<int64_t>> order = node.getInts("perm");
    return order && order->back() == rank - 1 && isShared(input, sharing, depth);
  }
  if (name == "Slice") {
    std::optional<SmallVector<int64_t>> axes = getIntegers(node.getOptionalOperand(3));
    return axes && !llvm::is_contained(*axes, -1) && !llvm::is_contained(*axes, rank - 1) &&
           isShared(input, sharing, depth);
  }
  // The last axis of the result is the last one of the operand: 2·R is not one.
  return (name == "Expand" || name == "Reshape") && isShared(input, sharing, depth);
}

Value RotaryFrequencies::takeHalf(Value value, Sharing sharing) {
  Value &half = halves[{value, static_cast<int>(sharing)}];
  if (!half) {
    Value made = makeHalf(value, sharing);
    // The map may have grown.
    return halves[{value, static_cast<int>(sharing)}] = made;
  }
  return half;
}

Value RotaryFrequencies::makeHalf(Value value, Sharing sharing) {
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Spelling s(builder, value.getLoc());
  auto type = cast<RankedTensorType>(value.getType());
  int64_t size = type.getShape().back();
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = size / 2;
  auto node = value.getDefiningOp<onnx::NodeOp>();
  StringRef name = node && node.getDomain().empty() ? node.getOpType() : StringRef();
  if (name == "Concat" && sharing == Sharing::Halves && isAlongLastAxis(node, 0))
    return node.getInputs()[0];
  if (isUnary(name) || isBinary(name) || name == "Unsqueeze" || name == "Squeeze") {
    SmallVector<Value> operands(node.getInputs());
    unsigned count = isBinary(name) ? operands.size() : 1;
    for (Value &operand : MutableArrayRef(operands).take_front(count))
      if (!isSpread(operand))
        operand = takeHalf(operand, sharing);
    Operation *made = builder.clone(*node);
    made->setOperands(operands);
    made->getResult(0).setType(type.clone(shape));
    return made->getResult(0);
  }
  bool isPairs = sharing == Sharing::Pairs;
  int64_t axis = type.getRank() - 1;
  Value half = s.slice(value, 0, isPairs ? size : size / 2, axis, isPairs ? 2 : 1);
  half.setType(type.clone(shape));
  return half;
}
