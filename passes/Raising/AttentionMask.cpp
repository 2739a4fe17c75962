#include "passes/Raising/AttentionMask.h"
#include "passes/Analysis/Match.h"

#include <cmath>

using namespace mlir;
using namespace moec;

namespace {

/// Integers that count up along one axis and are the same along the others.
struct Counter {
  SymExpr first;
  int64_t axis; ///< from the end: 0 is the last
  /// If there: not first, first + 1, … but how many tokens up to there are shown by this mask.
  Value counted;
};

class MaskReader {
public:
  MaskReader(MaskRules &rules, SymExpr queries, SymExpr keys, SymbolicShapes &shapes)
      : rules(rules), queries(queries), keys(keys), shapes(shapes) {}

  void readFloat(Value mask);
  void readFlags(Value flags, bool isHidden);

private:
  bool readComparison(onnx::NodeOp node, bool isHidden);
  bool readRule(Value small, SymExpr addend, Value large, ArrayRef<SymExpr> sizes);
  bool readTriangle(onnx::NodeOp node, bool hidesTriangle);
  bool readBound(SymExpr bound, SymExpr width, bool isWindow);
  void readBoth(function_ref<void(MaskReader &)> first, function_ref<void(MaskReader &)> second);
  std::optional<Counter> count(Value value, int depth = 16);
  SymExpr getNumber(Value value, int depth = 16);
  bool isWholeGrid(Value indices, Value data);
  bool isHiding(Value value);
  void giveUp() { rules.isComplete = false; }

  MaskRules &rules;
  SymExpr queries, keys;
  SymbolicShapes &shapes;
};

/// What a node passes on without changing which element is which along the axes from the end.
bool isMove(StringRef name) {
  return name == "Cast" || name == "Identity" || name == "Expand" || name == "Reshape" ||
         name == "Unsqueeze" || name == "Squeeze";
}

/// What all elements of a tensor of integers or flags are; null if they are not known to be the
/// same.
SymExpr MaskReader::getNumber(Value value, int depth) {
  const SymbolicValue &known = shapes.get(value);
  if (known.elements && known.elements->size() == 1)
    return known.elements->front();
  SymContext &symbols = shapes.getSymbols();
  if (std::optional<double> splat = getSplat(value)) {
    bool isInteger = *splat == static_cast<double>(static_cast<int64_t>(*splat));
    return isInteger ? symbols.constant(static_cast<int64_t>(*splat)) : SymExpr();
  }
  auto node = value.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty() || depth == 0 || node->getNumOperands() == 0)
    return {};
  auto type = dyn_cast<IntegerType>(getElementType(value));
  auto sourceType = dyn_cast<IntegerType>(getElementType(node.getInputs()[0]));
  StringRef name = node.getOpType();
  // Numbers that fit one integer type fit another that is wider; flags are 0 and 1.
  if (!type || !sourceType || (name == "Cast" && type.getWidth() < sourceType.getWidth()))
    return {};
  if (isMove(name))
    return getNumber(node.getInputs()[0], depth - 1);
  return {};
}

