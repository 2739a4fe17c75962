#include "passes/Raising/FusedAttention.h"
#include "passes/Raising/Passes.h"

#include "llvm/ADT/StringSwitch.h"

namespace moec {
#define GEN_PASS_DEF_RAISEFUSEDATTENTIONPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

bool isFused(onnx::NodeOp node) {
  return llvm::StringSwitch<bool>(node.getQualifiedName())
      .Cases({"Attention", "RotaryEmbedding", "com.microsoft::GroupQueryAttention",
              "com.microsoft::MultiHeadAttention", "com.microsoft::RotaryEmbedding"},
             true)
      .Default(false);
}

struct RaiseFusedAttention : impl::RaiseFusedAttentionPassBase<RaiseFusedAttention> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) {
      if (isFused(node))
        nodes.push_back(node);
    });
    if (nodes.empty())
      return;
    SymbolicShapes shapes(getOperation());
    SmallVector<Operation *> replaced;
    FusedNode::Replacements replacements;
    for (onnx::NodeOp node : nodes) {
      FusedNode fused(node, shapes, replacements);
      if (!fused.raise()) {
        node.emitRemark() << "'" << node.getQualifiedName() << "' is not raised: " << fused.reason;
        continue;
      }
      replaced.push_back(node);
      ++numRaised;
    }
    // Not before: sizes are known of the old values only.
    for (auto [result, value] : replacements)
      result.replaceAllUsesWith(value);
    for (Operation *op : replaced)
      op->erase();
    func::FuncOp function = getOperation();
    function.setType(
        FunctionType::get(&getContext(), function.getArgumentTypes(),
                          function.getBody().back().getTerminator()->getOperandTypes()));
  }
};

} // namespace
} // namespace moec
