//===- Movement.cpp - Transfer functions of operators that move elements
//--------------------------===//
#include "passes/Analysis/Transfers/TransferHelpers.h"

#include <limits>

using namespace mlir;
using namespace moec;

namespace {

void transferTranspose(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  SmallVector<int64_t> permutation;
  if (std::optional<ArrayRef<int64_t>> attribute = t.node.getInts("perm"))
    permutation.assign(attribute->begin(), attribute->end());
  else
    for (int64_t axis = x->getRank() - 1; axis >= 0; --axis)
      permutation.push_back(axis);
  if (static_cast<int64_t>(permutation.size()) != x->getRank() ||
      !normalizeAxes(permutation, x->getRank()) ||
      llvm::any_of(permutation, [](int64_t axis) { return axis < 0; }))
    return;
  SymVector dims;
  for (int64_t axis : permutation)
    dims.push_back(x->dims[axis]);
  t.setResult(0, dims, !x->elements ? std::nullopt : makeElements(dims, [&](Index index) {
                SmallVector<int64_t> source(index.size());
                for (auto [position, axis] : llvm::zip(index, permutation))
                  source[axis] = position;
                return (*x->elements)[getFlatIndex(source, x->dims)];
              }));
}

void transferSqueeze(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  AxesSource axes = getAxes(t, 1);
  if (!x)
    return;
  std::optional<SmallVector<int64_t>> removed;
  if (axes.values) {
    removed = normalizeAxes(*axes.values, x->getRank());
  } else if (axes.isAbsent) {
    // All sizes of 1 go: each must be decided.
    removed.emplace();
    for (auto [axis, dim] : llvm::enumerate(x->dims)) {
      if (dim.isConstant(1))
        removed->push_back(axis);
      else if (!t.symbols.eq(dim, t.symbols.constant(1)).isConstant(0))
        return;
    }
  } else if (axes.count && *axes.count <= x->getRank()) {
    return t.setResult(0, SymVector(x->getRank() - *axes.count));
  }
  if (!removed)
    return;
  SymVector dims;
  for (auto [axis, dim] : llvm::enumerate(x->dims))
    if (!llvm::is_contained(*removed, static_cast<int64_t>(axis)))
      dims.push_back(dim);
  t.setResult(0, dims, x->elements);
}

void transferUnsqueeze(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  AxesSource axes = getAxes(t, 1);
  if (!x || !axes.count)
    return;
  int64_t rank = x->getRank() + *axes.count;
  if (!axes.values)
    return t.setResult(0, SymVector(rank));
  std::optional<SmallVector<int64_t>> added = normalizeAxes(*axes.values, rank);
  if (!added)
    return;
  SymVector dims;
  const SymExpr *next = x->dims.begin();
  for (int64_t axis = 0; axis < rank; ++axis)
    dims.push_back(llvm::is_contained(*added, axis) ? t.symbols.constant(1) : *next++);
  t.setResult(0, dims, x->elements);
}

/// The size that a -1 of Reshape stands for: what is left of `input` when the sizes that both have
/// are taken out.
SymExpr inferSize(SymContext &symbols, ArrayRef<SymExpr> input, ArrayRef<SymExpr> others) {
  SymVector rest(input);
  SymExpr divisor = symbols.constant(1);
  for (SymExpr other : others) {
    if (!other || other.isConstant(0))
      return {};
    if (auto *it = llvm::find(rest, other); it != rest.end())
      rest.erase(it);
    else
      divisor = symbols.mul(divisor, other);
  }
  return symbols.div(symbols.product(rest), divisor);
}

/// A computed (not constant) size of Reshape is taken as a size: 0 (copy) and -1 (infer) have
/// their special meaning only as constants. Where it can be negative nothing is said.
void transferReshape(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0), *shape = t.operand(1);
  if (!shape || shape->getRank() != 1)
    return;
  std::optional<int64_t> rank = shape->dims[0].getConstant();
  if (!rank || *rank < 0 || *rank > kMaxElements)
    return;
  SymVector dims(*rank);
  if (!x || !shape->elements)
    return t.setResult(0, dims);
  bool allowZero = t.node.getInt("allowzero", 0);
  std::optional<int64_t> inferred;
  for (int64_t i = 0; i < *rank; ++i) {
    SymExpr size = (*shape->elements)[i];
    if (size.isConstant(-1)) {
      if (inferred)
        return;
      inferred = i;
    } else if (size.isConstant(0) && !allowZero) {
      if (i < x->getRank())
        dims[i] = x->dims[i];
    } else if (t.symbols.isKnownNonNegative(size)) {
      dims[i] = size;
    }
  }
  if (inferred) {
    SymVector others(dims);
    others.erase(others.begin() + *inferred);
    dims[*inferred] = inferSize(t.symbols, x->dims, others);
  } else if (llvm::count(dims, SymExpr()) == 1) {
    // One size that is not decided (it may be a computed -1): the others decide it.
    auto *unknown = llvm::find(dims, SymExpr());
    SymVector others(dims);
    others.erase(others.begin() + (unknown - dims.begin()));
    if (llvm::all_of(others, [&](SymExpr size) { return t.symbols.isKnownPositive(size); }))
      *unknown = inferSize(t.symbols, x->dims, others);
  }
  t.setResult(0, dims, x->elements);
}

