// Nodes that compute on rows.
#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Raising/ExpertSweep.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace moec;
using namespace moec::experts;

Row *Transfer::apply(ArrayRef<Row *> operands, int64_t width, unsigned result) {
  Row row{RowKind::Apply};
  row.node = op;
  row.operands.assign(operands.begin(), operands.end());
  row.width = width;
  row.result = result;
  row.elementType = getElementType(op->getResult(result));
  return sweep.rows.get(std::move(row));
}

/// A constant whose axis stands at the experts' of another operand has a row for each expert.
Form Transfer::withExperts(Form form, const Form &other) {
  if (!form || !other || form.content->kind != RowKind::Constant)
    return form;
  std::optional<unsigned> expert = findAxis(other.axes, Coordinate::Expert);
  if (!expert)
    return form;
  int64_t at =
      *expert - (static_cast<int64_t>(other.axes.size()) - static_cast<int64_t>(form.axes.size()));
  // Parameters have the expert first.
  bool isFirst = at >= 0 && llvm::all_of(ArrayRef<Axis>(form.axes).take_front(at),
                                         [](const Axis &axis) { return axis.empty(); });
  if (!isFirst || form.axes[at].size() != 1 ||
      !form.axes[at][0].size.isConstant(sizes.numExperts) ||
      (at == static_cast<int64_t>(form.axes.size()) - 1 && other.axes.back().size() == 1 &&
       other.axes.back()[0].kind == Coordinate::Feature))
    return form;
  form.axes[at] = makeAxis({sizes.expert()}, sizes);
  Row row = *form.content;
  row.kind = RowKind::Param;
  row.perExpert = true;
  if (form.axes.back().empty() || at == static_cast<int64_t>(form.axes.size()) - 1)
    row.width = 0;
  form.content = sweep.rows.get(row);
  return form;
}

/// Whether all elements are 0 or 1.
static bool isMask(Value value) {
  while (onnx::NodeOp cast = getNode(value, "Cast"))
    value = cast.getInputs()[0];
  return getElementType(value).isInteger(1);
}

/// A mask that leaves out some of the slots that chose an expert: a capacity.
bool Transfer::limitGate() {
  if (!node || (node.getOpType() != "Mul" && node.getOpType() != "And"))
    return false;
  for (unsigned i : {0, 1}) {
    const Form gate = in(i);
    Value mask = op->getOperand(1 - i);
    if (!gate || gate.content->kind != RowKind::Gate || gate.content->expert != Row::kAxis ||
        gate.content->limit || !isMask(mask) || dims(mask) != dims(op->getOperand(i)))
      continue;
    const Form known = sweep.demand(mask);
    if (known && known.content->kind != RowKind::Tokens)
      continue;
    SmallVector<Factor> order;
    for (const Axis &axis : gate.axes)
      order.append(axis.begin(), axis.end());
    Axis all = makeAxis(order, sizes);
    bool bySlot =
        sizes.k > 1 && all == makeAxis({sizes.token(), sizes.slot(), sizes.expert()}, sizes);
    if (!bySlot && all != makeAxis({sizes.token(), sizes.expert()}, sizes))
      continue;
    auto found =
        llvm::find_if(sweep.limits, [&](const Limit &limit) { return limit.mask == mask; });
    unsigned limit = found - sweep.limits.begin() + 1;
    if (found == sweep.limits.end())
      sweep.limits.push_back({mask, bySlot});
    set(gate.axes, sweep.rows.gate(gate.content->value, Row::kAxis, gate.content->summed, limit));
    return true;
  }
  return false;
}

