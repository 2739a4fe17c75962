//===- Normalization.cpp - Softmax and normalisations
//-----------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Elementwise.h"
#include "passes/Conversion/ONNXToLinalg/Reduction.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec;

/// The axes from `axis` on.
static AxisSet getTrailingAxes(int64_t axis, int64_t rank) {
  AxisSet axes(rank);
  axes.set(axis, rank);
  return axes;
}

static Value emitElement(ScalarEmitter &, ValueRange x) { return x[0]; }

//===- Softmax
//--------------------------------------------------------------------------------------===//

/// exp(x - max) / sum, or (x - max) - log(sum), over `axes`, in f32 or wider. Rows of -inf alone
/// give NaN.
static NodeResults emitSoftmax(NodeLowering &lowering, const AxisSet &axes, bool isLog) {
  ArrayRef<SymExpr> dims = lowering.dims(0);
  Type storageType = lowering.resultType(0).getElementType();
  Type type = getComputeType(storageType);
  BroadcastOperand x{lowering.operand(0), dims};
  SmallVector<SymExpr> kept = keepAxes(lowering, dims, axes);
  Value maximum =
      emitReduction(lowering, x, dims, axes, ReductionKind::Max, type, false, emitElement);
  if (!maximum)
    return failure();
  auto emitExp = [](ScalarEmitter &s, ValueRange x) -> Value {
    return s.create<math::ExpOp>(s.sub(x[0], x[1]));
  };
  Value sum, result;
  if (isLog) {
    sum = emitReduction(lowering, {x, {maximum, kept}}, dims, axes, ReductionKind::Sum, type, false,
                        emitExp);
    result = emitElementwise(lowering, {x, {maximum, kept}, {sum, kept}}, dims, storageType,
                             [&](OpBuilder &builder, Location loc, ValueRange x) {
                               ScalarEmitter s(builder, loc, type);
                               Value shifted = s.sub(widen(builder, loc, x[0], type), x[1]);
                               Value value = s.sub(shifted, s.create<math::LogOp>(x[2]));
                               return narrow(builder, loc, value, storageType);
                             });
  } else {
    Value exp = emitElementwise(lowering, {x, {maximum, kept}}, dims, type,
                                [&](OpBuilder &builder, Location loc, ValueRange x) {
                                  ScalarEmitter s(builder, loc, type);
                                  return emitExp(s, {widen(builder, loc, x[0], type), x[1]});
                                });
    BroadcastOperand exponentials{exp, dims};
    sum = emitReduction(lowering, exponentials, dims, axes, ReductionKind::Sum, type, false,
                        emitElement);
    result = emitElementwise(lowering, {exponentials, {sum, kept}}, dims, storageType,
                             [&](OpBuilder &builder, Location loc, ValueRange x) {
                               Value value = arith::DivFOp::create(builder, loc, x[0], x[1]);
                               return narrow(builder, loc, value, storageType);
                             });
  }
  return SmallVector<Value>{result};
}

template <bool isLog>
static NodeResults lowerSoftmax(NodeLowering &lowering) {
  int64_t rank = lowering.dims(0).size();
  std::optional<int64_t> axis = lowering.normalizeAxis(lowering.node.getInt("axis", -1), rank);
  if (!axis)
    return failure();
  AxisSet axes(rank);
  axes.set(*axis);
  return emitSoftmax(lowering, axes, isLog);
}

/// Before version 13: over all axes from `axis` on.
template <bool isLog>
static NodeResults lowerFlatSoftmax(NodeLowering &lowering) {
  int64_t rank = lowering.dims(0).size(), axis = lowering.node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return lowering.refuse("axis " + Twine(axis) + " is not one of a tensor of rank " +
                           Twine(rank));
  return emitSoftmax(lowering, getTrailingAxes(axis < 0 ? axis + rank : axis, rank), isLog);
}

//===- Layer normalisation
//--------------------------------------------------------------------------===//

namespace {

/// (x - mean) * inverse * scale + bias over trailing axes, computed in `type`.
class LayerNormalization {
public:
  LayerNormalization(NodeLowering &lowering, int64_t axis, Type type)
      : lowering(lowering), dims(lowering.dims(0)), axes(getTrailingAxes(axis, dims.size())),
        kept(keepAxes(lowering, dims, axes)), type(type) {}

  /// Centres x on its mean.
  LogicalResult computeMean() {
    BroadcastOperand x{lowering.operand(0), dims};
    Value sum = reduce(x, emitElement);
    if (!sum)
      return failure();
    mean = divideByCount(sum, nullptr);
    return success();
  }

  /// 1 / sqrt(mean((x - mean)^2) + epsilon), the mean in a pass of its own.
  LogicalResult computeInverse(float epsilon) {
    SmallVector<BroadcastOperand> operands{{lowering.operand(0), dims}};
    if (mean)
      operands.push_back({mean, kept});
    Value sum = reduce(operands, [&](ScalarEmitter &s, ValueRange x) {
      Value centred = center(s, x);
      return s.mul(centred, centred);
    });
    if (!sum)
      return failure();
    inverse = divideByCount(sum, [&](ScalarEmitter &s, Value variance) -> Value {
      Value root = s.create<math::SqrtOp>(s.add(variance, s.constant(epsilon)));
      return s.div(s.constant(1), root);
    });
    return success();
  }

