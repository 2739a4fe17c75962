#include "passes/Conversion/ONNXToLinalg/Reduction.h"
#include "passes/Conversion/ONNXToLinalg/Elementwise.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace moec;

//===- Emitting
//-------------------------------------------------------------------------------------===//

SmallVector<SymExpr> moec::keepAxes(NodeLowering &lowering, ArrayRef<SymExpr> dims,
                                    const AxisSet &axes) {
  SmallVector<SymExpr> kept(dims);
  for (unsigned axis : axes.set_bits())
    kept[axis] = lowering.symbols.constant(1);
  return kept;
}

static Value getIdentity(const ScalarEmitter &s, ReductionKind kind) {
  switch (kind) {
  case ReductionKind::Sum:
    return s.constant(0);
  case ReductionKind::Product:
    return s.constant(1);
  case ReductionKind::Max:
    return s.lowest();
  case ReductionKind::Min:
    return s.highest();
  }
  llvm_unreachable("covered switch");
}

static Value combine(const ScalarEmitter &s, ReductionKind kind, Value a, Value b) {
  bool isFloat = s.isFloat();
  switch (kind) {
  case ReductionKind::Sum:
    return isFloat ? s.create<arith::AddFOp>(a, b, arith::FastMathFlags::reassoc) : s.add(a, b);
  case ReductionKind::Product:
    return isFloat ? s.create<arith::MulFOp>(a, b, arith::FastMathFlags::reassoc) : s.mul(a, b);
  case ReductionKind::Max:
    return isFloat ? s.create<arith::MaximumFOp>(a, b, arith::FastMathFlags::nsz) : s.max(a, b);
  case ReductionKind::Min:
    return isFloat ? s.create<arith::MinimumFOp>(a, b, arith::FastMathFlags::nsz) : s.min(a, b);
  }
  llvm_unreachable("covered switch");
}

/// A constant of equal elements as a single one. Upstream folds it into the body in any case, also
/// where it is the only operand that says how long the loops are.
static BroadcastOperand scalarizeSplat(NodeLowering &lowering, const BroadcastOperand &operand) {
  DenseElementsAttr constant;
  if (!matchPattern(operand.tensor, m_Constant(&constant)) || !constant.isSplat())
    return operand;
  auto scalar = DenseElementsAttr::get(RankedTensorType::get({}, constant.getElementType()),
                                       constant.getSplatValue<Attribute>());
  return {arith::ConstantOp::create(lowering.builder, lowering.loc, scalar), {}};
}

Value moec::emitReduction(NodeLowering &lowering, ArrayRef<BroadcastOperand> operands,
                          ArrayRef<SymExpr> dims, const AxisSet &axes, ReductionKind kind,
                          Type type, bool isUnsigned,
                          llvm::function_ref<Value(ScalarEmitter &, ValueRange)> element) {
  OpBuilder &builder = lowering.builder;
  SmallVector<BroadcastOperand> scalarized;
  for (const BroadcastOperand &operand : operands)
    scalarized.push_back(scalarizeSplat(lowering, operand));
  std::optional<BroadcastReads> reads = readBroadcast(lowering, scalarized, dims);
  if (!reads)
    return {};
  ScalarEmitter outside(builder, lowering.loc, type, isUnsigned);
  Value init = lowering.filled(keepAxes(lowering, dims, axes), getIdentity(outside, kind));
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators;
  for (unsigned d = 0; d < dims.size(); ++d) {
    exprs.push_back(axes[d] ? builder.getAffineConstantExpr(0) : builder.getAffineDimExpr(d));
    iterators.push_back(axes[d] ? utils::IteratorType::reduction : utils::IteratorType::parallel);
  }
  SmallVector<AffineMap> maps(reads->maps);
  SmallVector<Value> inputs(reads->inputs);
  // Operands that are broadcast, or folded into the body, do not say how long the loops are.
  if (!dims.empty() &&
      (maps.empty() || !inversePermutation(concatAffineMaps(maps, builder.getContext())))) {
    inputs.push_back(lowering.empty(dims, type));
    maps.push_back(builder.getMultiDimIdentityMap(dims.size()));
  }
  maps.push_back(AffineMap::get(dims.size(), 0, exprs, builder.getContext()));
  return linalg::GenericOp::create(
             builder, lowering.loc, init.getType(), inputs, init, maps, iterators,
             [&](OpBuilder &nested, Location loc, ValueRange arguments) {
               ScalarEmitter s(nested, loc, type, isUnsigned);
               SmallVector<Value> elements;
               for (Value x : reads->getElements(arguments))
                 elements.push_back(widen(nested, loc, x, getComputeType(x.getType())));
               Value value = combine(s, kind, arguments.back(), element(s, elements));
               linalg::YieldOp::create(nested, loc, value);
             })
      .getResult(0);
}