void Transfer::elementwise() {
  if (limitGate())
    return;
  SmallVector<Form, 4> forms;
  StringRef opType = node ? node.getOpType() : StringRef();
  auto isPart = [](const Form &form) {
    Row *gate, *rest;
    return form && (form.content->kind == RowKind::Partial ||
                    (splitGate(form.content, gate, rest) && gate->expert >= 0 &&
                     !has(form.axes, Coordinate::Slot) && !has(form.axes, Coordinate::Pick)));
  };
  bool anyKnown = false, anyPart = false;
  for (Value operand : op->getOperands()) {
    forms.push_back(isa<NoneType>(operand.getType()) ? Form() : sweep.demand(operand));
    anyKnown |= static_cast<bool>(forms.back());
    anyPart |= isPart(forms.back());
  }
  if (!anyKnown)
    return;
  if ((opType == "Add" || opType == "Sum") && anyPart) {
    for (const Form &form : forms)
      if (isPart(form) && form.axes.size() == static_cast<size_t>(rank(op->getResult(0))))
        return partial(llvm::to_vector(op->getOperands()), form.axes);
    return;
  }
  // What is computed of weights one by one are weights.
  auto isPlain = [&](const Form &form) {
    SmallVector<Factor> all;
    for (const Axis &axis : form.axes)
      all.append(axis.begin(), axis.end());
    return form.content->kind == RowKind::Gate && form.content->expert == Row::kAny &&
           !form.content->summed && !form.content->limit &&
           makeAxis(all, sizes) == makeAxis({sizes.token(), sizes.slot()}, sizes);
  };
  const Form *plain = llvm::find_if(forms, [&](const Form &form) { return form && isPlain(form); });
  bool ofWeights = plain != forms.end() && node &&
                   isa<FloatType>(getElementType(op->getResult(0))) &&
                   dims(op->getOperand(plain - forms.begin())) == dims(op->getResult(0));
  for (const Form &form : forms)
    ofWeights &= !form || form.content->kind == RowKind::Tokens ||
                 form.content->kind == RowKind::Constant ||
                 (form.content->kind == RowKind::Apply && !form.content->perExpert) ||
                 (isPlain(form) && form.axes == plain->axes);
  if (ofWeights)
    return set(plain->axes, sweep.rows.gate(op->getResult(0), Row::kAny, false));
  SmallVector<Row *> contents;
  SmallVector<Form, 4> known;
  bool allGates = true;
  for (auto [i, form] : llvm::enumerate(forms)) {
    if (isa<NoneType>(op->getOperand(i).getType())) {
      contents.push_back(nullptr);
      continue;
    }
    for (const Form &other : forms)
      form = withExperts(form, other);
    if (!form || !isRow(form.content))
      return;
    contents.push_back(form.content);
    known.push_back(form);
    allGates &= form.content->kind == RowKind::Gate;
  }
  std::optional<SmallVector<Axis, 4>> axes = broadcast(known);
  if (!axes)
    return;
  // Gates stay gates.
  if (opType == "Where" && contents[0]->kind == RowKind::Gate && !contents[0]->value &&
      contents[1]->kind == RowKind::Gate && getSplat(op->getOperand(2)) == 0.0 &&
      contents[1]->expert == Row::kAny && !contents[0]->summed)
    return set(*axes,
               sweep.rows.gate(contents[1]->value, contents[0]->expert, false, contents[0]->limit));
  if (allGates && opType == "Cast" &&
      (!contents[0]->value || isa<FloatType>(getElementType(op->getResult(0)))))
    return set(*axes, contents[0]);
  if (allGates && opType == "Mul") {
    Row *a = contents[0], *b = contents[1];
    if (a->value && !b->value)
      std::swap(a, b);
    // A mask times weights without one.
    if (!a->value && b->expert == Row::kAny && a->summed == b->summed)
      return set(*axes, sweep.rows.gate(b->value, a->expert, a->summed, a->limit));
    if (a->limit != b->limit)
      return;
    if (a->value || (b->expert != Row::kAny && b->expert != a->expert))
      return;
    if (a->summed == b->summed)
      return set(*axes, sweep.rows.gate(b->value, a->expert, a->summed, a->limit));
    return;
  }
  bool anyGate = llvm::any_of(contents, [](Row *row) { return row && row->kind == RowKind::Gate; });
  bool anyRow = llvm::any_of(contents, [](Row *row) {
    return row && row->kind != RowKind::Gate && row->kind != RowKind::Constant;
  });
  if (anyGate && !anyRow) {
    // Weights that are computed further.
    SmallVector<Factor> all;
    for (const Axis &axis : *axes)
      all.append(axis.begin(), axis.end());
    for (Row *row : contents)
      if (row && row->kind == RowKind::Gate &&
          (row->expert != Row::kAny || row->summed || row->limit))
        return;
    if (makeAxis(all, sizes) == makeAxis({sizes.token(), sizes.slot()}, sizes) &&
        isa<FloatType>(getElementType(op->getResult(0))))
      set(*axes, sweep.rows.gate(op->getResult(0), Row::kAny, false));
    return;
  }
  if (anyGate && opType != "Mul" && opType != "Cast")
    return;
  int64_t width = 0;
  // The last axis, or that of rows which stand as columns.
  for (const Axis &axis : *axes)
    if (axis.size() == 1 && axis[0].kind == Coordinate::Feature && axis[0].id == 0)
      width = axis[0].size.getConstant().value_or(0);
  settle(*axes, apply(contents, width));
}

