//===- PlaceDeallocations.cpp - Buffers are freed after their last use
//------------------------------===//
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace moec {
#define GEN_PASS_DEF_PLACEDEALLOCATIONSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// The operation whose result a value views, followed to the end.
Value getRoot(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

/// Gives every returned buffer memory of its own: the caller frees each result, and an argument or
/// a weight is not the callee's to give.
void ownResults(func::FuncOp function) {
  for (Block &block : function.getBody()) {
    auto ret = dyn_cast<func::ReturnOp>(block.getTerminator());
    if (!ret)
      continue;
    llvm::SmallPtrSet<Value, 8> taken;
    for (OpOperand &operand : ret->getOpOperands()) {
      auto type = dyn_cast<MemRefType>(operand.get().getType());
      if (!type)
        continue;
      Value root = getRoot(operand.get());
      bool startsAtRoot = type.getLayout().isIdentity();
      for (Value view = operand.get(); view != root;) {
        auto op = view.getDefiningOp<ViewLikeOpInterface>();
        startsAtRoot &= !isa<memref::SubViewOp, memref::ReinterpretCastOp>(op.getOperation());
        view = op.getViewSource();
      }
      auto alloc = root.getDefiningOp<memref::AllocOp>();
      if (alloc && alloc->getBlock() == &block && startsAtRoot && taken.insert(root).second)
        continue;
      OpBuilder builder(ret);
      SmallVector<Value> sizes;
      for (int64_t i = 0; i < type.getRank(); ++i)
        if (type.isDynamicDim(i))
          sizes.push_back(memref::DimOp::create(builder, ret.getLoc(), operand.get(), i));
      Value copy = memref::AllocOp::create(builder, ret.getLoc(), type, sizes,
                                           builder.getI64IntegerAttr(64));
      memref::CopyOp::create(builder, ret.getLoc(), operand.get(), copy);
      operand.set(copy);
      taken.insert(copy);
    }
  }
}

/// The last operation of `block` that may touch the buffer or something that views it; nullptr if
/// it leaves the block.
Operation *findLastUse(Value buffer, Block *block) {
  Operation *last = buffer.getDefiningOp();
  SmallVector<Value> worklist{buffer};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    for (Operation *user : value.getUsers()) {
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      if (!ancestor || ancestor == block->getTerminator() ||
          user->hasTrait<OpTrait::IsTerminator>())
        return nullptr;
      if (last->isBeforeInBlock(ancestor))
        last = ancestor;
      // Whatever gives out a buffer may give out this one.
      for (Value result : user->getResults())
        if (isa<BaseMemRefType>(result.getType()))
          worklist.push_back(result);
    }
  }
  return last;
}

struct PlaceDeallocations : impl::PlaceDeallocationsPassBase<PlaceDeallocations> {
  void runOnOperation() override {
    ownResults(getOperation());
    getOperation().walk([&](memref::AllocOp alloc) {
      Operation *last = findLastUse(alloc, alloc->getBlock());
      if (!last)
        return;
      OpBuilder builder(alloc->getContext());
      builder.setInsertionPointAfter(last);
      memref::DeallocOp::create(builder, alloc.getLoc(), alloc);
      ++numDeallocations;
    });
  }
};

} // namespace
} // namespace moec
