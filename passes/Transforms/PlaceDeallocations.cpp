//===- PlaceDeallocations.cpp - Buffers are freed after their last use
//------------------------------===//
#include "passes/Analysis/BufferLifetime.h"
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
      Value root = getBufferRoot(operand.get());
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

struct PlaceDeallocations : impl::PlaceDeallocationsPassBase<PlaceDeallocations> {
  void runOnOperation() override {
    ownResults(getOperation());
    getOperation().walk([&](memref::AllocOp alloc) {
      BufferLifetime life = getBufferLifetime(alloc);
      if (life.escapes || life.isReturned)
        return;
      OpBuilder builder(alloc->getContext());
      builder.setInsertionPointAfter(life.last);
      memref::DeallocOp::create(builder, alloc.getLoc(), alloc);
      ++numDeallocations;
    });
  }
};

} // namespace
} // namespace moec
