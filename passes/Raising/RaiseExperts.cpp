#include "passes/Raising/ExpertBody.h"
#include "passes/Raising/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace moec {
#define GEN_PASS_DEF_RAISEEXPERTSPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

struct RaiseExperts : impl::RaiseExpertsPassBase<RaiseExperts> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    SmallVector<moe::RouteOp> routes(function.getBody().getOps<moe::RouteOp>());
    if (routes.empty())
      return;
    DenseMap<Operation *, unsigned> order;
    for (Operation &op : function.getBody().front())
      order.insert({&op, order.size()});
    SymbolicShapes shapes(function);
    DenseSet<Operation *> ancestors;
    for (auto [i, route] : llvm::enumerate(routes)) {
      addAncestors(route, ancestors);
      // A layer of experts ends before another's router but one, so that each node is met by few.
      constexpr unsigned kRoutesAhead = 4;
      unsigned end =
          i + kRoutesAhead < routes.size() ? order.lookup(routes[i + kRoutesAhead]) : order.size();
      raise(route, shapes, ancestors, order, end);
    }
    eraseUnused(function.getBody().front());
  }

private:
  /// What a router's operands are computed from lies in front of its experts.
  static void addAncestors(Operation *op, DenseSet<Operation *> &ancestors) {
    SmallVector<Operation *> open{op};
    while (!open.empty())
      for (Value operand : open.pop_back_val()->getOperands())
        if (Operation *above = operand.getDefiningOp(); above && ancestors.insert(above).second)
          open.push_back(above);
  }

  void raise(moe::RouteOp route, SymbolicShapes &shapes, const DenseSet<Operation *> &ancestors,
             const DenseMap<Operation *, unsigned> &order, unsigned end) {
    experts::Sweep sweep(route, shapes, ancestors);
    unsigned raised = 0;
    sweep.run(
        [&](experts::Layer &layer) {
          if (!experts::raiseLayer(layer, sweep))
            return false;
          ++raised;
          return true;
        },
        order, end);
    numRaised += raised;
    if (raised)
      return;
    if (sweep.reasonAt)
      sweep.reasonAt->emitRemark() << "experts are not raised: " << sweep.reason;
    else
      route.emitRemark() << "experts are not raised: no sum over the route's "
                         << route.getNumExperts() << " experts is found";
  }

  static void eraseUnused(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
} // namespace moec
