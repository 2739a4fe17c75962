#include "passes/Raising/ExpertSweep.h"

#include "dialects/MoE/ModuleWeights.h"
#include "passes/Analysis/Match.h"

#include <set>

using namespace mlir;
using namespace moec;
using namespace moec::experts;

bool experts::isConstant(Value value) {
  // Weights are behind few nodes: slices, transposes, dequantisation.
  SmallVector<std::pair<Value, int>> open{{value, 0}};
  for (size_t i = 0; i < open.size(); ++i) {
    auto [current, depth] = open[i];
    Operation *op = current.getDefiningOp();
    if (!op || depth > 8 || open.size() > 64 || isa<moe::RouteOp, moe::ExpertsOp>(op))
      return false;
    for (Value operand : op->getOperands())
      open.push_back({operand, depth + 1});
  }
  return true;
}

Sweep::Sweep(moe::RouteOp route, SymbolicShapes &shapes, const DenseSet<Operation *> &ancestors)
    : route(route), shapes(shapes),
      sizes{shapes.getSymbols(), shapes.get(route.getExperts()).dims[0],
            static_cast<int64_t>(route.getK()), route.getNumExperts()},
      ancestors(ancestors) {
  SmallVector<Axis, 4> axes{makeAxis({sizes.token()}, sizes), makeAxis({sizes.slot()}, sizes)};
  forms[route.getWeights()] = {axes, rows.gate(route.getWeights(), Row::kAny, false)};
  Row expert{RowKind::Expert};
  expert.onToken = true;
  forms[route.getExperts()] = {axes, rows.get(expert)};
}

/// A constant: each axis is a feature of its own.
static Form getConstantForm(Sweep &sweep, Value value) {
  const SymbolicValue &shape = sweep.shapes.get(value);
  Form form;
  Row row{RowKind::Constant};
  row.value = value;
  row.elementType = getElementType(value);
  if (!shape.isRanked)
    return form;
  for (auto [i, dim] : llvm::enumerate(shape.dims)) {
    std::optional<int64_t> size = dim.getConstant();
    if (!size)
      return Form();
    form.axes.push_back(makeAxis({sweep.sizes.factor(Coordinate::Feature, dim)}, sweep.sizes));
    // The last axis is a row's feature; those before it a matrix's or the experts.
    for (Factor &factor : form.axes.back())
      factor.id = shape.dims.size() - 1 - i;
    row.width = *size;
  }
  if (getSplat(value) && (shape.dims.empty() ||
                          llvm::all_of(shape.dims, [](SymExpr dim) { return dim.isConstant(1); })))
    row.width = 0;
  form.content = sweep.rows.get(row);
  return form;
}

/// A value with rows of tokens, as it is.
static Form getTokensForm(Sweep &sweep, Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2 || !isa<FloatType>(type.getElementType()))
    return {};
  ArrayRef<SymExpr> dims = sweep.shapes.get(value).dims;
  std::optional<int64_t> width = dims.back().getConstant();
  if (!width)
    return {};
  Sizes &sizes = sweep.sizes;
  SymExpr count = sizes.symbols.product(dims.drop_back());
  bool ofSlots = count != sizes.tokens;
  if (ofSlots && count != sizes.symbols.mul(sizes.tokens, sizes.symbols.constant(sizes.k)))
    return {};
  Axis all = ofSlots ? makeAxis({sizes.token(), sizes.slot()}, sizes) : Axis{sizes.token()};
  std::optional<SmallVector<Axis, 4>> axes = reshape({all}, dims.drop_back(), sizes);
  if (!axes)
    return {};
  axes->push_back(makeAxis({sweep.sizes.factor(Coordinate::Feature, dims.back())}, sweep.sizes));
  Row row{RowKind::Tokens};
  row.value = row.origin = value;
  row.onToken = true;
  row.number = ofSlots;
  row.width = *width;
  row.elementType = type.getElementType();
  return {*axes, sweep.rows.get(row)};
}

