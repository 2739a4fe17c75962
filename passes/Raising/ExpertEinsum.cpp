// Sums of products by the names of axes, and what is chosen out of all experts' results.
#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Raising/ExpertSweep.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

namespace {

/// "a,b->c" without "…", each letter once a term.
struct Equation {
  SmallVector<std::string, 2> terms;
  std::string result;
};

} // namespace

static std::optional<Equation> parse(StringRef text) {
  Equation equation;
  std::string plain;
  for (char c : text)
    if (c != ' ')
      plain += c;
  auto [terms, result] = StringRef(plain).split("->");
  SmallVector<StringRef> parts;
  terms.split(parts, ',');
  if (!StringRef(plain).contains("->"))
    return std::nullopt;
  equation.result = result.str();
  for (StringRef part : parts)
    equation.terms.push_back(part.str());
  auto isPlain = [](StringRef term) {
    for (size_t i = 0; i < term.size(); ++i)
      if (!llvm::isAlpha(term[i]) || term.find(term[i], i + 1) != StringRef::npos)
        return false;
    return true;
  };
  if (!isPlain(equation.result) || !llvm::all_of(equation.terms, isPlain))
    return std::nullopt;
  return equation;
}

/// x · W with a matrix for each slot.
bool Transfer::contractPicked(const Form &x, StringRef xs, const Form &w, StringRef ws,
                              StringRef out) {
  char summed = 0, width = 0;
  for (auto [c, axis] : llvm::zip(ws, w.axes)) {
    bool ofRows = xs.contains(c), ofResult = out.contains(c);
    if (isFeature(axis) && ofRows != ofResult) {
      if (std::exchange(ofRows ? summed : width, c))
        return false;
    } else if (!ofResult || isFeature(axis) || (ofRows && x.axes[xs.find(c)] != axis)) {
      return false;
    }
  }
  if (!summed || !width)
    return false;
  const Axis &contracted = x.axes[xs.find(summed)], &in = w.axes[ws.find(summed)];
  Axis result = w.axes[ws.find(width)];
  if (!isFeature(contracted) || contracted[0].id != 0 || contracted[0].size != in[0].size ||
      in[0].id + result[0].id != 1)
    return false;
  Row row{RowKind::Linear};
  row.operands = {x.content, w.content};
  row.number = in[0].id == 0;
  row.width = *result[0].size.getConstant();
  row.elementType = getElementType(op->getResult(0));
  result[0].id = 0;
  SmallVector<Axis, 4> axes;
  for (char c : out)
    axes.push_back(c == width       ? result
                   : xs.contains(c) ? x.axes[xs.find(c)]
                   : ws.contains(c) ? w.axes[ws.find(c)]
                                    : Axis());
  for (char c : xs)
    if (c != summed && !out.contains(c))
      return false;
  if (!broadcast({Form{axes, x.content}}))
    return false;
  set(axes, sweep.rows.get(row));
  return true;
}

