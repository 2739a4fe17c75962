#include "passes/Conversion/ONNXToLinalg/CodedPart.h"

#include "passes/Analysis/KernelCodes.h"
#include "passes/Analysis/Match.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

namespace {

/// Finds the parts of one DequantizeLinear.
class PartFinder {
public:
  PartFinder(const SymbolicShapes &shapes, bool transposed)
      : shapes(shapes), transposed(transposed) {}

  std::optional<CodedPart> find(const TensorView &view) {
    node = getNode(view.base, "DequantizeLinear");
    if (!node || !findIndices(view) || !findCodes() || !findScales() || !findZeros())
      return std::nullopt;
    return part;
  }

private:
  static constexpr int Count = CodedPart::Count, Depth = CodedPart::Depth,
                       Columns = CodedPart::Columns;

  /// An index of a matrix's element as one of an axis of the dequantised tensor.
  struct Step {
    int64_t axis = -1, step = 0; ///< no axis where the size is 1
  };

  bool findIndices(const TensorView &view) {
    if (view.shape.size() < 2 || view.shape.size() > 3)
      return false;
    shape = llvm::to_vector(cast<RankedTensorType>(view.base.getType()).getShape());
    if (llvm::is_contained(shape, 0) || llvm::is_contained(view.shape, 0))
      return false;
    SmallVector<int64_t> strides(shape.size(), 1);
    for (unsigned a = shape.size(); a-- > 1;)
      strides[a - 1] = strides[a] * shape[a];
    SmallVector<int64_t> last(shape.size());
    int64_t rest = view.offset;
    for (auto [a, stride] : llvm::enumerate(strides)) {
      first.push_back(rest / stride);
      rest %= stride;
      last[a] = first[a];
    }
    int64_t missing = 3 - view.shape.size();
    part.sizes.fill(1);
    for (auto [i, size, stride] : llvm::enumerate(view.shape, view.strides)) {
      int index = i + missing;
      if (transposed && index != Count)
        index = Depth + Columns - index;
      part.sizes[index] = size;
      if (size == 0)
        return false;
      if (size == 1)
        continue;
      const auto *axis = llvm::find_if(strides, [&](int64_t s) { return s <= stride; });
      if (axis == strides.end() || stride % *axis != 0)
        return false;
      int64_t a = axis - strides.begin();
      steps[index] = {a, stride / *axis};
      last[a] += steps[index].step * (size - 1);
    }
    return llvm::all_of(llvm::zip(last, shape),
                        [](auto pair) { return std::get<0>(pair) < std::get<1>(pair); });
  }

  /// What a weight or constant is a view of; std::nullopt of others.
  std::optional<TensorView> traceStored(Value value) {
    std::optional<TensorView> view = traceTensorView(value, shapes);
    if (!view || !isa_and_nonnull<moe::WeightOp, onnx::ConstantOp>(view->base.getDefiningOp()))
      return std::nullopt;
    return view;
  }

  bool findCodes() {
    std::optional<TensorView> codes = traceStored(node.getInputs()[0]);
    if (!codes || !codes->base.getDefiningOp<moe::WeightOp>() || codes->shape != shape)
      return false;
    part.codeType = getElementType(codes->base);
    part.numberType = getElementType(node->getResult(0));
    part.codes = {codes->base, codes->offset, {}};
    for (auto [a, index] : llvm::enumerate(first))
      part.codes.offset += index * codes->strides[a];
    for (auto [stride, step] : llvm::zip(part.codes.strides, steps))
      stride = step.axis < 0 ? 0 : step.step * codes->strides[step.axis];
    return true;
  }