  /// The normalised tensor, scaled by operand `scale` and shifted by operand `bias` if they are
  /// there.
  Value normalize(unsigned scale, unsigned bias) {
    auto get = [&](unsigned i) {
      return lowering.hasOperand(i) ? BroadcastOperand{lowering.operand(i), lowering.dims(i)}
                                    : BroadcastOperand();
    };
    return normalize(get(scale), get(bias));
  }

  /// … scaled and shifted by tensors, which may be null.
  Value normalize(BroadcastOperand scale, BroadcastOperand bias) {
    SmallVector<BroadcastOperand> operands{{lowering.operand(0), dims}};
    if (mean)
      operands.push_back({mean, kept});
    operands.push_back({inverse, kept});
    bool hasScale = bool(scale.tensor), hasBias = bool(bias.tensor);
    if (hasScale)
      operands.push_back(scale);
    if (hasBias)
      operands.push_back(bias);
    Type storageType = lowering.resultType(0).getElementType();
    return emitElementwise(lowering, operands, dims, storageType,
                           [&](OpBuilder &builder, Location loc, ValueRange elements) {
                             ScalarEmitter s(builder, loc, type);
                             SmallVector<Value> x;
                             for (Value element : elements)
                               x.push_back(widen(builder, loc, element, type));
                             ArrayRef<Value> rest = ArrayRef(x).drop_front(mean ? 2 : 1);
                             Value value = s.mul(center(s, x), rest[0]);
                             if (hasScale)
                               value = s.mul(value, rest[1]);
                             if (hasBias)
                               value = s.add(value, rest.back());
                             return narrow(builder, loc, value, storageType);
                           });
  }

  /// Statistics as result i; null where the node has no such result.
  Value getStatistic(unsigned i, Value statistic) {
    if (!lowering.hasResult(i))
      return {};
    Type storageType = lowering.resultType(i).getElementType();
    if (storageType == type)
      return statistic;
    return emitElementwise(lowering, BroadcastOperand{statistic, kept}, kept, storageType,
                           [&](OpBuilder &builder, Location loc, ValueRange x) {
                             return narrow(builder, loc, x[0], storageType);
                           });
  }

  Value mean, inverse;

private:
  Value center(ScalarEmitter &s, ValueRange x) { return mean ? s.sub(x[0], x[1]) : x[0]; }

  Value reduce(ArrayRef<BroadcastOperand> operands,
               llvm::function_ref<Value(ScalarEmitter &, ValueRange)> element) {
    return emitReduction(lowering, operands, dims, axes, ReductionKind::Sum, type, false, element);
  }

  Value divideByCount(Value sum, llvm::function_ref<Value(ScalarEmitter &, Value)> finish) {
    Value count = emitCount(lowering, dims, axes, type);
    return emitElementwise(lowering, BroadcastOperand{sum, kept}, kept, type,
                           [&](OpBuilder &builder, Location loc, ValueRange x) {
                             ScalarEmitter s(builder, loc, type);
                             Value value = s.div(x[0], count);
                             return finish ? finish(s, value) : value;
                           });
  }

  NodeLowering &lowering;
  SmallVector<SymExpr> dims;
  AxisSet axes;
  SmallVector<SymExpr> kept;
  Type type;
};

} // namespace

/// Layer normalisation in f32 or wider, with (LayerNormalization) or without a mean.
template <bool hasMean>
static NodeResults lowerLayerNormalization(NodeLowering &lowering) {
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", -1), lowering.dims(0).size());
  if (!axis)
    return failure();
  LayerNormalization norm(lowering, *axis, getComputeType(lowering.resultType(0).getElementType()));
  if ((hasMean && failed(norm.computeMean())) ||
      failed(norm.computeInverse(lowering.node.getFloat("epsilon", 1e-5f))))
    return failure();
  Value result = norm.normalize(1, 2);
  if (!result)
    return failure();
  SmallVector<Value> results{result};
  if (hasMean && lowering.getNumResults() > 1)
    results.push_back(norm.getStatistic(1, norm.mean));
  if (results.size() < lowering.getNumResults())
    results.push_back(norm.getStatistic(results.size(), norm.inverse));
  return results;
}

//===- Normalisation of channels
//--------------------------------------------------------------------===//

/// The sizes with which one number a channel (axis 1) broadcasts to operand 0.
static SmallVector<SymExpr> getChannelDims(NodeLowering &lowering) {
  ArrayRef<SymExpr> dims = lowering.dims(0);
  SmallVector<SymExpr> result(dims.size() - 1, lowering.symbols.constant(1));
  result[0] = dims[1];
  return result;
}

