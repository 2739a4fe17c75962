//===- Linear.cpp - Spellings of linear layers and of what stands between them
//-----------------------===//
#include "passes/Conversion/MoEToONNX/Spelling.h"

using namespace mlir;
using namespace moec;

namespace {

using Results = FailureOr<SmallVector<Value>>;

Results spellLinear(moe::LinearOp op, Spelling &s) {
  Value weight = op.getTransposed() ? s.transpose(op.getWeight(), {1, 0}) : op.getWeight();
  Type result = op.getResult().getType();
  if (!op.getBias())
    return SmallVector<Value>{s.node("MatMul", 13, {op.getInput(), weight}, result)};
  return SmallVector<Value>{
      s.node("Add", 14, {s.matmul(op.getInput(), weight), op.getBias()}, result)};
}

} // namespace

void moec::addLinearSpellings(SpellingTable &table) {
  addSpelling<moe::LinearOp, spellLinear>(table);
}
