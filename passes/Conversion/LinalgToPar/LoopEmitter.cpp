#include "passes/Conversion/LinalgToPar/LoopEmitter.h"
#include "dialects/Par/ParOps.h"
#include "passes/Analysis/BufferLifetime.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moec;

LoopEmitter::LoopEmitter(linalg::LinalgOp op, OpBuilder &builder)
    : op(op), builder(builder), loc(op.getLoc()), maps(op.getIndexingMapsArray()),
      iterators(op.getIteratorTypesArray()), buffers(op->getOperands()),
      loaded(op.getNumDpsInputs()) {
  for (Range range : op.createLoopRanges(builder, loc))
    sizes.push_back(getValueOrCreateConstantIndexOp(builder, loc, range.size));
}

void LoopEmitter::emitAlone() {
  collapseFrom(0);
  order = chooseOrder(0);
  indices.assign(sizes.size(), Value());
  if (order.outer.empty()) {
    emitInner(0);
    return;
  }
  SmallVector<Value> outer;
  for (unsigned loop : order.outer)
    outer.push_back(sizes[loop]);
  Value work = emitInnerWork();
  emitParallelLoop(builder, loc, outer, work, [&](ArrayRef<Value> values) {
    for (auto [loop, index] : llvm::zip(order.outer, values))
      indices[loop] = index;
    emitInner(0);
  });
}

Value LoopEmitter::beginRows(unsigned numRowLoops) {
  order = chooseOrder(numRowLoops);
  return emitInnerWork();
}

Value LoopEmitter::emitInnerWork() {
  SmallVector<Value> inner;
  for (unsigned loop : order.inner)
    inner.push_back(sizes[loop]);
  return emitProduct(builder, loc, inner);
}

void LoopEmitter::emitRow(ArrayRef<Value> rowIndices) {
  indices.assign(sizes.size(), Value());
  llvm::copy(rowIndices, indices.begin());
  emitInner(0);
}

Value LoopEmitter::constant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

//===- Loops that are one ----------------------------------------------------------------===//

void LoopEmitter::collapseFrom(unsigned first) {
  for (unsigned i = sizes.size(); i-- > first + 1;)
    if (canCollapse(i - 1))
      collapse(i - 1);
}

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

/// Every operand either walks both loops, as neighbouring dimensions of a dense buffer, or neither.
/// So elementwise operations become one loop.
bool LoopEmitter::canCollapse(unsigned loop) {
  if (op.hasIndexSemantics() || iterators[loop] != iterators[loop + 1])
    return false;
  for (auto [map, buffer] : llvm::zip(maps, buffers)) {
    auto type = dyn_cast<MemRefType>(buffer.getType());
    std::optional<unsigned> first = positionOf(map, loop), second = positionOf(map, loop + 1);
    if (!first && !second && !map.isFunctionOfDim(loop) && !map.isFunctionOfDim(loop + 1))
      continue;
    if (!type || !type.getLayout().isIdentity() || !first || !second || *second != *first + 1)
      return false;
  }
  return true;
}

void LoopEmitter::collapse(unsigned loop) {
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
  sizes[loop] = emitProduct(builder, loc, {sizes[loop], sizes[loop + 1]});
  sizes.erase(sizes.begin() + loop + 1);
  iterators.erase(iterators.begin() + loop + 1);
}

