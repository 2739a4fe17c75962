//===- Indexing.cpp - Operators that read at computed positions
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

static Type getElementType(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

//===- Gather, GatherND
//---------------------------------------------------------------------------===//

/// Rows of `data` ([batch, count, inner]) at `rows` ([rowBatch, n]): [batch, n, inner].
static Value gatherRows(NodeLowering &lowering, Value data, ArrayRef<SymExpr> dataDims, Value rows,
                        ArrayRef<SymExpr> rowDims) {
  OpBuilder &builder = lowering.builder;
  SymExpr batch = dataDims[0], inner = dataDims[2];
  SmallVector<SymExpr> to{batch, rowDims[1], inner};
  Value init = lowering.empty(to, getElementType(data));
  // Single elements are better read in a loop that fuses with what uses them.
  if (inner.isConstant(1) && (rowDims[0].isConstant(1) || rowDims[0] == batch)) {
    AffineExpr b = builder.getAffineDimExpr(0), i = builder.getAffineDimExpr(1);
    AffineExpr rowBatch = rowDims[0] == batch ? b : builder.getAffineConstantExpr(0);
    Value zero = lowering.index(0);
    return linalg::GenericOp::create(
               builder, lowering.loc, init.getType(), rows, init,
               ArrayRef{AffineMap::get(3, 0, {rowBatch, i}, builder.getContext()),
                        builder.getMultiDimIdentityMap(3)},
               SmallVector<utils::IteratorType>(3, utils::IteratorType::parallel),
               [&](OpBuilder &b, Location loc, ValueRange args) {
                 Value batch = linalg::IndexOp::create(b, loc, 0);
                 Value element =
                     tensor::ExtractOp::create(b, loc, data, ValueRange{batch, args[0], zero});
                 linalg::YieldOp::create(b, loc, element);
               })
        .getResult(0);
  }
  std::string kernel = getLibraryKernelName("gather", getElementType(data));
  return kernel::CallOp::create(builder, lowering.loc, init.getType(), kernel,
                                ValueRange{data, rows}, init)
      .getResult(0);
}

/// Gather at one position that is an expression: a slice.
static Results gatherSlice(NodeLowering &lowering, int64_t axis, SymExpr index,
                           ArrayRef<SymExpr> to) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  SymExpr zero = symbols.constant(0);
  SymExpr position = symbols.select(symbols.lt(index, zero), symbols.add(index, dims[axis]), index);
  StringRef message = "an index lies outside of its axis";
  if (!position || failed(lowering.checkLessEqual(zero, position, message)) ||
      failed(
          lowering.checkLessEqual(symbols.add(position, symbols.constant(1)), dims[axis], message)))
    return failure();
  SmallVector<SymExpr> offsets(dims.size(), zero), sizes(dims);
  offsets[axis] = position;
  sizes[axis] = symbols.constant(1);
  Value data = lowering.operand(0);
  if (llvm::any_of(sizes, [](SymExpr size) { return size.isConstant(0); }))
    return single(lowering.empty(to, getElementType(data)));
  SmallVector<OpFoldResult> strides(dims.size(), lowering.builder.getIndexAttr(1));
  Value slice =
      tensor::ExtractSliceOp::create(lowering.builder, lowering.loc, data, lowering.sizes(offsets),
                                     lowering.sizes(sizes), strides);
  return single(reshape(lowering, slice, sizes, to));
}

static Results lowerGather(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0), indexDims = lowering.dims(1);
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", 0), dims.size());
  if (!axis)
    return failure();
  SmallVector<SymExpr> to(dims.take_front(*axis));
  llvm::append_range(to, indexDims);
  llvm::append_range(to, dims.drop_front(*axis + 1));
  if (std::optional<ArrayRef<SymExpr>> elements = lowering.elements(1);
      elements && elements->size() == 1)
    return gatherSlice(lowering, *axis, (*elements)[0], to);
  Value positions = getPositions(lowering, 1, dims[*axis]);
  if (!positions)
    return failure();
  SmallVector<SymExpr> rowDims{symbols.constant(1), symbols.product(indexDims)};
  SmallVector<SymExpr> dataDims = getAxisView(symbols, dims, *axis).dims();
  Value rows = reshape(lowering, positions, indexDims, rowDims);
  Value data = reshape(lowering, lowering.operand(0), dims, dataDims);
  Value gathered = gatherRows(lowering, data, dataDims, rows, rowDims);
  return single(reshape(lowering, gathered, {dataDims[0], rowDims[1], dataDims[2]}, to));
}

