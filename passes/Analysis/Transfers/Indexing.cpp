//===- Indexing.cpp - Transfer functions of operators with index operands
//-------------------------===//
#include "passes/Analysis/Transfers/TransferHelpers.h"

using namespace mlir;
using namespace moec;

namespace {

void transferGather(ShapeTransfer &t) {
  const SymbolicValue *data = t.operand(0), *indices = t.operand(1);
  if (!data || !indices)
    return;
  std::optional<int64_t> axis = normalizeAxis(t.node.getInt("axis", 0), data->getRank());
  if (!axis)
    return;
  ArrayRef<SymExpr> dims = data->dims;
  SymVector result(dims.take_front(*axis));
  llvm::append_range(result, indices->dims);
  llvm::append_range(result, dims.drop_front(*axis + 1));
  std::optional<SymVector> elements;
  if (data->elements && indices->elements)
    elements = makeElements(result, [&](Index index) -> SymExpr {
      SmallVector<int64_t> source(index.take_front(*axis));
      Index inner = index.slice(*axis, indices->getRank());
      std::optional<int64_t> position =
          (*indices->elements)[getFlatIndex(inner, indices->dims)].getConstant();
      std::optional<int64_t> size = dims[*axis].getConstant();
      if (!position || !size || *position < -*size || *position >= *size)
        return {};
      source.push_back(*position < 0 ? *position + *size : *position);
      llvm::append_range(source, index.drop_front(*axis + indices->getRank()));
      return (*data->elements)[getFlatIndex(source, dims)];
    });
  t.setResult(0, result, elements);
}

void transferGatherND(ShapeTransfer &t) {
  const SymbolicValue *data = t.operand(0), *indices = t.operand(1);
  if (!data || !indices || indices->getRank() < 1)
    return;
  int64_t batch = t.node.getInt("batch_dims", 0);
  std::optional<int64_t> tuple = indices->dims.back().getConstant();
  if (!tuple || *tuple < 0 || batch < 0 || batch >= indices->getRank() ||
      batch + *tuple > data->getRank())
    return;
  SymVector result(ArrayRef<SymExpr>(indices->dims).drop_back());
  llvm::append_range(result, ArrayRef<SymExpr>(data->dims).drop_front(batch + *tuple));
  t.setResult(0, result);
}

/// The result has the sizes of the indices.
void transferGatherElements(ShapeTransfer &t) { copyDims(t, 0, 1); }

/// The number of non-zero elements is data; the rank of the input is the number of rows.
void transferNonZero(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return t.setResult(0, {SymExpr(), SymExpr()});
  SymExpr rank = t.symbols.constant(x->getRank());
  std::optional<SmallVector<int64_t>> values =
      x->elements ? getConstants(*x->elements) : std::nullopt;
  if (!values || x->getRank() != 1)
    return t.setResult(0, {rank, SymExpr()});
  SymVector positions;
  for (auto [i, value] : llvm::enumerate(*values))
    if (value != 0)
      positions.push_back(t.symbols.constant(i));
  t.setResult(0, {rank, t.symbols.constant(positions.size())}, positions);
}

/// The count is data.
void transferCompress(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  auto axis = dyn_cast_or_null<IntegerAttr>(t.node.getOnnxAttr("axis"));
  if (!axis)
    return t.setResult(0, SymExpr());
  if (!x)
    return;
  SymVector dims = x->dims;
  if (std::optional<int64_t> normalized = normalizeAxis(axis.getInt(), x->getRank())) {
    dims[*normalized] = {};
    t.setResult(0, dims);
  }
}

/// The different slices or elements, their first places, the number of each element's among them,
/// and how often each is there.
void transferUnique(ShapeTransfer &t) {
  transferCompress(t);
  t.setResult(1, SymExpr());
  t.setResult(3, SymExpr());
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  auto axis = dyn_cast_or_null<IntegerAttr>(t.node.getOnnxAttr("axis"));
  if (!axis)
    return t.setResult(2, getCount(t.symbols, x->dims));
  if (std::optional<int64_t> normalized = normalizeAxis(axis.getInt(), x->getRank()))
    t.setResult(2, x->dims[*normalized]);
}

/// Values and indices of the k largest along an axis; k is an attribute before version 10.
void transferTopK(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  std::optional<int64_t> axis = normalizeAxis(t.node.getInt("axis", -1), x->getRank());
  if (!axis)
    return;
  SymExpr k;
  if (auto attribute = dyn_cast_or_null<IntegerAttr>(t.node.getOnnxAttr("k")))
    k = t.symbols.constant(attribute.getInt());
  else if (std::optional<ArrayRef<SymExpr>> elements = t.elements(1);
           elements && elements->size() == 1 && t.symbols.isKnownNonNegative(elements->front()))
    k = elements->front();
  SymVector dims = x->dims;
  dims[*axis] = k;
  t.setResult(0, dims);
  t.setResult(1, dims);
}

void transferCumSum(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  // Elements of one axis only: the prefix sums.
  if (!x->elements || x->getRank() != 1)
    return t.setResult(0, x->dims);
  bool exclusive = t.node.getInt("exclusive", 0), reverse = t.node.getInt("reverse", 0);
  SymVector elements(x->elements->size());
  SymExpr sum = t.symbols.constant(0);
  for (size_t i = 0; i < elements.size(); ++i) {
    size_t position = reverse ? elements.size() - 1 - i : i;
    SymExpr next = t.symbols.add(sum, (*x->elements)[position]);
    elements[position] = exclusive ? sum : next;
    sum = next;
  }
  t.setResult(0, x->dims, elements);
}

} // namespace

void moec::addIndexingTransfers(ShapeTransferTable &table) {
  table["Compress"] = transferCompress;
  table["CumProd"] = transferSameShape;
  table["CumSum"] = transferCumSum;
  table["Gather"] = transferGather;
  table["GatherElements"] = transferGatherElements;
  table["GatherND"] = transferGatherND;
  table["NonZero"] = transferNonZero;
  for (StringRef name : {"Scatter", "ScatterElements", "ScatterND", "TensorScatter"})
    table[name] = transferSameShape;
  table["TopK"] = transferTopK;
  table["Unique"] = transferUnique;
}
