// Nodes that make or use indices.
#include "passes/Analysis/Match.h"
#include "passes/Raising/ExpertSweep.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

/// Puts `indexAxes` in place of the axes of `data` from `first` on, which the index runs over.
void Transfer::pick(const Form &data, unsigned first, ArrayRef<Axis> over,
                    ArrayRef<Axis> indexAxes) {
  if (data.axes.size() < first + over.size() ||
      ArrayRef<Axis>(data.axes).slice(first, over.size()) != over)
    return;
  SmallVector<Axis, 4> axes(data.axes.begin(), data.axes.begin() + first);
  SmallVector<Axis, 4> rest(axes);
  axes.append(indexAxes.begin(), indexAxes.end());
  axes.append(data.axes.begin() + first + over.size(), data.axes.end());
  rest.append(data.axes.begin() + first + over.size(), data.axes.end());
  for (Coordinate kind :
       {Coordinate::Token, Coordinate::Slot, Coordinate::Expert, Coordinate::Pick})
    if (has(indexAxes, kind) && has(rest, kind))
      return;
  set(axes, data.content);
}

/// The experts' parameters in an order of the experts, or null.
static Row *getParam(Sweep &sweep, const Form &data) {
  if (!data || data.content->kind != RowKind::Constant || data.axes.empty())
    return nullptr;
  const SymbolicValue &shape = sweep.shapes.get(data.content->value);
  if (data.axes.size() != shape.dims.size() || !shape.dims[0].isConstant(sweep.sizes.numExperts))
    return nullptr;
  Row row = *data.content;
  row.kind = RowKind::Param;
  row.perExpert = true;
  return sweep.rows.get(row);
}

void Transfer::gather() {
  const Form data = in(0), indices = in(1);
  int64_t axis = node.getInt("axis", 0);
  axis += axis < 0 ? data.axes.size() : 0;
  if (!data || !indices)
    return;
  if (std::optional<SmallVector<int64_t>> number = integers(1); number && number->size() == 1) {
    cutAxis(data, axis, (*number)[0], 1, 0);
    auto cut = sweep.forms.find(op->getResult(0));
    if (cut != sweep.forms.end() && cut->second && rank(op->getOperand(1)) == 0)
      cut->second.axes.erase(cut->second.axes.begin() + axis);
    return;
  }
  Row *index = indices.content;
  if (index->kind == RowKind::Index && index->axes.size() == 1 && index->number == 1)
    return pick(data, axis, index->axes, indices.axes);
  if (index->kind == RowKind::Expert && axis == 0)
    if (Row *param = getParam(sweep, data))
      return pick({data.axes, param}, 0, {data.axes[0]}, indices.axes);
}

void Transfer::gatherND() {
  const Form data = in(0), indices = in(1);
  if (!data || !indices || node.getInt("batch_dims", 0) || indices.axes.empty())
    return;
  ArrayRef<Axis> over(indices.axes);
  Row *index = indices.content;
  bool isSingle = over.back().empty();
  if (index->kind == RowKind::Index && index->number == 1 &&
      (isSingle ? index->axes.size() == 1
                : over.back()[0].kind == Coordinate::Tuple &&
                      over.back()[0].size.isConstant(index->axes.size())))
    return pick(data, 0, index->axes, over.drop_back());
  if (index->kind == RowKind::Expert && isSingle)
    if (Row *param = getParam(sweep, data))
      return pick({data.axes, param}, 0, {data.axes[0]}, over.drop_back());
}

/// Whether a constant has the elements 0 and 1.
static bool isZeroOne(Value value) {
  auto constant = value.getDefiningOp<onnx::ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!elements || elements.getNumElements() != 2)
    return false;
  if (isa<FloatType>(elements.getElementType())) {
    auto values = llvm::to_vector(elements.getValues<APFloat>());
    return values[0].isZero() && values[1].isExactlyValue(1);
  }
  auto values = llvm::to_vector(elements.getValues<APInt>());
  return values[0].isZero() && values[1].isOne();
}

void Transfer::oneHot() {
  const Form indices = in(0);
  std::optional<double> depth = getSplat(op->getOperand(1));
  if (!indices || indices.content->kind != RowKind::Expert || depth != sizes.numExperts ||
      !isZeroOne(op->getOperand(2)))
    return;
  int64_t axis = node.getInt("axis", -1);
  axis += axis < 0 ? indices.axes.size() + 1 : 0;
  SmallVector<Axis, 4> axes(indices.axes);
  axes.insert(axes.begin() + axis, makeAxis({sizes.expert()}, sizes));
  set(axes, sweep.rows.gate({}, Row::kAxis, false));
}