  /// Where the scale, or zero point, of each column and group lies.
  std::optional<Placement> place(Value value) {
    std::optional<TensorView> view = traceStored(value);
    if (!view)
      return std::nullopt;
    Placement result{view->base, view->offset, {}};
    bool isOne = llvm::all_of(view->shape, [](int64_t size) { return size == 1; });
    if (!block && view->shape.size() <= 1 && isOne)
      return result;
    if (view->shape.size() != (block ? shape.size() : 1))
      return std::nullopt;
    for (auto [a, index] : llvm::enumerate(first)) {
      int64_t size = shape[a];
      if (block && a == axis)
        size = llvm::divideCeil(size, block);
      if (block ? view->shape[a] != size : a == axis && view->shape[0] != size)
        return std::nullopt;
      if (block)
        result.offset += (a == axis ? index / block : index) * view->strides[a];
      else if (a == axis)
        result.offset += index * view->strides[0];
    }
    for (auto [i, step] : llvm::enumerate(steps)) {
      bool isOwn = step.axis == static_cast<int64_t>(axis);
      if (step.axis < 0 || (!block && !isOwn))
        continue;
      if (i == Depth && isOwn)
        result.strides[i] = view->strides[block ? axis : 0]; // of groups
      else if (block && isOwn)
        result.strides[i] = step.step / block * view->strides[axis];
      else
        result.strides[i] = step.step * view->strides[block ? step.axis : 0];
    }
    return result;
  }

  bool findScales() {
    int64_t rank = shape.size(), given = node.getInt("axis", 1);
    axis = given < 0 ? given + rank : given;
    block = node.getInt("block_size", 0);
    // Casts that round nothing: to f32.
    Value plain = node.getInputs()[1];
    while (onnx::NodeOp cast = getNode(plain, "Cast")) {
      if (!getElementType(plain).isF32())
        break;
      plain = cast.getInputs()[0];
    }
    if (block < 0 || axis >= shape.size())
      return false;
    part.scaleType = getElementType(plain);
    std::optional<Placement> placed = place(plain);
    if (!placed)
      return false;
    part.scales = *placed;
    part.group = part.sizes[Depth];
    const Step &depth = steps[Depth];
    bool isAlongDepth = depth.axis == static_cast<int64_t>(axis);
    if (block == 0) // one a row is no group
      return !isAlongDepth || part.scales.strides[Depth] == 0;
    // Groups begin where the matrices' rows, or those that lie along the axis, do.
    if (first[axis] % block != 0 || (isAlongDepth && depth.step != 1))
      return false;
    for (int i : {Count, Columns})
      if (steps[i].axis == static_cast<int64_t>(axis) && steps[i].step % block != 0)
        return false;
    if (depth.axis >= 0 && !isAlongDepth)
      return false;
    if (isAlongDepth && block < part.group) {
      part.group = block;
      part.groups = llvm::divideCeil(part.sizes[Depth], block);
    }
    return true;
  }

  bool findZeros() {
    Value zeros = node.getOptionalOperand(2);
    if (!zeros)
      return true;
    if (std::optional<double> splat = getSplat(zeros)) {
      part.zero = static_cast<int64_t>(*splat);
      return true;
    }
    part.zeros = place(zeros);
    return part.zeros && getElementType(part.zeros->base) == part.codeType;
  }

  const SymbolicShapes &shapes;
  bool transposed;
  onnx::NodeOp node;
  SmallVector<int64_t> shape; ///< of the dequantised tensor
  SmallVector<int64_t> first; ///< the first matrix element's indices in it
  std::array<Step, 3> steps;
  CodedPart part;
  size_t axis = 0;
  int64_t block = 0;
};

} // namespace

std::optional<CodedPart> moec::findCodedPart(const TensorView &view, const SymbolicShapes &shapes,
                                             bool transposed) {
  std::optional<CodedPart> part = PartFinder(shapes, transposed).find(view);
  if (!part || !canKernelsDecode({part->codeType, part->scaleType, part->numberType,
                                  part->sizes[CodedPart::Depth], part->group}))
    return std::nullopt;
  return part;
}

bool moec::haveOneFormat(const CodedPart &a, const CodedPart &b) {
  return a.sizes[CodedPart::Depth] == b.sizes[CodedPart::Depth] && a.group == b.group &&
         a.codeType == b.codeType && a.scaleType == b.scaleType &&
         a.zeros.has_value() == b.zeros.has_value() && a.zero == b.zero;
}

std::string moec::printFormat(const CodedPart &part) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << (part.codeType.isUnsignedInteger() ? "ui" : "i")
         << part.codeType.getIntOrFloatBitWidth()
         << (part.zeros  ? "_each_"
             : part.zero ? "_uniform_"
                         : "_none_")
         << part.scaleType;
  return text;
}
