#include "passes/Transforms/Contrib/Contrib.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/TypeInference.h"

namespace moec {
#define GEN_PASS_DEF_EXPANDCONTRIBPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

const ExpansionTable &getExpansions() {
  static const ExpansionTable table = [] {
    ExpansionTable result;
    addLayerExpansions(result);
    addCodedExpansions(result);
    return result;
  }();
  return table;
}

struct ExpandContrib : impl::ExpandContribPassBase<ExpandContrib> {
  void runOnOperation() override {
    CodedWeights weights(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      SmallVector<onnx::NodeOp> nodes;
      function.walk([&](onnx::NodeOp node) {
        if (getExpansions().contains(node.getQualifiedName()))
          nodes.push_back(node);
      });
      bool changed = false;
      for (onnx::NodeOp node : nodes)
        changed |= expand(node, weights);
      if (changed && failed(inferTypes(function)))
        return signalPassFailure();
    }
  }

private:
  bool expand(onnx::NodeOp node, CodedWeights &weights) {
    OpBuilder builder(node);
    Spelling spelling(builder, node.getLoc());
    ExpandFn function = getExpansions().lookup(node.getQualifiedName());
    std::optional<SmallVector<Value>> results = function(node, spelling, weights);
    if (!results)
      return false;
    for (auto [result, value] : llvm::zip(node->getResults(), *results))
      if (value)
        result.replaceAllUsesWith(value);
    node.erase();
    ++numExpanded;
    return true;
  }
};

} // namespace
} // namespace moec
