#include "passes/Transforms/EntrySizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec;

EntrySizes::EntrySizes(func::FuncOp function)
    : function(function), builder(OpBuilder::atBlockBegin(&function.getBody().front())) {}

Value EntrySizes::get(Value scalar) {
  auto it = known.find(scalar);
  if (it != known.end())
    return it->second;
  Value value = compute(scalar);
  known[scalar] = value;
  return value;
}

Value EntrySizes::getDim(Value buffer, int64_t dim) {
  auto it = knownDims.find({buffer, dim});
  if (it != knownDims.end())
    return it->second;
  Value value = computeDim(buffer, dim);
  knownDims[{buffer, dim}] = value;
  return value;
}

Value EntrySizes::get(OpFoldResult size) {
  if (auto value = dyn_cast<Value>(size))
    return get(value);
  return getConstant(cast<IntegerAttr>(cast<Attribute>(size)).getInt());
}

Value EntrySizes::getConstant(int64_t value) {
  Value &constant = constants[value];
  if (!constant)
    constant = arith::ConstantIndexOp::create(builder, function.getLoc(), value);
  return constant;
}

Value EntrySizes::compute(Value scalar) {
  if (!scalar.getType().isIntOrIndexOrFloat())
    return {};
  if (auto argument = dyn_cast<BlockArgument>(scalar))
    return argument.getOwner()->getParentOp() == function ? argument : Value();
  Operation *op = scalar.getDefiningOp();
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    std::optional<int64_t> index = dim.getConstantIndex();
    return index ? getDim(dim.getSource(), *index) : Value();
  }
  if (op->getNumRegions() == 0 && isMemoryEffectFree(op))
    return clone(op, cast<OpResult>(scalar).getResultNumber());
  return {};
}

Value EntrySizes::clone(Operation *op, unsigned result) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(get(operand));
    if (!operands.back())
      return {};
  }
  bool divides = isa<arith::DivSIOp, arith::DivUIOp, arith::CeilDivSIOp, arith::CeilDivUIOp,
                     arith::FloorDivSIOp, arith::RemSIOp, arith::RemUIOp>(op);
  if (divides && !isSpeculatable(op)) {
    Location loc = op->getLoc();
    Type type = operands[1].getType();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
    };
    Value isZero =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, operands[1], constant(0));
    operands[1] = arith::SelectOp::create(builder, loc, isZero, constant(1), operands[1]);
  } else if (!isSpeculatable(op)) {
    return {};
  }
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  return copy->getResult(result);
}

Value EntrySizes::computeDim(Value buffer, int64_t dim) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || dim < 0 || dim >= type.getRank())
    return {};
  if (!type.isDynamicDim(dim))
    return getConstant(type.getDimSize(dim));
  if (auto argument = dyn_cast<BlockArgument>(buffer)) {
    if (argument.getOwner()->getParentOp() != function)
      return {};
    return memref::DimOp::create(builder, function.getLoc(), buffer, getConstant(dim));
  }
  return llvm::TypeSwitch<Operation *, Value>(buffer.getDefiningOp())
      .Case<memref::AllocOp>(
          [&](auto op) { return get(op.getDynamicSizes()[type.getDynamicDimIndex(dim)]); })
      .Case<memref::CastOp>([&](auto op) { return getDim(op.getSource(), dim); })
      .Case<memref::ExpandShapeOp>([&](auto op) { return get(op.getMixedOutputShape()[dim]); })
      .Case<memref::ReinterpretCastOp>([&](auto op) { return get(op.getMixedSizes()[dim]); })
      .Case<memref::SubViewOp>([&](memref::SubViewOp op) -> Value {
        // Sizes of 1 may be missing in the result.
        llvm::SmallBitVector dropped = op.getDroppedDims();
        int64_t kept = dim;
        for (auto [i, size] : llvm::enumerate(op.getMixedSizes()))
          if (!dropped.test(i) && kept-- == 0)
            return get(size);
        return {};
      })
      .Case<memref::CollapseShapeOp>([&](memref::CollapseShapeOp op) -> Value {
        Value product;
        for (int64_t i : op.getReassociationIndices()[dim]) {
          Value size = getDim(op.getSrc(), i);
          if (!size)
            return {};
          product = product ? arith::MulIOp::create(builder, op.getLoc(), product, size) : size;
        }
        return product;
      })
      .Default([](Operation *) { return Value(); });
}