Form Sweep::demand(Value value) {
  auto known = forms.find(value);
  if (known != forms.end())
    return known->second;
  Form form;
  // Further up than this is not the inside of an expert.
  constexpr unsigned kMaxDepth = 40;
  Operation *op = value.getDefiningOp();
  if (!isa<RankedTensorType>(value.getType())) {
  } else if (isConstant(value)) {
    form = getConstantForm(*this, value);
  } else if (op && !ancestors.contains(op) && depth < kMaxDepth &&
             op->getBlock() == route->getBlock() && !isa<moe::RouteOp, moe::ExpertsOp>(op)) {
    ++depth;
    transfer(op);
    --depth;
    form = forms.lookup(value);
  }
  bool isTokens = form && form.axes.size() >= 2;
  if (!form) {
    form = getTokensForm(*this, value);
  } else if (isTokens && !form.content->origin && form.content->onToken &&
             form.content->kind != RowKind::Gate && has(form.axes, Coordinate::Token) &&
             !has(form.axes, Coordinate::Slot) && !has(form.axes, Coordinate::Expert)) {
    Form plain = getTokensForm(*this, value);
    if (plain && plain.axes == form.axes)
      form.content->origin = value;
  }
  return forms[value] = form;
}

bool Sweep::isZero(Value value) {
  if (std::optional<double> splat = getSplat(value))
    return *splat == 0;
  auto weight = value.getDefiningOp<moe::WeightOp>();
  auto module = weight ? weight->getParentOfType<ModuleOp>() : ModuleOp();
  ModuleWeights *weights = module ? findModuleWeights(module) : nullptr;
  auto data =
      weights ? module.lookupSymbol<moe::WeightDataOp>(weight.getKey()) : moe::WeightDataOp();
  std::optional<uint32_t> file = data ? weights->lookup(data.getFile()) : std::nullopt;
  if (!file)
    return false;
  WeightRange range{*file, data.getOffset(), data.getLength()};
  llvm::Expected<ArrayRef<char>> bytes = weights->getStore().bytes(range);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return false;
  }
  bool isZero = !bytes->empty() && llvm::all_of(*bytes, [](char byte) { return byte == 0; });
  weights->getStore().release(range);
  return isZero;
}

void Sweep::transfer(Operation *op) {
  closed.reset();
  Transfer(*this, op).run();
}

/// Whether `row` is a part of one of `roots`.
static bool isPartOf(Row *row, ArrayRef<Row *> roots) {
  SmallVector<Row *> open(roots);
  DenseSet<Row *> seen;
  while (!open.empty()) {
    Row *next = open.pop_back_val();
    if (!next || !seen.insert(next).second)
      continue;
    if (next == row)
      return true;
    open.append(next->operands.begin(), next->operands.end());
  }
  return false;
}

void Sweep::run(function_ref<bool(Layer &)> raise, const DenseMap<Operation *, unsigned> &order,
                unsigned end) {
  std::set<std::pair<unsigned, Operation *>> open;
  auto addUsers = [&](Value value) {
    for (Operation *user : value.getUsers())
      if (auto found = order.find(user);
          found != order.end() && found->second < end && user->getBlock() == route->getBlock())
        open.insert({found->second, user});
  };
  addUsers(route.getWeights());
  addUsers(route.getExperts());
  while (!open.empty()) {
    Operation *op = open.begin()->second;
    open.erase(open.begin());
    for (Value result : op->getResults())
      forms.erase(result);
    transfer(op);
    if (closed && raise(*closed)) {
      if (unsummed && isPartOf(unsummed->rows.front(), closed->rows))
        unsummed.reset();
      closed.reset();
      continue;
    }
    for (Value result : op->getResults())
      if (forms.lookup(result))
        addUsers(result);
  }
  if (unsummed)
    raise(*unsummed);
}
