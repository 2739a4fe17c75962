#include "passes/Analysis/BufferSizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec;

static void multiply(BufferSize &size, const BufferSize &by) {
  size.constant *= by.constant;
  llvm::append_range(size.factors, by.factors);
  llvm::sort(size.factors);
}

BufferSize moec::getBufferSize(OpFoldResult size) {
  if (auto attribute = dyn_cast<Attribute>(size))
    return {cast<IntegerAttr>(attribute).getInt(), {}};
  Value value = cast<Value>(size);
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return {constant.getSExtValue(), {}};
  if (auto product = value.getDefiningOp<arith::MulIOp>()) {
    BufferSize result = getBufferSize(product.getLhs());
    multiply(result, getBufferSize(product.getRhs()));
    return result;
  }
  if (auto dim = value.getDefiningOp<memref::DimOp>())
    if (std::optional<int64_t> index = dim.getConstantIndex())
      return getBufferSize(dim.getSource(), *index);
  return {1, {{value.getAsOpaquePointer(), -1}}};
}

BufferSize moec::getBufferSize(Value buffer, int64_t dim) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  bool isInside = type && dim >= 0 && dim < type.getRank();
  if (isInside && !type.isDynamicDim(dim))
    return {type.getDimSize(dim), {}};
  BufferSize unknown{1, {{buffer.getAsOpaquePointer(), dim}}};
  Operation *definition = buffer.getDefiningOp();
  if (!isInside || !definition)
    return unknown;
  return llvm::TypeSwitch<Operation *, BufferSize>(definition)
      .Case<memref::AllocOp>([&](auto op) {
        return getBufferSize(op.getDynamicSizes()[type.getDynamicDimIndex(dim)]);
      })
      .Case<memref::CastOp>([&](auto op) { return getBufferSize(op.getSource(), dim); })
      .Case<memref::ExpandShapeOp>(
          [&](auto op) { return getBufferSize(op.getMixedOutputShape()[dim]); })
      .Case<memref::ReinterpretCastOp>(
          [&](auto op) { return getBufferSize(op.getMixedSizes()[dim]); })
      .Case<memref::SubViewOp>([&](memref::SubViewOp op) {
        // Sizes of 1 may be missing in the result.
        llvm::SmallBitVector dropped = op.getDroppedDims();
        int64_t kept = dim;
        for (auto [i, size] : llvm::enumerate(op.getMixedSizes()))
          if (!dropped.test(i) && kept-- == 0)
            return getBufferSize(size);
        return unknown;
      })
      .Case<memref::CollapseShapeOp>([&](memref::CollapseShapeOp op) {
        BufferSize product;
        ReassociationIndices group = op.getReassociationIndices()[dim];
        for (int64_t i : group)
          multiply(product, getBufferSize(op.getSrc(), i));
        return product;
      })
      .Default([&](Operation *) { return unknown; });
}
