#include "dialects/ONNX/ConstantLimit.h"
#include "passes/Transforms/ConstantFolding.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/TypeInference.h"

#include "llvm/ADT/Hashing.h"
#include <map>

namespace moec {
#define GEN_PASS_DEF_FOLDSHAPESPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

bool fitsConstant(ShapedType type) {
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  return type.getNumElements() <= kMaxConstantBytes / bytes;
}

class Folding {
public:
  Folding(SymbolicShapes &shapes) : shapes(shapes) {}

  /// Replaces results of the node; true if none is used any more.
  bool fold(onnx::NodeOp node) {
    for (OpResult result : node->getResults()) {
      if (!isa<TensorType>(result.getType()) || result.use_empty())
        continue;
      if (DenseElementsAttr contents = evaluate(node, result)) {
        OpBuilder builder(node);
        auto constant = onnx::ConstantOp::create(builder, node.getLoc(), contents);
        replace(result, constant.getResult());
        shapes.update(constant);
        ++numConstants;
      } else if (Value equal = findEqual(result)) {
        replace(result, equal);
        ++numMerged;
      }
    }
    return isOpTriviallyDead(node);
  }

  int64_t numConstants = 0, numMerged = 0;

private:
  DenseElementsAttr evaluate(onnx::NodeOp node, OpResult result) {
    DenseElementsAttr contents = getContents(result, shapes);
    if (!contents && node->getNumResults() == 1)
      contents = foldConstantNode(node, shapes);
    return contents && fitsConstant(contents.getType()) ? contents : DenseElementsAttr();
  }

  /// An earlier tensor of the block with the same elements, which are expressions.
  Value findEqual(OpResult result) {
    const SymbolicValue &known = shapes.get(result);
    if (!known.elements || known.elements->empty())
      return {};
    std::vector<const void *> key{result.getOwner()->getBlock(),
                                  shapes.getRefinedType(result).getAsOpaquePointer()};
    for (auto [i, element] : llvm::enumerate(*known.elements)) {
      // Its own elements: nothing is known of them.
      if (element == shapes.getSymbols().element(result, i))
        return {};
      key.push_back(element.getNode());
    }
    Value &first = tensors.try_emplace(std::move(key), result).first->second;
    return first == result ? Value() : first;
  }

  void replace(Value from, Value by) { from.replaceAllUsesWith(by); }

  SymbolicShapes &shapes;
  std::map<std::vector<const void *>, Value> tensors;
};

struct FoldShapes : impl::FoldShapesPassBase<FoldShapes> {
  using FoldShapesPassBase::FoldShapesPassBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SymbolicShapes shapes(getOperation());
    Folding folding(shapes);
    SmallVector<onnx::NodeOp> dead;
    getOperation().walk([&](onnx::NodeOp node) {
      if (folding.fold(node))
        dead.push_back(node);
    });
    // Users come after what they use.
    for (onnx::NodeOp node : llvm::reverse(dead))
      node.erase();
    numConstants += folding.numConstants;
    numMerged += folding.numMerged;
    // What is returned may have become a constant of a more static type.
    getOperation().setType(
        FunctionType::get(&getContext(), getOperation().getFunctionType().getInputs(),
                          getOperation().getBody().back().getTerminator()->getOperandTypes()));
  }
};

} // namespace
} // namespace moec