void transferFlatten(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  int64_t axis = t.node.getInt("axis", 1);
  if (axis < 0)
    axis += x->getRank();
  if (axis < 0 || axis > x->getRank())
    return;
  ArrayRef<SymExpr> dims = x->dims;
  t.setResult(
      0, {getCount(t.symbols, dims.take_front(axis)), getCount(t.symbols, dims.drop_front(axis))},
      x->elements);
}

void transferExpand(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0), *shape = t.operand(1);
  if (!x || !shape || shape->getRank() != 1)
    return;
  std::optional<int64_t> rank = shape->dims[0].getConstant();
  if (!rank || *rank > kMaxElements)
    return;
  if (!shape->elements)
    return t.setResult(0, SymVector(std::max(*rank, x->getRank())));
  SymVector sizes;
  for (SymExpr size : *shape->elements)
    sizes.push_back(t.symbols.isKnownNonNegative(size) ? size : SymExpr());
  SymVector dims = broadcastDims(t.symbols, x->dims, sizes);
  t.setResult(0, dims,
              makeElements(dims, [&](Index index) { return getBroadcastElement(*x, index); }));
}

void transferTile(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  std::optional<ArrayRef<SymExpr>> repeats = t.elements(1);
  if (!repeats || static_cast<int64_t>(repeats->size()) != x->getRank())
    return t.setResult(0, SymVector(x->getRank()));
  SymVector dims;
  for (auto [dim, repeat] : llvm::zip(x->dims, *repeats))
    dims.push_back(t.symbols.isKnownNonNegative(repeat) ? t.symbols.mul(dim, repeat) : SymExpr());
  t.setResult(0, dims, !x->elements ? std::nullopt : makeElements(dims, [&](Index index) {
                SmallVector<int64_t> source;
                for (auto [position, dim] : llvm::zip(index, x->dims))
                  source.push_back(position % *dim.getConstant());
                return (*x->elements)[getFlatIndex(source, x->dims)];
              }));
}

void transferConcat(ShapeTransfer &t) {
  unsigned count = t.node.getInputs().size();
  const SymbolicValue *first = count ? t.operand(0) : nullptr;
  if (!first)
    return;
  std::optional<int64_t> axis = normalizeAxis(t.node.getInt("axis", 0), first->getRank());
  if (!axis)
    return;
  SymVector dims = first->dims;
  for (unsigned i = 1; i < count; ++i) {
    const SymbolicValue *x = t.operand(i);
    if (!x || x->getRank() != first->getRank())
      return;
    for (int64_t j = 0; j < first->getRank(); ++j) {
      if (j == *axis)
        dims[j] = t.symbols.add(dims[j], x->dims[j]);
      else if (!dims[j].getConstant() && x->dims[j].getConstant())
        dims[j] = x->dims[j]; // equal in every valid run; the constant says more
    }
  }
  t.setResult(0, dims, makeElements(dims, [&](Index index) -> SymExpr {
                SmallVector<int64_t> source(index);
                for (unsigned i = 0; i < count; ++i) {
                  const SymbolicValue &x = *t.operand(i);
                  std::optional<int64_t> size = x.dims[*axis].getConstant();
                  if (!size)
                    return {};
                  if (source[*axis] < *size)
                    return getBroadcastElement(x, source);
                  source[*axis] -= *size;
                }
                return {};
              }));
}

