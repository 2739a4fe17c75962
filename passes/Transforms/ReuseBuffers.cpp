//===- ReuseBuffers.cpp - Results are written over operands that are no longer needed
//-------------===//
#include "passes/Analysis/BufferLifetime.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Dominance.h"

namespace moec {
#define GEN_PASS_DEF_REUSEBUFFERSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// The allocation, in `block`, of which `buffer` is a view of all elements in their order.
memref::AllocOp getWholeAlloc(Value buffer, Block *block) {
  for (Value view = buffer; Operation *op = view.getDefiningOp(); view = op->getOperand(0)) {
    auto type = dyn_cast<MemRefType>(view.getType());
    if (!type || !type.getLayout().isIdentity())
      return {};
    if (auto alloc = dyn_cast<memref::AllocOp>(op))
      return alloc->getBlock() == block ? alloc : memref::AllocOp();
    if (!isa<memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp>(op))
      return {};
  }
  return {};
}

/// Whether nothing touches the buffer after `op`, and `op` itself only by operands that `allows`
/// accepts.
bool diesAt(memref::AllocOp alloc, Operation *op, llvm::function_ref<bool(OpOperand &)> allows) {
  return forEachBufferUse(alloc, [&](OpOperand &use) {
    if (use.getOwner() == op)
      return allows(use);
    Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*use.getOwner());
    return ancestor && ancestor != op && !use.getOwner()->hasTrait<OpTrait::IsTerminator>() &&
           (isBookkeeping(ancestor) || ancestor->isBeforeInBlock(op));
  });
}

/// Whether `op` is the first to touch the buffer, and nothing mentions it before `value` exists.
bool isBornAt(memref::AllocOp alloc, Operation *op, Value value) {
  Operation *definition = value.getDefiningOp();
  bool isAfter = definition->isBeforeInBlock(alloc);
  return forEachBufferUse(alloc, [&](OpOperand &use) {
    Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*use.getOwner());
    if (!ancestor || (ancestor->isBeforeInBlock(op) && !isBookkeeping(ancestor)))
      return false;
    return isAfter || definition->isBeforeInBlock(ancestor);
  });
}

class BufferReuser {
public:
  /// Returns whether a result of `op` now is written over one of its operands.
  bool reuse(linalg::LinalgOp op, OpOperand &init) {
    auto result = init.get().getDefiningOp<memref::AllocOp>();
    AffineMap map = op.getMatchingIndexingMap(&init);
    if (!result || result->getBlock() != op->getBlock() || !map.isPermutation() ||
        op.payloadUsesValueFromOperand(&init))
      return false;
    for (OpOperand *input : op.getDpsInputOperands()) {
      memref::AllocOp operand = getWholeAlloc(input->get(), op->getBlock());
      if (!operand || operand == result || op.getMatchingIndexingMap(input) != map)
        continue;
      // Every access of that memory in the operation is at the element that is written.
      auto isSameElement = [&](OpOperand &use) {
        return use.get() == input->get() && op.isDpsInput(&use) &&
               op.getMatchingIndexingMap(&use) == map;
      };
      if (replace(result, input->get(), op, operand, isSameElement))
        return true;
    }
    return false;
  }

  /// A copy of a buffer that is not needed any more is that buffer.
  bool reuse(memref::CopyOp copy) {
    auto result = copy.getTarget().getDefiningOp<memref::AllocOp>();
    memref::AllocOp operand = getWholeAlloc(copy.getSource(), copy->getBlock());
    if (!result || !operand || result == operand || result->getBlock() != copy->getBlock())
      return false;
    return replace(result, copy.getSource(), copy, operand,
                   [](OpOperand &use) { return use.getOperandNumber() == 0; });
  }

private:
  bool replace(memref::AllocOp result, Value by, Operation *op, memref::AllocOp operand,
               llvm::function_ref<bool(OpOperand &)> allows) {
    auto type = cast<MemRefType>(by.getType());
    if (type.getElementType() != result.getType().getElementType() ||
        !type.getLayout().isIdentity() ||
        type.getMemorySpace() != result.getType().getMemorySpace())
      return false;
    if (!diesAt(operand, op, allows) || !isBornAt(result, op, by))
      return false;
    if (type != result.getType()) {
      if (!memref::CastOp::areCastCompatible(type, result.getType()))
        return false;
      // One value for both, so that code sees that it is one address.
      OpBuilder builder(result->getContext());
      builder.setInsertionPointAfterValue(by);
      Value cast = memref::CastOp::create(builder, op->getLoc(), result.getType(), by);
      op->replaceUsesOfWith(by, cast);
      by = cast;
    }
    result.replaceAllUsesWith(by);
    result.erase();
    return true;
  }
};

struct ReuseBuffers : impl::ReuseBuffersPassBase<ReuseBuffers> {
  void runOnOperation() override {
    BufferReuser reuser;
    getOperation().walk([&](Operation *op) {
      if (auto copy = dyn_cast<memref::CopyOp>(op)) {
        if (reuser.reuse(copy)) {
          copy.erase();
          ++numCopies;
        }
      } else if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
        if (structured.getNumLoops() != structured.getNumParallelLoops())
          return;
        for (OpOperand &init : structured.getDpsInitsMutable())
          numReused += reuser.reuse(structured, init);
      }
    });
  }
};

} // namespace
} // namespace moec
