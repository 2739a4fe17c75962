#include "passes/Transforms/WorkCounter.h"

#include "dialects/Kernel/KernelOps.h"
#include "dialects/Par/ParOps.h"
#include "passes/Analysis/BufferLifetime.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace moec;

namespace {

Value getConstant(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value multiply(OpBuilder &builder, Location loc, Value a, Value b) {
  return arith::MulIOp::create(builder, loc, a, b);
}

/// A sum that starts from nothing.
void add(OpBuilder &builder, Location loc, Value &sum, Value value) {
  sum = sum ? Value(arith::AddIOp::create(builder, loc, sum, value)) : value;
}

Value getBytes(OpBuilder &builder, Location loc, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  DataLayout layout = DataLayout::closest(builder.getInsertionBlock()->getParentOp());
  int64_t bytes = layout.getTypeSize(type.getElementType()).getFixedValue();
  for (int64_t size : type.getShape())
    bytes *= ShapedType::isDynamic(size) ? 1 : size;
  Value result = getConstant(builder, loc, bytes);
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      result = multiply(builder, loc, result, memref::DimOp::create(builder, loc, buffer, i));
  return result;
}

//===- Matrix products
//------------------------------------------------------------------------------------===//

/// The operand of a body that the value is, but for its type.
BlockArgument findArgument(Value value) {
  while (Operation *cast = value.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(cast))
      return {};
    value = cast->getOperand(0);
  }
  return dyn_cast<BlockArgument>(value);
}

/// Whether the operation adds up products of two operands that do not run through the same loops.
/// (Products of elements at the same place that are then added are not what is called a matrix
/// product, and come from fusion.)
bool isMatrixProduct(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0)
    return false;
  Block &body = op->getRegion(0).front();
  Operation *sum = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum))
    return false;
  for (unsigned i : {0, 1}) {
    Operation *product = sum->getOperand(i).getDefiningOp();
    if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product) ||
        sum->getOperand(1 - i) != body.getArgument(2))
      continue;
    BlockArgument a = findArgument(product->getOperand(0)),
                  b = findArgument(product->getOperand(1));
    if (!a || !b || a == b)
      return false;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
      if (maps[0].isFunctionOfDim(loop) != maps[1].isFunctionOfDim(loop))
        return true;
  }
  return false;
}

/// Null for a function that does no matrix products.
Value countMultiplyAdds(OpBuilder &builder, func::CallOp call) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  auto sizes = callee ? callee->getAttrOfType<DenseI64ArrayAttr>(kernel::kMultiplyAddsAttr)
                      : DenseI64ArrayAttr();
  if (!sizes)
    return {};
  Value result = getConstant(builder, call.getLoc(), 1);
  for (int64_t i = 0; i + 1 < sizes.size(); i += 2) {
    if (sizes[i] < 0) {
      result = multiply(builder, call.getLoc(), result,
                        getConstant(builder, call.getLoc(), sizes[i + 1]));
      continue;
    }
    Value operand = call.getOperand(sizes[i]);
    if (sizes[i + 1] >= 0)
      operand = memref::DimOp::create(builder, call.getLoc(), operand, sizes[i + 1]);
    result = multiply(builder, call.getLoc(), result, operand);
  }
  return result;
}

Value countMultiplyAdds(OpBuilder &builder, linalg::LinalgOp op) {
  if (!isMatrixProduct(op))
    return {};
  Value result = getConstant(builder, op.getLoc(), 1);
  for (Range range : op.createLoopRanges(builder, op.getLoc()))
    result = multiply(builder, op.getLoc(), result,
                      getValueOrCreateConstantIndexOp(builder, op.getLoc(), range.size));
  return result;
}

//===- One operation
//--------------------------------------------------------------------------------------===//

/// An operation as a whole; both are null for one that only has others inside.
Work countOne(OpBuilder &builder, Operation *op) {
  Work work;
  Location loc = op->getLoc();
  auto addBytes = [&](Value buffer) {
    if (isa<MemRefType>(buffer.getType()))
      add(builder, loc, work.bytes, getBytes(builder, loc, buffer));
  };
  if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    for (OpOperand &operand : op->getOpOperands()) {
      bool isOutput = structured.isDpsInit(&operand);
      if (isOutput)
        addBytes(operand.get());
      if (structured.payloadUsesValueFromOperand(&operand))
        addBytes(operand.get());
    }
    work.flops = countMultiplyAdds(builder, structured);
  } else if (auto call = dyn_cast<func::CallOp>(op)) {
    for (Value operand : call.getOperands())
      addBytes(operand);
    work.flops = countMultiplyAdds(builder, call);
  } else if (isa<memref::CopyOp>(op)) {
    for (Value operand : op->getOperands())
      addBytes(operand);
  }
  if (work.flops)
    work.flops = multiply(builder, loc, work.flops, getConstant(builder, loc, 2));
  return work;
}

