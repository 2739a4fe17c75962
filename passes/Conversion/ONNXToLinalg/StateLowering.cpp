#include "passes/Conversion/ONNXToLinalg/StateLowering.h"
#include "dialects/Kernel/KernelOps.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"
#include "passes/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

/// Groups that keep `axis` apart.
static SmallVector<ReassociationIndices> groupAround(int64_t axis, int64_t rank) {
  SmallVector<ReassociationIndices> groups;
  auto add = [&](int64_t begin, int64_t end) {
    if (begin != end)
      groups.push_back(llvm::to_vector(llvm::seq(begin, end)));
  };
  add(0, axis);
  add(axis, axis + 1);
  add(axis + 1, rank);
  return groups;
}

static RankedTensorType collapsedType(RankedTensorType type,
                                      ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : groups) {
    int64_t size = 1;
    for (int64_t i : group)
      size = ShapedType::isDynamic(size) || type.isDynamicDim(i) ? ShapedType::kDynamic
                                                                 : size * type.getDimSize(i);
    shape.push_back(size);
  }
  return RankedTensorType::get(shape, type.getElementType());
}

OpFoldResult StateLowering::size(SymExpr expr) {
  if (std::optional<int64_t> constant = expr.getConstant())
    return builder.getIndexAttr(*constant);
  return state.getIndex(expr);
}

LogicalResult StateLowering::addArguments(Block *body, SmallVectorImpl<Type> &types) {
  Block &old = function.getBody().front();
  numInputs = types.size();
  for (BlockArgument past : old.getArguments()) {
    auto symbol =
        function.getArgAttrOfType<FlatSymbolRefAttr>(past.getArgNumber(), moe::kStateAttr);
    if (!symbol)
      continue;
    auto declaration = SymbolTable::lookupNearestSymbolFrom<moe::StateOp>(function, symbol);
    auto type = dyn_cast<RankedTensorType>(past.getType());
    if (!declaration || !type || static_cast<int64_t>(declaration.getAxis()) >= type.getRank())
      return function.emitError() << "argument " << past.getArgNumber() << " is no state "
                                  << symbol;
    if (!length) {
      types.push_back(builder.getIndexType());
      length = body->addArgument(types.back(), past.getLoc());
    }
    int64_t axis = declaration.getAxis();
    Entry entry{past, declaration, {}, groupAround(axis, type.getRank()), axis > 0};
    types.push_back(getStorageTensorType(type));
    entry.memory = body->addArgument(types.back(), past.getLoc());
    entries.push_back(std::move(entry));
  }
  SymExpr rows;
  for (Entry &entry : entries) {
    state.bind(state.shapes.get(entry.past).dims[entry.state.getAxis()], length);
    auto type = cast<RankedTensorType>(entry.memory.getType());
    if (entry.groups.size() != static_cast<size_t>(type.getRank()))
      entry.memory = tensor::CollapseShapeOp::create(builder, entry.past.getLoc(),
                                                     collapsedType(type, entry.groups),
                                                     entry.memory, entry.groups);
  }
  for (Entry &entry : entries) {
    SymExpr known = state.shapes.get(entry.past).dims[entry.state.getAxis()];
    state.map(entry.past, slice(entry, entry.past, known));
  }
  // Before anything is computed: the call ends without a trace where there is no room.
  for (Operation &op : old) {
    auto append = dyn_cast<moe::CacheAppendOp>(op);
    auto declaration =
        append ? SymbolTable::lookupNearestSymbolFrom<moe::StateOp>(append, append.getStateAttr())
               : moe::StateOp();
    if (!declaration)
      continue;
    SymExpr added = state.shapes.get(append.getRows()).dims[declaration.getAxis()];
    if (rows && added != rows)
      return append.emitError() << "adds another number of rows than the state before";
    if (!rows)
      kernel::AppendStateOp::create(builder, append.getLoc(), state.getIndex(added));
    rows = added;
  }
  return success();
}

SmallVector<OpFoldResult> StateLowering::sliceSizes(const Entry &entry, SymExpr rows) {
  ArrayRef<SymExpr> dims = state.shapes.get(entry.past).dims;
  SymContext &symbols = state.shapes.getSymbols();
  SmallVector<OpFoldResult> sizes;
  for (auto [i, group] : llvm::enumerate(entry.groups)) {
    SymExpr product = symbols.constant(1);
    for (int64_t d : group)
      product = symbols.mul(product, dims[d]);
    sizes.push_back(size(i == entry.axisGroup ? rows : product));
  }
  return sizes;
}