static Results lowerGatherND(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0), indexDims = lowering.dims(1);
  int64_t batchRank = lowering.node.getInt("batch_dims", 0);
  int64_t indexRank = indexDims.size(), rank = dims.size();
  std::optional<int64_t> depth = indexRank > 0 ? indexDims.back().getConstant() : std::nullopt;
  if (!depth || batchRank < 0 || batchRank >= indexRank || batchRank + *depth > rank)
    return lowering.refuse("the indices do not fit the rank of the data");
  for (int64_t d = 0; d < batchRank; ++d)
    if (failed(lowering.checkEqual(dims[d], indexDims[d], "the batch sizes differ")))
      return failure();
  ArrayRef<SymExpr> coordinate = dims.slice(batchRank, *depth);
  SymExpr batch = symbols.product(dims.take_front(batchRank));
  SymExpr n = symbols.product(indexDims.drop_front(batchRank).drop_back());
  SymExpr count = symbols.mul(batch, n);
  SmallVector<SymExpr> rowDims{batch, n};
  SmallVector<SymExpr> dataDims{batch, symbols.product(coordinate),
                                symbols.product(dims.drop_front(batchRank + *depth))};
  SmallVector<SymExpr> to(indexDims.drop_back());
  llvm::append_range(to, dims.drop_front(batchRank + *depth));
  // The batch sizes are those of the data from here on: they have been checked.
  SmallVector<SymExpr> from(indexDims);
  llvm::copy(dims.take_front(batchRank), from.begin());
  llvm::copy(dims.take_front(batchRank), to.begin());
  Value indices = reshape(lowering, lowering.operand(1), from, {count, indexDims.back()});
  Value data = reshape(lowering, lowering.operand(0), dims, dataDims);
  if (!indices || !data)
    return failure();
  Value rows = getLinearPositions(lowering, indices, count, coordinate);
  rows = reshape(lowering, rows, {count}, rowDims);
  Value gathered = gatherRows(lowering, data, dataDims, rows, rowDims);
  return single(reshape(lowering, gathered, {batch, n, dataDims[2]}, to));
}

//===- GatherElements, OneHot
//---------------------------------------------------------------------===//

/// The sizes of indices along the other axes must not exceed those of the data.
static LogicalResult checkOtherAxes(NodeLowering &lowering, ArrayRef<SymExpr> dims,
                                    ArrayRef<SymExpr> indexDims, int64_t axis) {
  if (dims.size() != indexDims.size())
    return lowering.refuse("data and indices have different ranks");
  for (int64_t d = 0, rank = dims.size(); d < rank; ++d)
    if (d != axis && failed(lowering.checkLessEqual(indexDims[d], dims[d],
                                                    "the indices are larger than the data")))
      return failure();
  return success();
}

static Results lowerGatherElements(NodeLowering &lowering) {
  ArrayRef<SymExpr> dims = lowering.dims(0), indexDims = lowering.dims(1);
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", 0), dims.size());
  if (!axis || failed(checkOtherAxes(lowering, dims, indexDims, *axis)))
    return failure();
  Value positions = getPositions(lowering, 1, dims[*axis]);
  if (!positions)
    return failure();
  Value data = lowering.operand(0);
  return single(mapElements(lowering, positions, indexDims, getElementType(data),
                            [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                              SmallVector<Value> at;
                              for (int64_t d = 0, rank = dims.size(); d < rank; ++d)
                                at.push_back(d == *axis ? args[0]
                                                        : linalg::IndexOp::create(b, loc, d));
                              return tensor::ExtractOp::create(b, loc, data, at);
                            }));
}

/// The depth of OneHot, a number of any type, as a size; null, with an error at the node, if it is
/// not one number.
static SymExpr getDepth(NodeLowering &lowering, int64_t axis) {
  OpBuilder &builder = lowering.builder;
  Location loc = lowering.loc;
  if (lowering.symbols.product(lowering.dims(1)) != lowering.symbols.constant(1)) {
    (void)lowering.refuse("the depth does not have one element");
    return {};
  }
  if (std::optional<ArrayRef<SymExpr>> elements = lowering.elements(1))
    return (*elements)[0];
  Value depth = lowering.scalarOperand(1);
  auto compare = [&](arith::CmpFPredicate predicate, double bound) -> Value {
    return arith::CmpFOp::create(builder, loc, predicate, depth,
                                 lowering.scalar(depth.getType(), bound));
  };
  double largest = depth.getType().isF16() ? 65504 : kMaxSize;
  Value isSize = arith::AndIOp::create(builder, loc, compare(arith::CmpFPredicate::OGE, 0),
                                       compare(arith::CmpFPredicate::OLE, largest));
  lowering.check(isSize, "a depth is negative or too large");
  depth = arith::FPToSIOp::create(builder, loc, builder.getI64Type(), depth);
  depth = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), depth);
  return lowering.bindResultDim(0, axis, depth);
}

