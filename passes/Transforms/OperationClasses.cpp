#include "passes/Transforms/OperationClasses.h"

#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace moec;

void moec::forEachOutsideOperand(Operation *op, llvm::function_ref<void(OpOperand &)> visit) {
  for (OpOperand &operand : op->getOpOperands())
    visit(operand);
  for (Region &region : op->getRegions())
    region.walk<WalkOrder::PreOrder>([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        if (!op->isAncestor(operand.get().getParentRegion()->getParentOp()))
          visit(operand);
    });
}

static uint64_t hashOperation(Operation *op) {
  llvm::hash_code hash(0);
  op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
    hash = llvm::hash_combine(
        hash, OperationEquivalence::computeHash(inner, OperationEquivalence::ignoreHashValue,
                                                OperationEquivalence::ignoreHashValue,
                                                OperationEquivalence::IgnoreLocations));
    for (Type type : inner->getOperandTypes())
      hash = llvm::hash_combine(hash, type);
  });
  return static_cast<size_t>(hash) >> 1; // The largest numbers are the map's own.
}

static bool areEqual(Operation *a, Operation *b) {
  DenseMap<Value, Value> inside;
  auto isInside = [](Operation *op, Value value) {
    return op->isAncestor(value.getParentRegion()->getParentOp());
  };
  return OperationEquivalence::isEquivalentTo(
      a, b,
      [&](Value x, Value y) {
        if (isInside(a, x) != isInside(b, y))
          return failure();
        return success(isInside(a, x) ? inside.lookup(x) == y : x.getType() == y.getType());
      },
      [&](Value x, Value y) { inside[x] = y; }, OperationEquivalence::IgnoreLocations);
}

unsigned OperationClasses::get(Operation *op) {
  auto [it, isNew] = known.try_emplace(op);
  if (!isNew)
    return it->second;
  auto &candidates = byHash[hashOperation(op)];
  for (unsigned candidate : candidates)
    if (areEqual(representatives[candidate], op))
      return it->second = candidate;
  it->second = getUnique();
  representatives.back() = op;
  candidates.push_back(it->second);
  return it->second;
}

void OperationClasses::replace(Operation *op, Operation *equal) {
  auto it = known.find(op);
  if (it == known.end())
    return;
  unsigned number = it->second;
  known.erase(it);
  if (representatives[number] == op)
    representatives[number] = equal;
}