std::optional<Counter> MaskReader::count(Value value, int depth) {
  auto node = value.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty() || depth == 0)
    return std::nullopt;
  SymContext &symbols = shapes.getSymbols();
  StringRef name = node.getOpType();
  if (name == "Range") {
    SymExpr first = getNumber(node.getInputs()[0]), step = getNumber(node.getInputs()[2]);
    if (!first || !step || !step.isConstant(1))
      return std::nullopt;
    return Counter{first, 0, {}};
  }
  ArrayRef<SymExpr> to = shapes.get(value).dims;
  if (name == "CumSum") {
    SymExpr axis = getNumber(node.getInputs()[1]);
    bool isLast = axis && to.size() == 2 && (axis.isConstant(1) || axis.isConstant(-1));
    if (!isLast || node.getInt("exclusive", 0) || node.getInt("reverse", 0))
      return std::nullopt;
    return Counter{symbols.constant(0), 0, node.getInputs()[0]};
  }
  if (name == "Add" || name == "Sub") {
    for (unsigned i = 0; i < (name == "Add" ? 2u : 1u); ++i) {
      SymExpr number = getNumber(node.getInputs()[1 - i], depth - 1);
      std::optional<Counter> counter =
          number ? count(node.getInputs()[i], depth - 1) : std::nullopt;
      if (!counter || counter->counted)
        continue;
      counter->first =
          name == "Add" ? symbols.add(counter->first, number) : symbols.sub(counter->first, number);
      return counter->first ? counter : std::nullopt;
    }
    return std::nullopt;
  }
  if (name == "GatherND") {
    // Positions that are looked up: in a row that counts, by an index that counts.
    std::optional<Counter> data = count(node.getInputs()[0], depth - 1);
    ArrayRef<SymExpr> sizes = shapes.get(node.getInputs()[0]).dims;
    onnx::NodeOp indices = getNode(node.getInputs()[1], "Concat");
    if (!data || data->counted || data->axis != 0 || node.getInt("batch_dims", 0) || !indices ||
        !isAlongLastAxis(indices, 0) || indices.getInputs().size() != sizes.size())
      return std::nullopt;
    onnx::NodeOp last = getNode(indices.getInputs().back(), "Unsqueeze");
    std::optional<Counter> index = last ? count(last.getInputs()[0], depth - 1) : std::nullopt;
    bool isLast = last && shapes.get(last.getInputs()[0]).dims == to;
    // A negative one would count from the end.
    if (!isLast || !index || index->counted || !symbols.isKnownNonNegative(index->first))
      return std::nullopt;
    index->first = symbols.add(index->first, data->first);
    return index->first ? index : std::nullopt;
  }
  if (name == "Slice") {
    std::optional<Counter> counter = count(node.getInputs()[0], depth - 1);
    Value axes = node.getOptionalOperand(3), steps = node.getOptionalOperand(4);
    SymExpr axis = axes ? getNumber(axes) : SymExpr(), begin = getNumber(node.getInputs()[1]);
    std::optional<int64_t> number = axis ? axis.getConstant() : std::nullopt;
    if (!counter || !number || !begin || (steps && getSplat(steps) != 1.0))
      return std::nullopt;
    auto rank = static_cast<int64_t>(to.size());
    int64_t fromEnd = rank - 1 - (*number < 0 ? *number + rank : *number);
    if (fromEnd != counter->axis)
      return counter;
    // From there on, if it is not counted from the end.
    if (!symbols.isKnownNonNegative(begin)) {
      // The last rows of a count, whatever is subtracted: there are as many as queries.
      SymExpr size = shapes.get(node.getInputs()[0]).dims[*number < 0 ? *number + rank : *number];
      bool isTail =
          counter->counted && !begin.getConstant() && getNumber(node.getInputs()[2]) == size;
      begin = isTail ? symbols.sub(size, queries) : SymExpr();
    }
    if (!begin)
      return std::nullopt;
    counter->first = symbols.add(counter->first, begin);
    return counter->first ? counter : std::nullopt;
  }
  if (!isMove(name) || getElementType(value).isInteger(1))
    return std::nullopt;
  std::optional<Counter> counter = count(node.getInputs()[0], depth - 1);
  if (!counter)
    return std::nullopt;
  ArrayRef<SymExpr> from = shapes.get(node.getInputs()[0]).dims;
  if (name == "Cast" || name == "Identity" || name == "Expand") {
    // What was spread does not count.
    size_t end = counter->axis + 1;
    bool isKept =
        from.size() >= end && to.size() >= end && from[from.size() - end] == to[to.size() - end];
    return isKept ? counter : std::nullopt;
  }
  if (name == "Unsqueeze") {
    std::optional<SmallVector<int64_t>> axes = getIntegers(node.getOptionalOperand(1));
    auto rank = static_cast<int64_t>(to.size());
    // Axes of the result from its end: those that are new push the counted one on.
    SmallVector<bool> isNew(rank, false);
    for (int64_t axis : axes.value_or(SmallVector<int64_t>()))
      isNew[rank - 1 - (axis < 0 ? axis + rank : axis)] = true;
    for (int64_t axis = 0, old = 0; axes && axis < rank; ++axis)
      if (!isNew[axis] && old++ == counter->axis)
        return Counter{counter->first, axis, counter->counted};
  }
  // The counted axis is the only one of a size other than 1, before and after.
  auto findOnlyAxis = [&](Value tensor) -> std::optional<int64_t> {
    std::optional<int64_t> found;
    ArrayRef<SymExpr> dims = shapes.get(tensor).dims;
    for (int64_t i = 0, rank = dims.size(); i < rank; ++i) {
      if (dims[i].isConstant(1))
        continue;
      if (found)
        return std::nullopt;
      found = rank - 1 - i;
    }
    return found;
  };
  if (findOnlyAxis(node.getInputs()[0]) != counter->axis)
    return std::nullopt;
  std::optional<int64_t> axis = findOnlyAxis(value);
  if (!axis)
    return std::nullopt;
  counter->axis = *axis;
  return counter;
}

