//===- NonZero.cpp - Operators whose results are as long as the data says
//------------------------===//
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/Positions.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"
#include "passes/Conversion/ONNXToLinalg/Sorting.h"

#include "dialects/Kernel/KernelOps.h"
#include "moec/Kernels/KernelLibrary.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

/// How many elements of `line` ([size]) are not zero.
static Value countNonZero(NodeLowering &lowering, Value line) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  Type elementType = cast<RankedTensorType>(line.getType()).getElementType();
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(elementType));
  Value init = lowering.filled({}, lowering.index(0));
  Value counted =
      linalg::GenericOp::create(
          builder, loc, init.getType(), line, init,
          ArrayRef{builder.getMultiDimIdentityMap(1), AffineMap::get(1, 0, builder.getContext())},
          utils::IteratorType::reduction,
          [&](OpBuilder &b, Location loc, ValueRange args) {
            Value differs;
            if (isa<FloatType>(elementType))
              differs = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, args[0], zero);
            else
              differs = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, args[0], zero);
            Value one = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), differs);
            Value sum = arith::AddIOp::create(b, loc, args[1], one);
            linalg::YieldOp::create(b, loc, sum);
          })
          .getResult(0);
  return tensor::ExtractOp::create(builder, loc, counted, ValueRange());
}

/// The positions of the elements of `line` that are not zero; `count` says how many there are.
static Value findNonZero(NodeLowering &lowering, Value line, SymExpr count, Type modelType) {
  Value list = lowering.empty({count}, lowering.builder.getIndexType());
  return kernel::CallOp::create(lowering.builder, lowering.loc, list.getType(),
                                getLibraryKernelName("nonzero", modelType), line, list)
      .getResult(0);
}

static Results lowerNonZero(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  OpBuilder &builder = lowering.builder;
  // A scalar is taken as one element of rank 1, as ONNX Runtime does.
  SmallVector<SymExpr> dims(lowering.dims(0));
  if (dims.empty())
    dims.push_back(symbols.constant(1));
  Value line = reshape(lowering, lowering.operand(0), lowering.dims(0), {symbols.product(dims)});
  SymExpr count = lowering.bindResultDim(0, 1, countNonZero(lowering, line));
  Value positions = findNonZero(lowering, line, count, lowering.modelElementType(0));
  // Coordinate d of a position: position / stride(d) mod size(d).
  Type i64 = builder.getI64Type();
  SymExpr rank = symbols.constant(dims.size());
  Value result = lowering.empty({rank, count}, i64);
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  for (auto [d, dim] : llvm::enumerate(dims)) {
    Value stride = lowering.index(symbols.product(ArrayRef(dims).drop_front(d + 1)));
    Value axis = lowering.index(dim);
    Value row = mapElements(lowering, positions, {count}, i64,
                            [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                              Value at = arith::DivUIOp::create(b, loc, args[0], stride);
                              at = arith::RemUIOp::create(b, loc, at, axis);
                              return arith::IndexCastOp::create(b, loc, i64, at);
                            });
    SmallVector<OpFoldResult> offsets{builder.getIndexAttr(d), builder.getIndexAttr(0)};
    result = tensor::InsertSliceOp::create(builder, lowering.loc, row, result, offsets,
                                           lowering.sizes({symbols.constant(1), count}), strides);
  }
  return SmallVector<Value>{result};
}

static Results lowerCompress(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  std::optional<AxisOperand> operand = getAxisOperand(lowering);
  if (!operand)
    return failure();
  auto &[data, dims, axis] = *operand;
  if (lowering.dims(1).size() != 1)
    return lowering.refuse("the condition does not have one dimension");
  if (failed(lowering.checkLessEqual(lowering.dims(1)[0], dims[axis],
                                     "the condition is longer than the axis")))
    return failure();
  Value condition = lowering.operand(1);
  SymExpr count = lowering.bindResultDim(0, axis, countNonZero(lowering, condition));
  Value positions = findNonZero(lowering, condition, count, lowering.modelElementType(1));
  Value rows = reshape(lowering, positions, {count}, {symbols.constant(1), count});
  SmallVector<SymExpr> view = getAxisView(symbols, dims, axis).dims();
  data = reshape(lowering, data, dims, view);
  view[1] = dims[axis] = count;
  Type elementType = cast<RankedTensorType>(data.getType()).getElementType();
  Value init = lowering.empty(view, elementType);
  Value gathered = kernel::CallOp::create(lowering.builder, lowering.loc, init.getType(),
                                          getLibraryKernelName("gather", elementType),
                                          ValueRange{data, rows}, init)
                       .getResult(0);
  return SmallVector<Value>{reshape(lowering, gathered, view, dims)};
}

void moec::addNonZeroHandlers(NodeHandlerTable &table) {
  table.add("Compress", 11, lowerCompress);
  table.add("NonZero", 9, lowerNonZero);
}