/// The slots, or tokens, of one expert.
void Transfer::nonZero() {
  const Form mask = in(0);
  if (!mask || mask.content->kind != RowKind::Gate || mask.content->value ||
      mask.content->expert < 0)
    return;
  // Along the features, if it has some, the mask is the same.
  ArrayRef<Axis> axes(mask.axes);
  bool byFeature = axes.size() > 1 && axes.back().size() == 1 &&
                   axes.back()[0].kind == Coordinate::Feature &&
                   axes.back()[0].size.getConstant() && axes.back()[0].stride.isConstant(1);
  SymExpr count = sizes.symbols.constant(1);
  SmallVector<Factor> slots;
  for (const Axis &axis : byFeature ? axes.drop_back() : axes)
    for (const Factor &factor : axis) {
      if (factor.kind != Coordinate::Token && factor.kind != Coordinate::Slot)
        return;
      count = sizes.symbols.mul(count, factor.size);
      slots.push_back(factor);
    }
  SymExpr all = mask.content->summed
                    ? sizes.tokens
                    : sizes.symbols.mul(sizes.tokens, sizes.symbols.constant(sizes.k));
  if (count != all)
    return;
  // The same list again has the same size.
  SymExpr listed = dims(op->getResult(0))[1];
  Axis from = makeAxis(slots, sizes);
  auto known = llvm::find_if(sweep.picks, [&](const Pick &pick) {
    return pick.expert == mask.content->expert && pick.limit == mask.content->limit && pick.size &&
           pick.from == from;
  });
  unsigned id = known - sweep.picks.begin();
  if (known == sweep.picks.end()) {
    SymExpr size = listed;
    if (byFeature && !(size = sizes.symbols.div(listed, axes.back()[0].size)))
      return;
    sweep.picks.push_back({mask.content->expert, id, mask.content->limit, from, size});
  }
  Axis list{sizes.factor(Coordinate::Pick, sweep.picks[id].size, id)};
  if (byFeature)
    list.push_back(axes.back()[0]);
  sweep.listSizes.push_back({listed, list});
  Factor tuple = sizes.factor(Coordinate::Tuple, sizes.symbols.constant(mask.axes.size()));
  set({makeAxis({tuple}, sizes), list}, sweep.rows.index(mask.axes));
}

/// All slots in the order of their experts; or back.
void Transfer::sort() {
  const Form input = in(0);
  if (!input || input.axes.size() != 1 || node.getInt("largest", 1) || !node.getInt("sorted", 1))
    return;
  const SymbolicValue &count = sweep.shapes.get(op->getOperand(1));
  if (!count.elements || count.elements->size() != 1 ||
      (*count.elements)[0] != dims(op->getOperand(0))[0])
    return;
  Axis slots = makeAxis({sizes.token(), sizes.slot()}, sizes);
  if (input.content->kind == RowKind::Expert && input.axes[0] == slots) {
    unsigned id = sweep.picks.size();
    sweep.picks.push_back({-1, id, 0, {}, {}});
    sweep.sorted = sizes.factor(Coordinate::Pick, dims(op->getOperand(0))[0], id);
    set({Axis{*sweep.sorted}}, input.content, 0);
    return set({Axis{*sweep.sorted}}, sweep.rows.index(slots), 1);
  }
  // The inverse of a permutation sorts it.
  if (input.content->kind == RowKind::Index && input.content->number == 1 && sweep.sorted &&
      input.axes[0] == Axis{*sweep.sorted} && input.content->axes.size() == 1 &&
      input.content->axes[0] == slots)
    set({slots}, sweep.rows.index({input.axes[0]}), 1);
}

void Transfer::range() {
  std::optional<double> step = getSplat(op->getOperand(2)), first = getSplat(op->getOperand(0));
  if (step != 1)
    return;
  SymExpr size = dims(op->getResult(0))[0];
  if (first == 0.0) {
    for (const Axis &axis :
         {makeAxis({sizes.token()}, sizes), makeAxis({sizes.token(), sizes.slot()}, sizes)})
      if (size == (axis.size() == 2 ? sizes.symbols.mul(axis[0].size, axis[1].size) : sizes.tokens))
        return set({axis}, sweep.rows.index({axis}));
  }
  // One expert's part of the sorted list.
  Row *begin = content(0), *end = content(1);
  if (!sweep.sorted || !end || end->kind != RowKind::Ends || end->expert < 0)
    return;
  int64_t e = end->expert;
  bool follows =
      e == 0 ? first == 0.0 : begin && begin->kind == RowKind::Ends && begin->expert == e - 1;
  if (!follows)
    return;
  unsigned id = sweep.picks.size();
  sweep.picks.push_back({e, sweep.sorted->id, 0, {}, {}});
  set({Axis{sizes.factor(Coordinate::Pick, size, id)}}, sweep.rows.index({Axis{*sweep.sorted}}));
}

