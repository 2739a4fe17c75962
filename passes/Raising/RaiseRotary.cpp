#include "passes/Analysis/Match.h"
#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Raising/EraseUnused.h"
#include "passes/Raising/LastAxisPart.h"
#include "passes/Raising/Passes.h"
#include "passes/Raising/RotaryFrequencies.h"

namespace moec {
#define GEN_PASS_DEF_RAISEROTARYPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

using Sharing = RotaryFrequencies::Sharing;

/// A rotation of pairs of elements of `source`.
struct Rotation {
  LastAxisPart first, second; ///< of each pair
  Value cos, sin;             ///< for each pair, or each element
  bool isShared = false;      ///< for each element
  bool isInterleaved = false;
  SmallVector<Value> factors; ///< what is multiplied with cosines and sines
  Value result;

  int64_t getHalf() const { return first.size; }
  int64_t getEnd() const { return first.begin + 2 * first.size; }
};

/// Whether these are the elements of pairs side by side, or a half apart.
bool arePairs(Rotation &found) {
  const LastAxisPart &a = found.first, &b = found.second;
  if (!a.source || a.source != b.source || a.size != b.size || a.step != b.step)
    return false;
  found.isInterleaved = a.step == 2 && b.begin == a.begin + 1;
  return found.isInterleaved || (a.step == 1 && b.begin == a.begin + a.size);
}

/// −x
Value getNegated(Value value) {
  if (onnx::NodeOp negate = getNode(value, "Neg"))
    return negate.getInputs()[0];
  Value x;
  matchEitherOrder(value, "Mul", [&](Value a, Value b) {
    x = getSplat(b) == -1.0 && getShape(a) == getShape(value) ? a : Value();
    return bool(x);
  });
  return x;
}

/// x₁·c − x₂·s and x₂·c + x₁·s.
bool matchHalves(Value first, Value second, Rotation &found) {
  onnx::NodeOp difference = getNode(first, "Sub");
  if (!difference || !getNode(second, "Add"))
    return false;
  auto isProduct = [](Value value, Value a, Value b) {
    return matchEitherOrder(value, "Mul", [&](Value x, Value y) {
      return y == b && (x == a || isSamePart(getLastAxisPart(x), getLastAxisPart(a)));
    });
  };
  return matchEitherOrder(difference.getInputs()[0], "Mul", [&](Value x1, Value c) {
    return matchEitherOrder(difference.getInputs()[1], "Mul", [&](Value x2, Value s) {
      found.first = getLastAxisPart(x1);
      found.second = getLastAxisPart(x2);
      found.cos = c;
      found.sin = s;
      found.factors = {x1, x2};
      // Cosines beside sines are pairs as well; they do not have the shape of the result.
      return arePairs(found) && getShape(x1) == getShape(first) &&
             getLastSize(c) == found.getHalf() &&
             matchEitherOrder(second, "Add", [&](Value a, Value b) {
               return isProduct(a, x2, c) && isProduct(b, x1, s);
             });
    });
  });
}

/// The values that a Concat puts side by side along a new last axis, which a Reshape then makes
/// one with the axis before.
bool matchStacked(onnx::NodeOp concat, Value &first, Value &second, Value &result) {
  onnx::NodeOp reshape = getOnlyUser(concat->getResult(0), "Reshape");
  std::optional<ArrayRef<int64_t>> pairs = getShape(concat->getResult(0));
  if (!reshape || !pairs || pairs->size() < 2 || pairs->back() != 2)
    return false;
  std::optional<ArrayRef<int64_t>> flat = getShape(reshape->getResult(0));
  if (!flat || flat->size() + 1 != pairs->size() || flat->back() != 2 * pairs->drop_back().back())
    return false;
  auto strip = [&](Value part) -> Value {
    onnx::NodeOp node = getNode(part, "Unsqueeze");
    std::optional<SmallVector<int64_t>> axes =
        node ? getIntegers(node.getOptionalOperand(1)) : std::nullopt;
    bool isLast = axes && axes->size() == 1 &&
                  (axes->front() == -1 || axes->front() == static_cast<int64_t>(flat->size()));
    return isLast ? node.getInputs()[0] : Value();
  };
  first = strip(concat.getInputs()[0]);
  second = strip(concat.getInputs()[1]);
  result = reshape->getResult(0);
  return first && second;
}

class RotaryMatch {
public:
  RotaryMatch(SymbolicShapes &shapes, RotaryFrequencies &frequencies)
      : shapes(shapes), frequencies(frequencies) {}

