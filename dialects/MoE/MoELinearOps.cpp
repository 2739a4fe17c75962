#include "VerifyShapes.h"
#include "dialects/MoE/MoEOps.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec::moe;

/// `shape` with its last size replaced.
static SmallVector<int64_t> withLast(Shape shape, int64_t last) {
  SmallVector<int64_t> result(shape);
  result.back() = last;
  return result;
}

LogicalResult EpilogueAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                                   ActivationKind, bool gated, FloatAttr alpha, FloatAttr offset,
                                   FloatAttr limit) {
  for (FloatAttr number : {alpha, offset, limit})
    if (number && !number.getType().isF32())
      return emitError() << "has a number of type " << number.getType() << ", expected f32";
  if (!gated && (offset || limit))
    return emitError() << "has " << (offset ? "an offset" : "a limit") << ", but no gate";
  if (limit && !(limit.getValue().convertToFloat() >= 0))
    return emitError() << "has a negative limit";
  return success();
}

LogicalResult LinearOp::verify() {
  Shape input = shapeOf(getInput());
  if (input.empty())
    return emitOpError("input has rank 0, expected at least 1");
  if (failed(verifyRank(*this, "weight", getWeight(), 2)))
    return failure();
  if (!mayEqual(input.back(), getInWidth()))
    return emitOpError() << "input has " << input.back() << " features, but the weight "
                         << toString(shapeOf(getWeight()))
                         << (getTransposed() ? " (transposed)" : "") << " takes " << getInWidth();
  if (getBias() && failed(verifyBroadcast(*this, "bias", getBias(), {getOutWidth()})))
    return failure();
  FailureOr<int64_t> width = verifyEpilogue(*this, getEpilogueAttr(), getOutWidth());
  if (failed(width))
    return failure();
  if (getResidual() &&
      (failed(verifyShape(*this, "residual", getResidual(), shapeOf(getResult()))) ||
       failed(verifyElementType(*this, "residual", getResidual(), elementOf(getResult())))))
    return failure();
  return verifyShape(*this, "result", getResult(), withLast(input, *width));
}

LogicalResult BlockLinearOp::verify() {
  Shape input = shapeOf(getInput()), weight = shapeOf(getWeight());
  if (input.empty())
    return emitOpError("input has rank 0, expected at least 1");
  if (failed(verifyRank(*this, "weight", getWeight(), 3)))
    return failure();
  auto times = [](int64_t a, int64_t b) {
    return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) ? ShapedType::kDynamic : a * b;
  };
  int64_t in = times(weight[0], weight[1]), out = times(weight[0], weight[2]);
  if (!mayEqual(input.back(), in))
    return emitOpError() << "input has " << input.back() << " features, but the blocks "
                         << toString(weight) << " take " << in;
  if (getBias() && failed(verifyBroadcast(*this, "bias", getBias(), {out})))
    return failure();
  if (std::optional<ArrayRef<int64_t>> shuffle = getShuffle()) {
    int64_t size = shuffle->size();
    if (!mayEqual(size, out))
      return emitOpError() << "shuffle has " << size << " entries for " << out << " outputs";
    llvm::BitVector seen(size);
    for (int64_t i : *shuffle) {
      if (i < 0 || i >= size || seen.test(i))
        return emitOpError() << "shuffle is no permutation: " << i
                             << (i < 0 || i >= size ? " is out of range" : " stands twice");
      seen.set(i);
    }
  }
  return verifyShape(*this, "result", getResult(), withLast(input, out));
}

