//===- LowerExpandShapes.cpp - Splits of dimensions with any number of dynamic sizes
//---------------===//
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace moec {
#define GEN_PASS_DEF_LOWEREXPANDSHAPESPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// The product, folded where both are constants.
OpFoldResult multiply(OpBuilder &builder, Location loc, OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return builder.getIndexAttr(*x * *y);
  if (x == 1)
    return b;
  if (y == 1)
    return a;
  return arith::MulIOp::create(builder, loc, getValueOrCreateConstantIndexOp(builder, loc, a),
                               getValueOrCreateConstantIndexOp(builder, loc, b))
      .getResult();
}

/// What the type says of an offset or stride, or its value.
OpFoldResult staticOr(Builder &builder, int64_t known, Value value) {
  return ShapedType::isDynamic(known) ? OpFoldResult(value) : builder.getIndexAttr(known);
}

void lower(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto [staticStrides, staticOffset] = op.getSrcType().getStridesAndOffset();
  auto [resultStrides, resultOffset] = op.getResultType().getStridesAndOffset();
  auto metadata = memref::ExtractStridedMetadataOp::create(builder, loc, op.getSrc());
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(), strides(sizes.size());
  for (auto [d, group] : llvm::enumerate(op.getReassociationIndices())) {
    OpFoldResult stride = staticOr(builder, staticStrides[d], metadata.getStrides()[d]);
    for (int64_t i : llvm::reverse(group)) {
      // The type may say more than can be computed here.
      strides[i] = ShapedType::isDynamic(resultStrides[i])
                       ? stride
                       : OpFoldResult(builder.getIndexAttr(resultStrides[i]));
      if (i != group.front())
        stride = multiply(builder, loc, stride, sizes[i]);
    }
  }
  auto view = memref::ReinterpretCastOp::create(
      builder, loc, op.getResultType(), metadata.getBaseBuffer(),
      staticOr(builder, staticOffset, metadata.getOffset()), sizes, strides);
  op.replaceAllUsesWith(view.getResult());
  op.erase();
}

struct LowerExpandShapes : impl::LowerExpandShapesPassBase<LowerExpandShapes> {
  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp op) {
      if (!op.getResultType().hasStaticShape())
        lower(op);
    });
  }
};

} // namespace
} // namespace moec