Value moec::emitCount(NodeLowering &lowering, ArrayRef<SymExpr> dims, const AxisSet &axes,
                      Type type) {
  SymExpr count = lowering.symbols.constant(1);
  for (unsigned axis : axes.set_bits())
    count = lowering.symbols.mul(count, dims[axis]);
  ScalarEmitter s(lowering.builder, lowering.loc, type);
  if (std::optional<int64_t> constant = count.getConstant())
    return s.constant(*constant);
  IntegerType i64 = lowering.builder.getI64Type();
  if (!s.isFloat())
    return s.create<arith::IndexCastOp>(type, lowering.index(count));
  return s.create<arith::SIToFPOp>(type, s.create<arith::IndexCastOp>(i64, lowering.index(count)));
}

//===- The operators
//--------------------------------------------------------------------------------===//

namespace {

/// What a node reduces: its operand, perhaps reshaped, and the axes that go away.
struct Reduced {
  BroadcastOperand x() const { return {tensor, dims}; }
  Value tensor;
  SmallVector<SymExpr> dims;
  AxisSet axes;
};

} // namespace

static std::optional<Reduced> getReducedStatically(NodeLowering &lowering, ArrayRef<int64_t> axes) {
  int64_t rank = lowering.dims(0).size();
  Reduced reduced{lowering.operand(0), SmallVector<SymExpr>(lowering.dims(0)), AxisSet(rank)};
  if (axes.empty() && !lowering.node.getInt("noop_with_empty_axes", 0))
    reduced.axes.set();
  for (int64_t axis : axes) {
    std::optional<int64_t> normalized = lowering.normalizeAxis(axis, rank);
    if (!normalized)
      return std::nullopt;
    reduced.axes.set(*normalized);
  }
  return reduced;
}

/// Axes that only the call knows, in a list of known length. Each dimension is taken as two, of
/// which the first goes away: [size, 1] where it is among the axes, else [1, size]. So the loops
/// are those of constant axes.
static std::optional<Reduced> getReducedAtRunTime(NodeLowering &lowering, ArrayRef<SymExpr> axes) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  SmallVector<SymExpr> isAxis(dims.size(), zero), kept,
      dropped(lowering.resultDims(0).size(), zero);
  for (SymExpr axis : axes) {
    std::optional<SymExpr> normal = lowering.normalizeAxis(axis, dims.size());
    if (!normal)
      return std::nullopt;
    for (auto [d, flag] : llvm::enumerate(isAxis))
      flag = symbols.logicalOr(flag, symbols.eq(*normal, symbols.constant(d)));
  }
  Reduced reduced;
  SymExpr count = zero;
  for (auto [flag, size] : llvm::zip(isAxis, dims)) {
    reduced.dims.append({symbols.select(flag, size, one), symbols.select(flag, one, size)});
    kept.push_back(reduced.dims.back());
    // The size's place among those that stay.
    SymExpr place = symbols.sub(symbols.constant(kept.size() - 1), count);
    for (auto [to, dim] : llvm::enumerate(dropped)) {
      SymExpr isHere = symbols.eq(place, symbols.constant(to));
      dim = symbols.add(dim, symbols.select(flag, zero, symbols.mul(isHere, size)));
    }
    count = symbols.add(count, flag);
  }
  bool keepsAxes = lowering.node.getInt("keepdims", 1) != 0;
  if (!keepsAxes &&
      failed(lowering.checkEqual(count, symbols.constant(axes.size()), "an axis is named twice")))
    return std::nullopt;
  if (failed(lowering.resolveResultDims(0, keepsAxes ? kept : dropped)))
    return std::nullopt;
  reduced.axes.resize(reduced.dims.size());
  for (unsigned d = 0; d < reduced.dims.size(); d += 2)
    reduced.axes.set(d);
  reduced.tensor = reshape(lowering, lowering.operand(0), dims, reduced.dims);
  if (!reduced.tensor)
    return std::nullopt;
  return reduced;
}

