#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Transforms/NodeSupport.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/TypeInference.h"

namespace moec {
#define GEN_PASS_DEF_EXPANDFUNCTIONSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

bool hasNodeHandler(onnx::NodeOp node) { return getNodeHandlers().lookup(node) != nullptr; }

namespace {

/// Definitions of definitions: five deep in the operator sets up to 28.
constexpr int kMaxRounds = 16;

struct ExpandFunctions : impl::ExpandFunctionsPassBase<ExpandFunctions> {
  using ExpandFunctionsPassBase::ExpandFunctionsPassBase;
  explicit ExpandFunctions(NodePredicate isSupported) : isSupported(std::move(isSupported)) {}

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    refused.clear();
    numNodes = 0;
    for (int round = 0; round < kMaxRounds; ++round) {
      SmallVector<onnx::NodeOp> nodes;
      getOperation().walk([&](onnx::NodeOp node) {
        if (!isSupported(node) && !refused.contains(node) && onnx::hasFunctionBody(node))
          nodes.push_back(node);
      });
      // Types first: definitions depend on them, and those of the last round are there without.
      if (nodes.empty() && round == 0)
        return;
      FailureOr<std::unique_ptr<SymbolicShapes>> shapes = inferTypes(getOperation());
      if (failed(shapes))
        return signalPassFailure();
      if (nodes.empty())
        return;
      for (onnx::NodeOp node : nodes)
        if (!(*shapes)->isExpression(node) && failed(expand(node, **shapes)))
          return signalPassFailure();
    }
  }

private:
  LogicalResult expand(onnx::NodeOp node, const SymbolicShapes &shapes) {
    // A block of their own for the new nodes until they are known to be complete.
    Block scratch;
    OpBuilder builder(node.getContext());
    builder.setInsertionPointToEnd(&scratch);
    llvm::Expected<SmallVector<Value>> results =
        onnx::expandNode(builder, node, getOperandFacts(node, shapes));
    if (!results) {
      node.emitRemark() << "'" << node.getQualifiedName()
                        << "' is not expanded: " << llvm::toString(results.takeError());
      scratch.dropAllReferences();
      refused.insert(node);
      return success();
    }
    numNodes += scratch.getOperations().size();
    if (numNodes > maxNodes)
      return node.emitError() << "expanding operators into their definitions makes more than "
                              << maxNodes.getValue() << " nodes";
    for (auto [result, value] : llvm::zip(node->getResults(), *results)) {
      if (!value)
        continue;
      // What is known of the node's result holds for its definition's.
      if (auto inner = value.getDefiningOp<onnx::NodeOp>(); inner && inner->getBlock() == &scratch)
        value.setType(result.getType());
      result.replaceAllUsesWith(value);
    }
    node->getBlock()->getOperations().splice(node->getIterator(), scratch.getOperations());
    node.erase();
    ++numExpanded;
    return success();
  }

  NodePredicate isSupported = hasNodeHandler;
  llvm::DenseSet<Operation *> refused;
  uint64_t numNodes = 0;
};

} // namespace

std::unique_ptr<Pass> createExpandFunctionsPass(NodePredicate isSupported) {
  return std::make_unique<ExpandFunctions>(std::move(isSupported));
}

} // namespace moec
