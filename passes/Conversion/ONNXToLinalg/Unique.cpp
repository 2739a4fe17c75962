//===- Unique.cpp - The different elements or slices of a tensor
//------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Positions.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"
#include "passes/Conversion/ONNXToLinalg/Slicing.h"
#include "passes/Conversion/ONNXToLinalg/Sorting.h"

#include "dialects/Kernel/KernelOps.h"
#include "moec/Kernels/KernelLibrary.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

/// Elements of type index as i64.
static Value toIntegers(NodeLowering &lowering, Value indices, SymExpr size) {
  Type i64 = lowering.builder.getI64Type();
  return mapElements(lowering, indices, size, i64,
                     [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                       return arith::IndexCastOp::create(b, loc, i64, args[0]);
                     });
}

static Results lowerUnique(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  OpBuilder &builder = lowering.builder;
  std::optional<AxisOperand> operand = getAxisOperand(lowering);
  if (!operand)
    return failure();
  auto &[data, dims, axis] = *operand;
  // The slices as rows of a matrix.
  SymExpr n = dims[axis], one = symbols.constant(1);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, dims.size()));
  order.erase(order.begin() + axis);
  order.insert(order.begin(), axis);
  SmallVector<SymExpr> moved = permute(dims, order);
  Value rows = transpose(lowering, data, dims, order);
  rows = reshape(lowering, rows, moved, {n, symbols.product(ArrayRef(moved).drop_front())});
  if (!rows)
    return failure();
  enum : unsigned { First, Inverse, Counts, Total, Order, Spare, NumOutputs };
  SmallVector<Value> outputs;
  for (unsigned i = 0; i < NumOutputs; ++i)
    outputs.push_back(lowering.empty(i == Total ? one : n, builder.getIndexType()));
  Value isSorted = lowering.scalarInt(builder.getI1Type(), lowering.node.getInt("sorted", 1) != 0);
  auto call = kernel::CallOp::create(builder, lowering.loc, ValueRange(outputs).getTypes(),
                                     getLibraryKernelName("unique", lowering.modelElementType(0)),
                                     ValueRange{rows, isSorted}, outputs);
  Value total =
      tensor::ExtractOp::create(builder, lowering.loc, call.getResult(Total), lowering.index(0));
  // The slices at their first places.
  SymExpr count = lowering.bindResultDim(0, axis, total), zero = symbols.constant(0);
  Value places = extractSlice(lowering, call.getResult(First), zero, count);
  SmallVector<SymExpr> view = getAxisView(symbols, dims, axis).dims();
  Value source = reshape(lowering, data, dims, view);
  view[1] = dims[axis] = count;
  Type elementType = cast<RankedTensorType>(data.getType()).getElementType();
  Value init = lowering.empty(view, elementType);
  Value found =
      kernel::CallOp::create(
          builder, lowering.loc, init.getType(), getLibraryKernelName("gather", elementType),
          ValueRange{source, reshape(lowering, places, count, {one, count})}, init)
          .getResult(0);
  SmallVector<Value> results(lowering.getNumResults());
  results[0] = reshape(lowering, found, view, dims);
  for (auto [i, output] : {std::pair(1u, First), std::pair(3u, Counts)}) {
    if (!lowering.hasResult(i))
      continue;
    SymExpr size = lowering.bindResultDim(i, 0, total);
    Value part = extractSlice(lowering, call.getResult(output), zero, size);
    results[i] = toIntegers(lowering, part, size);
  }
  if (lowering.hasResult(2))
    results[2] = toIntegers(lowering, call.getResult(Inverse), n);
  return results;
}

void moec::addUniqueHandlers(NodeHandlerTable &table) { table.add("Unique", 11, lowerUnique); }