/// Sizes of the parts from the attribute, the operand, or equal parts of `dim`.
SymVector getSplitSizes(ShapeTransfer &t, SymExpr dim) {
  unsigned count = t.node->getNumResults();
  SymVector sizes(count);
  if (std::optional<ArrayRef<int64_t>> attribute = t.node.getInts("split")) {
    if (attribute->size() == count)
      for (auto [size, value] : llvm::zip(sizes, *attribute))
        size = t.symbols.constant(value);
    return sizes;
  }
  if (t.node.getOptionalOperand(1)) {
    std::optional<ArrayRef<SymExpr>> elements = t.elements(1);
    if (elements && elements->size() == count)
      for (auto [size, element] : llvm::zip(sizes, *elements))
        size = t.symbols.isKnownNonNegative(element) ? element : SymExpr();
    return sizes;
  }
  if (count == 0 || t.node.getInt("num_outputs", count) != count)
    return sizes;
  // From version 18 on the last part may be smaller.
  SymExpr chunk = t.node.getOnnxAttr("num_outputs")
                      ? t.symbols.div(t.symbols.add(dim, t.symbols.constant(count - 1)),
                                      t.symbols.constant(count))
                      : t.symbols.div(dim, t.symbols.constant(count));
  std::fill(sizes.begin(), sizes.end(), chunk);
  sizes.back() = t.symbols.sub(dim, t.symbols.mul(chunk, t.symbols.constant(count - 1)));
  return sizes;
}

void transferSplit(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  std::optional<int64_t> axis = normalizeAxis(t.node.getInt("axis", 0), x->getRank());
  if (!axis)
    return;
  // By value: results are stated while the operand is read.
  SymbolicValue source = *x;
  SymVector sizes = getSplitSizes(t, source.dims[*axis]);
  std::optional<int64_t> offset = 0;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    SymVector dims = source.dims;
    dims[*axis] = size;
    std::optional<int64_t> constant = size.getConstant();
    std::optional<SymVector> elements;
    if (source.elements && offset && constant)
      elements = makeElements(dims, [&](Index index) -> SymExpr {
        SmallVector<int64_t> position(index);
        position[*axis] += *offset;
        size_t flat = getFlatIndex(position, source.dims);
        return flat < source.elements->size() ? (*source.elements)[flat] : SymExpr();
      });
    t.setResult(i, dims, elements);
    offset = offset && constant ? std::optional(*offset + *constant) : std::nullopt;
  }
}

/// A start or end of Slice, counted from the front: negative values count from the end.
SymExpr fromFront(SymContext &symbols, SymExpr position, SymExpr dim) {
  SymExpr zero = symbols.constant(0);
  if (!position)
    return {};
  // The end of the 64-bit range stands for "all": adding a size to it must not overflow.
  if (position.isConstant(std::numeric_limits<int64_t>::min()))
    return position;
  if (symbols.isKnownNonNegative(position))
    return position;
  return symbols.select(symbols.lt(position, zero), symbols.add(position, dim), position);
}

SymExpr clamp(SymContext &symbols, SymExpr value, SymExpr low, SymExpr high) {
  return symbols.max(symbols.min(value, high), low);
}

/// What Slice does to one axis.
struct AxisSlice {
  SymExpr size;
  std::optional<int64_t> start; ///< where constant
  int64_t step = 1;
};

AxisSlice sliceAxis(SymContext &symbols, SymExpr dim, SymExpr start, SymExpr end, SymExpr step) {
  AxisSlice result;
  std::optional<int64_t> constantStep = step.getConstant();
  if (!constantStep || *constantStep == 0 || *constantStep == std::numeric_limits<int64_t>::min())
    return result;
  result.step = *constantStep;
  SymExpr zero = symbols.constant(0), one = symbols.constant(1);
  start = fromFront(symbols, start, dim);
  end = fromFront(symbols, end, dim);
  if (result.step > 0) {
    // A start past the end needs no upper bound: the size is 0 either way.
    start = symbols.max(start, zero);
    end = clamp(symbols, end, zero, dim);
    result.size = getCeilDivClamped(symbols, symbols.sub(end, start), result.step);
  } else {
    SymExpr last = symbols.sub(dim, one);
    start = symbols.min(start, last);
    end = clamp(symbols, end, symbols.constant(-1), last);
    if (start == last) {
      // From the end: right for an empty axis too, where both are -1.
      result.size = getCeilDivClamped(symbols, symbols.sub(start, end), -result.step);
    } else {
      // An empty axis has no element 0 to start from.
      start = symbols.max(start, zero);
      result.size =
          symbols.select(symbols.eq(dim, zero), zero,
                         getCeilDivClamped(symbols, symbols.sub(start, end), -result.step));
    }
  }
  result.start = start.getConstant();
  return result;
}

