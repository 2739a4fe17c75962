#include "passes/Raising/AttentionMask.h"
#include "passes/Analysis/Match.h"

using namespace mlir;
using namespace moec;

namespace {

/// Integers that count up along one axis and are the same along the others.
struct Counter {
  SymExpr first;
  int64_t axis; ///< from the end: 0 is the last
};

class MaskReader {
public:
  MaskReader(MaskRules &rules, SymExpr queries, SymExpr keys, SymbolicShapes &shapes)
      : rules(rules), queries(queries), keys(keys), shapes(shapes) {}

  void readFloat(Value mask);
  void readFlags(Value flags, bool isHidden);

private:
  bool readComparison(onnx::NodeOp node, bool isHidden);
  std::optional<Counter> count(Value value);
  SymExpr getNumber(Value value);
  void giveUp() { rules.isComplete = false; }

  MaskRules &rules;
  SymExpr queries, keys;
  SymbolicShapes &shapes;
};

/// The one element of a small integer tensor; null if there are others.
SymExpr MaskReader::getNumber(Value value) {
  const SymbolicValue &known = shapes.get(value);
  if (known.elements && known.elements->size() == 1)
    return known.elements->front();
  std::optional<double> splat = getSplat(value);
  bool isInteger = splat && *splat == static_cast<double>(static_cast<int64_t>(*splat));
  return isInteger ? shapes.getSymbols().constant(static_cast<int64_t>(*splat)) : SymExpr();
}

std::optional<Counter> MaskReader::count(Value value) {
  auto node = value.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty())
    return std::nullopt;
  SymContext &symbols = shapes.getSymbols();
  StringRef name = node.getOpType();
  if (name == "Range") {
    SymExpr first = getNumber(node.getInputs()[0]), step = getNumber(node.getInputs()[2]);
    if (!first || !step || !step.isConstant(1))
      return std::nullopt;
    return Counter{first, 0};
  }
  if (name == "Add" || name == "Sub") {
    for (unsigned i = 0; i < (name == "Add" ? 2u : 1u); ++i) {
      SymExpr number = getNumber(node.getInputs()[1 - i]);
      std::optional<Counter> counter = number ? count(node.getInputs()[i]) : std::nullopt;
      if (!counter)
        continue;
      counter->first =
          name == "Add" ? symbols.add(counter->first, number) : symbols.sub(counter->first, number);
      return counter->first ? counter : std::nullopt;
    }
    return std::nullopt;
  }
  if (name == "Cast" || name == "Identity" || name == "Expand") {
    std::optional<Counter> counter = count(node.getInputs()[0]);
    ArrayRef<SymExpr> from = shapes.get(node.getInputs()[0]).dims, to = shapes.get(value).dims;
    // What was spread does not count.
    size_t end = counter ? counter->axis + 1 : 0;
    bool isKept = counter && from.size() >= end && to.size() >= end &&
                  from[from.size() - end] == to[to.size() - end];
    return isKept ? counter : std::nullopt;
  }
  if (name != "Reshape" && name != "Unsqueeze" && name != "Squeeze")
    return std::nullopt;
  std::optional<Counter> counter = count(node.getInputs()[0]);
  if (!counter)
    return std::nullopt;
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

/// key ≤ query + constant is a rule, and so is key ≥ query − constant. What is compared with a
/// number may be true throughout.
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
  std::optional<Counter> low = count(small), high = count(large);
  if (high && !low) {
    // number ≤ counter
    SymExpr number = getNumber(small);
    SymExpr distance = number ? symbols.sub(high->first, number) : SymExpr();
    return distance &&
           (isEqual ? symbols.isKnownNonNegative(distance) : symbols.isKnownPositive(distance));
  }
  if (!low || !high || low->axis == high->axis || low->axis > 1 || high->axis > 1)
    return false;
  ArrayRef<SymExpr> sizes = shapes.get(node->getResult(0)).dims;
  if (sizes.size() < 2 || sizes[sizes.size() - 2] != queries || sizes.back() != keys)
    return false;
  // first + index + (0 or 1) ≤ first + index; a query's position is its index and L − S.
  SymExpr bound = symbols.sub(high->first, low->first);
  if (bound && !isEqual)
    bound = symbols.sub(bound, symbols.constant(1));
  SymExpr offset = symbols.sub(keys, queries);
  if (!bound || !offset)
    return false;
  if (low->axis == 0) {
    // key ≤ query + bound
    if (bound != offset)
      return false;
    rules.causal = true;
    return true;
  }
  // query + bound' ≤ key, that is key > query position − window
  SymExpr window = symbols.add(symbols.add(bound, offset), symbols.constant(1));
  std::optional<int64_t> size = window ? window.getConstant() : std::nullopt;
  if (!size || *size < 1)
    return false;
  rules.window = rules.window ? std::min(rules.window, *size) : *size;
  return true;
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
  bool isShaped = name == "Unsqueeze" || name == "Squeeze" || name == "Identity" ||
                  name == "Expand" || name == "Reshape" || name == "Cast";
  if (isShaped && getElementType(node.getInputs()[0]).isInteger(1)) {
    // The last two axes stay what they are.
    ArrayRef<SymExpr> from = shapes.get(node.getInputs()[0]).dims, to = shapes.get(flags).dims;
    if (from.size() >= 2 && to.size() >= 2 && from.take_back(2) == to.take_back(2))
      return readFlags(node.getInputs()[0], isHidden);
    return giveUp();
  }
  if (!readComparison(node, isHidden))
    giveUp();
}

/// Where hidden keys get a large negative number, and the others zero.
void MaskReader::readFloat(Value mask) {
  mask = skipCasts(mask);
  auto isHiding = [](std::optional<double> number) { return number && *number <= -1e9; };
  auto node = mask.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty())
    return giveUp();
  StringRef name = node.getOpType();
  if (name == "Unsqueeze" || name == "Expand") {
    ArrayRef<SymExpr> from = shapes.get(node.getInputs()[0]).dims, to = shapes.get(mask).dims;
    if (from.size() >= 2 && to.size() >= 2 && from.take_back(2) == to.take_back(2))
      return readFloat(node.getInputs()[0]);
    return giveUp();
  }
  if (name == "Where") {
    std::optional<double> yes = getSplat(node.getInputs()[1]), no = getSplat(node.getInputs()[2]);
    if (yes == 0.0 && isHiding(no))
      return readFlags(node.getInputs()[0], /*isHidden=*/false);
    if (no == 0.0 && isHiding(yes))
      return readFlags(node.getInputs()[0], /*isHidden=*/true);
    // What else the flags do not hide may be hidden all the same.
    giveUp();
    if (isHiding(no))
      return readFlags(node.getInputs()[0], /*isHidden=*/false);
    if (isHiding(yes))
      return readFlags(node.getInputs()[0], /*isHidden=*/true);
    return;
  }
  if (name == "Mul") {
    for (int i : {0, 1}) {
      onnx::NodeOp cast = getNode(node.getInputs()[i], "Cast");
      if (cast && getElementType(cast.getInputs()[0]).isInteger(1) &&
          isHiding(getSplat(node.getInputs()[1 - i])))
        return readFlags(cast.getInputs()[0], /*isHidden=*/true);
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

MaskRules moec::findMaskRules(Value mask, SymExpr queries, SymExpr keys, SymbolicShapes &shapes) {
  MaskRules rules;
  MaskReader reader(rules, queries, keys, shapes);
  if (getElementType(mask).isInteger(1))
    reader.readFlags(mask, /*isHidden=*/false);
  else
    reader.readFloat(mask);
  return rules;
}
