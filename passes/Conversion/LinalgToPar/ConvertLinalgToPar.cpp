//===- ConvertLinalgToPar.cpp - Structured operations on buffers to loops
//---------------------------===//
#include "dialects/Par/ParOps.h"
#include "passes/Conversion/LinalgToPar/LoopEmitter.h"
#include "passes/Conversion/LinalgToPar/RowGroups.h"
#include "passes/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Remarks.h"

namespace moec {
#define GEN_PASS_DEF_CONVERTLINALGTOPARPASS
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {

LogicalResult verify(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics())
    return op.emitError("is not on buffers");
  if (!op.getShapesToLoopsMap())
    return op.emitError("has loops whose sizes do not follow from its operands");
  return success();
}

/// One loop over rows where the last member stands.
void emitRows(const RowGroup &group) {
  Operation *last = group.members.back();
  Location loc = last->getLoc();
  OpBuilder builder(last);
  std::vector<LoopEmitter> emitters;
  for (linalg::LinalgOp member : group.members) {
    emitters.emplace_back(member, builder);
    emitters.back().collapseFrom(group.depth);
  }
  unsigned depth = group.depth;
  for (unsigned loop = depth - 1; loop-- > 0;) {
    if (!llvm::all_of(emitters, [&](LoopEmitter &emitter) { return emitter.canCollapse(loop); }))
      continue;
    for (LoopEmitter &emitter : emitters)
      emitter.collapse(loop);
    --depth;
  }
  Value work = arith::ConstantIndexOp::create(builder, loc, 0);
  for (LoopEmitter &emitter : emitters)
    work = arith::AddIOp::create(builder, loc, work, emitter.beginRows(depth));
  emitParallelLoop(builder, loc, emitters.front().getSizes().take_front(depth), work,
                   [&](ArrayRef<Value> indices) {
                     for (LoopEmitter &emitter : emitters)
                       emitter.emitRow(indices);
                   });
  for (Operation *deallocation : group.deallocations)
    deallocation->moveAfter(last);
  remark::passed(loc, remark::RemarkOpts::name("shared-row-loop").category("convert-linalg-to-par"))
      << "one loop over rows for " << std::to_string(group.members.size()) << " operations";
}

struct ConvertLinalgToPar : impl::ConvertLinalgToParPassBase<ConvertLinalgToPar> {
  void runOnOperation() override {
    expandStridedCopies(getOperation());
    SmallVector<RowGroup> groups;
    WalkResult walked = getOperation().walk([&](linalg::LinalgOp op) {
      return failed(verify(op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (walked.wasInterrupted())
      return signalPassFailure();
    getOperation().walk([&](Block *block) { llvm::append_range(groups, findRowGroups(*block)); });
    for (const RowGroup &group : groups) {
      if (group.members.size() > 1) {
        emitRows(group);
        ++numShared;
      } else {
        OpBuilder builder(group.members.front());
        LoopEmitter(group.members.front(), builder).emitAlone();
      }
      for (linalg::LinalgOp member : group.members)
        member.erase();
    }
  }
};

} // namespace
} // namespace moec