/// x · W with the matrices of all experts, or one matrix.
bool Transfer::contract(const Form &x, StringRef xs, const Form &w, StringRef ws, StringRef out) {
  if (w.content->kind == RowKind::Param)
    return contractPicked(x, xs, w, ws, out);
  if (w.content->kind != RowKind::Constant || ws.size() != w.axes.size() ||
      xs.size() != x.axes.size())
    return false;
  // Letters of the matrices: what is summed over, what rows and result share, what is new.
  char summed = 0, expert = 0;
  SmallVector<char> fresh;
  for (char c : ws) {
    bool ofRows = xs.contains(c), ofResult = out.contains(c);
    if (ofRows != ofResult && ofResult)
      fresh.push_back(c);
    else if (ofRows && !std::exchange(ofResult ? expert : summed, c))
      continue;
    else
      return false;
  }
  auto sizeOf = [&](char c) -> const Axis & { return w.axes[ws.find(c)]; };
  auto isExperts = [&](char c) {
    const Axis &axis = sizeOf(c);
    return axis.size() == 1 && axis[0].size.isConstant(sizes.numExperts);
  };
  if (!expert && fresh.size() == 2) {
    char *found = llvm::find_if(fresh, isExperts);
    if (found == fresh.end())
      return false;
    expert = *found;
    fresh.erase(found);
  } else if (expert &&
             (!isExperts(expert) || !isAll(x.axes[xs.find(expert)], Coordinate::Expert, sizes))) {
    return false;
  }
  if (!summed || fresh.size() != 1)
    return false;
  char width = fresh[0];
  const Axis &contracted = x.axes[xs.find(summed)];
  if (!isFeature(contracted) || contracted[0].id != 0 || !isFeature(sizeOf(summed)) ||
      !isFeature(sizeOf(width)) || contracted[0].size != sizeOf(summed)[0].size)
    return false;
  // Every other letter of the rows stays.
  for (char c : xs)
    if (c != summed && !out.contains(c))
      return false;
  Row parameter = *w.content;
  std::string order(ws);
  std::string wanted = expert ? std::string{expert, summed, width} : std::string{summed, width};
  bool transposed =
      order == (expert ? std::string{expert, width, summed} : std::string{width, summed});
  if (order != wanted && !transposed) {
    SmallVector<int64_t> permutation, shape;
    for (char c : wanted) {
      permutation.push_back(order.find(c));
      shape.push_back(*sizeOf(c)[0].size.getConstant());
    }
    OpBuilder builder(op);
    Spelling spelling(builder, op->getLoc());
    parameter.value = spelling.node("Transpose", 21, parameter.value,
                                    RankedTensorType::get(shape, getElementType(parameter.value)),
                                    spelling.attribute("perm", permutation));
    sweep.shapes.update(parameter.value.getDefiningOp());
  }
  if (expert) {
    parameter.kind = RowKind::Param;
    parameter.perExpert = true;
  }
  SmallVector<Axis, 4> axes;
  for (char c : out)
    axes.push_back(c == width
                       ? makeAxis({sizes.factor(Coordinate::Feature, sizeOf(c)[0].size)}, sizes)
                   : c == expert    ? makeAxis({sizes.expert()}, sizes)
                   : xs.contains(c) ? x.axes[xs.find(c)]
                                    : Axis());
  if (!broadcast({Form{axes, x.content}}))
    return false;
  Row row{RowKind::Linear};
  row.operands = {x.content, sweep.rows.get(parameter)};
  row.number = transposed;
  row.width = *sizeOf(width)[0].size.getConstant();
  row.elementType = getElementType(op->getResult(0));
  set(axes, sweep.rows.get(row));
  return true;
}

void Transfer::einsum() {
  std::optional<Equation> equation = parse(node.getString("equation", ""));
  if (!equation || equation->terms.size() != 2 || op->getNumOperands() != 2)
    return;
  const Form a = in(0), b = in(1);
  StringRef as = equation->terms[0], bs = equation->terms[1], out = equation->result;
  if (!a || !b || as.size() != a.axes.size() || bs.size() != b.axes.size())
    return;
  auto isMatrices = [](const Form &form) {
    return form.content->kind == RowKind::Constant || form.content->kind == RowKind::Param;
  };
  if (isMatrices(b) && contract(a, as, b, bs, out))
    return;
  if (isMatrices(a) && contract(b, bs, a, as, out))
    return;
  // A product of rows with weights, summed over experts or slots.
  std::string all = as.str();
  for (char c : bs)
    if (!as.contains(c))
      all += c;
  auto spread = [&](const Form &form, StringRef letters) {
    Form result{{}, form.content};
    for (char c : all)
      result.axes.push_back(letters.contains(c) ? form.axes[letters.find(c)] : Axis());
    return result;
  };
  const Form both[] = {spread(a, as), spread(b, bs)};
  std::optional<SmallVector<Axis, 4>> axes = broadcast(both);
  bool anyGate = a.content->kind == RowKind::Gate || b.content->kind == RowKind::Gate;
  const Row *rows = a.content->kind == RowKind::Gate ? b.content : a.content;
  if (!axes || !anyGate || !rows->width || !rows->onToken)
    return;
  SmallVector<Axis, 4> kept;
  SmallVector<Factor> summed;
  for (char c : out)
    kept.push_back((*axes)[all.find(c)]);
  for (auto [c, axis] : llvm::zip(all, *axes))
    if (!out.contains(c))
      summed.append(axis.begin(), axis.end());
  Row *product = apply({a.content, b.content}, rows->width);
  sumUp(product, kept, makeAxis(summed, sizes));
}

/// Whether a weight is a part of a row.
static bool hasGate(Row *root) {
  SmallVector<Row *> open{root};
  llvm::DenseSet<Row *> seen;
  while (!open.empty()) {
    Row *row = open.pop_back_val();
    if (!row || !seen.insert(row).second)
      continue;
    if (row->kind == RowKind::Gate)
      return true;
    open.append(row->operands.begin(), row->operands.end());
  }
  return false;
}