void Transfer::scatterElements() {
  const Form indices = in(1), updates = in(2);
  if (!indices || indices.axes.empty())
    return;
  bool adds = node.getString("reduction", "none") == "add";
  if (!adds && node.getString("reduction", "none") != "none")
    return;
  bool onZeros = sweep.isZero(op->getOperand(0));
  int64_t axis = node.getInt("axis", 0), outRank = rank(op->getResult(0));
  axis += axis < 0 ? outRank : 0;
  bool isOne = getSplat(op->getOperand(2)) == 1.0;
  if (indices.content->kind == RowKind::Expert && onZeros) {
    Axis slots = makeAxis({sizes.token(), sizes.slot()}, sizes);
    if (outRank == 1 && adds && isOne && dims(op->getResult(0))[0].isConstant(sizes.numExperts) &&
        (indices.axes[0] == slots || (sweep.sorted && indices.axes[0] == Axis{*sweep.sorted}))) {
      Row counts{RowKind::Counts};
      counts.expert = Row::kAxis;
      return set({makeAxis({sizes.expert()}, sizes)}, sweep.rows.get(counts));
    }
    // The weights of all experts for each token, zero where it did not choose them.
    bool isWeights = updates && updates.content->kind == RowKind::Gate &&
                     updates.content->expert == Row::kAny && updates.axes == indices.axes;
    if (axis != outRank - 1 || !(isOne || isWeights) ||
        (sizes.k > 1 && !isAll(indices.axes.back(), Coordinate::Slot, sizes)) ||
        !dims(op->getResult(0)).back().isConstant(sizes.numExperts))
      return;
    SmallVector<Axis, 4> axes(indices.axes);
    axes.back() = makeAxis({sizes.expert()}, sizes);
    return set(axes,
               sweep.rows.gate(isWeights ? updates.content->value : Value(), Row::kAxis, true));
  }
  if (indices.content->kind != RowKind::Index || axis != 0 || outRank != 2 || !updates ||
      !dims(op->getResult(0))[1].isConstant(updates.content->width))
    return;
  scatterND();
}

