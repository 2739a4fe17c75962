//===- Generators.cpp - Transfer functions of operators that make tensors from sizes
//--------------===//
#include "passes/Analysis/Transfers/TransferHelpers.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace moec;

namespace {

void transferShape(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  int64_t rank = x->getRank();
  auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  int64_t start = clamp(t.node.getInt("start", 0));
  int64_t end = std::max(start, clamp(t.node.getInt("end", rank)));
  ArrayRef<SymExpr> dims = ArrayRef<SymExpr>(x->dims).slice(start, end - start);
  t.setResult(0, t.symbols.constant(dims.size()), dims);
}

void transferSize(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return t.setResult(0, {});
  SymExpr count = getCount(t.symbols, x->dims);
  t.setResult(0, {}, ArrayRef<SymExpr>(count));
}

/// Sizes that an operand lists.
std::optional<SymVector> getSizes(ShapeTransfer &t, unsigned operand) {
  const SymbolicValue *shape = t.operand(operand);
  if (!shape || shape->getRank() != 1)
    return std::nullopt;
  if (!shape->elements) {
    std::optional<int64_t> rank = shape->dims[0].getConstant();
    if (!rank || *rank < 0 || *rank > kMaxElements)
      return std::nullopt;
    return SymVector(*rank);
  }
  SymVector sizes;
  for (SymExpr size : *shape->elements)
    sizes.push_back(t.symbols.isKnownNonNegative(size) ? size : SymExpr());
  return sizes;
}

void transferConstantOfShape(ShapeTransfer &t) {
  std::optional<SymVector> dims = getSizes(t, 0);
  if (!dims)
    return;
  SymExpr value;
  if (auto attribute = dyn_cast_or_null<DenseIntElementsAttr>(t.node.getOnnxAttr("value"));
      attribute && attribute.getNumElements() == 1)
    value = t.symbols.constant(attribute.getElementType().isSignlessInteger(1)
                                   ? (*attribute.value_begin<APInt>()).getZExtValue()
                                   : (*attribute.value_begin<APInt>()).getSExtValue());
  t.setResult(0, *dims, makeElements(*dims, [&](Index) { return value; }));
}

/// Range of integers; of floats only the rank is known.
void transferRange(ShapeTransfer &t) {
  SymExpr bounds[3];
  for (unsigned i = 0; i < 3; ++i) {
    std::optional<ArrayRef<SymExpr>> elements = t.elements(i);
    if (!elements || elements->size() != 1)
      return t.setResult(0, SymExpr());
    bounds[i] = elements->front();
  }
  auto [start, limit, delta] = bounds;
  std::optional<int64_t> step = delta.getConstant();
  if (!step || *step == 0 || *step == std::numeric_limits<int64_t>::min())
    return t.setResult(0, SymExpr());
  SymExpr span = *step > 0 ? t.symbols.sub(limit, start) : t.symbols.sub(start, limit);
  SymExpr count = getCeilDivClamped(t.symbols, span, std::abs(*step));
  if (!count)
    return t.setResult(0, SymExpr());
  t.setResult(0, count, makeElements(count, [&](Index index) {
                return t.symbols.add(start, t.symbols.mul(delta, t.symbols.constant(index[0])));
              }));
}

void transferOneHot(ShapeTransfer &t) {
  const SymbolicValue *indices = t.operand(0), *values = t.operand(2);
  if (!indices)
    return;
  std::optional<int64_t> axis = normalizeAxis(t.node.getInt("axis", -1), indices->getRank() + 1);
  if (!axis)
    return;
  // The depth is a number (a tensor of one element) of any type.
  SymExpr depth;
  if (std::optional<ArrayRef<SymExpr>> elements = t.elements(1);
      elements && elements->size() == 1 && t.symbols.isKnownNonNegative(elements->front()))
    depth = elements->front();
  SymVector dims = indices->dims;
  dims.insert(dims.begin() + *axis, depth);
  std::optional<SymVector> elements;
  std::optional<int64_t> size = depth.getConstant();
  if (size && indices->elements && values && values->elements && values->elements->size() == 2)
    elements = makeElements(dims, [&](Index index) -> SymExpr {
      SmallVector<int64_t> position(index);
      position.erase(position.begin() + *axis);
      SymExpr hot = (*indices->elements)[getFlatIndex(position, indices->dims)];
      std::optional<int64_t> constant = hot.getConstant();
      if (!constant)
        return {};
      // In range [-depth, depth) negative ones count from the end; others are all off.
      int64_t wanted = *constant < 0 && *constant >= -*size ? *constant + *size : *constant;
      return (*values->elements)[wanted == index[*axis] ? 1 : 0];
    });
  t.setResult(0, dims, elements);
}

/// RandomNormal, RandomUniform: sizes in an attribute.
void transferShapeAttribute(ShapeTransfer &t) {
  std::optional<ArrayRef<int64_t>> shape = t.node.getInts("shape");
  if (!shape)
    return;
  SymVector dims;
  for (int64_t size : *shape)
    dims.push_back(t.symbols.constant(size));
  t.setResult(0, dims);
}

} // namespace

void moec::addGeneratorTransfers(ShapeTransferTable &table) {
  for (StringRef name : {"Bernoulli", "EyeLike", "RandomNormalLike", "RandomUniformLike"})
    table[name] = transferSameShape;
  table["ConstantOfShape"] = transferConstantOfShape;
  table["OneHot"] = transferOneHot;
  table["RandomNormal"] = table["RandomUniform"] = transferShapeAttribute;
  table["Range"] = transferRange;
  table["Shape"] = transferShape;
  table["Size"] = transferSize;
}