static Results lowerOneHot(NodeLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  SmallVector<SymExpr> indexDims(lowering.dims(0));
  int64_t rank = indexDims.size() + 1;
  std::optional<int64_t> axis = lowering.normalizeAxis(lowering.node.getInt("axis", -1), rank);
  if (!axis)
    return failure();
  SmallVector<SymExpr> computed = indexDims;
  SymExpr depth = getDepth(lowering, *axis);
  if (!depth)
    return failure();
  computed.insert(computed.begin() + *axis, depth);
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  Value size = lowering.index((*to)[*axis]);
  Value values = lowering.operand(2);
  Value off = tensor::ExtractOp::create(builder, lowering.loc, values, lowering.index(0));
  Value on = tensor::ExtractOp::create(builder, lowering.loc, values, lowering.index(1));
  Value init = lowering.empty(*to, off.getType());
  SmallVector<AffineExpr> sources;
  for (int64_t d = 0; d < rank; ++d)
    if (d != *axis)
      sources.push_back(builder.getAffineDimExpr(d));
  auto map = AffineMap::get(rank, 0, sources, builder.getContext());
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  return single(linalg::GenericOp::create(
                    builder, lowering.loc, init.getType(), lowering.operand(0), init,
                    ArrayRef{map, builder.getMultiDimIdentityMap(rank)}, iterators,
                    [&](OpBuilder &b, Location loc, ValueRange args) {
                      Value hot = args[0];
                      if (isa<FloatType>(hot.getType()))
                        hot = arith::FPToSIOp::create(b, loc, b.getI64Type(), hot);
                      hot = wrapIndex(b, loc, hot, size);
                      Value here = linalg::IndexOp::create(b, loc, *axis);
                      Value isHot =
                          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, hot, here);
                      Value value = arith::SelectOp::create(b, loc, isHot, on, off);
                      linalg::YieldOp::create(b, loc, value);
                    })
                    .getResult(0));
}

/// Reverses the first elements of each batch row, as many as `sequence_lens` says.
static Results lowerReverseSequence(NodeLowering &lowering) {
  ArrayRef<SymExpr> dims = lowering.dims(0);
  std::optional<int64_t> batch =
      lowering.normalizeAxis(lowering.node.getInt("batch_axis", 1), dims.size());
  std::optional<int64_t> time =
      lowering.normalizeAxis(lowering.node.getInt("time_axis", 0), dims.size());
  if (!batch || !time)
    return failure();
  if (*batch == *time || lowering.dims(1).size() != 1)
    return lowering.refuse("batch and time are not two axes, or the lengths are no vector");
  if (failed(lowering.checkEqual(dims[*batch], lowering.dims(1)[0],
                                 "there is not one length a batch row")))
    return failure();
  Value data = lowering.operand(0), lengths = lowering.operand(1);
  Value longest = lowering.index(dims[*time]), one = lowering.index(1);
  auto toIndex = [](OpBuilder &b, Location loc, Value length) -> Value {
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), length);
  };
  checkElements(lowering, lengths, lowering.dims(1), "a length is not one of the time axis",
                [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule,
                                               toIndex(b, loc, args[0]), longest);
                });
  return single(mapElements(
      lowering, {}, dims, getElementType(data),
      [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        SmallVector<Value> at;
        for (int64_t d = 0, rank = dims.size(); d < rank; ++d)
          at.push_back(linalg::IndexOp::create(b, loc, d));
        Value length = toIndex(b, loc, tensor::ExtractOp::create(b, loc, lengths, at[*batch]));
        Value last = arith::SubIOp::create(b, loc, length, one);
        Value mirrored = arith::SubIOp::create(b, loc, last, at[*time]);
        Value isInside =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, at[*time], length);
        at[*time] = arith::SelectOp::create(b, loc, isInside, mirrored, at[*time]);
        return tensor::ExtractOp::create(b, loc, data, at);
      }));
}

void moec::addIndexingHandlers(NodeHandlerTable &table) {
  table.add("Gather", 1, lowerGather);
  table.add("GatherElements", 11, lowerGatherElements);
  table.add("GatherND", 11, lowerGatherND);
  table.add("OneHot", 9, lowerOneHot);
  table.add("ReverseSequence", 10, lowerReverseSequence);
  addScatterHandlers(table);
}
