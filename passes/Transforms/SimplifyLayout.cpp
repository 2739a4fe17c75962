#include "passes/Transforms/Passes.h"
#include "passes/Transforms/TypeInference.h"

namespace moec {
#define GEN_PASS_DEF_SIMPLIFYLAYOUTPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// One walk in program order: when a node is looked at, its operands are simple already.
class LayoutSimplifier {
public:
  explicit LayoutSimplifier(SymbolicShapes &shapes) : shapes(shapes) {}

  void visit(onnx::NodeOp node);

  int64_t numRemoved = 0, numMerged = 0;

private:
  bool is(onnx::NodeOp node, StringRef name) {
    return node.getDomain().empty() && node.getOpType() == name;
  }
  bool isReshape(onnx::NodeOp node) {
    return node.getDomain().empty() &&
           llvm::is_contained({"Reshape", "Squeeze", "Unsqueeze", "Flatten"}, node.getOpType());
  }
  ArrayRef<SymExpr> dims(Value value) { return shapes.get(value).dims; }
  bool haveSameDims(Value a, Value b) {
    return shapes.get(a).isRanked && shapes.get(b).isRanked && dims(a) == dims(b);
  }
  std::optional<SmallVector<int64_t>> constants(Value value);

  Value findIdentity(onnx::NodeOp node);
  bool isIdentity(onnx::NodeOp node, Value operand);
  void dropEmptyParts(onnx::NodeOp concat);
  void mergeTransposes(onnx::NodeOp node);
  void simplifyReshape(onnx::NodeOp node);
  bool canKeepShape(onnx::NodeOp node, Value source);
  Value makeShapeOperand(onnx::NodeOp node, Value source);

  SymbolicShapes &shapes;
};

std::optional<SmallVector<int64_t>> LayoutSimplifier::constants(Value value) {
  const SymbolicValue &known = shapes.get(value);
  if (!known.elements)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (SymExpr element : *known.elements) {
    std::optional<int64_t> constant = element.getConstant();
    if (!constant)
      return std::nullopt;
    result.push_back(*constant);
  }
  return result;
}

SmallVector<int64_t> getPermutation(onnx::NodeOp transpose, int64_t rank) {
  if (std::optional<ArrayRef<int64_t>> permutation = transpose.getInts("perm"))
    return SmallVector<int64_t>(*permutation);
  return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
}

/// Whether result 0 is `operand`, element by element. Sizes alone decide for operators that keep
/// the order of the elements.
bool LayoutSimplifier::isIdentity(onnx::NodeOp node, Value operand) {
  Value result = node->getResult(0);
  StringRef name = node.getOpType();
  if (name == "Identity")
    return true;
  if (name == "Dropout") // in inference, without a mask that is used
    return !node.isRandom() && (node->getNumResults() < 2 || node->getResult(1).use_empty());
  if (name == "Cast" || name == "CastLike")
    return cast<TensorType>(operand.getType()).getElementType() ==
               cast<TensorType>(result.getType()).getElementType() &&
           !isa<onnx::UnknownType>(cast<TensorType>(operand.getType()).getElementType());
  if (name == "Concat")
    return node.getInputs().size() == 1;
  if (name == "Split")
    return node->getNumResults() == 1 && haveSameDims(operand, result);
  if (isReshape(node) || name == "Expand" || name == "Tile")
    return haveSameDims(operand, result);
  if (name == "Transpose") {
    SmallVector<int64_t> permutation =
        getPermutation(node, shapes.get(operand).isRanked ? dims(operand).size() : 2);
    return llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size()));
  }
  if (name == "Slice") {
    // Of the same size and not backwards: all of it.
    if (!haveSameDims(operand, result))
      return false;
    Value steps = node.getOptionalOperand(4);
    if (!steps)
      return true;
    std::optional<SmallVector<int64_t>> values = constants(steps);
    return values && llvm::all_of(*values, [](int64_t step) { return step > 0; });
  }
  if (name == "Pad") {
    auto isZero = [](int64_t pad) { return pad == 0; };
    if (std::optional<ArrayRef<int64_t>> pads = node.getInts("pads"))
      return llvm::all_of(*pads, isZero);
    Value pads = node.getOptionalOperand(1);
    std::optional<SmallVector<int64_t>> values = pads ? constants(pads) : std::nullopt;
    return values && llvm::all_of(*values, isZero);
  }
  return false;
}

Value LayoutSimplifier::findIdentity(onnx::NodeOp node) {
  if (!node.getDomain().empty() || node->getNumResults() < 1)
    return {};
  Value operand = node.getOptionalOperand(0);
  return operand && isa<TensorType>(node->getResult(0).getType()) && isIdentity(node, operand)
             ? operand
             : Value();
}

/// Parts of Concat that are always empty go.
void LayoutSimplifier::dropEmptyParts(onnx::NodeOp concat) {
  const SymbolicValue &result = shapes.get(concat->getResult(0));
  if (!result.isRanked)
    return;
  int64_t axis = concat.getInt("axis", 0), rank = result.getRank();
  axis += axis < 0 ? rank : 0;
  SmallVector<Value> kept;
  for (Value operand : concat.getInputs()) {
    ArrayRef<SymExpr> sizes = dims(operand);
    if (axis < 0 || axis >= static_cast<int64_t>(sizes.size()) || !sizes[axis].isConstant(0))
      kept.push_back(operand);
  }
  if (!kept.empty() && kept.size() < concat.getInputs().size())
    concat.getInputsMutable().assign(kept);
}

