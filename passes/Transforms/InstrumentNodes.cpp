//===- InstrumentNodes.cpp - The entry function counts what its nodes do
//-----------------------------===//
#include "dialects/Kernel/KernelOps.h"
#include "passes/Conversion/LinalgToPar/RowGroups.h"
#include "passes/Transforms/NodeTags.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/WorkCounter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace moec {
#define GEN_PASS_DEF_INSTRUMENTNODESPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// Operations of one node that follow each other, and those that share loops with them.
struct Stretch {
  NodeTag node;
  llvm::SmallSetVector<Attribute, 4> fused;
  SmallVector<Operation *> work;
};

/// Whether an operation takes time of its own: loops, calls and copies do; scalars, views and
/// places in memory do not.
bool isWork(Operation *op) {
  return op->getNumRegions() > 0 || isa<func::CallOp, memref::CopyOp, linalg::LinalgOp>(op);
}

/// The operations of the block that will share a loop with later ones, by the last of these.
llvm::DenseMap<Operation *, Operation *> findLastMembers(Block &block) {
  llvm::DenseMap<Operation *, Operation *> last;
  for (const RowGroup &group : findRowGroups(block))
    for (linalg::LinalgOp member : group.members)
      last[member] = group.members.back();
  return last;
}

SmallVector<Stretch> findStretches(Block &block) {
  // Loops are shared across nodes, and are not to be torn apart: as with other fusion, the work is
  // the last node's.
  expandStridedCopies(block.getParentOp());
  llvm::DenseMap<Operation *, Operation *> lastMembers = findLastMembers(block);
  SmallVector<Stretch> stretches;
  for (Operation &op : block.without_terminator()) {
    if (!isWork(&op))
      continue;
    Operation *last = lastMembers.lookup(&op);
    NodeTag node = getNodeTag(last ? last->getLoc() : op.getLoc());
    if (stretches.empty() || !(stretches.back().node == node))
      stretches.push_back({node, {}, {}});
    stretches.back().work.push_back(&op);
    addOtherNodes(&op, node, stretches.back().fused);
  }
  return stretches;
}

void instrument(func::FuncOp function, ArrayRef<Stretch> stretches) {
  Location loc = function.getLoc();
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  kernel::ProfileStartOp::create(builder, loc, stretches.size());
  WorkCounter counter(function);
  for (auto [i, stretch] : llvm::enumerate(stretches)) {
    builder.setInsertionPoint(stretch.work.front());
    Location at = stretch.work.front()->getLoc();
    kernel::ProfileBeginOp::create(builder, at, i);
    builder.setInsertionPointAfter(stretch.work.back());
    Work work = counter.count(stretch.work, builder);
    kernel::ProfileEndOp::create(builder, at, i, work.flops, work.bytes);
  }
}

/// What the artifact says of the stretches.
ArrayAttr describe(ArrayRef<Stretch> stretches, MLIRContext *context) {
  Builder builder(context);
  SmallVector<Attribute> records;
  for (const Stretch &stretch : stretches) {
    StringAttr none = builder.getStringAttr("");
    records.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("node", stretch.node ? stretch.node.name : none),
         builder.getNamedAttr("operator", stretch.node ? stretch.node.op : none),
         builder.getNamedAttr("fused", builder.getArrayAttr(stretch.fused.getArrayRef()))}));
  }
  return builder.getArrayAttr(records);
}

struct InstrumentNodes : impl::InstrumentNodesPassBase<InstrumentNodes> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || !function.isPublic() || !function.getBody().hasOneBlock())
        continue;
      SmallVector<Stretch> stretches = findStretches(function.getBody().front());
      instrument(function, stretches);
      getOperation()->setAttr(kProfileAttr, describe(stretches, &getContext()));
    }
  }
};

} // namespace
} // namespace moec
