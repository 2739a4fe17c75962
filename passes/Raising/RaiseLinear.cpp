#include "passes/Analysis/Match.h"
#include "passes/Raising/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moec {
#define GEN_PASS_DEF_RAISELINEARPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

/// A static matrix of floats.
bool isMatrix(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.hasStaticShape() &&
         isa<FloatType>(type.getElementType());
}

/// A vector of that many floats, that broadcasts over rows.
bool isBias(Value value, int64_t width) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 1 && type.getDimSize(0) == width &&
         isa<FloatType>(type.getElementType());
}

struct RaiseProduct : OpRewritePattern<onnx::NodeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.getDomain().empty())
      return failure();
    bool isGemm = node.getOpType() == "Gemm";
    if (!isGemm && node.getOpType() != "MatMul")
      return failure();
    Value input = node.getInputs()[0], weight = node.getInputs()[1], bias;
    if (!isMatrix(weight) || !isa<RankedTensorType>(input.getType()) || !getLastSize(input))
      return failure();
    bool transposed = false;
    if (isGemm) {
      if (node.getInt("transA", 0) || node.getFloat("alpha", 1) != 1 ||
          node.getFloat("beta", 1) != 1)
        return failure();
      transposed = node.getInt("transB", 0);
      bias = node.getOptionalOperand(2);
      int64_t width = cast<RankedTensorType>(weight.getType()).getDimSize(transposed ? 0 : 1);
      if (bias && !isBias(bias, width))
        return failure();
    }
    rewriter.replaceOpWithNewOp<moe::LinearOp>(node, node->getResultTypes().front(), input, weight,
                                               bias, transposed);
    return success();
  }
};

struct RaiseBias : OpRewritePattern<onnx::NodeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(onnx::NodeOp node, PatternRewriter &rewriter) const override {
    if (!node.getDomain().empty() || node.getOpType() != "Add")
      return failure();
    for (int side : {0, 1}) {
      Value bias = node.getInputs()[1 - side];
      auto linear = node.getInputs()[side].getDefiningOp<moe::LinearOp>();
      if (!linear || !linear.isPlain() || linear.getBias() || !linear->hasOneUse() ||
          !isBias(bias, linear.getOutWidth()) ||
          linear.getResult().getType() != node->getResult(0).getType())
        continue;
      rewriter.replaceOpWithNewOp<moe::LinearOp>(node, node->getResultTypes().front(),
                                                 linear.getInput(), linear.getWeight(), bias,
                                                 linear.getTransposed());
      return success();
    }
    return failure();
  }
};

struct RaiseLinear : impl::RaiseLinearPassBase<RaiseLinear> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RaiseProduct, RaiseBias>(&getContext());
    // Fails only if it does not converge, and each rewrite removes a node.
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace moec