/// Rows added to their tokens.
void Transfer::scatterND() {
  const Form indices = in(1), updates = in(2);
  if (!indices)
    return;
  Row *index = indices.content;
  bool adds = node.getString("reduction", "none") == "add";
  if (!adds && node.getString("reduction", "none") != "none")
    return;
  if (index->kind != RowKind::Index || index->number != 1 || indices.axes.empty())
    return;
  Value base = op->getOperand(0);
  bool onZeros = sweep.isZero(base);
  Axis slots = makeAxis({sizes.token(), sizes.slot()}, sizes);
  // inverse[order[j]] = j
  auto iota = getNode(op->getOperand(2), "Range");
  if (sweep.sorted && indices.axes[0] == Axis{*sweep.sorted} && index->axes.size() == 1 &&
      index->axes[0] == slots && rank(op->getResult(0)) == 1 && iota &&
      getSplat(iota.getInputs()[0]) == 0.0 && getSplat(iota.getInputs()[2]) == 1.0 &&
      dims(op->getOperand(2))[0] == dims(op->getResult(0))[0])
    return set({slots}, sweep.rows.index({Axis{*sweep.sorted}}));
  if (!updates || !updates.content->width)
    return;
  // Elements of rows, one by one, are rows.
  Axis over = updates.axes[0];
  ArrayRef<Axis> to(index->axes);
  bool byElement = updates.axes.size() == 1 && over.size() == 2 && over[1].size.getConstant() &&
                   over[1].kind == Coordinate::Feature && indices.axes[0] == over &&
                   static_cast<int64_t>(to.size()) == rank(op->getResult(0)) &&
                   to.back() == Axis{over[1]};
  Axis features = byElement ? Axis{over[1]} : updates.axes.back();
  if (byElement) {
    over.pop_back();
    to = to.drop_back();
  }
  SmallVector<Factor> target;
  for (const Axis &axis : to)
    target.append(axis.begin(), axis.end());
  // Back from the sorted order.
  if (makeAxis(target, sizes) == slots && sizes.k > 1 && onZeros && sweep.sorted &&
      updates.axes.size() == 2 && updates.axes[0] == Axis{*sweep.sorted} &&
      indices.axes[0] == updates.axes[0] && updates.content->perExpert) {
    SmallVector<Axis, 4> axes{slots, updates.axes[1]};
    sweep.unsummed =
        Layer{op, axes, SmallVector<Row *>(sizes.numExperts, updates.content), {}, true, true};
    return set(axes, updates.content);
  }
  if (!isAll(makeAxis(target, sizes), Coordinate::Token, sizes))
    return;
  ArrayRef<SymExpr> outDims = dims(op->getResult(0));
  SmallVector<Axis, 4> axes;
  if (std::optional<SmallVector<Axis, 4>> leading =
          reshape({{sizes.token()}}, outDims.drop_back(), sizes))
    axes = *leading;
  else
    return;
  axes.push_back(features);
  if (!byElement && (updates.axes.size() != 2 || over != indices.axes[0]))
    return;
  Form sum = onZeros ? Form() : in(0);
  if (over == slots || (sweep.sorted && over == Axis{*sweep.sorted})) {
    if (!adds)
      return sweep.refuse(op, "rows of slots are written to their tokens, but not added: of a "
                              "token's experts only one counts");
    if (onZeros)
      close(axes, updates.content, /*overSlots=*/true);
    return;
  }
  if (over.size() != 1 || over[0].kind != Coordinate::Pick)
    return;
  int64_t expert = sweep.picks[over[0].id].expert;
  // Experts of a single choice have no tokens in common.
  bool isPartial = sum && sum.content->kind == RowKind::Partial;
  if (!adds && !onZeros && !(sizes.k == 1 && isPartial && sum.content->others.empty()))
    return sweep.refuse(op, "an expert's rows replace what other experts have given");
  Row part{RowKind::Partial};
  if (isPartial)
    part = *sum.content;
  else if (!onZeros)
    part.others.push_back(base);
  part.width = updates.content->width;
  part.operands.resize(sizes.numExperts);
  if (part.operands[expert])
    return sweep.refuse(op, "expert " + Twine(expert) + " is added twice");
  unsigned limit = sweep.picks[over[0].id].limit;
  bool isFirst = llvm::none_of(part.operands, [](Row *row) { return row; });
  if (!isFirst && part.limit != limit)
    return sweep.refuse(op, "expert " + Twine(expert) + " has limits that others do not have");
  part.limit = limit;
  part.operands[expert] = updates.content;
  finish(sweep.rows.get(part), axes);
}

