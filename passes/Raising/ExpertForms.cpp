#include "passes/Raising/ExpertForms.h"

#include "llvm/ADT/Hashing.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

bool experts::isRow(const Row *row) {
  return row->kind == RowKind::Tokens || row->kind == RowKind::Constant ||
         row->kind == RowKind::Param || row->kind == RowKind::Gate || row->kind == RowKind::Apply ||
         row->kind == RowKind::Linear || row->kind == RowKind::Choice;
}

bool experts::isFeature(const Axis &axis) {
  return axis.size() == 1 && axis[0].kind == Coordinate::Feature && axis[0].size.getConstant();
}

void experts::normalize(Axis &axis, Sizes &sizes) {
  Axis result;
  for (const Factor &factor : axis) {
    if (factor.size.isConstant(1))
      continue;
    if (!result.empty()) {
      Factor &last = result.back();
      if (last.kind == factor.kind && last.id == factor.id &&
          last.stride == sizes.symbols.mul(factor.stride, factor.size)) {
        last.size = sizes.symbols.mul(last.size, factor.size);
        last.stride = factor.stride;
        continue;
      }
    }
    result.push_back(factor);
  }
  axis = std::move(result);
}

Axis experts::makeAxis(ArrayRef<Factor> factors, Sizes &sizes) {
  Axis axis(factors.begin(), factors.end());
  normalize(axis, sizes);
  return axis;
}

/// Takes coordinates for one axis of size `dim` from one end of `flat`; false if they do not fall
/// on it.
static bool takeAxis(std::deque<Factor> &flat, SymExpr dim, bool fromRight, Axis &axis,
                     Sizes &sizes) {
  SymContext &symbols = sizes.symbols;
  SymExpr product = symbols.constant(1);
  std::deque<Factor> rest = flat;
  Axis taken;
  while (product != dim) {
    if (rest.empty() || !dim)
      return false;
    Factor next = fromRight ? rest.back() : rest.front();
    fromRight ? rest.pop_back() : rest.pop_front();
    SymExpr joined = symbols.mul(product, next.size);
    // dim = product · wanted, and the coordinate is cut if it is longer than what is wanted.
    SymExpr wanted = symbols.div(dim, product);
    bool divides = wanted && symbols.mul(wanted, product) == dim;
    SymExpr over = divides ? symbols.div(next.size, wanted) : SymExpr();
    bool isCut = over && !over.isConstant(1) && symbols.mul(over, wanted) == next.size &&
                 !wanted.isConstant(1);
    if (isCut) {
      Factor inner = next, outer = next;
      (fromRight ? inner : outer).size = wanted;
      (fromRight ? outer : inner).size = over;
      outer.stride = symbols.mul(next.stride, inner.size);
      fromRight ? rest.push_back(outer) : rest.push_front(inner);
      next = fromRight ? inner : outer;
      joined = dim;
    }
    fromRight ? (void)taken.insert(taken.begin(), next) : taken.push_back(next);
    product = joined;
  }
  flat = std::move(rest);
  axis = std::move(taken);
  normalize(axis, sizes);
  return true;
}

std::optional<SmallVector<Axis, 4>> experts::reshape(ArrayRef<Axis> axes, ArrayRef<SymExpr> dims,
                                                     Sizes &sizes) {
  std::deque<Factor> flat;
  for (const Axis &axis : axes)
    flat.insert(flat.end(), axis.begin(), axis.end());
  SmallVector<Axis, 4> result(dims.size());
  size_t left = 0, right = dims.size();
  while (left < right && takeAxis(flat, dims[left], false, result[left], sizes))
    ++left;
  while (right > left && takeAxis(flat, dims[right - 1], true, result[right - 1], sizes))
    --right;
  if (right - left > 1)
    return std::nullopt;
  // One size that could not be followed has what is left.
  if (right - left == 1)
    result[left] = makeAxis(SmallVector<Factor>(flat.begin(), flat.end()), sizes);
  else if (!flat.empty())
    return std::nullopt;
  return result;
}