/// Visible are the keys up to query + bound, or (isWindow) from query + bound on. A query's
/// position is its index and L − S. Others may be hidden as well.
bool MaskReader::readBound(SymExpr bound, SymExpr width, bool isWindow) {
  SymContext &symbols = shapes.getSymbols();
  SymExpr offset = symbols.sub(keys, queries);
  // A mask of another width than the keys has it at run time, if it has not one element a row.
  if (width != keys) {
    if (width.isConstant(1))
      return false;
    rules.isAssumed = true;
    SymExpr other = symbols.sub(width, queries);
    if (bound && other && symbols.sub(bound, other) && symbols.sub(bound, other).getConstant())
      offset = other;
  }
  if (!bound || !offset)
    return false;
  if (!isWindow) {
    SymExpr rest = symbols.sub(offset, bound);
    if (!symbols.isKnownNonNegative(rest))
      return false;
    rules.causal = true;
    return rest.isConstant(0);
  }
  // query + bound ≤ key, that is key > query position − window
  SymExpr window = symbols.add(symbols.sub(offset, bound), symbols.constant(1));
  std::optional<int64_t> size = window ? window.getConstant() : std::nullopt;
  if (!size || *size < 1)
    return false;
  rules.window = rules.window ? std::min(rules.window, *size) : *size;
  return true;
}

/// Visible is where small ≤ large + addend, of positions along the two last axes.
bool MaskReader::readRule(Value small, SymExpr addend, Value large, ArrayRef<SymExpr> sizes) {
  SymContext &symbols = shapes.getSymbols();
  std::optional<Counter> low = count(small), high = count(large);
  if (!low || !high || low->axis == high->axis || low->axis > 1 || high->axis > 1 ||
      low->counted != high->counted || !addend)
    return false;
  // The count of a mask is the position where it shows all keys. Of the last S of L rows of it
  // there are S, as its length is that of the keys.
  SymExpr width = sizes.back(), rows = sizes[sizes.size() - 2];
  if (rows != queries && (!low->counted || rows.isConstant(1)))
    return false;
  rules.isAssumed |= bool(low->counted);
  SymExpr distance = symbols.add(symbols.sub(high->first, low->first), addend);
  if (!distance)
    return false;
  // first + key ≤ first + query + addend; or the other way round.
  bool isWindow = low->axis == 1;
  return readBound(isWindow ? symbols.sub(symbols.constant(0), distance) : distance, width,
                   isWindow) &&
         !low->counted;
}

/// key ≤ query + constant is a rule, and so is key ≥ query − constant, or query − key ≤ constant.
/// What is compared with a number may be true throughout. Whether that is all it says.
bool MaskReader::readComparison(onnx::NodeOp node, bool isHidden) {
  SymContext &symbols = shapes.getSymbols();
  StringRef name = node.getOpType();
  bool isLess = name.starts_with("Less"), isEqual = name.ends_with("OrEqual");
  if (!isLess && !name.starts_with("Greater"))
    return false;
  Value small = node.getInputs()[isLess ? 0 : 1], large = node.getInputs()[isLess ? 1 : 0];
  // Not (a < b) is b ≤ a.
  if (isHidden) {
    std::swap(small, large);
    isEqual = !isEqual;
  }
  SymExpr least = getNumber(small), most = getNumber(large);
  if (least && !most) {
    // number ≤ counter
    std::optional<Counter> high = count(large);
    SymExpr distance = high && !high->counted ? symbols.sub(high->first, least) : SymExpr();
    if (distance &&
        (isEqual ? symbols.isKnownNonNegative(distance) : symbols.isKnownPositive(distance)))
      return true;
  }
  ArrayRef<SymExpr> sizes = shapes.get(node->getResult(0)).dims;
  if (sizes.size() < 2)
    return false;
  SymExpr strict = symbols.constant(isEqual ? 0 : -1);
  // a − b ≤ number, number ≤ a − b
  if (onnx::NodeOp sub = most ? getNode(small, "Sub") : onnx::NodeOp())
    return readRule(sub.getInputs()[0], symbols.add(most, strict), sub.getInputs()[1], sizes);
  if (onnx::NodeOp sub = least ? getNode(large, "Sub") : onnx::NodeOp())
    return readRule(sub.getInputs()[1], symbols.sub(strict, least), sub.getInputs()[0], sizes);
  return readRule(small, strict, large, sizes);
}