/// Over the axes behind the channels.
static NodeResults lowerInstanceNormalization(NodeLowering &lowering) {
  int64_t rank = lowering.dims(0).size();
  if (rank < 3)
    return lowering.refuse("its operand has rank " + Twine(rank) + ", expected at least 3");
  LayerNormalization norm(lowering, 2, getComputeType(lowering.resultType(0).getElementType()));
  if (failed(norm.computeMean()) ||
      failed(norm.computeInverse(lowering.node.getFloat("epsilon", 1e-5f))))
    return failure();
  SmallVector<SymExpr> channels = getChannelDims(lowering);
  Value scale = reshape(lowering, lowering.operand(1), lowering.dims(1), channels);
  Value bias = reshape(lowering, lowering.operand(2), lowering.dims(2), channels);
  if (!scale || !bias)
    return failure();
  return SmallVector<Value>{norm.normalize({scale, channels}, {bias, channels})};
}

/// Inference: (x - mean) / sqrt(variance + epsilon) * scale + bias, with given statistics.
static NodeResults lowerBatchNormalization(NodeLowering &lowering) {
  if (lowering.node.getInt("training_mode", 0))
    return lowering.refuse("training is not supported");
  if (lowering.dims(0).size() < 2)
    return lowering.refuse("its operand has no channels");
  SmallVector<SymExpr> channels = getChannelDims(lowering);
  SmallVector<BroadcastOperand> operands{{lowering.operand(0), lowering.dims(0)}};
  for (unsigned i : {1u, 2u, 3u, 4u}) {
    Value value = reshape(lowering, lowering.operand(i), lowering.dims(i), channels);
    if (!value)
      return failure();
    operands.push_back({value, channels});
  }
  Type storageType = lowering.resultType(0).getElementType();
  Value result = emitElementwise(lowering, operands, lowering.dims(0), storageType,
                                 [&](OpBuilder &builder, Location loc, ValueRange elements) {
                                   ScalarEmitter s(builder, loc, getComputeType(storageType));
                                   SmallVector<Value> x;
                                   for (Value element : elements)
                                     x.push_back(widen(builder, loc, element, s.type));
                                   Value epsilon =
                                       s.constant(lowering.node.getFloat("epsilon", 1e-5f));
                                   Value deviation = s.create<math::SqrtOp>(s.add(x[4], epsilon));
                                   Value factor = s.div(x[1], deviation);
                                   Value value = s.add(s.mul(s.sub(x[0], x[3]), factor), x[2]);
                                   return narrow(builder, loc, value, storageType);
                                 });
  SmallVector<Value> results(lowering.getNumResults());
  results[0] = result;
  return results;
}

/// x over its norm along an axis; 0 where that is 0.
static NodeResults lowerLpNormalization(NodeLowering &lowering) {
  ArrayRef<SymExpr> dims = lowering.dims(0);
  int64_t power = lowering.node.getInt("p", 2);
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", -1), dims.size());
  if (!axis)
    return failure();
  if (power != 1 && power != 2)
    return lowering.refuse("'p' is " + Twine(power) + ", expected 1 or 2");
  AxisSet axes(dims.size());
  axes.set(*axis);
  Type storageType = lowering.resultType(0).getElementType(), type = getComputeType(storageType);
  BroadcastOperand x{lowering.operand(0), dims};
  SmallVector<SymExpr> kept = keepAxes(lowering, dims, axes);
  Value sum = emitReduction(
      lowering, x, dims, axes, ReductionKind::Sum, type, false,
      [&](ScalarEmitter &s, ValueRange x) { return power == 1 ? s.abs(x[0]) : s.mul(x[0], x[0]); });
  if (!sum)
    return failure();
  Value result = emitElementwise(
      lowering, {x, {sum, kept}}, dims, storageType,
      [&](OpBuilder &builder, Location loc, ValueRange x) {
        ScalarEmitter s(builder, loc, type);
        Value norm = power == 1 ? x[1] : s.create<math::SqrtOp>(x[1]);
        Value isZero = s.equal(norm, s.constant(0));
        Value quotient = s.div(widen(builder, loc, x[0], type), norm);
        return narrow(builder, loc, s.select(isZero, s.constant(0), quotient), storageType);
      });
  return SmallVector<Value>{result};
}

void moec::addNormalizationHandlers(NodeHandlerTable &table) {
  table.add("BatchNormalization", 9, lowerBatchNormalization);
  table.add("InstanceNormalization", 6, lowerInstanceNormalization);
  table.add("LayerNormalization", 1, lowerLayerNormalization<true>);
  table.add("LogSoftmax", 1, lowerFlatSoftmax<true>);
  table.add("LogSoftmax", 13, lowerSoftmax<true>);
  table.add("LpNormalization", 1, lowerLpNormalization);
  table.add("RMSNormalization", 23, lowerLayerNormalization<false>);
  table.add("SimplifiedLayerNormalization", 1, lowerLayerNormalization<false>);
  table.add("Softmax", 1, lowerFlatSoftmax<false>);
  table.add("Softmax", 13, lowerSoftmax<false>);
}