/// Nodes along the features of a row.
void Transfer::rowwise() {
  SmallVector<Row *> contents;
  SmallVector<Axis, 4> axes;
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    if (isa<NoneType>(operand.getType())) {
      contents.push_back(nullptr);
      continue;
    }
    Form form = sweep.demand(operand);
    if (!form || !isRow(form.content) || form.content->kind == RowKind::Gate)
      return;
    contents.push_back(form.content);
    if (form.content->kind == RowKind::Constant)
      continue;
    if (form.axes.empty() || !isFeature(form.axes.back()) || form.axes.back()[0].id != 0)
      return;
    if (axes.empty())
      axes = form.axes;
    else if (ArrayRef<Axis>(axes).drop_back() != ArrayRef<Axis>(form.axes).drop_back())
      return;
  }
  if (axes.empty())
    return;
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    std::optional<int64_t> width = getLastSize(op->getResult(i));
    if (!width || isa<NoneType>(op->getResult(i).getType()))
      continue;
    axes.back() =
        makeAxis({sizes.factor(Coordinate::Feature, sizes.symbols.constant(*width))}, sizes);
    set(axes, apply(contents, *width, i), i);
  }
}

/// Codes that were picked by expert are the codes of the values picked by expert.
void Transfer::dequantize() {
  const Form codes = in(0), scales = in(1);
  Value zeroPoints = node.getOptionalOperand(2);
  const Form zeros = zeroPoints ? in(2) : Form();
  auto isStored = [](const Form &form) {
    return form &&
           (form.content->kind == RowKind::Param || form.content->kind == RowKind::Constant);
  };
  if (!isStored(codes) || !isStored(scales) || (zeroPoints && !isStored(zeros)) ||
      codes.content->kind != RowKind::Param)
    return;
  Value stack = codes.content->value;
  ArrayRef<int64_t> shape = *getShape(stack);
  int64_t rank = shape.size(), picked = codes.axes.size() - rank + 1;
  int64_t axis = node.getInt("axis", 1), block = node.getInt("block_size", 0);
  axis += axis < 0 ? static_cast<int64_t>(codes.axes.size()) : 0;
  // Along an axis of the experts' matrices, or one for each expert.
  bool isOne = getShape(scales.content->value) &&
               ShapedType::getNumElements(*getShape(scales.content->value)) == 1;
  bool byExpert =
      scales.content->kind == RowKind::Param && ArrayRef<Axis>(scales.axes).take_front(picked) ==
                                                    ArrayRef<Axis>(codes.axes).take_front(picked);
  axis -= picked - 1;
  if (isOne && block)
    return;
  if (isOne)
    axis = 0;
  else if (byExpert ? (block ? axis < 1 : axis != 0 || picked != 1)
                    : scales.content->kind != RowKind::Constant || block || axis < 1)
    return;
  if (zeroPoints && (zeros.content->kind != scales.content->kind || zeros.axes != scales.axes))
    return;
  OpBuilder builder(op);
  auto type = RankedTensorType::get(shape, getElementType(op->getResult(0)));
  Value scale = scales.content->value, zero = zeroPoints ? zeros.content->value : Value();
  if (getElementType(scale) != type.getElementType())
    return;
  if (isOne && !getShape(scale)->empty()) {
    Spelling spelling(builder, op->getLoc());
    auto scalar = [&](Value value) {
      return spelling.node("Reshape", 21, {value, spelling.ints({})},
                           RankedTensorType::get({}, getElementType(value)));
    };
    scale = scalar(scale);
    zero = zero ? scalar(zero) : zero;
  }
  int64_t uniform = 0;
  if (std::optional<double> number = zero ? getSplat(zero) : std::nullopt) {
    uniform = static_cast<int64_t>(*number);
    zero = {};
  }
  auto values = moe::DequantizeOp::create(
      builder, op->getLoc(), type, stack, scale, zero, /*codebook=*/Value(),
      builder.getI64IntegerAttr(axis), builder.getI64IntegerAttr(block),
      builder.getI64IntegerAttr(0), builder.getI64IntegerAttr(uniform));
  sweep.shapes.update(values);
  Row row = *codes.content;
  row.value = values.getResult();
  row.elementType = type.getElementType();
  set(codes.axes, sweep.rows.get(row));
}