  /// Whether there is a rotation around this Concat.
  bool match(onnx::NodeOp concat);
  /// The new value for `found.result`, right before it; null with a `reason`.
  Value raise();

  Rotation found;
  StringRef reason;

private:
  Value no(StringRef why) {
    reason = why;
    return {};
  }
  bool matchProducts(Value turned);
  bool takeRest();
  bool findLayout(Value x);
  Value makeRows(Value x);
  Value makeAngles(Value angles);
  Value finish(Value rotated);

  SymbolicShapes &shapes;
  RotaryFrequencies &frequencies;
  int64_t rank = 0;
  bool isSwapped = false; ///< positions stand before heads
};

/// x·c + (−x₂, x₁)·s, where `turned` is (−x₂, x₁).
bool RotaryMatch::matchProducts(Value turned) {
  onnx::NodeOp product = getOnlyUser(turned, "Mul");
  onnx::NodeOp sum = product ? getOnlyUser(product->getResult(0), "Add") : onnx::NodeOp();
  if (!sum)
    return false;
  LastAxisPart whole{found.first.source, found.first.begin, 2 * found.getHalf(), 1};
  found.sin = product.getInputs()[product.getInputs()[0] == turned ? 1 : 0];
  found.result = sum->getResult(0);
  found.isShared = true;
  Value other = sum.getInputs()[sum.getInputs()[0] == product->getResult(0) ? 1 : 0];
  return matchEitherOrder(other, "Mul", [&](Value x, Value c) {
    found.cos = c;
    found.factors = {x, turned};
    return isSamePart(getLastAxisPart(x), whole) && getLastSize(c) == whole.size &&
           getLastSize(found.sin) == whole.size;
  });
}

bool RotaryMatch::match(onnx::NodeOp concat) {
  size_t count = concat.getInputs().size();
  if (!isAlongLastAxis(concat, 0) || count < 2 || count > 3)
    return false;
  found = Rotation();
  Value first = concat.getInputs()[0], second = concat.getInputs()[1];
  found.result = concat->getResult(0);
  bool isStacked = count == 2 && matchStacked(concat, first, second, found.result);
  if (Value negated = count == 2 ? getNegated(first) : Value()) {
    found.second = getLastAxisPart(negated);
    found.first = getLastAxisPart(second);
    return arePairs(found) && found.isInterleaved == isStacked && matchProducts(found.result) &&
           takeRest();
  }
  if (!matchHalves(first, second, found))
    return false;
  if (found.isInterleaved != isStacked) {
    reason = "pairs stand otherwise in its result than in its operand";
    return true;
  }
  if (count == 2)
    return takeRest();
  // The rest of the head goes through.
  LastAxisPart rest = getLastAxisPart(concat.getInputs()[2]);
  std::optional<int64_t> size = getLastSize(found.first.source);
  return size && found.first.begin == 0 &&
         isSamePart(rest, {found.first.source, found.getEnd(), *size - found.getEnd(), 1});
}

/// Where the rest of the head is put behind what was rotated, that is the result. Always true.
bool RotaryMatch::takeRest() {
  std::optional<int64_t> size = getLastSize(found.first.source);
  onnx::NodeOp concat = getOnlyUser(found.result, "Concat");
  if (size && concat && found.first.begin == 0 && isAlongLastAxis(concat, 0) &&
      concat.getInputs().size() == 2 && concat.getInputs()[0] == found.result &&
      isSamePart(getLastAxisPart(concat.getInputs()[1]),
                 {found.first.source, found.getEnd(), *size - found.getEnd(), 1}))
    found.result = concat->getResult(0);
  return true;
}

/// Which axes of x, and of the angles, are positions: they have its size, the heads' axis has
/// size one there.
bool RotaryMatch::findLayout(Value x) {
  ArrayRef<SymExpr> sizes = shapes.get(x).dims, angles = shapes.get(found.cos).dims;
  rank = sizes.size();
  int64_t missing = rank - static_cast<int64_t>(angles.size());
  if ((rank != 3 && rank != 4) || missing < 0 || missing > rank - 2 ||
      shapes.get(found.sin).dims != angles ||
      ArrayRef(shapes.get(found.result).dims).drop_back() != sizes.drop_back())
    return false;
  // Reshapes between keep the order of rows, and must keep the axes that they lie along.
  for (Value factor : found.factors)
    if (shapes.get(factor).dims.empty() ||
        ArrayRef(shapes.get(factor).dims).drop_back() != sizes.drop_back())
      return false;
  auto isOne = [&](int64_t axis) { return axis < missing || angles[axis - missing].isConstant(1); };
  auto isPosition = [&](int64_t axis) {
    return axis >= missing && angles[axis - missing] == sizes[axis];
  };
  int64_t outer = rank - 3, inner = rank - 2;
  bool isPlain = isPosition(inner) && (rank == 3 || isOne(outer));
  isSwapped = !isPlain;
  return isPlain || (isOne(inner) && isPosition(outer));
}

/// x as [B, heads, S, D].
Value RotaryMatch::makeRows(Value x) {
  OpBuilder builder(found.result.getDefiningOp());
  Spelling s(builder, found.result.getLoc());
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (rank == 3) {
    int64_t axis = isSwapped ? 0 : 1;
    shape.insert(shape.begin() + axis, 1);
    x = s.unsqueeze(x, {axis});
    x.setType(type.clone(shape));
  }
  if (!isSwapped)
    return x;
  std::swap(shape[1], shape[2]);
  x = s.transpose(x, {0, 2, 1, 3});
  x.setType(type.clone(shape));
  return x;
}

/// Cosines or sines as [B | 1, S, R].
Value RotaryMatch::makeAngles(Value angles) {
  auto axes = static_cast<int64_t>(shapes.get(angles).dims.size());
  int64_t missing = rank - axes;
  // The axis of heads, if it is there.
  int64_t heads = (rank == 4 ? (isSwapped ? 2 : 1) : (isSwapped ? 1 : rank)) - missing;
  // A batch of one may stand there as well.
  bool hasHeads = heads >= 0 && heads < axes && !(axes == 3 && heads == 0 && rank == 4);
  if (hasHeads) {
    onnx::NodeOp unsqueeze = getNode(angles, "Unsqueeze");
    std::optional<SmallVector<int64_t>> added =
        unsqueeze ? getIntegers(unsqueeze.getOptionalOperand(1)) : std::nullopt;
    if (added && added->size() == 1 && added->front() + (added->front() < 0 ? axes : 0) == heads) {
      angles = unsqueeze.getInputs()[0];
      hasHeads = false;
    }
    --axes;
  }
  if (found.isShared)
    angles = frequencies.takeHalf(angles, found.isInterleaved ? Sharing::Pairs : Sharing::Halves);
  OpBuilder builder(angles.getContext());
  builder.setInsertionPointAfterValue(angles);
  Spelling s(builder, angles.getLoc());
  auto type = cast<RankedTensorType>(angles.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (hasHeads) {
    shape.erase(shape.begin() + heads);
    angles = s.node("Squeeze", 13, {angles, s.ints(heads)}, type.clone(shape));
  }
  if (axes == 2) {
    shape.insert(shape.begin(), 1);
    angles = s.unsqueeze(angles, {0});
    angles.setType(type.clone(shape));
  }
  return angles;
}

/// The rotated heads, [B, heads, S, D], in the layout of the result.
Value RotaryMatch::finish(Value rotated) {
  OpBuilder builder(found.result.getDefiningOp());
  Spelling s(builder, found.result.getLoc());
  auto type = cast<RankedTensorType>(found.result.getType());
  if (isSwapped) {
    if (onnx::NodeOp transpose = getOnlyUser(found.result, "Transpose"); transpose && rank == 4) {
      std::optional<ArrayRef<int64_t>> order = transpose.getInts("perm");
      if (order && *order == ArrayRef<int64_t>{0, 2, 1, 3}) {
        found.result = transpose->getResult(0);
        rotated.setType(found.result.getType());
        return rotated;
      }
    }
    auto swapped = cast<RankedTensorType>(rotated.getType());
    SmallVector<int64_t> shape(swapped.getShape());
    std::swap(shape[1], shape[2]);
    rotated = s.transpose(rotated, {0, 2, 1, 3});
    rotated.setType(type.clone(shape));
  }
  if (rank == 3)
    rotated = s.node("Squeeze", 13, {rotated, s.ints(isSwapped ? 0 : 1)}, type);
  rotated.setType(type);
  return rotated;
}

Value RotaryMatch::raise() {
  Value x = found.first.source;
  auto type = dyn_cast<RankedTensorType>(x.getType());
  auto resultType = dyn_cast<RankedTensorType>(found.result.getType());
  if (!reason.empty())
    return {};
  if (!type || !resultType || type.getElementType() != resultType.getElementType() ||
      getElementType(found.cos) != type.getElementType() ||
      getElementType(found.sin) != type.getElementType())
    return no("its operands have other types");
  Sharing sharing = found.isInterleaved ? Sharing::Pairs : Sharing::Halves;
  if (found.isShared &&
      (!frequencies.isShared(found.cos, sharing) || !frequencies.isShared(found.sin, sharing)))
    return no("elements of a pair may have other cosines or sines");
  if (!findLayout(x))
    return no("its positions are not told apart from heads");
  Value cos = makeAngles(found.cos), sin = makeAngles(found.sin);
  OpBuilder builder(found.result.getDefiningOp());
  int64_t size = resultType.getShape().back();
  if (type.getShape().back() != size) {
    Spelling s(builder, found.result.getLoc());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = size;
    x = s.slice(x, found.first.begin, found.first.begin + size, rank - 1);
    x.setType(type.clone(shape));
  }
  Value rows = makeRows(x);
  auto rotary = moe::RotaryOp::create(builder, found.result.getLoc(), rows.getType(), rows, cos,
                                      sin, found.isInterleaved);
  rotary.emitRemark() << "rotary embedding: " << 2 * found.getHalf() << " of " << size
                      << " elements" << (found.isInterleaved ? ", interleaved" : "");
  return finish(rotary.getResult());
}

struct RaiseRotary : impl::RaiseRotaryPassBase<RaiseRotary> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<onnx::NodeOp> nodes;
    getOperation().walk([&](onnx::NodeOp node) {
      if (node.getDomain().empty() && node.getOpType() == "Concat")
        nodes.push_back(node);
    });
    if (nodes.empty())
      return;
    SymbolicShapes shapes(getOperation());
    RotaryFrequencies frequencies;
    SmallVector<std::pair<Value, Value>> replacements;
    for (onnx::NodeOp node : nodes) {
      RotaryMatch match(shapes, frequencies);
      if (!match.match(node))
        continue;
      if (Value result = match.raise()) {
        replacements.emplace_back(match.found.result, result);
        ++numRaised;
      } else {
        node.emitRemark() << "looks like a rotary embedding and is not raised: " << match.reason;
      }
    }
    // Not before: sizes are known of the old values only.
    for (auto [old, value] : replacements) {
      Operation *root = old.getDefiningOp();
      old.replaceAllUsesWith(value);
      eraseUnused(root);
    }
  }
};

} // namespace
} // namespace moec