/// The first `rows` rows, with the dimensions of `original`, of which they are the lowered form.
Value StateLowering::slice(const Entry &entry, Value original, SymExpr rows) {
  Location loc = original.getLoc();
  unsigned rank = entry.groups.size();
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0)),
      strides(rank, builder.getIndexAttr(1));
  Value view = tensor::ExtractSliceOp::create(builder, loc, entry.memory, offsets,
                                              sliceSizes(entry, rows), strides);
  ArrayRef<SymExpr> dims = state.shapes.get(original).dims;
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> sizes;
  for (SymExpr dim : dims) {
    shape.push_back(dim.getConstant().value_or(ShapedType::kDynamic));
    sizes.push_back(size(dim));
  }
  auto elementType = cast<RankedTensorType>(view.getType()).getElementType();
  auto type = RankedTensorType::get(shape, elementType);
  if (rank == dims.size())
    return view.getType() == type ? view : Value(tensor::CastOp::create(builder, loc, type, view));
  RankedTensorType collapsed = collapsedType(type, entry.groups);
  if (view.getType() != collapsed)
    view = tensor::CastOp::create(builder, loc, collapsed, view);
  return tensor::ExpandShapeOp::create(builder, loc, type, view, entry.groups, sizes);
}

LogicalResult StateLowering::lower(moe::CacheAppendOp append) {
  auto *entry = llvm::find_if(entries, [&](Entry &e) { return e.past == append.getPast(); });
  if (entry == entries.end() || entry->isAppended)
    return append.emitError() << "adds to " << append.getStateAttr()
                              << (entry == entries.end() ? ", which is no state"
                                                         : ", which has been added to before");
  Location loc = append.getLoc();
  int64_t axis = entry->state.getAxis();
  ArrayRef<SymExpr> dims = state.shapes.get(append.getRows()).dims,
                    past = state.shapes.get(entry->past).dims;
  SymContext &symbols = state.shapes.getSymbols();
  for (auto [i, size] : llvm::enumerate(dims)) {
    if (static_cast<int64_t>(i) == axis || symbols.eq(size, past[i]).isConstant(1))
      continue;
    Value equal = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        state.getIndex(size), state.getIndex(past[i]));
    kernel::CheckOp::create(builder, loc, equal,
                            "new rows of a state have another size than the old ones");
  }
  Value rows = state.lookup(loc, append.getRows());
  unsigned rank = entry->groups.size();
  if (rank != dims.size())
    rows = tensor::CollapseShapeOp::create(
        builder, loc, collapsedType(cast<RankedTensorType>(rows.getType()), entry->groups), rows,
        entry->groups);
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0)),
      strides(rank, builder.getIndexAttr(1));
  offsets[entry->axisGroup] = length;
  SmallVector<OpFoldResult> sizes = sliceSizes(*entry, dims[axis]);
  // The slice's type must be the one of its sizes.
  auto type = cast<RankedTensorType>(tensor::ExtractSliceOp::inferResultType(
      cast<RankedTensorType>(entry->memory.getType()), sizes));
  if (rows.getType() != type)
    rows = tensor::CastOp::create(builder, loc, type, rows);
  entry->memory =
      tensor::InsertSliceOp::create(builder, loc, rows, entry->memory, offsets, sizes, strides);
  entry->isAppended = true;
  state.map(entry->past, slice(*entry, entry->past, past[axis]));
  state.map(append.getResult(),
            slice(*entry, append.getResult(), state.shapes.get(append.getResult()).dims[axis]));
  return success();
}

SmallVector<Value> StateLowering::getUpdated() const {
  return llvm::map_to_vector(entries, [](const Entry &entry) { return entry.memory; });
}

void StateLowering::markArguments() {
  for (auto [i, entry] : llvm::enumerate(entries))
    function.setArgAttr(numInputs + 1 + i, kStateArgumentAttr,
                        StringAttr::get(function.getContext(), entry.state.getSymName()));
}
