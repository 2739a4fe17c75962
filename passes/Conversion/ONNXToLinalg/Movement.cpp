//===- Movement.cpp - Operators that move elements about
//-----------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Movement.h"
#include "passes/Analysis/Match.h"
#include "passes/Analysis/WeightViews.h"
#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace moec;

//===- Reshapes
//-----------------------------------------------------------------------------------===//

/// Flatten, Identity: the analysis knows the new sizes.
static Results lowerToKnownShape(NodeLowering &lowering) {
  SmallVector<SymExpr> nothing(lowering.resultDims(0).size());
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, nothing);
  if (failed(to))
    return failure();
  return single(reshape(lowering, lowering.operand(0), lowering.dims(0), *to));
}

/// Reshape. Sizes that the analysis does not know may turn out to be 0 (copy) or -1 (infer).
static Results lowerReshape(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> from = lowering.dims(0);
  std::optional<ArrayRef<SymExpr>> shape = lowering.elements(1);
  if (!shape)
    return lowering.refuse("the new shape is not a small tensor");
  bool copiesZero = lowering.node.getInt("allowzero", 0) == 0;
  SymExpr zero = symbols.constant(0);
  SmallVector<SymExpr> computed(*shape);
  for (auto [size, copied] : llvm::zip(computed, from))
    if (copiesZero)
      size = symbols.select(symbols.eq(size, zero), copied, size);
  // With one size of -1, the product is minus that of the others.
  SymExpr others = symbols.sub(zero, symbols.product(computed));
  SymExpr inferred = symbols.div(symbols.product(from), others);
  for (SymExpr &size : computed)
    size = symbols.select(symbols.lt(size, zero), inferred, size);
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  return single(reshape(lowering, lowering.operand(0), from, *to));
}

/// DepthToSpace and SpaceToDepth: a transpose between two reshapes. Depth is split into `order` of
/// (block row, block column, depth).
static Results lowerDepthToSpace(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  SymExpr block = symbols.constant(lowering.node.getInt("blocksize", 0));
  if (dims.size() != 4 || !lowering.symbols.isKnownPositive(block))
    return lowering.refuse("it needs four dimensions and a positive blocksize");
  SymExpr n = dims[0], c = dims[1], h = dims[2], w = dims[3];
  SymExpr depth = symbols.div(c, symbols.mul(block, block));
  bool isDepthFirst = lowering.node.getString("mode", "DCR") == "DCR";
  SmallVector<SymExpr> split = isDepthFirst ? SmallVector<SymExpr>{n, block, block, depth, h, w}
                                            : SmallVector<SymExpr>{n, depth, block, block, h, w};
  SmallVector<int64_t> order = isDepthFirst ? SmallVector<int64_t>{0, 3, 4, 1, 5, 2}
                                            : SmallVector<int64_t>{0, 1, 4, 2, 5, 3};
  Value tensor = reshape(lowering, lowering.operand(0), dims, split);
  if (!tensor)
    return failure();
  tensor = transpose(lowering, tensor, split, order);
  return single(reshape(lowering, tensor, permute(split, order),
                        {n, depth, symbols.mul(h, block), symbols.mul(w, block)}));
}

static Results lowerSpaceToDepth(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  SymExpr block = symbols.constant(lowering.node.getInt("blocksize", 0));
  if (dims.size() != 4 || !lowering.symbols.isKnownPositive(block))
    return lowering.refuse("it needs four dimensions and a positive blocksize");
  SymExpr n = dims[0], c = dims[1];
  SymExpr h = symbols.div(dims[2], block), w = symbols.div(dims[3], block);
  bool isDepthFirst = lowering.node.getString("mode", "DCR") == "DCR";
  SmallVector<SymExpr> split{n, c, h, block, w, block};
  SmallVector<int64_t> order = isDepthFirst ? SmallVector<int64_t>{0, 3, 5, 1, 2, 4}
                                            : SmallVector<int64_t>{0, 1, 3, 5, 2, 4};
  Value tensor = reshape(lowering, lowering.operand(0), dims, split);
  if (!tensor)
    return failure();
  tensor = transpose(lowering, tensor, split, order);
  return single(reshape(lowering, tensor, permute(split, order),
                        {n, symbols.product({c, block, block}), h, w}));
}

