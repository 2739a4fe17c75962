//===- Scatter.cpp - Operators that write at computed positions
//----------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Indexing.h"
#include "passes/Conversion/ONNXToLinalg/Positions.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "dialects/Kernel/KernelOps.h"
#include "moec/Kernels/KernelLibrary.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

/// Combines `updates` ([n, inner]) into `data` (operand 0, seen as [count, inner]) at `rows` ([n]).
/// Gives it the shape of operand 0 again.
static Results scatterRows(NodeLowering &lowering, StringRef reduction, Value rows, Value updates,
                           SymExpr count, SymExpr inner) {
  StringRef base = llvm::StringSwitch<StringRef>(reduction)
                       .Case("none", "scatter_set")
                       .Case("add", "scatter_add")
                       .Case("mul", "scatter_mul")
                       .Case("min", "scatter_min")
                       .Case("max", "scatter_max")
                       .Default("");
  if (base.empty())
    return lowering.refuse("unknown reduction '" + reduction + "'");
  Value data = reshape(lowering, lowering.operand(0), lowering.dims(0), {count, inner});
  if (!data)
    return failure();
  std::string kernel = getLibraryKernelName(base, lowering.modelElementType(0));
  Value result = kernel::CallOp::create(lowering.builder, lowering.loc, data.getType(), kernel,
                                        ValueRange{rows, updates}, data)
                     .getResult(0);
  result = reshape(lowering, result, {count, inner}, lowering.dims(0));
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

static Results lowerScatterElements(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0), indexDims = lowering.dims(1);
  int64_t rank = dims.size();
  std::optional<int64_t> axis = lowering.normalizeAxis(lowering.node.getInt("axis", 0), rank);
  if (!axis)
    return failure();
  if (indexDims.size() != dims.size() || lowering.dims(2).size() != dims.size())
    return lowering.refuse("data, indices and updates have different ranks");
  for (int64_t d = 0; d < rank; ++d) {
    if (failed(lowering.checkEqual(indexDims[d], lowering.dims(2)[d],
                                   "indices and updates have different sizes")))
      return failure();
    if (d != *axis && failed(lowering.checkLessEqual(indexDims[d], dims[d],
                                                     "the indices are larger than the data")))
      return failure();
  }
  Value positions = getPositions(lowering, 1, dims[*axis]);
  if (!positions)
    return failure();
  // Every element is a row of its own.
  SmallVector<Value> sizes;
  for (SymExpr dim : dims)
    sizes.push_back(lowering.index(dim));
  Value zero = lowering.index(0);
  positions = mapElements(lowering, positions, indexDims, lowering.builder.getIndexType(),
                          [&](OpBuilder &b, Location loc, ValueRange args) {
                            Value linear = zero;
                            for (int64_t d = 0; d < rank; ++d) {
                              Value i = d == *axis ? args[0] : linalg::IndexOp::create(b, loc, d);
                              linear = arith::MulIOp::create(b, loc, linear, sizes[d]);
                              linear = arith::AddIOp::create(b, loc, linear, i);
                            }
                            return linear;
                          });
  SymExpr n = symbols.product(indexDims), one = symbols.constant(1);
  Value rows = reshape(lowering, positions, indexDims, {n});
  Value updates = reshape(lowering, lowering.operand(2), indexDims, {n, one});
  return scatterRows(lowering, lowering.node.getString("reduction", "none"), rows, updates,
                     symbols.product(dims), one);
}

static Results lowerScatterND(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0), indexDims = lowering.dims(1);
  std::optional<int64_t> depth = indexDims.empty() ? std::nullopt : indexDims.back().getConstant();
  if (!depth || *depth > static_cast<int64_t>(dims.size()))
    return lowering.refuse("the indices do not fit the rank of the data");
  SmallVector<SymExpr> updateDims(indexDims.drop_back());
  llvm::append_range(updateDims, dims.drop_front(*depth));
  if (updateDims.size() != lowering.dims(2).size())
    return lowering.refuse("the updates do not have one slice of the data an index");
  for (auto [expected, size] : llvm::zip(updateDims, lowering.dims(2)))
    if (failed(lowering.checkEqual(expected, size,
                                   "the updates do not have one slice of the data an index")))
      return failure();
  SymExpr n = symbols.product(indexDims.drop_back());
  SymExpr inner = symbols.product(dims.drop_front(*depth));
  Value indices = reshape(lowering, lowering.operand(1), indexDims, {n, indexDims.back()});
  Value updates = reshape(lowering, lowering.operand(2), updateDims, {n, inner});
  if (!indices || !updates)
    return failure();
  Value rows = getLinearPositions(lowering, indices, n, dims.take_front(*depth));
  return scatterRows(lowering, lowering.node.getString("reduction", "none"), rows, updates,
                     symbols.product(dims.take_front(*depth)), inner);
}

