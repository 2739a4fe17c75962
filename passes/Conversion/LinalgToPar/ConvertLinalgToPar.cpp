//===- ConvertLinalgToPar.cpp - Structured operations on buffers to loops
//---------------------------===//
#include "dialects/Par/ParOps.h"
#include "passes/Conversion/Passes.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace moec {
#define GEN_PASS_DEF_CONVERTLINALGTOPARPASS
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {

/// The loop nest of one operation: which loops run in which order, and how many of the outermost
/// ones form the parallel loop.
struct LoopOrder {
  SmallVector<unsigned> outer; ///< parallel, linearised into the parallel loop
  SmallVector<unsigned> inner; ///< the rest, outermost first
  bool accumulates = false; ///< all of `inner` from `firstReduction` on carries values in registers
  unsigned firstReduction = 0;
};

class LoopEmitter {
public:
  LoopEmitter(linalg::LinalgOp op, OpBuilder &builder)
      : op(op), builder(builder), loc(op.getLoc()) {}

  LogicalResult run() {
    if (!op.hasPureBufferSemantics())
      return op.emitError("is not on buffers");
    if (!op.getShapesToLoopsMap())
      return op.emitError("has loops whose sizes do not follow from its operands");
    maps = op.getIndexingMapsArray();
    iterators = op.getIteratorTypesArray();
    buffers = llvm::to_vector(op->getOperands());
    for (Range range : op.createLoopRanges(builder, loc))
      sizes.push_back(getValueOrCreateConstantIndexOp(builder, loc, range.size));
    collapseContiguousLoops();
    order = chooseOrder();
    emit();
    op.erase();
    return success();
  }

private:
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }

  bool isParallel(unsigned loop) { return iterators[loop] == utils::IteratorType::parallel; }

  /// Merges neighbouring loops i, i+1 where every operand either walks both, as neighbouring
  /// dimensions of a dense buffer, or neither. Elementwise operations become one loop.
  void collapseContiguousLoops() {
    if (op.hasIndexSemantics())
      return;
    for (unsigned i = sizes.size(); i-- > 1;)
      if (canCollapse(i - 1))
        collapse(i - 1);
  }

  bool canCollapse(unsigned loop) {
    if (iterators[loop] != iterators[loop + 1])
      return false;
    for (auto [map, buffer] : llvm::zip(maps, buffers)) {
      auto type = dyn_cast<MemRefType>(buffer.getType());
      std::optional<unsigned> first = positionOf(map, loop), second = positionOf(map, loop + 1);
      if (!first && !second && !mentions(map, loop) && !mentions(map, loop + 1))
        continue;
      if (!type || !type.getLayout().isIdentity() || !first || !second || *second != *first + 1)
        return false;
    }
    return true;
  }

  static bool mentions(AffineMap map, unsigned loop) { return map.isFunctionOfDim(loop); }

  /// The result of `map` that is exactly that loop, if the loop occurs nowhere else.
  static std::optional<unsigned> positionOf(AffineMap map, unsigned loop) {
    std::optional<unsigned> position;
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (dim && dim.getPosition() == loop && !position)
        position = i;
      else if (expr.isFunctionOfDim(loop))
        return std::nullopt;
    }
    return position;
  }

  void collapse(unsigned loop) {
    MLIRContext *context = op->getContext();
    for (auto [map, buffer] : llvm::zip(maps, buffers)) {
      std::optional<unsigned> first = positionOf(map, loop);
      SmallVector<AffineExpr> results(map.getResults());
      if (first) {
        results.erase(results.begin() + *first + 1);
        buffer = collapseBuffer(buffer, *first);
      }
      // Loop `loop + 1` is gone: the later ones move down.
      SmallVector<AffineExpr> replacements;
      for (unsigned i = 0; i < map.getNumDims(); ++i)
        replacements.push_back(getAffineDimExpr(i > loop ? i - 1 : i, context));
      map = AffineMap::get(map.getNumDims(), 0, results, context);
      map = map.replaceDimsAndSymbols(replacements, {}, map.getNumDims() - 1, 0);
    }
    sizes[loop] = arith::MulIOp::create(builder, loc, sizes[loop], sizes[loop + 1]);
    sizes.erase(sizes.begin() + loop + 1);
    iterators.erase(iterators.begin() + loop + 1);
  }

  Value collapseBuffer(Value buffer, unsigned position) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<ReassociationIndices> groups;
    for (unsigned i = 0; i < type.getRank(); ++i) {
      if (i == position + 1)
        groups.back().push_back(i);
      else
        groups.push_back({static_cast<int64_t>(i)});
    }
    return memref::CollapseShapeOp::create(builder, loc, buffer, groups);
  }

  /// Whether a store of an output runs along `loop` in its last dimension.
  bool isContiguousInOutputs(unsigned loop) {
    return llvm::any_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
      AffineMap map = maps[init.getOperandNumber()];
      return map.getNumResults() > 0 &&
             map.getResult(map.getNumResults() - 1).isFunctionOfDim(loop);
    });
  }

  LoopOrder chooseOrder() {
    LoopOrder result;
    SmallVector<unsigned> parallel, reduction;
    for (unsigned i = 0; i < sizes.size(); ++i)
      (isParallel(i) ? parallel : reduction).push_back(i);
    bool reductionIsInnermost = !sizes.empty() && !isParallel(sizes.size() - 1);
    if (reduction.empty() || reductionIsInnermost || parallel.empty()) {
      // Parallel loops, then reductions in registers. Without reductions the last loop stays
      // inside, for vectors.
      result.outer = parallel;
      if (reduction.empty() && parallel.size() > 1)
        result.inner.push_back(result.outer.pop_back_val());
      result.firstReduction = result.inner.size();
      llvm::append_range(result.inner, reduction);
      result.accumulates = !reduction.empty();
      return result;
    }
    // The last loop is parallel and contiguous: keep it innermost and accumulate in memory.
    result.inner = reduction;
    result.inner.push_back(parallel.pop_back_val());
    result.outer = parallel;
    return result;
  }

  void emit() {
    Value count = constant(1), work = constant(1);
    for (unsigned loop : order.outer)
      count = arith::MulIOp::create(builder, loc, count, sizes[loop]);
    for (unsigned loop : order.inner)
      work = arith::MulIOp::create(builder, loc, work, sizes[loop]);
    // Ranges below this many innermost iterations are not worth another worker's attention.
    Value least = constant(16384);
    Value grain = arith::DivSIOp::create(builder, loc, least,
                                         arith::MaxSIOp::create(builder, loc, work, constant(1)));
    grain = arith::MaxSIOp::create(builder, loc, grain, constant(1));
    indices.assign(sizes.size(), Value());
    if (order.outer.empty()) {
      emitInner(0);
      return;
    }
    par::ForOp::create(builder, loc, count, grain,
                       [&](OpBuilder &nested, Location, Value begin, Value end) {
                         OpBuilder saved = builder;
                         builder = nested;
                         emitOuter(begin, end);
                         builder = saved;
                       });
  }

  void emitOuter(Value begin, Value end) {
    scf::ForOp::create(builder, loc, begin, end, constant(1), ValueRange(),
                       [&](OpBuilder &nested, Location, Value position, ValueRange) {
                         OpBuilder saved = builder;
                         builder = nested;
                         delinearize(position);
                         emitInner(0);
                         scf::YieldOp::create(builder, loc);
                         builder = saved;
                       });
  }

  void delinearize(Value position) {
    for (unsigned loop : llvm::reverse(ArrayRef(order.outer).drop_front())) {
      indices[loop] = arith::RemUIOp::create(builder, loc, position, sizes[loop]);
      position = arith::DivUIOp::create(builder, loc, position, sizes[loop]);
    }
    indices[order.outer.front()] = position;
  }

  void emitInner(unsigned depth) {
    if (order.accumulates && depth == order.firstReduction) {
      SmallVector<Value> initial;
      for (OpOperand &init : op.getDpsInitsMutable())
        initial.push_back(load(init));
      SmallVector<Value> final = emitReduction(depth, initial);
      for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), final))
        store(init, value);
      return;
    }
    if (depth == order.inner.size()) {
      SmallVector<Value> current;
      for (OpOperand &init : op.getDpsInitsMutable())
        current.push_back(op.payloadUsesValueFromOperand(&init) ? load(init) : Value());
      SmallVector<Value> results = emitBody(current);
      for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), results))
        store(init, value);
      return;
    }
    unsigned loop = order.inner[depth];
    scf::ForOp::create(builder, loc, constant(0), sizes[loop], constant(1), ValueRange(),
                       [&](OpBuilder &nested, Location, Value iv, ValueRange) {
                         OpBuilder saved = builder;
                         builder = nested;
                         indices[loop] = iv;
                         emitInner(depth + 1);
                         scf::YieldOp::create(builder, loc);
                         builder = saved;
                       });
  }

  SmallVector<Value> emitReduction(unsigned depth, ArrayRef<Value> values) {
    if (depth == order.inner.size())
      return emitBody(values);
    unsigned loop = order.inner[depth];
    auto forOp = scf::ForOp::create(
        builder, loc, constant(0), sizes[loop], constant(1), values,
        [&](OpBuilder &nested, Location, Value iv, ValueRange carried) {
          OpBuilder saved = builder;
          builder = nested;
          indices[loop] = iv;
          scf::YieldOp::create(builder, loc, emitReduction(depth + 1, llvm::to_vector(carried)));
          builder = saved;
        });
    return SmallVector<Value>(forOp.getResults());
  }

  SmallVector<Value> position(unsigned operand) {
    SmallVector<Value> result;
    for (AffineExpr expr : maps[operand].getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        result.push_back(indices[dim.getPosition()]);
        continue;
      }
      result.push_back(affine::expandAffineExpr(builder, loc, expr, indices, {}));
    }
    return result;
  }

  Value load(OpOperand &operand) {
    unsigned number = operand.getOperandNumber();
    if (!isa<MemRefType>(buffers[number].getType()))
      return buffers[number]; // a scalar
    return memref::LoadOp::create(builder, loc, buffers[number], position(number));
  }

  void store(OpOperand &operand, Value value) {
    unsigned number = operand.getOperandNumber();
    memref::StoreOp::create(builder, loc, value, buffers[number], position(number));
  }

  /// The body with the given values of the outputs; null where it does not read one.
  SmallVector<Value> emitBody(ArrayRef<Value> outputs) {
    Block &body = op->getRegion(0).front();
    IRMapping mapping;
    for (auto [i, operand] : llvm::enumerate(op.getDpsInputOperands()))
      if (!body.getArgument(i).use_empty())
        mapping.map(body.getArgument(i), load(*operand));
    unsigned first = op.getNumDpsInputs();
    for (auto [i, value] : llvm::enumerate(outputs))
      if (value)
        mapping.map(body.getArgument(first + i), value);
    for (Operation &inner : body.without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
        mapping.map(index.getResult(), indices[index.getDim()]);
        continue;
      }
      builder.clone(inner, mapping);
    }
    SmallVector<Value> results;
    for (Value value : body.getTerminator()->getOperands())
      results.push_back(mapping.lookupOrDefault(value));
    return results;
  }

  linalg::LinalgOp op;
  OpBuilder &builder;
  Location loc;
  SmallVector<AffineMap> maps;
  SmallVector<utils::IteratorType> iterators;
  SmallVector<Value> buffers, sizes, indices;
  LoopOrder order;
};

/// `memref.copy` between buffers that are not both dense becomes a structured copy.
void expandStridedCopies(Operation *root) {
  SmallVector<memref::CopyOp> copies;
  root->walk([&](memref::CopyOp copy) {
    auto isDense = [](Value buffer) {
      return cast<MemRefType>(buffer.getType()).getLayout().isIdentity();
    };
    if (!isDense(copy.getSource()) || !isDense(copy.getTarget()))
      copies.push_back(copy);
  });
  for (memref::CopyOp copy : copies) {
    OpBuilder builder(copy);
    linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
    copy.erase();
  }
}

struct ConvertLinalgToPar : impl::ConvertLinalgToParPassBase<ConvertLinalgToPar> {
  void runOnOperation() override {
    expandStridedCopies(getOperation());
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops) {
      OpBuilder builder(op);
      if (failed(LoopEmitter(op, builder).run()))
        return signalPassFailure();
    }
  }
};

} // namespace
} // namespace moec
