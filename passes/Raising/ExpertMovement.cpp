// Nodes that move elements about.
#include "passes/Analysis/Match.h"
#include "passes/Raising/ExpertSweep.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

std::optional<SmallVector<int64_t>> Transfer::integers(unsigned i) {
  if (i >= op->getNumOperands() || isa<NoneType>(op->getOperand(i).getType()))
    return std::nullopt;
  const SymbolicValue &value = sweep.shapes.get(op->getOperand(i));
  if (!value.elements)
    return getIntegers(op->getOperand(i));
  SmallVector<int64_t> result;
  for (SymExpr element : *value.elements) {
    std::optional<int64_t> number = element.getConstant();
    if (!number)
      return std::nullopt;
    result.push_back(*number);
  }
  return result;
}

std::optional<SmallVector<int64_t>> Transfer::getAxes(unsigned operand) {
  SmallVector<int64_t> axes;
  if (std::optional<ArrayRef<int64_t>> attribute = node.getInts("axes"))
    axes.assign(attribute->begin(), attribute->end());
  else if (std::optional<SmallVector<int64_t>> values = integers(operand))
    axes = *values;
  else
    return std::nullopt;
  int64_t rank = in(0).axes.size();
  for (int64_t &axis : axes) {
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank)
      return std::nullopt;
  }
  return axes;
}

void Transfer::set(ArrayRef<Axis> axes, Row *content, unsigned result) {
  if (content)
    sweep.forms[op->getResult(result)] = {SmallVector<Axis, 4>(axes), content};
}

void Transfer::reshapeTo(const Form &form) {
  if (!form || !isa<RankedTensorType>(op->getResult(0).getType()))
    return;
  std::optional<SmallVector<Axis, 4>> axes = reshape(form.axes, dims(op->getResult(0)), sizes);
  if (axes)
    set(*axes, form.content);
}

void Transfer::transpose() {
  const Form form = in(0);
  std::optional<ArrayRef<int64_t>> permutation = node.getInts("perm");
  SmallVector<Axis, 4> axes(form.axes);
  for (size_t i = 0; i < axes.size(); ++i)
    axes[i] = form.axes[permutation ? (*permutation)[i] : axes.size() - 1 - i];
  set(axes, form.content);
}

/// Expand and Tile: new coordinates, named after their sizes.
void Transfer::spread(StringRef opType) {
  Form form = in(0);
  ArrayRef<SymExpr> target = dims(op->getResult(0));
  if (target.size() < form.axes.size())
    return;
  form.axes.insert(form.axes.begin(), target.size() - form.axes.size(), Axis());
  std::optional<SmallVector<int64_t>> repeats;
  if (opType == "Tile")
    repeats = integers(1);
  for (auto [i, axis] : llvm::enumerate(form.axes)) {
    SymExpr size = sizes.symbols.constant(1);
    if (opType == "Tile") {
      if (repeats) {
        size = sizes.symbols.constant((*repeats)[i]);
      } else if (sweep.shapes.get(op->getOperand(1)).elements) {
        size = (*sweep.shapes.get(op->getOperand(1)).elements)[i];
      } else {
        return;
      }
    } else if (axis.empty()) {
      size = target[i];
    }
    if (size.isConstant(1))
      continue;
    Factor factor = sizes.factor(Coordinate::Feature, size, 100 + i);
    if (size.isConstant(sizes.k) && !has(form.axes, Coordinate::Slot))
      factor = sizes.slot();
    else if (size.isConstant(sizes.numExperts) && !has(form.axes, Coordinate::Expert))
      factor = sizes.expert();
    else if (size == sizes.tokens && !has(form.axes, Coordinate::Token))
      factor = sizes.token();
    else if (i + 1 == form.axes.size())
      factor.id = 0;
    axis.insert(axis.begin(), factor);
  }
  set(form.axes, form.content);
}

/// Elements [begin, begin + size) of an axis.
void Transfer::cutAxis(const Form &form, int64_t axis, int64_t begin, int64_t size,
                       unsigned result) {
  if (!form || form.axes[axis].size() != 1)
    return;
  const Factor &factor = form.axes[axis].front();
  std::optional<int64_t> length = factor.size.getConstant();
  if (!length)
    return;
  begin += begin < 0 ? *length : 0;
  if (begin < 0 || begin + size > *length)
    return;
  SmallVector<Axis, 4> axes(form.axes);
  Row *content = form.content;
  if (factor.kind == Coordinate::Expert && size == 1 &&
      isAll(form.axes[axis], Coordinate::Expert, sizes)) {
    axes[axis].clear();
    if (content->kind == RowKind::Gate && content->expert == Row::kAxis)
      return set(axes, sweep.rows.gate(content->value, begin, content->summed, content->limit),
                 result);
    if (content->kind == RowKind::Counts || content->kind == RowKind::Ends) {
      Row row = *content;
      row.expert = begin;
      return set(axes, sweep.rows.get(row), result);
    }
    return;
  }
  if (factor.kind == Coordinate::Tuple && size == 1) {
    axes[axis].clear();
    return set(axes, sweep.rows.index(content->axes[begin]), result);
  }
}