//===- Transpose, Expand, Tile, Concat
//------------------------------------------------------------===//

static Results lowerTranspose(NodeLowering &lowering) {
  ArrayRef<SymExpr> dims = lowering.dims(0);
  SmallVector<int64_t> permutation;
  if (auto perm = lowering.node.getInts("perm"))
    permutation.assign(perm->begin(), perm->end());
  else
    permutation = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, dims.size())));
  if (permutation.size() != dims.size() || !isPermutationVector(permutation))
    return lowering.refuse("'perm' is not a permutation of the operand's axes");
  return single(transpose(lowering, lowering.operand(0), dims, permutation));
}

static Results lowerExpand(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> from = lowering.dims(0);
  std::optional<ArrayRef<SymExpr>> shape = lowering.elements(1);
  if (!shape)
    return lowering.refuse("the shape is not a small tensor");
  if (failed(lowering.checkSizes(*shape)))
    return failure();
  SymExpr one = symbols.constant(1);
  size_t rank = std::max(from.size(), shape->size());
  SmallVector<SymExpr> computed(rank - shape->size(), one);
  llvm::append_range(computed, *shape);
  for (auto [size, dim] : llvm::zip(llvm::reverse(computed), llvm::reverse(from)))
    size = symbols.broadcast(dim, size);
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  for (auto [asked, size] : llvm::zip(llvm::reverse(*shape), llvm::reverse(*to)))
    if (failed(checkBroadcastable(lowering, asked, size)))
      return failure();
  return single(broadcastTo(lowering, lowering.operand(0), from, *to));
}

/// Tile: [d0, d1, …] is broadcast to [r0, d0, r1, d1, …], then collapsed.
static Results lowerTile(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  OpBuilder &builder = lowering.builder;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  std::optional<ArrayRef<SymExpr>> repeats = lowering.elements(1);
  if (!repeats || repeats->size() != dims.size())
    return lowering.refuse("the repeats are not a small tensor of one element a dimension");
  if (failed(lowering.checkSizes(*repeats)))
    return failure();
  SmallVector<SymExpr> split, computed;
  SmallVector<AffineExpr> sources;
  for (auto [dim, repeat] : llvm::zip(dims, *repeats)) {
    if (!repeat.isConstant(1))
      split.push_back(repeat);
    sources.push_back(builder.getAffineDimExpr(split.size()));
    split.push_back(dim);
    computed.push_back(symbols.mul(dim, repeat));
  }
  FailureOr<ArrayRef<SymExpr>> to = lowering.resolveResultDims(0, computed);
  if (failed(to))
    return failure();
  Value tensor = lowering.operand(0);
  if (split.size() == dims.size())
    return single(tensor);
  Value init = lowering.empty(split, cast<RankedTensorType>(tensor.getType()).getElementType());
  auto map = AffineMap::get(split.size(), 0, sources, builder.getContext());
  SmallVector<utils::IteratorType> iterators(split.size(), utils::IteratorType::parallel);
  tensor = linalg::GenericOp::create(builder, lowering.loc, init.getType(), tensor, init,
                                     ArrayRef{map, builder.getMultiDimIdentityMap(split.size())},
                                     iterators,
                                     [](OpBuilder &b, Location loc, ValueRange args) {
                                       linalg::YieldOp::create(b, loc, args[0]);
                                     })
               .getResult(0);
  return single(reshape(lowering, tensor, split, *to));
}