LogicalResult DequantizeOp::verify() {
  Shape result = shapeOf(getResult()), scales = shapeOf(getScales());
  int64_t rank = result.size(), axis = getAxis(), packed = getPacked();
  SmallVector<int64_t> expected(result);
  if (packed) {
    if (packed < 1 || packed > 8 || !llvm::isPowerOf2_64(packed))
      return emitOpError() << "codes of " << packed << " bits in bytes, expected 1, 2, 4 or 8";
    if (rank == 0)
      return emitOpError("packed codes have rank 0, expected at least 1");
    if (!ShapedType::isDynamic(result.back()))
      expected.back() = llvm::divideCeil(result.back() * packed, 8);
    if (!elementOf(getCodes()).isInteger(8))
      return emitOpError() << "packed codes have elements of type " << elementOf(getCodes())
                           << ", expected bytes";
  }
  if (failed(verifyShape(*this, "codes", getCodes(), expected)))
    return failure();
  int64_t block = getBlock();
  if (block < 0)
    return emitOpError() << "block is " << block << ", expected at least 0";
  if (!scales.empty()) {
    if (axis < -rank || axis >= rank)
      return emitOpError() << "axis is " << axis << ", expected one of the " << rank << " axes";
    axis += axis < 0 ? rank : 0;
    SmallVector<int64_t> scaleShape{result[axis]};
    if (block) {
      scaleShape.assign(result.begin(), result.end());
      if (!ShapedType::isDynamic(result[axis]))
        scaleShape[axis] = llvm::divideCeil(result[axis], block);
    }
    if (failed(verifyShape(*this, "scales", getScales(), scaleShape)))
      return failure();
  }
  if (getZeroPoints() && failed(verifyShape(*this, "zero_points", getZeroPoints(), scales)))
    return failure();
  if (getCodebook()) {
    if (getZeroPoints() || getZero())
      return emitOpError("has a codebook and zero points");
    return verifyRank(*this, "codebook", getCodebook(), 1);
  }
  return success();
}

LogicalResult QuantizeDynamicOp::verify() {
  Shape input = shapeOf(getInput());
  if (getPerToken() && input.empty())
    return emitOpError("input has rank 0, expected at least 1");
  Shape scale = getPerToken() ? input.drop_back() : Shape();
  if (failed(verifyShape(*this, "codes", getCodes(), input)) ||
      failed(verifyShape(*this, "scale", getScale(), scale)) ||
      failed(verifyShape(*this, "zero point", getZeroPoint(), scale)))
    return failure();
  for (Value codes : {getCodes(), getZeroPoint()})
    if (!elementOf(codes).isUnsignedInteger(8))
      return emitOpError() << "gives codes of type " << elementOf(codes) << ", expected ui8";
  return success();
}

LogicalResult NormOp::verify() {
  Shape input = shapeOf(getInput());
  if (input.empty())
    return emitOpError("input has rank 0, expected at least 1");
  if (ShapedType::isDynamic(input.back()))
    return emitOpError("is over an axis whose size is known at run time only");
  if (!(getEpsilon().convertToFloat() >= 0))
    return emitOpError("has a negative epsilon");
  if (getScale() && failed(verifyBroadcast(*this, "scale", getScale(), input)))
    return failure();
  if (getBias() && failed(verifyBroadcast(*this, "bias", getBias(), input)))
    return failure();
  return verifyShape(*this, "result", getResult(), input);
}

LogicalResult RotaryOp::verify() {
  if (failed(verifyRank(*this, "input", getInput(), 4)) ||
      failed(verifyRank(*this, "cos", getCos(), 3)) ||
      failed(verifyShape(*this, "sin", getSin(), shapeOf(getCos()))))
    return failure();
  Shape input = shapeOf(getInput()), cos = shapeOf(getCos());
  if (cos[0] != 1 && !mayEqual(cos[0], input[0]))
    return emitOpError() << "cos has batch " << cos[0] << ", expected 1 or " << input[0];
  if (!mayEqual(cos[1], input[2]))
    return emitOpError() << "cos has " << cos[1] << " positions, the input " << input[2];
  if (!ShapedType::isDynamic(cos[2]) && !ShapedType::isDynamic(input[3]) && 2 * cos[2] > input[3])
    return emitOpError() << "rotates " << 2 * cos[2] << " elements of heads of " << input[3];
  return verifyShape(*this, "result", getResult(), input);
}

LogicalResult GLUOp::verify() {
  if (std::optional<APFloat> limit = getLimit(); limit && !(limit->convertToFloat() >= 0))
    return emitOpError("has a negative limit");
  return success();
}
