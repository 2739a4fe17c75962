//===- SeparateDestinations.cpp - Every writer has a destination of its own
//-----------------------===//
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace moec {
#define GEN_PASS_DEF_SEPARATEDESTINATIONSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

bool isWritten(OpOperand &use) {
  auto writer = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
  return writer && writer.isDpsInit(&use);
}

/// Gives each use for which `wants` holds, but the last such, a clone of `op` before its user.
int64_t separate(Operation *op, llvm::function_ref<bool(OpOperand &)> wants) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : op->getUses())
    if (wants(use))
      uses.push_back(&use);
  bool others = !llvm::hasNItems(op->getUses(), uses.size());
  // The list of uses is in reverse order: the first user in the block keeps the original.
  for (OpOperand *use : ArrayRef(uses).drop_back(uses.empty() || others ? 0 : 1)) {
    OpBuilder builder(use->getOwner());
    use->set(builder.clone(*op)->getResult(0));
  }
  return uses.empty() ? 0 : uses.size() - (others ? 0 : 1);
}

struct SeparateDestinations : impl::SeparateDestinationsPassBase<SeparateDestinations> {
  void runOnOperation() override {
    SmallVector<linalg::FillOp> fills;
    getOperation().walk([&](linalg::FillOp fill) { fills.push_back(fill); });
    for (linalg::FillOp fill : fills)
      if (fill->getNumResults() == 1 && fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>())
        numCloned += separate(fill, isWritten);
    SmallVector<tensor::EmptyOp> empties;
    getOperation().walk([&](tensor::EmptyOp empty) { empties.push_back(empty); });
    for (tensor::EmptyOp empty : empties)
      numCloned += separate(empty, [](OpOperand &) { return true; });
  }
};

} // namespace
} // namespace moec
