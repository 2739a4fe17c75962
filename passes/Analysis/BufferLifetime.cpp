#include "passes/Analysis/BufferLifetime.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace moec;

Value moec::getBufferRoot(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

bool moec::isBookkeeping(Operation *op) {
  return isa<ViewLikeOpInterface, memref::DimOp, memref::DeallocOp,
             memref::ExtractStridedMetadataOp>(op);
}

bool moec::forEachBufferUse(Value buffer, llvm::function_ref<bool(OpOperand &)> visit) {
  SmallVector<Value> worklist{buffer};
  llvm::SmallPtrSet<Value, 8> seen{buffer};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      if (!visit(use))
        return false;
      for (Value result : use.getOwner()->getResults())
        if (isa<BaseMemRefType>(result.getType()) && seen.insert(result).second)
          worklist.push_back(result);
    }
  }
  return true;
}

BufferLifetime moec::getBufferLifetime(Value buffer) {
  BufferLifetime life;
  life.last = buffer.getDefiningOp();
  Block *block = life.last->getBlock();
  forEachBufferUse(buffer, [&](OpOperand &use) {
    Operation *user = use.getOwner(), *ancestor = block->findAncestorOpInBlock(*user);
    life.isReturned |= user == block->getTerminator();
    life.escapes |= !ancestor || (user->hasTrait<OpTrait::IsTerminator>() && user != ancestor);
    if (life.escapes)
      return false;
    if (isBookkeeping(user))
      return true;
    if (!life.first || ancestor->isBeforeInBlock(life.first))
      life.first = ancestor;
    if (life.last->isBeforeInBlock(ancestor))
      life.last = ancestor;
    return true;
  });
  return life;
}
