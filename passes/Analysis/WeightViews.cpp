#include "passes/Analysis/WeightViews.h"

#include "passes/Analysis/Match.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace moec;

namespace {

class ViewTracer {
public:
  ViewTracer(onnx::NodeOp node, const SymbolicShapes *shapes) : node(node), shapes(shapes) {}

  /// Whether the operator only moves elements of its first operand.
  static bool isView(onnx::NodeOp node) {
    return node.getDomain().empty() &&
           llvm::is_contained({"Identity", "Transpose", "Split", "Slice", "Gather", "Reshape",
                               "Squeeze", "Unsqueeze", "Flatten"},
                              node.getOpType());
  }

  /// The view of a result, given that of the first operand.
  std::optional<TensorView> apply(TensorView view, OpResult result) {
    StringRef name = node.getOpType();
    if (name == "Identity")
      return view;
    if (name == "Transpose")
      return transpose(view);
    if (name == "Split")
      return split(view, result);
    if (name == "Slice")
      return slice(view);
    if (name == "Gather")
      return gather(view);
    return reshape(view, result);
  }

private:
  std::optional<SmallVector<int64_t>> constants(unsigned operand) {
    Value value = node.getOptionalOperand(operand);
    if (!value)
      return std::nullopt;
    if (!shapes)
      return getIntegers(value);
    if (!shapes->get(value).elements)
      return std::nullopt;
    SmallVector<int64_t> result;
    for (SymExpr element : *shapes->get(value).elements) {
      std::optional<int64_t> constant = element.getConstant();
      if (!constant)
        return std::nullopt;
      result.push_back(*constant);
    }
    return result;
  }

  std::optional<SmallVector<int64_t>> staticShape(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (type && type.hasStaticShape())
      return llvm::to_vector(type.getShape());
    SmallVector<int64_t> shape;
    if (!shapes || !shapes->get(value).isRanked)
      return std::nullopt;
    for (SymExpr dim : shapes->get(value).dims) {
      std::optional<int64_t> size = dim.getConstant();
      if (!size)
        return std::nullopt;
      shape.push_back(*size);
    }
    return shape;
  }

  static std::optional<int64_t> normalize(int64_t axis, const TensorView &view) {
    int64_t rank = view.shape.size();
    if (axis < -rank || axis >= rank)
      return std::nullopt;
    return axis < 0 ? axis + rank : axis;
  }

  std::optional<TensorView> transpose(TensorView view) {
    SmallVector<int64_t> permutation;
    if (auto perm = node.getInts("perm"))
      permutation.assign(perm->begin(), perm->end());
    else
      for (int64_t i = view.shape.size(); i-- > 0;)
        permutation.push_back(i);
    if (permutation.size() != view.shape.size())
      return std::nullopt;
    TensorView result = view;
    for (auto [i, from] : llvm::enumerate(permutation)) {
      if (from < 0 || from >= static_cast<int64_t>(view.shape.size()))
        return std::nullopt;
      result.shape[i] = view.shape[from];
      result.strides[i] = view.strides[from];
    }
    return result;
  }

  std::optional<TensorView> split(TensorView view, OpResult result) {
    std::optional<int64_t> axis = normalize(node.getInt("axis", 0), view);
    if (!axis)
      return std::nullopt;
    for (unsigned i = 0; i < result.getResultNumber(); ++i) {
      if (!isa<TensorType>(node->getResult(i).getType()))
        return std::nullopt;
      std::optional<SmallVector<int64_t>> before = staticShape(node->getResult(i));
      if (!before)
        return std::nullopt;
      view.offset += (*before)[*axis] * view.strides[*axis];
    }
    std::optional<SmallVector<int64_t>> shape = staticShape(result);
    if (!shape)
      return std::nullopt;
    view.shape = *shape;
    return view;
  }

  std::optional<TensorView> slice(TensorView view) {
    auto starts = constants(1), axes = constants(3), steps = constants(4);
    std::optional<SmallVector<int64_t>> shape = staticShape(node->getResult(0));
    if (!starts || !shape || (node.getOptionalOperand(3) && !axes) ||
        (node.getOptionalOperand(4) && !steps))
      return std::nullopt;
    for (auto [i, start] : llvm::enumerate(*starts)) {
      std::optional<int64_t> axis = normalize(axes ? (*axes)[i] : i, view);
      int64_t step = steps ? (*steps)[i] : 1;
      if (!axis || step <= 0)
        return std::nullopt;
      int64_t size = view.shape[*axis];
      int64_t first = std::clamp<int64_t>(start < 0 ? start + size : start, 0, size);
      view.offset += first * view.strides[*axis];
      view.strides[*axis] *= step;
    }
    view.shape = *shape;
    return view;
  }

  std::optional<TensorView> gather(TensorView view) {
    std::optional<SmallVector<int64_t>> indices = constants(1);
    std::optional<int64_t> axis = normalize(node.getInt("axis", 0), view);
    if (!indices || indices->size() != 1 || !axis)
      return std::nullopt;
    int64_t row = (*indices)[0], size = view.shape[*axis];
    if (row < -size || row >= size)
      return std::nullopt;
    view.offset += (row < 0 ? row + size : row) * view.strides[*axis];
    view.shape.erase(view.shape.begin() + *axis);
    view.strides.erase(view.strides.begin() + *axis);
    // A vector of one index keeps dimensions of size 1.
    Value index = node.getOptionalOperand(1);
    int64_t indexRank =
        shapes ? shapes->get(index).dims.size() : cast<RankedTensorType>(index.getType()).getRank();
    for (int64_t i = 0; i < indexRank; ++i) {
      view.shape.insert(view.shape.begin() + *axis, 1);
      view.strides.insert(view.strides.begin() + *axis, 0);
    }
    return view;
  }

