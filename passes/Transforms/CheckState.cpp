//===- CheckState.cpp - State is updated in place
//------------------------------------------------===//
#include "passes/Analysis/BufferLifetime.h"
#include "passes/Conversion/Passes.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace moec {
#define GEN_PASS_DEF_CHECKSTATEPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// Whether the operation writes elements that it reads by this operand somewhere else, as they are.
bool copies(OpOperand &use) {
  Operation *op = use.getOwner();
  // A copy onto itself is folded later.
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return use.getOperandNumber() == 0 && copy.getSource() != copy.getTarget();
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  if (!structured || !structured.isDpsInput(&use))
    return false;
  if (isa<linalg::CopyOp, linalg::TransposeOp, linalg::BroadcastOp>(op))
    return true;
  Value element = structured.getMatchingBlockArgument(&use);
  return llvm::is_contained(structured.getBlock()->getTerminator()->getOperands(), element);
}

struct CheckState : impl::CheckStatePassBase<CheckState> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    SmallVector<BlockArgument> states;
    for (BlockArgument argument : function.getArguments())
      if (function.getArgAttr(argument.getArgNumber(), kStateArgumentAttr))
        states.push_back(argument);
    if (states.empty())
      return;
    if (failed(check(function, states)))
      signalPassFailure();
  }

private:
  LogicalResult check(func::FuncOp function, ArrayRef<BlockArgument> states) {
    auto ret = dyn_cast<func::ReturnOp>(function.getBody().back().getTerminator());
    if (!function.getBody().hasOneBlock() || !ret || ret.getNumOperands() < states.size())
      return function.emitError() << "does not give back its " << states.size() << " states";
    unsigned first = ret.getNumOperands() - states.size();
    bool isFine = true;
    for (auto [i, state] : llvm::enumerate(states)) {
      auto name = function.getArgAttrOfType<StringAttr>(state.getArgNumber(), kStateArgumentAttr);
      if (getBufferRoot(ret.getOperand(first + i)) != state) {
        function.emitError() << "state '" << name.getValue() << "' is not updated in place";
        isFine = false;
      }
      forEachBufferUse(state, [&, name = name](OpOperand &use) {
        if (copies(use)) {
          use.getOwner()->emitError()
              << "copies state '" << name.getValue() << "', which must be read where it is";
          isFine = false;
        }
        return true;
      });
    }
    if (!isFine)
      return failure();
    llvm::BitVector results(ret.getNumOperands());
    results.set(first, ret.getNumOperands());
    ret->eraseOperands(results);
    return function.eraseResults(results);
  }
};

} // namespace
} // namespace moec
