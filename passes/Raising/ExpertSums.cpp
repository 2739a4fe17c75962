// Where rows of experts or slots are added up, and layers end.
#include "passes/Raising/ExpertSweep.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

bool experts::splitGate(Row *row, Row *&gate, Row *&rest) {
  if (row->kind != RowKind::Apply)
    return false;
  if (auto node = dyn_cast<onnx::NodeOp>(row->node); node && node.getDomain().empty()) {
    // A rounding of the product is one of its parts as far as Numerics.md promises.
    if (node.getOpType() == "Cast" && row->operands.size() == 1)
      return splitGate(row->operands[0], gate, rest);
    bool isProduct = llvm::is_contained({"Mul", "Einsum", "MatMul"}, node.getOpType());
    if (!isProduct || row->operands.size() != 2)
      return false;
    for (unsigned i : {0, 1})
      if (row->operands[i]->kind == RowKind::Gate) {
        gate = row->operands[i];
        rest = row->operands[1 - i];
        return true;
      }
  }
  return false;
}

void Transfer::close(ArrayRef<Axis> axes, Row *row, bool overSlots) {
  sweep.closed = Layer{
      op, SmallVector<Axis, 4>(axes), SmallVector<Row *>(sizes.numExperts, row), {}, overSlots};
}

/// Sets a partial sum, or closes the layer if it has all experts.
void Transfer::finish(Row *sum, ArrayRef<Axis> axes) {
  int64_t present = llvm::count_if(sum->operands, [](Row *part) { return part; });
  if (present == sizes.numExperts) {
    sweep.closed = Layer{op,
                         SmallVector<Axis, 4>(axes),
                         SmallVector<Row *>(sum->operands.begin(), sum->operands.end()),
                         sum->others,
                         false,
                         false,
                         sum->limit};
    return;
  }
  sweep.refuse(op, "only " + Twine(present) + " of " + Twine(sizes.numExperts) +
                       " experts are present");
  set(axes, sum);
}

/// Adds to `sum` a part of it; false if an expert is in it already, or has other limits.
bool Transfer::addPart(Row &sum, Row *part) {
  Row *gate, *rest;
  bool isFirst = llvm::none_of(sum.operands, [](Row *row) { return row; });
  unsigned limit = part->kind == RowKind::Partial ? part->limit
                   : splitGate(part, gate, rest)  ? gate->limit
                                                  : 0;
  if (!isFirst && sum.limit != limit)
    return false;
  sum.limit = limit;
  if (part->kind == RowKind::Partial) {
    for (auto [e, row] : llvm::enumerate(part->operands)) {
      if (row && sum.operands[e])
        return false;
      if (row)
        sum.operands[e] = row;
    }
    sum.others.append(part->others.begin(), part->others.end());
    return true;
  }
  if (!splitGate(part, gate, rest) || gate->expert < 0)
    return false;
  bool isNew = !sum.operands[gate->expert];
  sum.operands[gate->expert] = part;
  return isNew;
}

void Transfer::partial(ArrayRef<Value> operands, ArrayRef<Axis> axes) {
  Row sum{RowKind::Partial};
  sum.operands.resize(sizes.numExperts);
  for (Value operand : operands) {
    if (sweep.isZero(operand))
      continue;
    Form form = sweep.demand(operand);
    Row *gate, *rest;
    if (form && form.axes != axes)
      form = {};
    bool isPart =
        form && (form.content->kind == RowKind::Partial ||
                 (splitGate(form.content, gate, rest) && gate->expert >= 0 &&
                  !has(form.axes, Coordinate::Slot) && !has(form.axes, Coordinate::Pick)));
    if (!isPart) {
      if (dims(operand) != dims(op->getResult(0)))
        return;
      sum.others.push_back(operand);
      continue;
    }
    sum.width = form.content->width;
    if (!addPart(sum, form.content))
      return sweep.refuse(op, "an expert is added twice, or has limits that others do not have");
  }
  finish(sweep.rows.get(sum), axes);
}

/// Slots of a single choice need no sum.
void Transfer::settle(ArrayRef<Axis> axes, Row *row) {
  Row *gate, *rest;
  if (sizes.k == 1 && row->perExpert && splitGate(row, gate, rest) && gate->expert == Row::kAny &&
      !has(axes, Coordinate::Expert) && !has(axes, Coordinate::Pick) && rest->perExpert)
    return close(axes, row, true);
  set(axes, row);
}

/// Whether rows are multiplied by a gate somewhere, and by none that holds for every expert. Only
/// where the gate is the tokens' factor or the result's does a layer come of it.
static bool isGatedByExpert(Row *root) {
  SmallVector<Row *> open{root};
  llvm::DenseSet<Row *> seen;
  bool isGated = false;
  while (!open.empty()) {
    Row *row = open.pop_back_val();
    if (!row || !seen.insert(row).second)
      continue;
    if (row->kind == RowKind::Gate) {
      if (row->expert != Row::kAxis)
        return false;
      isGated = true;
    }
    open.append(row->operands.begin(), row->operands.end());
  }
  return isGated;
}

/// A value that is the sum of `row` over some coordinates.
void Transfer::sumUp(Row *row, ArrayRef<Axis> axes, const Axis &sum) {
  bool overSlots = isAll(sum, Coordinate::Slot, sizes);
  bool overExperts = isAll(sum, Coordinate::Expert, sizes);
  if (sum.empty())
    return settle(axes, row);
  bool overTokens = sum[0].kind == Coordinate::Token && sum[0].size == sizes.tokens;
  if (row->kind == RowKind::Gate) {
    if (overSlots && !row->summed && row->expert != Row::kAny)
      return set(axes, sweep.rows.gate(row->value, row->expert, true, row->limit));
    bool allSlots = sum == makeAxis({sizes.token(), sizes.slot()}, sizes);
    if (!row->value && row->expert == Row::kAxis && !row->limit &&
        ((overTokens && sum.size() == 1 && row->summed) || allSlots)) {
      Row counts{RowKind::Counts};
      counts.expert = Row::kAxis;
      set(axes, sweep.rows.get(counts));
    }
    return;
  }
  if (!isRow(row) || !row->width || !has(axes, Coordinate::Token))
    return;
  if (overSlots && !has(axes, Coordinate::Expert) && row->perExpert)
    return close(axes, row, true);
  if (overExperts && !has(axes, Coordinate::Slot) && isGatedByExpert(row))
    return close(axes, row, false);
}

void Transfer::reduce() {
  Form form = in(0);
  std::optional<SmallVector<int64_t>> over = getAxes(1);
  if (!form || !over)
    return;
  bool keeps = node.getInt("keepdims", 1);
  SmallVector<Axis, 4> axes;
  SmallVector<Factor> reduced;
  for (auto [i, axis] : llvm::enumerate(form.axes)) {
    bool isReduced = llvm::is_contained(*over, static_cast<int64_t>(i));
    if (isReduced)
      reduced.append(axis.begin(), axis.end());
    if (!isReduced)
      axes.push_back(axis);
    else if (keeps)
      axes.emplace_back();
  }
  Axis sum = makeAxis(reduced, sizes);
  Row *row = form.content;
  sumUp(row, axes, sum);
}
