#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Conversion/Passes.h"

namespace moec {
#define GEN_PASS_DEF_CONVERTMOETOONNXPASS
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {

const SpellingTable &getSpellings() {
  static const SpellingTable table = [] {
    SpellingTable result;
    addAttentionSpellings(result);
    addExpertSpellings(result);
    addLinearAttentionSpellings(result);
    addLinearSpellings(result);
    addQuantizedSpellings(result);
    addRoutingSpellings(result);
    return result;
  }();
  return table;
}

/// What every form of the program has: names of weights, ends of regions. And state, which ONNX has
/// not.
bool isKept(Operation *op) {
  return isa<moe::CacheAppendOp, moe::StateOp, moe::WeightOp, moe::WeightDataOp, moe::WeightFileOp,
             moe::YieldOp>(op);
}

/// What has kernels of its own: rows in order by expert, and products with what is done to their
/// elements on the spot, of types that are not rounded in between.
bool hasKernels(Operation *op) {
  auto isComputedAsIs = [](Value value) {
    return getElementType(value).isF32() || getElementType(value).isF64();
  };
  if (auto linear = dyn_cast<moe::LinearOp>(op))
    return !linear.isPlain() && isComputedAsIs(linear.getResult());
  if (auto grouped = dyn_cast<moe::GroupedLinearOp>(op))
    return !grouped.getEpilogue() || isComputedAsIs(grouped.getResult());
  return isa<moe::DispatchOp, moe::CombineOp>(op);
}

struct ConvertMoEToONNX : impl::ConvertMoEToONNXPassBase<ConvertMoEToONNX> {
  using ConvertMoEToONNXPassBase::ConvertMoEToONNXPassBase;

  void runOnOperation() override {
    // Spelling an operation with a body brings the body's operations up: they are next.
    for (;;) {
      SmallVector<Operation *> found;
      getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (!isa<moe::MoEDialect>(op->getDialect()) || isKept(op) ||
            (keepKernels && hasKernels(op)))
          return WalkResult::advance();
        found.push_back(op);
        return WalkResult::skip();
      });
      if (found.empty())
        return;
      for (Operation *op : found)
        if (failed(spell(op)))
          return signalPassFailure();
    }
  }

private:
  static LogicalResult spell(Operation *op) {
    SpellFn function = getSpellings().lookup(op->getName().getStringRef());
    if (!function)
      return op->emitError() << "'" << op->getName() << "' has no spelling in ONNX";
    OpBuilder builder(op);
    Spelling spelling(builder, op->getLoc());
    FailureOr<SmallVector<Value>> results = function(op, spelling);
    if (failed(results))
      return failure();
    // What is known of an operation's result holds for the node's.
    for (auto [result, value] : llvm::zip(op->getResults(), *results))
      if (!isa<RankedTensorType>(value.getType()))
        value.setType(result.getType());
    op->replaceAllUsesWith(*results);
    op->erase();
    return success();
  }
};

} // namespace
} // namespace moec