  /// Groups of dimensions that lie side by side are split and merged freely.
  std::optional<TensorView> reshape(TensorView view, OpResult result) {
    std::optional<SmallVector<int64_t>> shape = staticShape(result);
    if (!shape || llvm::is_contained(*shape, 0))
      return std::nullopt;
    // The view as maximal runs of (size, stride of the innermost).
    SmallVector<std::pair<int64_t, int64_t>> runs;
    for (auto [size, stride] : llvm::zip(view.shape, view.strides)) {
      if (size == 1)
        continue;
      if (!runs.empty() && runs.back().second == size * stride)
        runs.back() = {runs.back().first * size, stride};
      else
        runs.emplace_back(size, stride);
    }
    TensorView reshaped = view;
    reshaped.shape = *shape;
    reshaped.strides.assign(shape->size(), 0);
    unsigned run = runs.size();
    int64_t left = 1, stride = 0;
    for (unsigned i = shape->size(); i-- > 0;) {
      int64_t size = (*shape)[i];
      if (size == 1)
        continue;
      if (left == 1) {
        if (run == 0)
          return std::nullopt;
        std::tie(left, stride) = runs[--run];
      }
      if (left % size != 0)
        return std::nullopt;
      reshaped.strides[i] = stride;
      stride *= size;
      left /= size;
    }
    if (run != 0 || left != 1)
      return std::nullopt;
    return reshaped;
  }

  onnx::NodeOp node;
  const SymbolicShapes *shapes;
};

} // namespace

static std::optional<TensorView> trace(Value value, const SymbolicShapes *shapes) {
  SmallVector<OpResult> path;
  for (;;) {
    auto node = value.getDefiningOp<onnx::NodeOp>();
    if (!node || !ViewTracer::isView(node) || !node.getOptionalOperand(0))
      break;
    path.push_back(cast<OpResult>(value));
    value = node.getOptionalOperand(0);
  }
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return std::nullopt;
  TensorView view{value, 0, llvm::to_vector(type.getShape()), {}};
  view.strides.assign(view.shape.size(), 1);
  for (unsigned i = view.shape.size(); i-- > 1;)
    view.strides[i - 1] = view.strides[i] * view.shape[i];
  for (OpResult result : llvm::reverse(path)) {
    std::optional<TensorView> next =
        ViewTracer(cast<onnx::NodeOp>(result.getOwner()), shapes).apply(view, result);
    if (!next)
      return std::nullopt;
    view = *next;
  }
  return view;
}

std::optional<TensorView> moec::traceTensorView(Value value, const SymbolicShapes &shapes) {
  return trace(value, &shapes);
}

static std::optional<WeightView> traceWeight(Value value, const SymbolicShapes *shapes) {
  std::optional<TensorView> view = trace(value, shapes);
  auto weight = view ? view->base.getDefiningOp<moe::WeightOp>() : moe::WeightOp();
  if (!weight)
    return std::nullopt;
  return WeightView{weight, view->offset, view->shape, view->strides};
}

std::optional<WeightView> moec::traceWeightView(Value value, const SymbolicShapes &shapes) {
  return traceWeight(value, &shapes);
}

std::optional<WeightView> moec::traceWeightView(Value value) { return traceWeight(value, nullptr); }

SmallVector<TensorView> moec::traceTensorColumns(Value value, int64_t axis,
                                                 const SymbolicShapes &shapes) {
  std::optional<TensorView> whole = traceTensorView(value, shapes);
  if (whole && !getNode(whole->base, "Concat"))
    return {*whole};
  SmallVector<OpResult> transposes;
  onnx::NodeOp transpose;
  for (; (transpose = getNode(value, "Transpose")); value = transpose->getOperand(0)) {
    transposes.push_back(cast<OpResult>(value));
    int64_t rank = shapes.get(value).dims.size();
    std::optional<ArrayRef<int64_t>> perm = transpose.getInts("perm");
    if (axis >= rank || (perm && static_cast<int64_t>(perm->size()) != rank))
      return {};
    axis = perm ? (*perm)[axis] : rank - 1 - axis;
  }
  auto concat = getNode(value, "Concat");
  if (!concat)
    return {};
  SmallVector<TensorView> result;
  for (Value operand : concat->getOperands()) {
    std::optional<TensorView> view = traceTensorView(operand, shapes);
    int64_t rank = view ? view->shape.size() : 0, along = concat.getInt("axis", 0);
    if (!view || (along < 0 ? along + rank : along) != axis)
      return {};
    for (OpResult step : llvm::reverse(transposes))
      if (view)
        view = ViewTracer(cast<onnx::NodeOp>(step.getOwner()), &shapes).apply(*view, step);
    if (!view)
      return {};
    result.push_back(*view);
  }
  return result;
}

SmallVector<WeightView> moec::traceWeightColumns(Value value, int64_t axis,
                                                 const SymbolicShapes &shapes) {
  SmallVector<WeightView> result;
  for (TensorView &view : traceTensorColumns(value, axis, shapes)) {
    auto weight = view.base.getDefiningOp<moe::WeightOp>();
    if (!weight)
      return {};
    result.push_back({weight, view.offset, view.shape, view.strides});
  }
  return result;
}
