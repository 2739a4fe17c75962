//===- ExpandMath.cpp - Elementary functions as arithmetic
//------------------------------------------===//
#include "passes/Transforms/Math/Functions.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace moec {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

enum class Widths { All, SingleOnly };

/// f16 and bf16 are computed in f32.
template <typename OpTy, Widths widths, typename Fn>
class ExpandFunction : public OpRewritePattern<OpTy> {
public:
  ExpandFunction(MLIRContext *context, Fn fn) : OpRewritePattern<OpTy>(context), fn(fn) {}

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    Type type = op.getType(), element = getElementTypeOrSelf(type);
    bool isNarrow = element.isF16() || element.isBF16();
    if (!isNarrow && !element.isF32() && !(element.isF64() && widths == Widths::All))
      return rewriter.notifyMatchFailure(op, "there is no expansion for this type");
    Type computed = type;
    if (isNarrow) {
      auto vector = dyn_cast<VectorType>(type);
      computed = vector ? Type(vector.clone(rewriter.getF32Type())) : rewriter.getF32Type();
    }
    SmallVector<Value> operands(op->getOperands());
    if (isNarrow)
      for (Value &operand : operands)
        operand = arith::ExtFOp::create(rewriter, op.getLoc(), computed, operand);
    Value result = fn(FloatEmitter(rewriter, op.getLoc(), computed), operands);
    if (isNarrow)
      result = arith::TruncFOp::create(rewriter, op.getLoc(), type, result);
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  Fn fn;
};

template <typename OpTy, Widths widths = Widths::All>
void add(RewritePatternSet &patterns, Value (*fn)(const FloatEmitter &, Value)) {
  auto unary = [fn](const FloatEmitter &s, ArrayRef<Value> x) { return fn(s, x[0]); };
  patterns.add(std::make_unique<ExpandFunction<OpTy, widths, decltype(unary)>>(
      patterns.getContext(), unary));
}

void addPow(RewritePatternSet &patterns) {
  auto pow = [](const FloatEmitter &s, ArrayRef<Value> x) { return emitPow(s, x[0], x[1]); };
  patterns.add(std::make_unique<ExpandFunction<math::PowFOp, Widths::All, decltype(pow)>>(
      patterns.getContext(), pow));
}

struct ExpandMath : impl::ExpandMathPassBase<ExpandMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    add<math::AcosOp>(patterns, emitAcos);
    add<math::AcoshOp>(patterns, emitAcosh);
    add<math::AsinOp>(patterns, emitAsin);
    add<math::AsinhOp>(patterns, emitAsinh);
    add<math::AtanOp>(patterns, emitAtan);
    add<math::AtanhOp>(patterns, emitAtanh);
    add<math::CosOp, Widths::SingleOnly>(patterns, emitCos);
    add<math::CoshOp>(patterns, emitCosh);
    add<math::ErfOp>(patterns, emitErf);
    add<math::Exp2Op>(patterns, emitExp2);
    add<math::ExpM1Op>(patterns, emitExpM1);
    add<math::ExpOp>(patterns, [](const FloatEmitter &s, Value x) { return emitExp(s, x); });
    add<math::Log10Op>(patterns, emitLog10);
    add<math::Log1pOp>(patterns, emitLog1p);
    add<math::Log2Op>(patterns, emitLog2);
    add<math::LogOp>(patterns, emitLog);
    add<math::RsqrtOp>(
        patterns, [](const FloatEmitter &s, Value x) { return s.div(s.constant(1), s.sqrt(x)); });
    add<math::SinOp, Widths::SingleOnly>(patterns, emitSin);
    add<math::SinhOp>(patterns, emitSinh);
    add<math::TanOp, Widths::SingleOnly>(patterns, emitTan);
    add<math::TanhOp>(patterns, emitTanh);
    addPow(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace moec
