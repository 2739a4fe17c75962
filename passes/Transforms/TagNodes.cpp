//===- TagNodes.cpp - Locations say which operator a node has
//---------------------------------------===//
#include "dialects/ONNX/ONNXOps.h"
#include "passes/Transforms/NodeTags.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace moec {
#define GEN_PASS_DEF_TAGNODESPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

struct TagNodes : impl::TagNodesPassBase<TagNodes> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      auto node = dyn_cast<onnx::NodeOp>(op);
      // The function has the file's name; what has no operands is a constant or a weight.
      if (!node && (isa<func::FuncOp>(op) || op->hasTrait<OpTrait::IsTerminator>() ||
                    op->getNumOperands() == 0))
        return;
      op->setLoc(tagNode(op->getLoc(),
                         node ? node.getQualifiedName() : op->getName().getStringRef().str()));
    });
  }
};

} // namespace
} // namespace moec