/// What a Trilu leaves of true flags, or of hiding numbers.
bool MaskReader::readTriangle(onnx::NodeOp node, bool hidesTriangle) {
  SymContext &symbols = shapes.getSymbols();
  Value shift = node.getOptionalOperand(1);
  SymExpr k = shift ? getNumber(shift) : symbols.constant(0);
  ArrayRef<SymExpr> sizes = shapes.get(node->getResult(0)).dims;
  bool isUpper = node.getInt("upper", 1) != 0;
  if (!k || sizes.size() < 2 || sizes[sizes.size() - 2] != queries)
    return false;
  SymExpr one = symbols.constant(1);
  // Upper: key − query ≥ k is left, lower: key − query ≤ k. What is visible is that or the rest.
  if (hidesTriangle)
    return isUpper ? readBound(symbols.sub(k, one), sizes.back(), /*isWindow=*/false)
                   : readBound(symbols.add(k, one), sizes.back(), /*isWindow=*/true);
  return readBound(k, sizes.back(), /*isWindow=*/isUpper);
}

/// Hides only what both hide.
void MaskReader::readBoth(function_ref<void(MaskReader &)> first,
                          function_ref<void(MaskReader &)> second) {
  MaskRules a, b;
  MaskReader one(a, queries, keys, shapes), other(b, queries, keys, shapes);
  first(one);
  second(other);
  if (a.causal && b.causal)
    rules.causal = true;
  if (a.window && b.window) {
    int64_t window = std::max(a.window, b.window);
    rules.window = rules.window ? std::min(rules.window, window) : window;
  }
  rules.isAssumed |= a.isAssumed || b.isAssumed;
  // One that hides no more than the rules say keeps the other from it, where both say the same.
  bool isSame = a.causal == b.causal && a.window == b.window;
  if (!isSame || (!a.isComplete && !b.isComplete))
    giveUp();
}

/// Flags that are true where keys are visible, or hidden.
void MaskReader::readFlags(Value flags, bool isHidden) {
  if (std::optional<double> splat = getSplat(flags)) {
    if ((*splat != 0) == isHidden)
      giveUp();
    return;
  }
  auto node = flags.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty())
    return giveUp();
  StringRef name = node.getOpType();
  if (name == (isHidden ? "Or" : "And")) {
    for (Value operand : node.getInputs())
      readFlags(operand, isHidden);
    return;
  }
  if (name == "Not")
    return readFlags(node.getInputs()[0], !isHidden);
  if (name == "Trilu") {
    // Of flags that are all true: the others are false.
    if (getSplat(node.getInputs()[0]) != 1.0 || !readTriangle(node, isHidden))
      giveUp();
    return;
  }
  if (isMove(name) && isa<IntegerType>(getElementType(node.getInputs()[0]))) {
    onnx::NodeOp source = node.getInputs()[0].getDefiningOp<onnx::NodeOp>();
    bool isFlags = getElementType(node.getInputs()[0]).isInteger(1) ||
                   (source && source.getOpType() == "Trilu");
    // The last two axes stay what they are.
    ArrayRef<SymExpr> from = shapes.get(node.getInputs()[0]).dims, to = shapes.get(flags).dims;
    if (isFlags && from.size() >= 2 && to.size() >= 2 && from.take_back(2) == to.take_back(2))
      return readFlags(node.getInputs()[0], isHidden);
    return giveUp();
  }
  if (!readComparison(node, isHidden))
    giveUp();
}

bool MaskReader::isHiding(Value value) {
  std::optional<double> number = getSplat(value);
  return number && *number <= -1e9;
}

/// Whether indices are those of all elements of `data`, in order: an index that counts along each
/// axis.
bool MaskReader::isWholeGrid(Value indices, Value data) {
  onnx::NodeOp concat = getNode(indices, "Concat");
  ArrayRef<SymExpr> sizes = shapes.get(data).dims, grid = shapes.get(indices).dims;
  auto rank = static_cast<int64_t>(sizes.size());
  if (!concat || !isAlongLastAxis(concat, 0) || grid.drop_back() != sizes ||
      static_cast<int64_t>(concat.getInputs().size()) != rank)
    return false;
  for (auto [axis, part] : llvm::enumerate(concat.getInputs())) {
    onnx::NodeOp unsqueeze = getNode(part, "Unsqueeze");
    if (!unsqueeze || shapes.get(unsqueeze.getInputs()[0]).dims != SmallVector<SymExpr>(sizes))
      return false;
    Value index = unsqueeze.getInputs()[0];
    SymExpr number = getNumber(index);
    if (sizes[axis].isConstant(1) && number && number.isConstant(0))
      continue;
    std::optional<Counter> counter = count(index);
    if (!counter || counter->counted || !counter->first.isConstant(0) ||
        counter->axis != rank - 1 - static_cast<int64_t>(axis))
      return false;
  }
  return true;
}

