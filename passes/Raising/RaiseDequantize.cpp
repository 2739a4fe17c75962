#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/Match.h"
#include "passes/Raising/Passes.h"

namespace moec {
#define GEN_PASS_DEF_RAISEDEQUANTIZEPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

/// Whether the value is a part of a weight or constant: cut, moved or reshaped.
bool isStored(Value value) {
  static constexpr StringRef views[] = {"Identity", "Reshape",   "Slice",    "Split",
                                        "Squeeze",  "Transpose", "Unsqueeze"};
  while (auto node = value.getDefiningOp<onnx::NodeOp>()) {
    if (!node.getDomain().empty() || !llvm::is_contained(views, node.getOpType()))
      return false;
    value = node.getInputs()[0];
  }
  return isa_and_nonnull<moe::WeightOp, onnx::ConstantOp>(value.getDefiningOp());
}

/// Whether scales or zero points of `shape` are one, one for each index of the axis, or one a
/// block.
bool isGranular(ArrayRef<int64_t> shape, ArrayRef<int64_t> codes, int64_t axis, int64_t block) {
  if (shape.empty())
    return true;
  if (axis < 0 || axis >= static_cast<int64_t>(codes.size()))
    return false;
  if (block == 0)
    return shape == ArrayRef(codes[axis]);
  SmallVector<int64_t> expected(codes);
  expected[axis] = llvm::divideCeil(codes[axis], block);
  return shape == ArrayRef(expected);
}

class RaiseDequantize : public impl::RaiseDequantizePassBase<RaiseDequantize> {
public:
  void runOnOperation() override {
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) {
      if (node.getDomain().empty() && node.getOpType() == "DequantizeLinear")
        nodes.push_back(node);
    });
    for (onnx::NodeOp node : nodes)
      raise(node);
  }

private:
  void raise(onnx::NodeOp node) {
    Value codes = node.getInputs()[0], scales = node.getInputs()[1];
    Value zeroPoints = node.getOptionalOperand(2);
    auto type = dyn_cast<RankedTensorType>(codes.getType());
    auto scaleType = dyn_cast<RankedTensorType>(scales.getType());
    auto resultType = dyn_cast<RankedTensorType>(node->getResult(0).getType());
    if (!type || !scaleType || !resultType || !type.hasStaticShape() ||
        !scaleType.hasStaticShape() || resultType.getShape() != type.getShape() ||
        resultType.getElementType() != scaleType.getElementType() || !isStored(codes))
      return;
    int64_t axis = node.getInt("axis", 1), block = node.getInt("block_size", 0);
    int64_t rank = type.getRank(), zero = 0;
    if (!isGranular(scaleType.getShape(), type.getShape(), axis < 0 ? axis + rank : axis, block))
      return;
    // The zero point of floats is 0.
    if (zeroPoints && isa<FloatType>(type.getElementType()))
      zeroPoints = {};
    if (zeroPoints) {
      auto zeroType = dyn_cast<RankedTensorType>(zeroPoints.getType());
      if (!zeroType || zeroType.getShape() != scaleType.getShape())
        return;
      if (std::optional<int64_t> uniform = getSplat(zeroPoints);
          uniform && isa<IntegerType>(getElementType(zeroPoints))) {
        zero = *uniform;
        zeroPoints = {};
      }
    }
    OpBuilder builder(node);
    auto raised = moe::DequantizeOp::create(
        builder, node.getLoc(), resultType, codes, scales, zeroPoints, /*codebook=*/Value(),
        builder.getI64IntegerAttr(axis), builder.getI64IntegerAttr(block),
        builder.getI64IntegerAttr(0), builder.getI64IntegerAttr(zero));
    node->getResult(0).replaceAllUsesWith(raised.getResult());
    node.erase();
    ++numRaised;
  }
};

} // namespace
} // namespace moec