/// The axes from the operand or, in older versions, the attribute: all where there are none, unless
/// 'noop_with_empty_axes' is set. Refuses the node, and returns std::nullopt, where they cannot be.
static std::optional<Reduced> getReduced(NodeLowering &lowering) {
  if (!lowering.hasOperand(1))
    return getReducedStatically(lowering,
                                lowering.node.getInts("axes").value_or(ArrayRef<int64_t>()));
  if (std::optional<SmallVector<int64_t>> axes = lowering.constants(1))
    return getReducedStatically(lowering, *axes);
  std::optional<ArrayRef<SymExpr>> axes = lowering.elements(1);
  if (!axes) {
    (void)lowering.refuse("how many axes there are is not known");
    return std::nullopt;
  }
  return getReducedAtRunTime(lowering, *axes);
}

namespace {

using ElementFn = Value (*)(ScalarEmitter &, Value);
/// Makes the result of a reduced value and the number of elements.
using FinishFn = Value (*)(ScalarEmitter &, Value value, Value count);

} // namespace

/// The result with the axes dropped unless 'keepdims' is set.
static NodeResults finishReduction(NodeLowering &lowering, Value value, ArrayRef<SymExpr> kept) {
  if (!value)
    return failure();
  Value result = reshape(lowering, value, kept, lowering.resultDims(0));
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

/// Reduces elements passed through `element`, then passes the value through `finish`; null
/// functions are the identity.
static NodeResults lowerReduction(NodeLowering &lowering, ReductionKind kind, ElementFn element,
                                  FinishFn finish) {
  std::optional<Reduced> reduced = getReduced(lowering);
  if (!reduced)
    return failure();
  ArrayRef<SymExpr> dims = reduced->dims;
  const AxisSet &axes = reduced->axes;
  bool isUnsigned = isUnsignedOperand(lowering, 0);
  Type storageType = lowering.resultType(0).getElementType();
  Type type = getComputeType(storageType);
  Value value = emitReduction(
      lowering, reduced->x(), dims, axes, kind, type, isUnsigned,
      [&](ScalarEmitter &s, ValueRange x) { return element ? element(s, x[0]) : x[0]; });
  SmallVector<SymExpr> kept = keepAxes(lowering, dims, axes);
  if (value && (finish || type != storageType)) {
    Value count = finish ? emitCount(lowering, dims, axes, type) : Value();
    value = emitElementwise(lowering, BroadcastOperand{value, kept}, kept, storageType,
                            [&](OpBuilder &builder, Location loc, ValueRange x) {
                              ScalarEmitter s(builder, loc, type, isUnsigned);
                              Value result = finish ? finish(s, x[0], count) : x[0];
                              return narrow(builder, loc, result, storageType);
                            });
  }
  return finishReduction(lowering, value, kept);
}

template <ReductionKind kind, ElementFn element = nullptr, FinishFn finish = nullptr>
static NodeResults lowerReduction(NodeLowering &lowering) {
  return lowerReduction(lowering, kind, element, finish);
}

/// log(sum(exp(x))) = m + log(sum(exp(x - m))) with the maximum m, or 0 where that is infinite.
static NodeResults lowerLogSumExp(NodeLowering &lowering) {
  std::optional<Reduced> reduced = getReduced(lowering);
  if (!reduced)
    return failure();
  ArrayRef<SymExpr> dims = reduced->dims;
  const AxisSet &axes = reduced->axes;
  Type storageType = lowering.resultType(0).getElementType();
  Type type = getComputeType(storageType);
  BroadcastOperand x = reduced->x();
  SmallVector<SymExpr> kept = keepAxes(lowering, dims, axes);
  auto shift = [](ScalarEmitter &s, Value maximum) {
    return s.select(s.less(s.abs(maximum), s.infinity()), maximum, s.constant(0));
  };
  Value maximum = emitReduction(lowering, x, dims, axes, ReductionKind::Max, type, false,
                                [](ScalarEmitter &, ValueRange x) { return x[0]; });
  if (!maximum)
    return failure();
  Value sum = emitReduction(lowering, {x, {maximum, kept}}, dims, axes, ReductionKind::Sum, type,
                            false, [&](ScalarEmitter &s, ValueRange x) {
                              return s.create<math::ExpOp>(s.sub(x[0], shift(s, x[1])));
                            });
  if (!sum)
    return failure();
  Value result = emitElementwise(lowering, {{sum, kept}, {maximum, kept}}, kept, storageType,
                                 [&](OpBuilder &builder, Location loc, ValueRange x) {
                                   ScalarEmitter s(builder, loc, type);
                                   Value value = s.add(s.create<math::LogOp>(x[0]), shift(s, x[1]));
                                   return narrow(builder, loc, value, storageType);
                                 });
  return finishReduction(lowering, result, kept);
}

static Value emitAbs(ScalarEmitter &s, Value x) { return s.abs(x); }
static Value emitSquare(ScalarEmitter &s, Value x) { return s.mul(x, x); }
static Value emitMean(ScalarEmitter &s, Value sum, Value count) { return s.div(sum, count); }
static Value emitLog(ScalarEmitter &s, Value sum, Value) { return s.create<math::LogOp>(sum); }

/// The root; of integers in f64, rounded towards zero.
static Value emitRoot(ScalarEmitter &s, Value sum, Value) {
  if (s.isFloat())
    return s.create<math::SqrtOp>(sum);
  ScalarEmitter f(s.builder, s.loc, s.builder.getF64Type());
  Value number = s.isUnsigned ? s.create<arith::UIToFPOp>(f.type, sum)
                              : s.create<arith::SIToFPOp>(f.type, sum);
  return emitFloatToInteger(f, f.create<math::SqrtOp>(number), cast<IntegerType>(s.type),
                            s.isUnsigned);
}

void moec::addReductionHandlers(NodeHandlerTable &table) {
  constexpr auto sum = ReductionKind::Sum;
  table.add("ReduceL1", 1, lowerReduction<sum, emitAbs>);
  table.add("ReduceL2", 1, lowerReduction<sum, emitSquare, emitRoot>);
  table.add("ReduceLogSum", 1, lowerReduction<sum, nullptr, emitLog>);
  table.add("ReduceLogSumExp", 1, lowerLogSumExp);
  table.add("ReduceMax", 1, lowerReduction<ReductionKind::Max>);
  table.add("ReduceMean", 1, lowerReduction<sum, nullptr, emitMean>);
  table.add("ReduceMin", 1, lowerReduction<ReductionKind::Min>);
  table.add("ReduceProd", 1, lowerReduction<ReductionKind::Product>);
  table.add("ReduceSum", 1, lowerReduction<sum>);
  table.add("ReduceSumSquare", 1, lowerReduction<sum, emitSquare>);
}