void Transfer::run() {
  if (isa<moe::LinearOp>(op))
    return linear();
  if (isa<moe::ActivationOp, moe::GLUOp>(op))
    return elementwise();
  if (isa<moe::NormOp>(op))
    return rowwise();
  auto isRanked = [](Type type) { return isa<RankedTensorType, NoneType>(type); };
  if (!node || !llvm::all_of(op->getOperandTypes(), isRanked) ||
      !llvm::all_of(op->getResultTypes(), isRanked) || !node.getDomain().empty() ||
      node->getNumRegions() || op->getNumOperands() == 0 || node.isRandom())
    return;
  StringRef opType = node.getOpType();
  if (opType == "MatMul")
    return matmul();
  if (opType == "ReduceSum")
    return reduce();
  if (opType == "Einsum")
    return einsum();
  if (opType == "GatherElements")
    return gatherElements();
  if (opType == "DequantizeLinear")
    return dequantize();
  if (opType == "DynamicQuantizeLinear") {
    const Form rows = in(0);
    if (rows && rows.content->onToken &&
        (rows.content->perExpert || has(rows.axes, Coordinate::Pick) ||
         has(rows.axes, Coordinate::Slot)))
      sweep.refuse(op, "the rows of an expert are quantised with one scale, which depends on all "
                       "of them");
    return;
  }
  if (index(opType) || move(opType) || indexArithmetic(opType))
    return;
  static const llvm::StringSet<> kElementwise = {"Abs",         "Add",
                                                 "Cast",        "Ceil",
                                                 "Clip",        "Div",
                                                 "Elu",         "Erf",
                                                 "Exp",         "Gelu",
                                                 "HardSigmoid", "HardSwish",
                                                 "LeakyRelu",   "Log",
                                                 "Max",         "Min",
                                                 "Mish",        "Mul",
                                                 "Neg",         "Pow",
                                                 "Reciprocal",  "Relu",
                                                 "Selu",        "Sigmoid",
                                                 "Softplus",    "Softsign",
                                                 "Sqrt",        "Sub",
                                                 "Sum",         "Swish",
                                                 "Tanh",        "ThresholdedRelu",
                                                 "Where",       "And",
                                                 "Equal",       "Greater",
                                                 "Less",        "GreaterOrEqual",
                                                 "LessOrEqual", "Not",
                                                 "Sin",         "Cos",
                                                 "Floor",       "Round",
                                                 "Sign"};
  if (kElementwise.contains(opType))
    return elementwise();
  static const llvm::StringSet<> kRowwise = {"Softmax", "LogSoftmax", "LayerNormalization",
                                             "RMSNormalization"};
  if (kRowwise.contains(opType)) {
    if (isAlongLastAxis(node, -1))
      rowwise();
    return;
  }
  // Parts of rows: `move` has left those along the features.
  if (opType == "Slice" || opType == "Split")
    return rowwise();
  if (opType == "Concat" && isAlongLastAxis(node, 0))
    return rowwise();
}