void Transfer::cut(StringRef opType) {
  const Form form = in(0);
  int64_t rank = form.axes.size();
  if (opType == "Slice") {
    std::optional<SmallVector<int64_t>> begins = integers(1), ends = integers(2), axes, steps;
    if (op->getNumOperands() > 3)
      axes = integers(3);
    if (op->getNumOperands() > 4)
      steps = integers(4);
    // All of a list that was counted before.
    const std::optional<SmallVector<SymExpr>> &end = sweep.shapes.get(op->getOperand(2)).elements;
    if (rank == 1 && begins == SmallVector<int64_t>{0} && end && end->size() == 1 &&
        (!steps || *steps == SmallVector<int64_t>{1}) &&
        llvm::is_contained(sweep.listSizes, std::pair((*end)[0], form.axes[0])))
      return set(form.axes, form.content);
    if (!begins || !ends || begins->size() != 1 || (op->getNumOperands() > 3 && !axes) ||
        (steps && (*steps)[0] != 1))
      return;
    int64_t axis = axes ? (*axes)[0] : 0;
    axis += axis < 0 ? rank : 0;
    if (std::optional<int64_t> size = dims(op->getResult(0))[axis].getConstant())
      cutAxis(form, axis, (*begins)[0], *size, 0);
    return;
  }
  int64_t axis = node.getInt("axis", 0), begin = 0;
  axis += axis < 0 ? rank : 0;
  // A split of a sorted list at the experts' counts.
  if (std::optional<unsigned> list = findAxis(form.axes, Coordinate::Pick);
      list && *list == static_cast<unsigned>(axis)) {
    const Pick whole = sweep.picks[form.axes[axis][0].id];
    if (op->getNumOperands() < 2 || whole.expert >= 0 ||
        op->getNumResults() != static_cast<unsigned>(sizes.numExperts) || !content(1) ||
        content(1)->kind != RowKind::Counts || content(1)->expert != Row::kAxis)
      return;
    for (unsigned e = 0; e < op->getNumResults(); ++e) {
      SmallVector<Axis, 4> axes(form.axes);
      axes[axis][0].id = sweep.picks.size();
      axes[axis][0].size = dims(op->getResult(e))[axis];
      sweep.picks.push_back({static_cast<int64_t>(e), form.axes[axis][0].id, 0, {}, {}});
      set(axes, form.content, e);
    }
    return;
  }
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    std::optional<int64_t> size = dims(op->getResult(i))[axis].getConstant();
    if (!size)
      return;
    cutAxis(form, axis, begin, *size, i);
    begin += *size;
  }
}

/// Parts of a sorted list, one for each expert in order, joined again; counts of all experts.
void Transfer::concat() {
  int64_t axis = node.getInt("axis", 0);
  Row choice{RowKind::Choice};
  Form first = in(0);
  axis += axis < 0 ? first.axes.size() : 0;
  if (!first || op->getNumOperands() != static_cast<unsigned>(sizes.numExperts))
    return;
  SmallVector<Axis, 4> axes(first.axes);
  bool isCounts = first.content->kind == RowKind::Counts;
  unsigned whole = 0;
  for (unsigned e = 0; e < op->getNumOperands(); ++e) {
    const Form form = in(e);
    if (!form || form.axes.size() != axes.size())
      return;
    if (isCounts) {
      if (form.content->kind != RowKind::Counts || form.content->expert != e)
        return;
      continue;
    }
    if (form.axes[axis].size() != 1 || form.axes[axis][0].kind != Coordinate::Pick)
      return;
    const Pick part = sweep.picks[form.axes[axis][0].id];
    if (part.expert != e || part.whole == form.axes[axis][0].id || (e && part.whole != whole) ||
        form.content->width != first.content->width)
      return;
    whole = part.whole;
    choice.operands.push_back(form.content);
  }
  if (isCounts) {
    Row row = *first.content;
    row.expert = Row::kAxis;
    return set({makeAxis({sizes.expert()}, sizes)}, sweep.rows.get(row));
  }
  // All parts of a permutation are as many as it has.
  if (!sweep.sorted || sweep.sorted->id != whole)
    return;
  axes[axis] = {*sweep.sorted};
  choice.perExpert = true;
  choice.width = first.content->width;
  choice.elementType = getElementType(op->getResult(0));
  set(axes, sweep.rows.get(choice));
}

/// Whether a Concat puts features one after the other.
bool Transfer::isAlongLastFeatures() {
  const Form form = in(0);
  return form.axes.size() > 1 && isAlongLastAxis(node, 0);
}

bool Transfer::move(StringRef opType) {
  if (opType == "Reshape" || opType == "Squeeze" || opType == "Unsqueeze" || opType == "Flatten") {
    reshapeTo(in(0));
    return true;
  }
  if (opType == "Identity") {
    set(in(0).axes, content(0));
    return true;
  }
  if (opType == "Transpose") {
    transpose();
    return true;
  }
  if (opType == "Expand" || opType == "Tile") {
    spread(opType);
    return true;
  }
  if (opType == "Concat" && (stack() || joinTuple()))
    return true;
  if (opType == "Concat" && !isAlongLastFeatures() &&
      llvm::all_of(op->getOperands(), [&](Value operand) {
        const Form form = sweep.demand(operand);
        return form && (form.content->kind == RowKind::Counts || has(form.axes, Coordinate::Pick));
      })) {
    concat();
    return true;
  }
  if (opType == "Slice" || opType == "Split") {
    const Form form = in(0);
    if (!form || form.axes.empty())
      return true;
    int64_t rank = form.axes.size();
    int64_t axis = node.getInt("axis", 0);
    if (opType == "Slice") {
      std::optional<SmallVector<int64_t>> axes =
          op->getNumOperands() > 3 ? integers(3) : std::optional(SmallVector<int64_t>{0});
      if (!axes || axes->size() != 1)
        return true;
      axis = axes->front();
    }
    axis += axis < 0 ? rank : 0;
    bool ofFeatures = axis == rank - 1 && !form.axes.back().empty() &&
                      form.axes.back()[0].kind == Coordinate::Feature;
    if (ofFeatures)
      return false;
    cut(opType);
    return true;
  }
  return false;
}
