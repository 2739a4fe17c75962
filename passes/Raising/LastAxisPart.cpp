#include "passes/Raising/LastAxisPart.h"

#include "passes/Analysis/Match.h"

using namespace mlir;
using namespace moec;

namespace {

/// Elements [begin, …), every `step`th, of an axis of `source`.
struct Cut {
  Value source;
  int64_t axis = 0, begin = 0, step = 1;
};

/// A Slice of one axis by constants, or a result of a Split.
std::optional<Cut> getCut(Value value) {
  auto node = value.getDefiningOp<onnx::NodeOp>();
  if (!node || !node.getDomain().empty())
    return std::nullopt;
  Value source = node->getNumOperands() ? node.getInputs()[0] : Value();
  std::optional<ArrayRef<int64_t>> shape = source ? getShape(source) : std::nullopt;
  if (!shape)
    return std::nullopt;
  auto rank = static_cast<int64_t>(shape->size());
  Cut cut{source};
  if (node.getOpType() == "Split") {
    cut.axis = node.getInt("axis", 0);
    cut.axis += cut.axis < 0 ? rank : 0;
    for (Value part : node->getResults()) {
      if (part == value)
        return cut;
      std::optional<ArrayRef<int64_t>> size = getShape(part);
      if (!size || ShapedType::isDynamic((*size)[cut.axis]))
        return std::nullopt;
      cut.begin += (*size)[cut.axis];
    }
    return std::nullopt;
  }
  if (node.getOpType() != "Slice")
    return std::nullopt;
  auto begin = getIntegers(node.getOptionalOperand(1)),
       axes = getIntegers(node.getOptionalOperand(3));
  auto steps = getIntegers(node.getOptionalOperand(4));
  bool hasSteps = bool(node.getOptionalOperand(4));
  if (!begin || !axes || axes->size() != 1 || begin->size() != 1 || (hasSteps && !steps))
    return std::nullopt;
  cut.axis = axes->front() + (axes->front() < 0 ? rank : 0);
  cut.step = hasSteps ? steps->front() : 1;
  int64_t size = (*shape)[cut.axis];
  if (ShapedType::isDynamic(size) || cut.step < 1)
    return std::nullopt;
  cut.begin = begin->front() + (begin->front() < 0 ? size : 0);
  if (cut.begin < 0 || cut.begin >= size)
    return std::nullopt;
  return cut;
}

/// One element of an axis, which is gone then: a Gather of a constant, or a cut that is squeezed.
std::optional<Cut> getPick(Value value) {
  if (onnx::NodeOp gather = getNode(value, "Gather")) {
    std::optional<ArrayRef<int64_t>> shape = getShape(gather.getInputs()[0]);
    std::optional<ArrayRef<int64_t>> indices = getShape(gather.getInputs()[1]);
    std::optional<SmallVector<int64_t>> index = getIntegers(gather.getInputs()[1]);
    if (!shape || !indices || !indices->empty() || !index)
      return std::nullopt;
    auto rank = static_cast<int64_t>(shape->size());
    Cut cut{gather.getInputs()[0], gather.getInt("axis", 0), index->front()};
    cut.axis += cut.axis < 0 ? rank : 0;
    int64_t size = (*shape)[cut.axis];
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    cut.begin += cut.begin < 0 ? size : 0;
    return cut;
  }
  onnx::NodeOp squeeze = getNode(value, "Squeeze");
  std::optional<SmallVector<int64_t>> axes =
      squeeze ? getIntegers(squeeze.getOptionalOperand(1)) : std::nullopt;
  std::optional<Cut> cut = squeeze ? getCut(squeeze.getInputs()[0]) : std::nullopt;
  if (!cut || !axes || axes->size() != 1)
    return std::nullopt;
  ArrayRef<int64_t> shape = *getShape(squeeze.getInputs()[0]);
  int64_t axis = axes->front() + (axes->front() < 0 ? shape.size() : 0);
  return axis == cut->axis && shape[axis] == 1 ? cut : std::nullopt;
}

/// The part of what a Reshape has made two axes of.
std::optional<LastAxisPart> getPickedPart(Value value) {
  std::optional<Cut> pick = getPick(value);
  onnx::NodeOp reshape = pick ? getNode(pick->source, "Reshape") : onnx::NodeOp();
  if (!reshape)
    return std::nullopt;
  std::optional<ArrayRef<int64_t>> flat = getShape(reshape.getInputs()[0]);
  ArrayRef<int64_t> shape = *getShape(pick->source);
  auto rank = static_cast<int64_t>(shape.size());
  if (!flat || static_cast<int64_t>(flat->size()) + 1 != rank || rank < 2 || pick->axis < rank - 2)
    return std::nullopt;
  int64_t outer = shape[rank - 2], inner = shape[rank - 1];
  // Rows of a size that is kept: their order is the same, and so is what is before them up to the
  // sizes of single axes, which the caller compares.
  if (ShapedType::isDynamic(outer) || ShapedType::isDynamic(inner) || flat->back() != outer * inner)
    return std::nullopt;
  if (pick->axis == rank - 1)
    return LastAxisPart{reshape.getInputs()[0], pick->begin, outer, inner};
  return LastAxisPart{reshape.getInputs()[0], pick->begin * inner, inner, 1};
}

} // namespace

LastAxisPart moec::getLastAxisPart(Value value) {
  std::optional<int64_t> size = getLastSize(value);
  if (!size)
    return {};
  LastAxisPart part{value, 0, *size, 1};
  for (;;) {
    std::optional<LastAxisPart> outer = getPickedPart(part.source);
    if (std::optional<Cut> cut = outer ? std::nullopt : getCut(part.source)) {
      auto rank = static_cast<int64_t>(getShape(cut->source)->size());
      if (cut->axis == rank - 1)
        outer = LastAxisPart{cut->source, cut->begin, 0, cut->step};
    }
    if (!outer || !getLastSize(outer->source))
      return part;
    part = {outer->source, outer->begin + part.begin * outer->step, *size, part.step * outer->step};
  }
}

bool moec::isSamePart(const LastAxisPart &a, const LastAxisPart &b) {
  return a.source && a.source == b.source && a.begin == b.begin && a.size == b.size &&
         a.step == b.step;
}
