//===- Reduction.cpp - Transfer functions of reductions
//-------------------------------------------===//
#include "passes/Analysis/Transfers/TransferHelpers.h"

using namespace mlir;
using namespace moec;

namespace {

using CombineFn = SymExpr (*)(SymContext &, SymExpr, SymExpr);

/// The elements of the reduction of a small integer tensor; std::nullopt where one would combine
/// nothing.
std::optional<SymVector> reduceElements(ShapeTransfer &t, const SymbolicValue &x,
                                        ArrayRef<int64_t> axes, CombineFn combine) {
  SymVector kept = x.dims;
  for (int64_t axis : axes)
    kept[axis] = t.symbols.constant(1);
  std::optional<SymVector> result = makeElements(kept, [](Index) { return SymExpr(); });
  if (!result)
    return std::nullopt;
  SmallVector<bool> started(result->size());
  SymVector unused;
  std::optional<SymVector> visited = makeElements(x.dims, [&](Index index) {
    SmallVector<int64_t> target(index);
    for (int64_t axis : axes)
      target[axis] = 0;
    size_t to = getFlatIndex(target, kept);
    SymExpr element = (*x.elements)[getFlatIndex(index, x.dims)];
    (*result)[to] = started[to] ? combine(t.symbols, (*result)[to], element) : element;
    started[to] = true;
    return element;
  });
  if (!visited || !llvm::all_of(started, [](bool value) { return value; }))
    return std::nullopt;
  return result;
}

void transferReduce(ShapeTransfer &t, CombineFn combine) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  bool keep = t.node.getInt("keepdims", 1);
  AxesSource source = getAxes(t, 1);
  SmallVector<int64_t> axes;
  if (source.values) {
    std::optional<SmallVector<int64_t>> normalized = normalizeAxes(*source.values, x->getRank());
    if (!normalized)
      return;
    axes = *normalized;
  } else if (!source.isAbsent) {
    // Axes that are only known at run time.
    if (keep)
      return t.setResult(0, SymVector(x->getRank()));
    if (source.count && *source.count > 0 && *source.count <= x->getRank())
      t.setResult(0, SymVector(x->getRank() - *source.count));
    return;
  }
  if (axes.empty()) {
    // No axes, written or not: all, or none.
    if (t.node.getInt("noop_with_empty_axes", 0))
      return t.setResult(0, x->dims, combine ? x->elements : std::nullopt);
    for (int64_t axis = 0; axis < x->getRank(); ++axis)
      axes.push_back(axis);
  }
  SymVector dims;
  for (auto [axis, dim] : llvm::enumerate(x->dims)) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      dims.push_back(dim);
    else if (keep)
      dims.push_back(t.symbols.constant(1));
  }
  t.setResult(0, dims,
              combine && x->elements ? reduceElements(t, *x, axes, combine) : std::nullopt);
}

template <CombineFn combine>
void transferReduce(ShapeTransfer &t) {
  transferReduce(t, combine);
}

SymExpr add(SymContext &s, SymExpr a, SymExpr b) { return s.add(a, b); }
SymExpr mul(SymContext &s, SymExpr a, SymExpr b) { return s.mul(a, b); }
SymExpr min(SymContext &s, SymExpr a, SymExpr b) { return s.min(a, b); }
SymExpr max(SymContext &s, SymExpr a, SymExpr b) { return s.max(a, b); }

/// ArgMax and ArgMin: one axis.
void transferArg(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  std::optional<int64_t> axis = normalizeAxis(t.node.getInt("axis", 0), x->getRank());
  if (!axis)
    return;
  SymVector dims = x->dims;
  if (t.node.getInt("keepdims", 1))
    dims[*axis] = t.symbols.constant(1);
  else
    dims.erase(dims.begin() + *axis);
  t.setResult(0, dims);
}

/// [N, C, spatial…] to [N, C, 1…].
void transferGlobalPool(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x || x->getRank() < 2)
    return;
  SymVector dims(x->getRank(), t.symbols.constant(1));
  dims[0] = x->dims[0];
  dims[1] = x->dims[1];
  t.setResult(0, dims);
}

} // namespace

void moec::addReductionTransfers(ShapeTransferTable &table) {
  table["ArgMax"] = table["ArgMin"] = transferArg;
  for (StringRef name : {"GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"})
    table[name] = transferGlobalPool;
  for (StringRef name :
       {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceSumSquare"})
    table[name] = [](ShapeTransfer &t) { transferReduce(t, nullptr); };
  table["ReduceMax"] = transferReduce<max>;
  table["ReduceMin"] = transferReduce<min>;
  table["ReduceProd"] = transferReduce<mul>;
  table["ReduceSum"] = transferReduce<add>;
}
