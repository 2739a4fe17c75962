#include "WeightReaders.h"

#include "passes/Analysis/Layers.h"

using namespace mlir;
using namespace moec;

/// Adds the uses of a value, of what it is moved to instead of moves.
static void addReaders(Value value, SmallVector<OpOperand *> &readers) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    bool isMove = user->getNumResults() == 1 && use.getOperandNumber() == 0 &&
                  skipLayout(user->getResult(0)) == skipLayout(value);
    if (isMove)
      addReaders(user->getResult(0), readers);
    else
      readers.push_back(&use);
  }
}

WeightReaders::Readers WeightReaders::find(ModuleOp module) {
  Readers readers;
  module.walk(
      [&](moe::WeightOp weight) { addReaders(weight.getResult(), readers[weight.getKey()]); });
  return readers;
}

WeightReaders::WeightReaders(ModuleOp module) : readers(find(module)) {
  for (const auto &entry : readers)
    counts[entry.getKey()] = entry.getValue().size();
}

SmallVector<OpOperand *> WeightReaders::get(Value value) const {
  if (auto weight = skipLayout(value).getDefiningOp<moe::WeightOp>())
    return readers.lookup(weight.getKey());
  SmallVector<OpOperand *> own;
  addReaders(value, own);
  return own;
}

void WeightReaders::forEachDivided(ModuleOp module,
                                   llvm::function_ref<void(Operation *, StringRef)> report) const {
  Readers left = find(module);
  for (const auto &entry : counts)
    if (auto it = left.find(entry.getKey());
        it != left.end() && !it->getValue().empty() && it->getValue().size() < entry.getValue())
      report(it->getValue().front()->getOwner(), entry.getKey());
}