void LayoutSimplifier::mergeTransposes(onnx::NodeOp node) {
  auto inner = node.getInputs()[0].getDefiningOp<onnx::NodeOp>();
  if (!inner || !is(inner, "Transpose") || !shapes.get(inner->getResult(0)).isRanked)
    return;
  int64_t rank = dims(inner->getResult(0)).size();
  SmallVector<int64_t> first = getPermutation(inner, rank), second = getPermutation(node, rank);
  SmallVector<int64_t> both;
  for (int64_t axis : second) {
    if (axis < 0 || axis >= static_cast<int64_t>(first.size()))
      return;
    both.push_back(first[axis]);
  }
  Builder builder(node.getContext());
  node.setOnnxAttrsAttr(
      builder.getDictionaryAttr(builder.getNamedAttr("perm", builder.getDenseI64ArrayAttr(both))));
  node.getInputsMutable().assign(inner.getInputs());
  ++numMerged;
}

/// A shape with which a Reshape of `source` gives the result of `node`, or null: sizes that are
/// constants, those that `source` has at the same place (0), and one other (-1).
Value LayoutSimplifier::makeShapeOperand(onnx::NodeOp node, Value source) {
  ArrayRef<SymExpr> from = dims(source), to = dims(node->getResult(0));
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(to)) {
    std::optional<int64_t> constant = size.getConstant();
    if (constant && *constant > 0)
      shape.push_back(*constant);
    else if (i < from.size() && from[i] == size)
      shape.push_back(0);
    else if (!constant && !llvm::is_contained(shape, -1))
      shape.push_back(-1);
    else
      return {};
  }
  OpBuilder builder(node);
  auto type = RankedTensorType::get(shape.size(), builder.getI64Type());
  auto constant = onnx::ConstantOp::create(builder, node.getLoc(),
                                           DenseElementsAttr::get(type, ArrayRef<int64_t>(shape)));
  shapes.update(constant);
  return constant;
}

bool LayoutSimplifier::canKeepShape(onnx::NodeOp node, Value source) {
  if (!is(node, "Reshape") || !shapes.get(node.getInputs()[1]).elements)
    return false;
  // A 0 means a size of the operand: it must be the same one of `source`.
  ArrayRef<SymExpr> before = dims(node.getInputs()[0]), after = dims(source);
  bool allowZero = node.getInt("allowzero", 0);
  for (auto [i, element] : llvm::enumerate(*shapes.get(node.getInputs()[1]).elements))
    if (!allowZero && element.isConstant(0) &&
        (i >= before.size() || i >= after.size() || before[i] != after[i]))
      return false;
  return true;
}

/// Takes the operand of the reshapes before, and a constant for the shape.
void LayoutSimplifier::simplifyReshape(onnx::NodeOp node) {
  Value operand = node.getInputs()[0], source = operand;
  auto inner = operand.getDefiningOp<onnx::NodeOp>();
  if (inner && isReshape(inner) && inner.getOptionalOperand(0))
    source = inner.getInputs()[0];
  bool isComputed = is(node, "Reshape") && !node.getInputs()[1].getDefiningOp<onnx::ConstantOp>();
  if ((source == operand && !isComputed) || !shapes.get(source).isRanked ||
      !shapes.get(operand).isRanked || !shapes.get(node->getResult(0)).isRanked)
    return;
  bool canKeep = canKeepShape(node, source);
  Value shape = canKeep && !isComputed ? node.getInputs()[1] : makeShapeOperand(node, source);
  if (shape && shape != node.getOptionalOperand(1)) {
    Builder builder(node.getContext());
    // The first version of Reshape with an attribute `allowzero`, which makes no difference here;
    // Squeeze and Unsqueeze have other versions.
    if (!is(node, "Reshape"))
      node.setVersion(14);
    node.setOpType("Reshape");
    node.setOnnxAttrsAttr(builder.getDictionaryAttr({}));
  } else if (!shape) {
    if (!canKeep || source == operand)
      return;
    shape = node.getInputs()[1];
  }
  node.getInputsMutable().assign({source, shape});
  ++numMerged;
}

void LayoutSimplifier::visit(onnx::NodeOp node) {
  if (!node.getDomain().empty() || node.getInputs().empty())
    return;
  if (is(node, "Concat"))
    dropEmptyParts(node);
  if (is(node, "Transpose"))
    mergeTransposes(node);
  if (isReshape(node) && node.getOptionalOperand(0))
    simplifyReshape(node);
  if (Value same = findIdentity(node)) {
    node->getResult(0).replaceAllUsesWith(same);
    ++numRemoved;
  }
}

struct SimplifyLayout : impl::SimplifyLayoutPassBase<SimplifyLayout> {
  using SimplifyLayoutPassBase::SimplifyLayoutPassBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SymbolicShapes shapes(getOperation());
    LayoutSimplifier simplifier(shapes);
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) { nodes.push_back(node); });
    for (onnx::NodeOp node : nodes)
      simplifier.visit(node);
    for (onnx::NodeOp node : llvm::reverse(nodes))
      if (isOpTriviallyDead(node))
        node.erase();
    numRemoved += simplifier.numRemoved;
    numMerged += simplifier.numMerged;
    getOperation().setType(
        FunctionType::get(&getContext(), getOperation().getFunctionType().getInputs(),
                          getOperation().getBody().back().getTerminator()->getOperandTypes()));
  }
};

} // namespace
} // namespace moec