void transferSlice(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  int64_t rank = x->getRank();
  SymVector starts, ends, steps;
  SmallVector<int64_t> axes;
  auto read = [&](StringRef attribute, unsigned operand, SymVector &into) {
    if (std::optional<ArrayRef<int64_t>> values = t.node.getInts(attribute)) {
      for (int64_t value : *values)
        into.push_back(t.symbols.constant(value));
      return true;
    }
    std::optional<ArrayRef<SymExpr>> elements = t.elements(operand);
    if (elements)
      into.assign(elements->begin(), elements->end());
    return elements.has_value();
  };
  bool known = read("starts", 1, starts) && read("ends", 2, ends);
  AxesSource source = getAxes(t, 3);
  if (source.isAbsent)
    for (size_t i = 0; i < starts.size(); ++i)
      axes.push_back(i);
  else if (source.values)
    axes = *source.values;
  else
    known = false;
  if (!known)
    return t.setResult(0, SymVector(rank));
  if (t.node.getOptionalOperand(4))
    read("", 4, steps); // left empty where not followed
  else
    steps.assign(starts.size(), t.symbols.constant(1));
  steps.resize(starts.size());
  std::optional<SmallVector<int64_t>> normalized = normalizeAxes(axes, rank);
  if (!normalized || normalized->size() != starts.size() || ends.size() != starts.size())
    return;
  SymVector dims = x->dims;
  SmallVector<AxisSlice> slices(rank);
  for (AxisSlice &slice : slices)
    slice.start = 0;
  for (auto [i, axis] : llvm::enumerate(*normalized)) {
    slices[axis] = sliceAxis(t.symbols, x->dims[axis], starts[i], ends[i], steps[i]);
    dims[axis] = slices[axis].size;
  }
  bool followed = x->elements && llvm::all_of(slices, [](const AxisSlice &slice) {
                    return slice.start.has_value();
                  });
  t.setResult(0, dims, !followed ? std::nullopt : makeElements(dims, [&](Index index) {
                SmallVector<int64_t> position;
                for (auto [i, slice] : llvm::zip(index, slices))
                  position.push_back(*slice.start + i * slice.step);
                return (*x->elements)[getFlatIndex(position, x->dims)];
              }));
}

void transferPad(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  int64_t rank = x->getRank();
  SymVector pads, dims(rank);
  if (std::optional<ArrayRef<int64_t>> attribute = t.node.getInts("pads"))
    for (int64_t pad : *attribute)
      pads.push_back(t.symbols.constant(pad));
  else if (std::optional<ArrayRef<SymExpr>> elements = t.elements(1))
    pads.assign(elements->begin(), elements->end());
  else
    return t.setResult(0, dims);
  SmallVector<int64_t> axes;
  AxesSource source = getAxes(t, 3);
  if (source.isAbsent)
    for (int64_t axis = 0; axis < rank; ++axis)
      axes.push_back(axis);
  else if (std::optional<SmallVector<int64_t>> named =
               source.values ? normalizeAxes(*source.values, rank) : std::nullopt)
    axes = *named;
  else
    return t.setResult(0, dims);
  if (pads.size() != 2 * axes.size())
    return;
  dims = x->dims;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    SymExpr size = t.symbols.sum({dims[axis], pads[i], pads[axes.size() + i]});
    dims[axis] = t.symbols.isKnownNonNegative(size) ? size : SymExpr();
  }
  t.setResult(0, dims);
}

/// DepthToSpace and SpaceToDepth of [N, C, H, W].
template <bool toSpace>
void transferDepth(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  int64_t block = t.node.getInt("blocksize", 0);
  if (!x || x->getRank() != 4 || block <= 0 || block > (1 << 15))
    return;
  SymExpr size = t.symbols.constant(block), area = t.symbols.constant(block * block);
  auto scale = [&](SymExpr dim, SymExpr factor, bool up) {
    return up ? t.symbols.mul(dim, factor) : t.symbols.div(dim, factor);
  };
  t.setResult(0, {x->dims[0], scale(x->dims[1], area, !toSpace), scale(x->dims[2], size, toSpace),
                  scale(x->dims[3], size, toSpace)});
}

} // namespace

void moec::addMovementTransfers(ShapeTransferTable &table) {
  table["Concat"] = transferConcat;
  table["DepthToSpace"] = transferDepth<true>;
  table["Expand"] = transferExpand;
  table["Flatten"] = transferFlatten;
  table["Pad"] = transferPad;
  table["Reshape"] = transferReshape;
  table["ReverseSequence"] = table["Trilu"] = transferSameShape;
  table["Slice"] = transferSlice;
  table["SpaceToDepth"] = transferDepth<false>;
  table["Split"] = transferSplit;
  table["Squeeze"] = transferSqueeze;
  table["Tile"] = transferTile;
  table["Transpose"] = transferTranspose;
  table["Unsqueeze"] = transferUnsqueeze;
}
