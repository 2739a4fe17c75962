//===- MoE.cpp - Sizes of the results of the moe dialect's operations
//--------------------------------===//
#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/Transfers/TransferHelpers.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec;

void SymbolicShapes::updateMoE(Operation *op) {
  // Sizes that nothing is known of come from the result's type.
  auto dimsOf = [&](Value value) { return SymVector(get(value).dims); };
  auto withLast = [&](Value value, SymExpr last) {
    SymVector dims = dimsOf(value);
    dims.back() = last;
    return dims;
  };
  auto state = [&](Value result, const SymVector &dims) { set(result, dims, std::nullopt); };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](moe::LinearOp linear) {
        bool isHalf = linear.getEpilogue() && linear.getEpilogue()->getGated();
        SymExpr columns = get(linear.getWeight()).dims[linear.getTransposed() ? 0 : 1];
        state(linear.getResult(), withLast(linear.getInput(), isHalf ? SymExpr() : columns));
      })
      .Case([&](moe::BlockLinearOp linear) {
        state(linear.getResult(), withLast(linear.getInput(), SymExpr()));
      })
      .Case<moe::NormOp, moe::RotaryOp, moe::ActivationOp, moe::SubsetOp, moe::ObserveOp>(
          [&](Operation *same) { state(same->getResult(0), dimsOf(same->getOperand(0))); })
      .Case([&](moe::CacheAppendOp append) {
        auto cache = SymbolTable::lookupNearestSymbolFrom<moe::StateOp>(op, append.getStateAttr());
        SymVector past = dimsOf(append.getPast()), rows = dimsOf(append.getRows());
        if (!cache || cache.getAxis() >= past.size() || past.size() != rows.size())
          return;
        past[cache.getAxis()] = symbols.add(past[cache.getAxis()], rows[cache.getAxis()]);
        state(append.getResult(), past);
      })
      .Case([&](moe::GLUOp glu) {
        state(glu.getResult(), broadcastDims(symbols, dimsOf(glu.getGate()), dimsOf(glu.getUp())));
      })
      .Case([&](moe::QuantizeDynamicOp quantize) {
        SymVector dims = dimsOf(quantize.getInput());
        state(quantize.getCodes(), dims);
        if (!quantize.getPerToken())
          return;
        dims.pop_back();
        state(quantize.getScale(), dims);
        state(quantize.getZeroPoint(), dims);
      })
      .Case([&](moe::AttentionOp attention) {
        // Sizes that are 1 at run time spread.
        SymVector dims = withLast(attention.getQuery(), get(attention.getValue()).dims.back());
        for (Value other : {attention.getKey(), attention.getValue()})
          dims[0] = symbols.broadcast(dims[0], get(other).dims[0]);
        if (Value mask = attention.getMask()) {
          SymVector spread =
              broadcastDims(symbols, ArrayRef(dims).drop_back(),
                            ArrayRef(get(mask).dims).drop_back(get(mask).getRank() > 0));
          llvm::copy(spread, dims.begin());
        }
        state(attention.getResult(), dims);
      })
      .Case([&](moe::LinearAttentionOp attention) {
        state(attention.getResult(), dimsOf(attention.getValue()));
        const SymVector &query = get(attention.getQuery()).dims;
        state(attention.getNewState(),
              {query[0], query[1], query[3], get(attention.getValue()).dims.back()});
      })
      .Case([&](moe::RouteOp route) {
        SymVector dims{get(route.getLogits()).dims[0], symbols.constant(route.getK())};
        state(route.getWeights(), dims);
        state(route.getExperts(), dims);
      })
      .Case([&](moe::ExpertsOp experts) {
        state(experts.getResult(), {get(experts.getTokens()).dims[0], SymExpr()});
      })
      .Case([&](moe::DispatchOp dispatch) {
        SymExpr slots = symbols.product(get(dispatch.getExperts()).dims);
        state(dispatch.getRows(), {slots, get(dispatch.getTokens()).dims[1]});
        state(dispatch.getOrder(), {slots});
      })
      .Case([&](moe::GroupedLinearOp linear) {
        state(linear.getResult(), {get(linear.getInput()).dims[0], SymExpr()});
      })
      .Case([&](moe::CombineOp combine) {
        state(combine.getResult(),
              {get(combine.getWeights()).dims[0], get(combine.getRows()).dims[1]});
      });
}