std::optional<SmallVector<Axis, 4>> experts::broadcast(ArrayRef<Form> operands) {
  SmallVector<Axis, 4> result;
  for (const Form &form : operands)
    if (form.axes.size() > result.size())
      result.resize(form.axes.size());
  for (const Form &form : operands) {
    size_t offset = result.size() - form.axes.size();
    for (auto [i, axis] : llvm::enumerate(form.axes)) {
      Axis &target = result[offset + i];
      if (axis.empty() || axis == target)
        continue;
      if (!target.empty())
        return std::nullopt;
      target = axis;
    }
  }
  // The same coordinate on two axes would be its diagonal.
  for (Coordinate kind : {Coordinate::Token, Coordinate::Slot, Coordinate::Expert,
                          Coordinate::Feature, Coordinate::Pick}) {
    SmallVector<Factor> seen;
    for (const Axis &axis : result)
      for (const Factor &factor : axis)
        if (factor.kind == kind) {
          if (llvm::any_of(seen, [&](const Factor &other) {
                return other.stride == factor.stride || kind == Coordinate::Pick;
              }))
            return std::nullopt;
          seen.push_back(factor);
        }
  }
  return result;
}

bool experts::has(ArrayRef<Axis> axes, Coordinate kind) {
  return llvm::any_of(axes, [&](const Axis &axis) {
    return llvm::any_of(axis, [&](const Factor &factor) { return factor.kind == kind; });
  });
}

bool experts::isAll(const Axis &axis, Coordinate kind, Sizes &sizes) {
  SymExpr size = kind == Coordinate::Token  ? sizes.tokens
                 : kind == Coordinate::Slot ? sizes.symbols.constant(sizes.k)
                                            : sizes.symbols.constant(sizes.numExperts);
  return axis.size() == 1 && axis[0].kind == kind && axis[0].size == size;
}

std::optional<unsigned> experts::findAxis(ArrayRef<Axis> axes, Coordinate kind) {
  for (auto [i, axis] : llvm::enumerate(axes))
    if (axis.size() == 1 && axis[0].kind == kind)
      return i;
  return std::nullopt;
}

/// What an operation computes, apart from its operands.
static DictionaryAttr getMeaning(Operation *op) {
  auto node = dyn_cast<onnx::NodeOp>(op);
  return node ? node.getOnnxAttrs() : op->getAttrDictionary();
}

bool experts::computeTheSame(Operation *a, Operation *b) {
  if (a->getName() != b->getName() || getMeaning(a) != getMeaning(b))
    return false;
  auto x = dyn_cast<onnx::NodeOp>(a), y = dyn_cast<onnx::NodeOp>(b);
  return !x || (x.getOpType() == y.getOpType() && x.getDomain() == y.getDomain() &&
                x.getVersion() == y.getVersion());
}

static bool areEqual(const Row &a, const Row &b) {
  if (a.kind != b.kind || a.value != b.value || a.result != b.result || a.operands != b.operands ||
      a.number != b.number || a.axes != b.axes || a.expert != b.expert || a.summed != b.summed ||
      a.limit != b.limit || a.width != b.width || a.elementType != b.elementType ||
      a.others != b.others || !a.node != !b.node)
    return false;
  return a.node == b.node || computeTheSame(a.node, b.node);
}

Row *Rows::get(Row row) {
  for (Row *operand : row.operands) {
    if (!operand)
      continue;
    row.perExpert |= operand->perExpert;
    row.onToken |= operand->onToken;
  }
  llvm::hash_code hash =
      llvm::hash_combine(static_cast<int>(row.kind), row.value.getAsOpaquePointer(), row.result,
                         row.number, row.expert, row.summed, row.width,
                         llvm::hash_combine_range(row.operands.begin(), row.operands.end()),
                         row.node ? getMeaning(row.node).getAsOpaquePointer() : nullptr);
  SmallVector<Row *, 1> &bucket = byHash[static_cast<unsigned>(static_cast<size_t>(hash))];
  for (Row *other : bucket)
    if (areEqual(*other, row))
      return other;
  storage.push_back(std::move(row));
  bucket.push_back(&storage.back());
  return bucket.back();
}

Row *Rows::gate(Value weights, int64_t expert, bool summed, unsigned limit) {
  Row row{RowKind::Gate};
  row.value = weights;
  row.expert = expert;
  row.summed = summed;
  row.limit = limit;
  row.onToken = true;
  return get(std::move(row));
}

Row *Rows::index(ArrayRef<Axis> axes, int64_t scale) {
  Row row{RowKind::Index};
  row.axes.assign(axes.begin(), axes.end());
  row.number = scale;
  return get(std::move(row));
}