Value LoopEmitter::collapseBuffer(Value buffer, unsigned position) {
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

//===- Order -----------------------------------------------------------------------------===//

LoopEmitter::LoopOrder LoopEmitter::chooseOrder(unsigned numRowLoops) const {
  LoopOrder result;
  SmallVector<unsigned> parallel, reduction;
  for (unsigned i = numRowLoops; i < sizes.size(); ++i)
    (isParallel(i) ? parallel : reduction).push_back(i);
  // Reductions that come last run in registers, inside of the parallel loops. Else the last loop is
  // parallel and contiguous: it stays innermost, and sums are kept in memory.
  result.accumulates = !reduction.empty() && (parallel.empty() || !isParallel(sizes.size() - 1));
  SmallVector<unsigned> last;
  if (!result.accumulates && !parallel.empty() && (parallel.size() > 1 || !reduction.empty()))
    last.push_back(parallel.pop_back_val());
  // In a loop over rows all of this is inside.
  (numRowLoops > 0 ? result.inner : result.outer) = parallel;
  result.firstReduction = result.inner.size();
  llvm::append_range(result.inner, reduction);
  llvm::append_range(result.inner, last);
  return result;
}

//===- Emitting --------------------------------------------------------------------------===//

void LoopEmitter::emitInner(unsigned depth) {
  loadInvariants();
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
  emitLoop(order.inner[depth], {}, [&](ValueRange) {
    emitInner(depth + 1);
    return SmallVector<Value>();
  });
}

SmallVector<Value> LoopEmitter::emitReduction(unsigned depth, ArrayRef<Value> values) {
  if (depth == order.inner.size())
    return emitBody(values);
  return llvm::to_vector(emitLoop(order.inner[depth], values, [&](ValueRange carried) {
    loadInvariants();
    return emitReduction(depth + 1, llvm::to_vector(carried));
  }));
}

ValueRange LoopEmitter::emitLoop(unsigned loop, ValueRange values,
                                 llvm::function_ref<SmallVector<Value>(ValueRange)> emit) {
  // What is loaded inside is not there afterwards.
  SmallVector<Value> before(loaded);
  auto forOp = scf::ForOp::create(builder, loc, constant(0), sizes[loop], constant(1), values,
                                  [&](OpBuilder &nested, Location, Value iv, ValueRange carried) {
                                    OpBuilder saved = builder;
                                    builder = nested;
                                    indices[loop] = iv;
                                    scf::YieldOp::create(builder, loc, emit(carried));
                                    builder = saved;
                                  });
  indices[loop] = {};
  loaded = before;
  return forOp.getResults();
}

SmallVector<Value> LoopEmitter::position(unsigned operand) {
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

Value LoopEmitter::load(OpOperand &operand) {
  unsigned number = operand.getOperandNumber();
  if (!isa<MemRefType>(buffers[number].getType()))
    return buffers[number]; // a scalar
  return memref::LoadOp::create(builder, loc, buffers[number], position(number));
}

void LoopEmitter::store(OpOperand &operand, Value value) {
  unsigned number = operand.getOperandNumber();
  memref::StoreOp::create(builder, loc, value, buffers[number], position(number));
}

/// Loads the elements that stay the same in the loops that are still to come, if the operation does
/// not write to their buffer: LLVM does not know that much.
void LoopEmitter::loadInvariants() {
  for (OpOperand *operand : op.getDpsInputOperands()) {
    unsigned number = operand->getOperandNumber();
    auto isKnown = [&](unsigned loop) {
      return indices[loop] || !maps[number].isFunctionOfDim(loop);
    };
    bool isWritten = llvm::any_of(op.getDpsInits(), [&](Value output) {
      return getBufferRoot(output) == getBufferRoot(operand->get());
    });
    if (loaded[number] || isWritten || op.getMatchingBlockArgument(operand).use_empty() ||
        !llvm::all_of(llvm::seq<unsigned>(0, indices.size()), isKnown))
      continue;
    loaded[number] = load(*operand);
  }
}

/// The body with the given values of the outputs; null where it does not read one.
SmallVector<Value> LoopEmitter::emitBody(ArrayRef<Value> outputs) {
  Block &body = op->getRegion(0).front();
  IRMapping mapping;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(operand);
    Value known = loaded[operand->getOperandNumber()];
    if (!argument.use_empty())
      mapping.map(argument, known ? known : load(*operand));
  }
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

//===- The parallel loop -----------------------------------------------------------------===//

Value moec::emitProduct(OpBuilder &builder, Location loc, ArrayRef<Value> sizes) {
  Value product = arith::ConstantIndexOp::create(builder, loc, 1);
  for (auto [i, size] : llvm::enumerate(sizes))
    product = i == 0 ? size : arith::MulIOp::create(builder, loc, product, size).getResult();
  return product;
}

void moec::emitParallelLoop(OpBuilder &builder, Location loc, ArrayRef<Value> sizes, Value work,
                            llvm::function_ref<void(ArrayRef<Value>)> emit) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value count = emitProduct(builder, loc, sizes), one = constant(1);
  // Ranges below this many innermost iterations are not worth another worker's attention.
  Value least = constant(16384);
  Value grain =
      arith::DivSIOp::create(builder, loc, least, arith::MaxSIOp::create(builder, loc, work, one));
  grain = arith::MaxSIOp::create(builder, loc, grain, one);
  par::ForOp::create(
      builder, loc, count, grain, [&](OpBuilder &nested, Location, Value begin, Value end) {
        OpBuilder outside = builder;
        builder = nested;
        scf::ForOp::create(builder, loc, begin, end, constant(1), ValueRange(),
                           [&](OpBuilder &inside, Location, Value position, ValueRange) {
                             OpBuilder saved = builder;
                             builder = inside;
                             SmallVector<Value> indices(sizes.size());
                             for (unsigned i = sizes.size(); i-- > 1;) {
                               indices[i] =
                                   arith::RemUIOp::create(builder, loc, position, sizes[i]);
                               position = arith::DivUIOp::create(builder, loc, position, sizes[i]);
                             }
                             indices[0] = position;
                             emit(indices);
                             scf::YieldOp::create(builder, loc);
                             builder = saved;
                           });
        builder = outside;
      });
}