/// Of all experts' results those of the chosen; of other values of all experts, weights.
void Transfer::gatherElements() {
  const Form data = in(0), indices = in(1);
  if (!indices || indices.content->kind != RowKind::Expert)
    return;
  int64_t axis = node.getInt("axis", 0);
  axis += axis < 0 ? indices.axes.size() : 0;
  Axis slots = makeAxis({sizes.token(), sizes.slot()}, sizes);
  SmallVector<Factor> all;
  for (const Axis &part : indices.axes)
    all.append(part.begin(), part.end());
  if (!data || !has(data.axes, Coordinate::Expert)) {
    // Values [T, E] that the experts do not give.
    ArrayRef<SymExpr> shape = dims(op->getOperand(0)), chosen = dims(op->getOperand(1));
    bool isWeights =
        isa<FloatType>(getElementType(op->getResult(0))) && makeAxis(all, sizes) == slots &&
        axis == static_cast<int64_t>(shape.size()) - 1 && shape.drop_back() == chosen.drop_back() &&
        shape.back().isConstant(sizes.numExperts);
    if (isWeights)
      set(indices.axes, sweep.rows.gate(op->getResult(0), Row::kAny, false));
    return;
  }
  if (data.axes.size() != indices.axes.size() ||
      !isAll(data.axes[axis], Coordinate::Expert, sizes) || hasGate(data.content) ||
      data.content->kind == RowKind::Partial)
    return;
  SmallVector<Axis, 4> axes(data.axes);
  for (auto [i, part] : llvm::enumerate(indices.axes)) {
    if (static_cast<int64_t>(i) == axis) {
      if (!part.empty() && !isAll(part, Coordinate::Slot, sizes))
        return;
      axes[i] = part;
      continue;
    }
    // The same number for all elements along the axis, and as many as there are.
    bool isSpread = llvm::none_of(part, [](const Factor &factor) {
      return factor.kind == Coordinate::Token || factor.kind == Coordinate::Slot;
    });
    if (part != data.axes[i] &&
        (!isSpread || dims(op->getOperand(0))[i] != dims(op->getOperand(1))[i]))
      return;
  }
  if (!broadcast({Form{axes, data.content}}))
    return;
  set(axes, data.content);
}

/// The rows of all experts in their order, on an axis of their own.
bool Transfer::stack() {
  if (op->getNumOperands() != static_cast<unsigned>(sizes.numExperts))
    return false;
  Row choice{RowKind::Choice};
  SmallVector<Axis, 4> axes;
  int64_t axis = node.getInt("axis", 0);
  for (unsigned e = 0; e < op->getNumOperands(); ++e) {
    const Form form = in(e);
    if (!form || !form.content->onToken || !form.content->width ||
        (form.content->kind != RowKind::Apply && form.content->kind != RowKind::Linear))
      return false;
    if (e == 0) {
      axes = form.axes;
      axis += axis < 0 ? axes.size() : 0;
      choice.width = form.content->width;
    }
    if (form.axes != axes || !axes[axis].empty() || has(axes, Coordinate::Expert) ||
        form.content->width != choice.width)
      return false;
    choice.operands.push_back(form.content);
  }
  axes[axis] = makeAxis({sizes.expert()}, sizes);
  choice.perExpert = true;
  choice.elementType = getElementType(op->getResult(0));
  set(axes, sweep.rows.get(choice));
  return true;
}

/// Indices side by side are one of several components.
bool Transfer::joinTuple() {
  if (!isAlongLastAxis(node, 0))
    return false;
  SmallVector<Axis, 2> parts;
  SmallVector<Axis, 4> leading;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    const Form form = in(i);
    if (!form || form.content->kind != RowKind::Index || form.content->number != 1 ||
        form.axes.size() < 2)
      return false;
    ArrayRef<Axis> own = ArrayRef<Axis>(form.axes).drop_back();
    const Axis &last = form.axes.back();
    bool fits = last.empty() ? form.content->axes.size() == 1
                             : last.size() == 1 && last[0].kind == Coordinate::Tuple &&
                                   last[0].size.isConstant(form.content->axes.size());
    if (!fits || (i && own != ArrayRef<Axis>(leading)))
      return false;
    leading.assign(own.begin(), own.end());
    parts.append(form.content->axes.begin(), form.content->axes.end());
  }
  leading.push_back(
      makeAxis({sizes.factor(Coordinate::Tuple, sizes.symbols.constant(parts.size()))}, sizes));
  set(leading, sweep.rows.index(parts));
  return true;
}