/// Where hidden keys get a large negative number, and the others zero.
void MaskReader::readFloat(Value mask) {
  mask = skipCasts(mask);
  auto node = mask.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty())
    return giveUp();
  StringRef name = node.getOpType();
  if (isMove(name) && name != "Cast") {
    ArrayRef<SymExpr> from = shapes.get(node.getInputs()[0]).dims, to = shapes.get(mask).dims;
    if (from.size() >= 2 && to.size() >= 2 && from.take_back(2) == to.take_back(2))
      return readFloat(node.getInputs()[0]);
    return giveUp();
  }
  if (name == "Slice") {
    // The first keys of a mask that may be for more.
    Value axes = node.getOptionalOperand(3), steps = node.getOptionalOperand(4);
    SymExpr axis = axes ? getNumber(axes) : SymExpr(), begin = getNumber(node.getInputs()[1]);
    int64_t last = shapes.get(mask).getRank() - 1;
    if (axis && (axis.isConstant(last) || axis.isConstant(-1)) && begin && begin.isConstant(0) &&
        (!steps || getSplat(steps) == 1.0))
      return readFloat(node.getInputs()[0]);
    return giveUp();
  }
  if (name == "ScatterND") {
    // All of it is replaced.
    if (node.getString("reduction", "none") == "none" &&
        isWholeGrid(node.getInputs()[1], node.getInputs()[0]) &&
        shapes.get(node.getInputs()[2]).dims == shapes.get(mask).dims)
      return readFloat(node.getInputs()[2]);
    return giveUp();
  }
  if (name == "Trilu") {
    if (!isHiding(node.getInputs()[0]) || !readTriangle(node, /*hidesTriangle=*/true))
      giveUp();
    return;
  }
  if (name == "Where") {
    Value condition = node.getInputs()[0], yes = node.getInputs()[1], no = node.getInputs()[2];
    bool hidesYes = isHiding(yes), hidesNo = isHiding(no);
    if (hidesYes == hidesNo)
      return giveUp();
    readFlags(condition, /*isHidden=*/hidesYes);
    Value rest = hidesYes ? no : yes;
    if (getSplat(rest) == 0.0)
      return;
    // What the flags do not hide may be hidden all the same.
    if (shapes.get(rest).dims == shapes.get(mask).dims)
      readFloat(rest);
    return giveUp();
  }
  if (name == "Mul") {
    for (int i : {0, 1}) {
      onnx::NodeOp cast = getNode(node.getInputs()[i], "Cast");
      if (!cast || !getElementType(cast.getInputs()[0]).isInteger(1))
        continue;
      Value other = node.getInputs()[1 - i];
      // 0 · −∞ would be no number.
      if (isHiding(other) && std::isfinite(*getSplat(other)))
        return readFlags(cast.getInputs()[0], /*isHidden=*/true);
      onnx::NodeOp triangle = getNode(skipCasts(other), "Trilu");
      std::optional<double> fill = triangle ? getSplat(triangle.getInputs()[0]) : std::nullopt;
      if (!fill || !std::isfinite(*fill) || shapes.get(other).dims != shapes.get(mask).dims ||
          shapes.get(cast.getInputs()[0]).dims != shapes.get(mask).dims)
        continue;
      return readBoth([&](MaskReader &r) { r.readFlags(cast.getInputs()[0], /*isHidden=*/true); },
                      [&](MaskReader &r) { r.readFloat(other); });
    }
  }
  if (name == "Add") {
    // Each hides what it hides.
    for (Value operand : node.getInputs())
      readFloat(operand);
    return;
  }
  giveUp();
}

} // namespace

DictionaryAttr MaskRules::getFacts(Builder &builder) const {
  SmallVector<NamedAttribute> facts;
  if (causal)
    facts.push_back(builder.getNamedAttr("causal", builder.getUnitAttr()));
  if (window)
    facts.push_back(builder.getNamedAttr("window", builder.getI64IntegerAttr(window)));
  if (facts.empty())
    return {};
  if (isAssumed)
    facts.push_back(builder.getNamedAttr("assumed", builder.getUnitAttr()));
  return builder.getDictionaryAttr(facts);
}

MaskRules moec::findMaskRules(Value mask, SymExpr queries, SymExpr keys, SymbolicShapes &shapes) {
  MaskRules rules;
  MaskReader reader(rules, queries, keys, shapes);
  if (getElementType(mask).isInteger(1))
    reader.readFlags(mask, /*isHidden=*/false);
  else
    reader.readFloat(mask);
  return rules;
}
