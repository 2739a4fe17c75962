// Rows times matrices.
#include "passes/Analysis/Match.h"
#include "passes/Raising/ExpertSweep.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

void Transfer::linear() {
  const Form input = in(0);
  if (!input || !isRow(input.content) || input.axes.empty() || !isFeature(input.axes.back()))
    return;
  Row row{RowKind::Linear};
  row.operands.push_back(input.content);
  for (Value operand : op->getOperands().drop_front()) {
    Form form = sweep.demand(operand);
    if (!form || form.content->kind != RowKind::Constant)
      return;
    row.operands.push_back(form.content);
  }
  auto linear = cast<moe::LinearOp>(op);
  row.number = linear.getTransposed();
  row.width = getLastSize(linear.getResult()).value_or(0);
  row.elementType = getElementType(linear.getResult());
  SmallVector<Axis, 4> axes(input.axes);
  axes.back()[0].size = sizes.symbols.constant(row.width);
  set(axes, sweep.rows.get(row));
}

/// A product of weights, in a row, with the rows of experts or slots.
void Transfer::combine(const Form &a, const Form &b) {
  ArrayRef<Axis> as(a.axes), bs(b.axes);
  std::optional<SmallVector<Axis, 4>> kept = broadcast(
      {Form{{as.begin(), as.end() - 2}, a.content}, Form{{bs.begin(), bs.end() - 2}, b.content}});
  const Row *rows = a.content->kind == RowKind::Gate ? b.content : a.content;
  Axis over = as.back();
  if (!kept || over != bs.end()[-2] || !isRow(rows) || !rows->width)
    return;
  SmallVector<Axis, 4> all(*kept);
  all.append({as.end()[-2], over, bs.back()});
  kept->append({as.end()[-2], bs.back()});
  if (broadcast({Form{all, a.content}}))
    sumUp(apply({a.content, b.content}, rows->width), *kept, over);
}

void Transfer::matmul() {
  Form a = in(0), b = in(1);
  if (!a || !b || a.axes.size() < 2 || b.axes.size() < 2)
    return;
  auto isMatrix = [](const Form &form) {
    return (form.content->kind == RowKind::Constant || form.content->kind == RowKind::Param) &&
           isFeature(form.axes.back()) && isFeature(form.axes.end()[-2]);
  };
  // x · W, or W · x with rows as columns.
  bool weightFirst = isMatrix(a) && !isMatrix(b);
  Form &x = weightFirst ? b : a;
  Form &w = weightFirst ? a : b;
  if (a.content->kind == RowKind::Gate || b.content->kind == RowKind::Gate)
    return combine(a, b);
  if (!isMatrix(w) || !isRow(x.content) || x.content->kind == RowKind::Gate)
    return;
  const Axis &contracted = weightFirst ? x.axes.end()[-2] : x.axes.back();
  const Axis &other = weightFirst ? x.axes.back() : x.axes.end()[-2];
  if (!isFeature(contracted) || contracted[0].id != 0)
    return;
  // What picks parameters may be followed by a transposition.
  unsigned first = w.axes.end()[-2][0].id, second = w.axes.end()[-1][0].id;
  bool isTransposed = first == 0 && second == 1;
  if (w.content->kind == RowKind::Param && !isTransposed && (first != 1 || second != 0))
    return;
  // Matrices of all experts, one behind the other.
  if (w.content->kind == RowKind::Constant && w.axes.size() > 2) {
    for (const Axis &axis : ArrayRef<Axis>(w.axes).drop_front().drop_back(2))
      if (!axis.empty())
        return;
    if (!w.axes[0].empty()) {
      if (!w.axes[0][0].size.isConstant(sizes.numExperts))
        return;
      w.axes[0] = makeAxis({sizes.expert()}, sizes);
      Row row = *w.content;
      row.kind = RowKind::Param;
      row.perExpert = true;
      w.content = sweep.rows.get(row);
    }
  }
  Form batchX{{x.axes.begin(), x.axes.end() - 2}, x.content};
  Form batchW{{w.axes.begin(), w.axes.end() - 2}, w.content};
  std::optional<SmallVector<Axis, 4>> axes = broadcast({batchX, batchW});
  if (!axes)
    return;
  Axis out = w.axes.end()[weightFirst ? -2 : -1];
  out[0].id = 0;
  axes->push_back(weightFirst ? out : other);
  axes->push_back(weightFirst ? other : out);
  if (!broadcast({Form{*axes, x.content}}))
    return;
  Row row{RowKind::Linear};
  row.operands = {x.content, w.content};
  row.number = weightFirst != (isTransposed && w.content->kind == RowKind::Param);
  row.width = out[0].size.getConstant().value_or(0);
  row.elementType = getElementType(op->getResult(0));
  set(*axes, sweep.rows.get(row));
}