/// Weights side by side along the last axis: packed as one panel of all columns, they are rows.
static Value packColumns(NodeLowering &lowering, ArrayRef<SymExpr> dims) {
  int64_t rank = dims.size(), columns = 0;
  SmallVector<WeightView> views =
      traceWeightColumns(lowering.node->getResult(0), rank - 1, lowering.shapes());
  if (views.empty() || rank > 3)
    return {};
  Type type = lowering.resultType(0).getElementType();
  for (WeightView &view : views) {
    columns += view.shape.back();
    if (getElementType(view.weight) != type || type.getIntOrFloatBitWidth() % 8 != 0 ||
        llvm::is_contained(view.shape, 0))
      return {};
  }
  // By (matrix, row, column), from the last axis on.
  auto get = [&](ArrayRef<int64_t> values, int64_t i, int64_t otherwise) {
    return i + rank < 3 ? otherwise : values[i + rank - 3];
  };
  SmallVector<moe::WeightOp> weights;
  SmallVector<kernel::PanelsAttr> layouts;
  for (WeightView &view : views) {
    auto strides = lowering.builder.getDenseI64ArrayAttr(
        {get(view.strides, 0, 0), get(view.strides, 1, 0), get(view.strides, 2, 0)});
    weights.push_back(view.weight);
    layouts.push_back(kernel::PanelsAttr::get(lowering.builder.getContext(), get(view.shape, 0, 1),
                                              get(view.shape, 1, 1), view.shape.back(), view.offset,
                                              strides, columns, 1));
  }
  SymContext &symbols = lowering.symbols;
  SmallVector<SymExpr> packed{symbols.constant(layouts[0].getCount()), symbols.constant(1),
                              symbols.constant(layouts[0].getDepth()), symbols.constant(columns)};
  return reshape(lowering,
                 lowering.packWeights(weights, layouts, getStorageType(type), views.size()), packed,
                 dims);
}

static Results lowerConcat(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  OpBuilder &builder = lowering.builder;
  SmallVector<SymExpr> to(lowering.dims(0));
  std::optional<int64_t> axis = lowering.normalizeAxis(lowering.node.getInt("axis", 0), to.size());
  if (!axis)
    return failure();
  unsigned count = lowering.node.getInputs().size();
  for (unsigned i = 1; i < count; ++i) {
    ArrayRef<SymExpr> dims = lowering.dims(i);
    if (dims.size() != to.size())
      return lowering.refuse("the operands have different ranks");
    for (int64_t d = 0, rank = to.size(); d < rank; ++d) {
      if (d == *axis)
        to[d] = symbols.add(to[d], dims[d]);
      else if (failed(
                   lowering.checkEqual(to[d], dims[d], "the operands differ outside of the axis")))
        return failure();
      else if (dims[d].getConstant())
        to[d] = dims[d];
    }
  }
  if (*axis + 1 == static_cast<int64_t>(to.size()))
    if (Value packed = packColumns(lowering, to))
      return single(packed);
  Value result = lowering.empty(to, lowering.resultType(0).getElementType());
  SmallVector<OpFoldResult> offsets(to.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(to.size(), builder.getIndexAttr(1));
  SymExpr offset = symbols.constant(0);
  for (unsigned i = 0; i < count; ++i) {
    SmallVector<SymExpr> part = to;
    part[*axis] = lowering.dims(i)[*axis];
    offsets[*axis] = lowering.sizes({offset})[0];
    offset = symbols.add(offset, part[*axis]);
    if (llvm::any_of(part, [](SymExpr size) { return size.isConstant(0); }))
      continue;
    Value operand = lowering.castTo(
        lowering.operand(i), lowering.tensorType(part, lowering.resultType(0).getElementType()));
    result = tensor::InsertSliceOp::create(builder, lowering.loc, operand, result, offsets,
                                           lowering.sizes(part), strides);
  }
  return single(result);
}

void moec::addMovementHandlers(NodeHandlerTable &table) {
  table.add("Concat", 4, lowerConcat);
  table.add("DepthToSpace", 11, lowerDepthToSpace);
  table.add("Expand", 8, lowerExpand);
  table.add("Flatten", 1, lowerToKnownShape);
  table.add("Identity", 1, lowerToKnownShape);
  table.add("Reshape", 5, lowerReshape);
  table.add("SpaceToDepth", 1, lowerSpaceToDepth);
  table.add("Tile", 6, lowerTile);
  table.add("Transpose", 1, lowerTranspose);
  addSlicingHandlers(table);
  addSqueezeHandlers(table);
}