bool Transfer::indexArithmetic(StringRef opType) {
  Form a = in(0), b = op->getNumOperands() > 1 ? in(1) : Form();
  auto is = [](const Form &form, RowKind kind) { return form && form.content->kind == kind; };
  if (op->getNumOperands() > 1 && !is(a, RowKind::Index) && !is(a, RowKind::Zero) &&
      (is(b, RowKind::Index) || is(b, RowKind::Zero)) &&
      (opType == "Add" || opType == "Mul" || opType == "And" || opType == "Equal"))
    std::swap(a, b);
  auto number = [&](unsigned i) { return getSplat(op->getOperand(i)); };
  std::optional<double> right =
      op->getNumOperands() > 1 ? (number(1) ? number(1) : number(0)) : std::nullopt;
  // Masks of experts.
  if (opType == "Equal") {
    Form experts = is(a, RowKind::Expert) ? a : b;
    Value other = op->getOperand(is(a, RowKind::Expert) ? 1 : 0);
    if (is(experts, RowKind::Expert)) {
      if (std::optional<double> e = getSplat(other); e && *e >= 0 && *e < sizes.numExperts) {
        set(experts.axes, sweep.rows.gate({}, static_cast<int64_t>(*e), false));
      } else if (std::optional<SmallVector<int64_t>> all = getIntegers(other);
                 all && static_cast<int64_t>(all->size()) == sizes.numExperts) {
        for (auto [i, e] : llvm::enumerate(*all))
          if (e != static_cast<int64_t>(i))
            return true;
        Form numbers = sweep.demand(other);
        for (Axis &axis : numbers.axes)
          if (!axis.empty())
            axis = makeAxis({sizes.expert()}, sizes);
        if (auto axes = broadcast({experts, numbers}))
          set(*axes, sweep.rows.gate({}, Row::kAxis, false));
      }
      return true;
    }
  }
  if (!a)
    return false;
  Row *x = a.content;
  auto prefix = [&](int64_t divisor, bool rest) -> Row * {
    if (x->axes.size() != 1)
      return nullptr;
    SymExpr product = sizes.symbols.constant(1);
    ArrayRef<Factor> factors(x->axes[0]);
    size_t cut = factors.size();
    while (cut > 0 && !product.isConstant(divisor))
      product = sizes.symbols.mul(product, factors[--cut].size);
    if (!product.isConstant(divisor))
      return nullptr;
    return sweep.rows.index(
        {makeAxis(rest ? factors.drop_front(cut) : factors.take_front(cut), sizes)});
  };
  switch (x->kind) {
  case RowKind::Zero:
    if (opType == "Cast" || opType == "And" || opType == "Mul" ||
        (opType == "Equal" && right == 1.0))
      set(a.axes, x);
    if (opType == "Add" && b)
      set(b.axes, b.content);
    return true;
  case RowKind::Index: {
    bool isFloat = isa<FloatType>(getElementType(op->getOperand(0)));
    if (opType == "Cast" || opType == "Abs" || (opType == "Mul" && is(b, RowKind::Sign)) ||
        ((opType == "Add" || opType == "Sub") && is(b, RowKind::Zero))) {
      set(a.axes, x);
    } else if (opType == "Mul" && right && x->axes.size() == 1) {
      set(a.axes, sweep.rows.index(x->axes, x->number * static_cast<int64_t>(*right)));
    } else if (opType == "Add" && is(b, RowKind::Index)) {
      Row *high = x->number >= b.content->number ? x : b.content;
      Row *low = high == x ? b.content : x;
      if (low->number != 1 || low->axes.size() != 1 || high->axes.size() != 1)
        return true;
      SymExpr size = sizes.symbols.constant(1);
      for (const Factor &factor : low->axes[0])
        size = sizes.symbols.mul(size, factor.size);
      SmallVector<Factor> joined(high->axes[0]);
      joined.append(low->axes[0].begin(), low->axes[0].end());
      if (auto axes = broadcast({a, b}); axes && size.isConstant(high->number))
        set(*axes, sweep.rows.index({makeAxis(joined, sizes)}));
    } else if (opType == "Div" && right && x->number == 1) {
      Row *quotient = prefix(*right, false);
      if (quotient && isFloat) {
        Row ratio = *quotient;
        ratio.kind = RowKind::Ratio;
        quotient = sweep.rows.get(ratio);
      }
      set(a.axes, quotient);
    } else if (opType == "Mod" && right && x->number == 1) {
      set(a.axes, prefix(*right, true));
    } else if (opType == "Less" && number(1) == 0.0) {
      set(a.axes, sweep.rows.leaf(RowKind::Zero));
    }
    return true;
  }
  case RowKind::Ratio:
    if (opType == "Abs")
      set(a.axes, x);
    else if (opType == "Floor" || opType == "Trunc" || opType == "Cast")
      set(a.axes, sweep.rows.index(x->axes));
    else if (opType == "Sign")
      set(a.axes, sweep.rows.leaf(RowKind::Sign));
    return true;
  case RowKind::Expert:
  case RowKind::Bin: {
    double fraction = static_cast<double>(sizes.numExperts - 1) / sizes.numExperts;
    if (opType == "Cast") {
      set(a.axes, x);
    } else if (opType == "Div" && right && std::abs(*right - fraction) < 1e-6) {
      Row bin = *x;
      bin.kind = RowKind::Bin;
      set(a.axes, sweep.rows.get(bin));
    } else if (opType == "Clip" && op->getNumOperands() == 3 && number(1) == 0.0 &&
               number(2) == sizes.numExperts - 1) {
      Row expert = *x;
      expert.kind = RowKind::Expert;
      set(a.axes, sweep.rows.get(expert));
    }
    return true;
  }
  case RowKind::Counts:
  case RowKind::Ends:
    if (opType == "Cast") {
      set(a.axes, x);
    } else if (opType == "CumSum" && x->kind == RowKind::Counts && x->expert == Row::kAxis &&
               !node.getInt("exclusive", 0) && !node.getInt("reverse", 0)) {
      Row ends = *x;
      ends.kind = RowKind::Ends;
      set(a.axes, sweep.rows.get(ends));
    }
    return true;
  case RowKind::Sign:
    if (opType == "Mul" && b && is(b, RowKind::Index))
      set(b.axes, b.content);
    return true;
  default:
    return false;
  }
}

bool Transfer::index(StringRef opType) {
  if (opType == "Gather")
    gather();
  else if (opType == "GatherND")
    gatherND();
  else if (opType == "OneHot")
    oneHot();
  else if (opType == "NonZero")
    nonZero();
  else if (opType == "ScatterElements")
    scatterElements();
  else if (opType == "ScatterND")
    scatterND();
  else if (opType == "TopK")
    sort();
  else if (opType == "Range")
    range();
  else
    return false;
  return true;
}