/// TensorScatter: updates of a cache along an axis, from a position of each batch row on.
static Results lowerTensorScatter(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  OpBuilder &builder = lowering.builder;
  ArrayRef<SymExpr> dims = lowering.dims(0), updateDims = lowering.dims(1);
  int64_t rank = dims.size();
  std::optional<int64_t> axis = lowering.normalizeAxis(lowering.node.getInt("axis", -2), rank);
  if (!axis)
    return failure();
  if (*axis == 0 || updateDims.size() != dims.size())
    return lowering.refuse("cache and update do not have the same rank, or the axis is the batch");
  for (int64_t d = 0; d < rank; ++d)
    if (d != *axis && failed(lowering.checkEqual(dims[d], updateDims[d],
                                                 "cache and update differ outside of the axis")))
      return failure();
  StringRef mode = lowering.node.getString("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return lowering.refuse("unknown mode '" + mode + "'");
  bool wraps = mode == "circular";
  if (failed(lowering.checkLessEqual(updateDims[*axis], dims[*axis],
                                     "the update is longer than the cache")))
    return failure();
  Value capacity = lowering.index(dims[*axis]), length = lowering.index(updateDims[*axis]);
  Value starts;
  if (lowering.hasOperand(2)) {
    if (lowering.dims(2).size() != 1 ||
        failed(lowering.checkEqual(lowering.dims(2)[0], dims[0], "not one index a batch row")))
      return lowering.refuse("'write_indices' does not have one dimension");
    starts = lowering.operand(2);
    Value space = arith::SubIOp::create(builder, lowering.loc, capacity, length);
    if (wraps)
      space = arith::SubIOp::create(builder, lowering.loc, capacity, lowering.index(1));
    checkElements(lowering, starts, dims[0], "an index lies outside of its axis",
                  [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                    Value start = arith::IndexCastOp::create(b, loc, b.getIndexType(), args[0]);
                    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, start, space);
                  });
  }
  SymExpr middle = symbols.product(dims.slice(1, *axis - 1));
  SmallVector<SymExpr> rowDims{dims[0], middle, updateDims[*axis]};
  Value between = lowering.index(middle), zero = lowering.index(0);
  Value rows =
      mapElements(lowering, {}, rowDims, builder.getIndexType(),
                  [&](OpBuilder &b, Location loc, ValueRange) -> Value {
                    Value batch = linalg::IndexOp::create(b, loc, 0);
                    Value start = zero;
                    if (starts) {
                      start = tensor::ExtractOp::create(b, loc, starts, batch);
                      start = arith::IndexCastOp::create(b, loc, b.getIndexType(), start);
                    }
                    Value at =
                        arith::AddIOp::create(b, loc, start, linalg::IndexOp::create(b, loc, 2));
                    if (wraps)
                      at = arith::RemUIOp::create(b, loc, at, capacity);
                    Value row = arith::MulIOp::create(b, loc, batch, between);
                    row = arith::AddIOp::create(b, loc, row, linalg::IndexOp::create(b, loc, 1));
                    row = arith::MulIOp::create(b, loc, row, capacity);
                    return arith::AddIOp::create(b, loc, row, at);
                  });
  SymExpr n = symbols.product(rowDims), inner = symbols.product(dims.drop_front(*axis + 1));
  SmallVector<SymExpr> from(dims);
  from[*axis] = updateDims[*axis];
  Value updates = reshape(lowering, lowering.operand(1), from, {n, inner});
  return scatterRows(lowering, "none", reshape(lowering, rows, rowDims, {n}), updates,
                     symbols.product(dims.take_front(*axis + 1)), inner);
}

void moec::addScatterHandlers(NodeHandlerTable &table) {
  table.add("ScatterElements", 11, lowerScatterElements);
  table.add("ScatterND", 11, lowerScatterND);
  table.add("TensorScatter", 24, lowerTensorScatter);
}
