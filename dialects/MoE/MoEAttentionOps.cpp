#include "VerifyShapes.h"
#include "dialects/MoE/MoEOps.h"

using namespace mlir;
using namespace moec::moe;

LogicalResult AttentionOp::verify() {
  if (failed(verifyRank(*this, "query", getQuery(), 4)) ||
      failed(verifyRank(*this, "key", getKey(), 4)) ||
      failed(verifyRank(*this, "value", getValue(), 4)))
    return failure();
  Shape query = shapeOf(getQuery()), key = shapeOf(getKey()), value = shapeOf(getValue());
  constexpr int64_t kDynamic = ShapedType::kDynamic;
  if (failed(verifyShape(*this, "key", getKey(), {query[0], kDynamic, kDynamic, query[3]})) ||
      failed(verifyShape(*this, "value", getValue(), {query[0], key[1], key[2], kDynamic})) ||
      failed(verifyShape(*this, "result", getResult(), {query[0], query[1], query[2], value[3]})))
    return failure();
  if (ShapedType::isDynamic(query[1]) || ShapedType::isDynamic(key[1]))
    return emitOpError("has a number of heads that is known at run time only");
  if (key[1] == 0 || query[1] % key[1])
    return emitOpError() << "has " << query[1] << " heads for " << key[1]
                         << " of keys, expected a multiple";
  if (int64_t window = getWindow(); window < 0)
    return emitOpError() << "window is " << window << ", expected at least 0";
  if (!(getSoftcap().convertToFloat() >= 0))
    return emitOpError("has a negative softcap");
  if (getMask() &&
      failed(verifyBroadcast(*this, "mask", getMask(), {query[0], query[1], query[2], key[2]})))
    return failure();
  if (getSinks() && failed(verifyShape(*this, "sinks", getSinks(), {query[1]})))
    return failure();
  if (getSlopes() && failed(verifyShape(*this, "slopes", getSlopes(), {query[1]})))
    return failure();
  if (getLengths() && failed(verifyShape(*this, "lengths", getLengths(), {query[0]})))
    return failure();
  return success();
}

LogicalResult LinearAttentionOp::verify() {
  if (failed(verifyRank(*this, "query", getQuery(), 4)) ||
      failed(verifyShape(*this, "key", getKey(), shapeOf(getQuery()))) ||
      failed(verifyRank(*this, "value", getValue(), 4)))
    return failure();
  Shape query = shapeOf(getQuery()), value = shapeOf(getValue());
  SmallVector<int64_t> state{query[0], query[1], query[3], value[3]};
  if (failed(verifyShape(*this, "value", getValue(), {query[0], query[1], query[2], value[3]})) ||
      failed(verifyShape(*this, "result", getResult(), value)) ||
      failed(verifyShape(*this, "new state", getNewState(), state)))
    return failure();
  if (getDecay() && failed(verifyShape(*this, "decay", getDecay(), query.drop_back())))
    return failure();
  if (!getCausal() && (getDecay() || getState()))
    return emitOpError("has a state or a decay, but is not causal");
  if (getState() && failed(verifyShape(*this, "state", getState(), state)))
    return failure();
  return success();
}