/// What loops read and write element by element, of buffers from outside: whole buffers, once.
Value countElements(OpBuilder &builder, Operation *loops) {
  llvm::SmallSetVector<Value, 4> read, written;
  auto findOutside = [&](Value buffer) {
    while (loops->isAncestor(buffer.getParentBlock()->getParentOp())) {
      auto view = buffer.getDefiningOp<ViewLikeOpInterface>();
      if (!view)
        return Value();
      buffer = view.getViewSource();
    }
    return buffer;
  };
  loops->walk([&](Operation *op) {
    if (auto load = dyn_cast<memref::LoadOp>(op))
      read.insert(findOutside(load.getMemRef()));
    if (auto store = dyn_cast<memref::StoreOp>(op))
      written.insert(findOutside(store.getMemRef()));
  });
  Value bytes;
  for (auto *buffers : {&read, &written})
    for (Value buffer : *buffers)
      if (buffer)
        add(builder, loops->getLoc(), bytes, getBytes(builder, loops->getLoc(), buffer));
  return bytes;
}

} // namespace

//===- WorkCounter
//----------------------------------------------------------------------------------------===//

Value WorkCounter::getMemory(Operation *first) {
  Location loc = function.getLoc();
  if (!memory) {
    OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
    auto type = MemRefType::get({2}, builder.getI64Type());
    memory = memref::AllocaOp::create(builder, loc, type);
  }
  if (!usesMemory) {
    OpBuilder builder(first);
    Value zero = arith::ConstantIntOp::create(builder, loc, /*value=*/0, /*width=*/64);
    for (int64_t i : {0, 1})
      memref::StoreOp::create(builder, loc, zero, memory, getConstant(builder, loc, i));
  }
  usesMemory = true;
  return memory;
}

void WorkCounter::countInside(Operation *op, Operation *first) {
  Location loc = op->getLoc();
  OpBuilder builder(op);
  Work work = countOne(builder, op);
  bool inTask = op->getParentOfType<par::ForOp>() != nullptr;
  for (int64_t i : {0, 1}) {
    Value value = i == 0 ? work.flops : work.bytes;
    if (!value)
      continue;
    Value counters = getMemory(first), index = getConstant(builder, loc, i);
    Value more = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
    if (inTask) {
      memref::AtomicRMWOp::create(builder, loc, arith::AtomicRMWKind::addi, more, counters, index);
      continue;
    }
    Value sum = memref::LoadOp::create(builder, loc, counters, index);
    sum = arith::AddIOp::create(builder, loc, sum, more);
    memref::StoreOp::create(builder, loc, sum, counters, index);
  }
}

Work WorkCounter::count(ArrayRef<Operation *> ops, OpBuilder &after) {
  usesMemory = false;
  Work sum;
  for (Operation *op : ops) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    Work work = countOne(builder, op);
    if (!isa<linalg::LinalgOp>(op) && op->getNumRegions() > 0) {
      work.bytes = countElements(builder, op);
      SmallVector<Operation *> inside;
      op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
        if (inner != op)
          inside.push_back(inner);
        return isa<linalg::LinalgOp>(inner) ? WalkResult::skip() : WalkResult::advance();
      });
      for (Operation *inner : inside)
        countInside(inner, ops.front());
    }
    builder.setInsertionPoint(op);
    if (work.flops)
      add(builder, loc, sum.flops, work.flops);
    if (work.bytes)
      add(builder, loc, sum.bytes, work.bytes);
  }
  Location loc = ops.front()->getLoc();
  for (int64_t i : {0, 1}) {
    Value &value = i == 0 ? sum.flops : sum.bytes;
    if (usesMemory) {
      Value inside = memref::LoadOp::create(after, loc, memory, getConstant(after, loc, i));
      add(after, loc, value, arith::IndexCastOp::create(after, loc, after.getIndexType(), inside));
    } else if (!value) {
      value = getConstant(after, loc, 0);
    }
  }
  return sum;
}
