#include "passes/Conversion/ONNXToLinalg/CodedMatrix.h"
#include "dialects/Kernel/KernelOps.h"
#include "passes/Analysis/KernelCodes.h"
#include "passes/Analysis/Match.h"
#include "passes/Analysis/WeightViews.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

namespace {

/// Where matrices lie in a weight or constant: element (i, k, n) is element offset + i·strides[0] +
/// k·strides[1] + n·strides[2].
struct Placement {
  Value base;
  int64_t offset = 0;
  std::array<int64_t, 3> strides = {};
};

/// Dequantised matrices, in terms of what they are made from.
struct CodedPart {
  std::array<int64_t, 3> sizes = {}; ///< count, depth, columns
  Placement codes, scales;
  std::optional<Placement> zeros; ///< one a scale
  int64_t zero = 0;               ///< for all, if there is no one a scale
  int64_t groups = 1, group = 0;  ///< of the depth, and rows of one
  Type codeType, scaleType, numberType;
};

constexpr int Count = 0, Depth = 1, Columns = 2;

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

CodeGrid getGrid(const CodedPart &part) {
  return {part.codeType, part.scaleType, part.numberType, part.sizes[Depth], part.group};
}

/// In all but the columns.
bool agree(const CodedPart &a, const CodedPart &b) {
  return a.sizes[Depth] == b.sizes[Depth] && a.group == b.group && a.codeType == b.codeType &&
         a.scaleType == b.scaleType && a.zeros.has_value() == b.zeros.has_value() &&
         a.zero == b.zero;
}

/// Puts numbers of all parts into panels, the columns of each `beside` of them side by side.
class PanelPacker {
public:
  PanelPacker(NodeLowering &lowering, ArrayRef<CodedPart> parts, int64_t panel, size_t beside)
      : lowering(lowering), parts(parts), panel(panel), beside(beside) {}

  /// Whether the places are all in weights, or all in constants: others are not packed together.
  static bool canPack(ArrayRef<Placement> places) {
    return llvm::all_equal(llvm::map_range(places, [](const Placement &place) {
      return place.base.getDefiningOp<moe::WeightOp>() != nullptr;
    }));
  }

  /// The matrices [depth, columns] at these places.
  Value pack(ArrayRef<Placement> places, int64_t depth, Type elementType) {
    unsigned bits = elementType.getIntOrFloatBitWidth();
    int64_t perByte = std::max(1u, 8 / bits);
    SmallVector<moe::WeightOp> weights;
    SmallVector<kernel::PanelsAttr> layouts;
    for (auto [part, place] : llvm::zip(parts, places)) {
      auto strides = lowering.builder.getDenseI64ArrayAttr(place.strides);
      layouts.push_back(kernel::PanelsAttr::get(lowering.builder.getContext(), part.sizes[Count],
                                                depth, part.sizes[Columns], place.offset, strides,
                                                panel, perByte));
      if (auto weight = place.base.getDefiningOp<moe::WeightOp>())
        weights.push_back(weight);
    }
    Type storage = getStorageType(elementType);
    return weights.empty() ? packConstants(places, layouts, storage, bits)
                           : lowering.packWeights(weights, layouts, storage, beside);
  }

private:
  /// Constants are small: their panels are one.
  Value packConstants(ArrayRef<Placement> places, ArrayRef<kernel::PanelsAttr> layouts,
                      Type storage, unsigned bits) {
    kernel::PanelsAttr all = layouts.front();
    int64_t count = 0, columns = 0;
    for (auto [i, layout] : llvm::enumerate(layouts)) {
      count += i % beside == 0 ? layout.getCount() : 0;
      columns += i < beside ? layout.getColumns() : 0;
    }
    int64_t panels = llvm::divideCeil(columns, panel);
    auto type = RankedTensorType::get({count, panels, all.getPackedDepth(), panel}, storage);
    SmallVector<APInt> packed(type.getNumElements(),
                              APInt::getZero(storage.getIntOrFloatBitWidth()));
    int64_t firstMatrix = 0, firstColumn = 0;
    for (auto [i, place, layout] : llvm::enumerate(places, layouts)) {
      auto contents =
          cast<DenseElementsAttr>(place.base.getDefiningOp<onnx::ConstantOp>().getValue());
      for (int64_t m = 0; m < layout.getCount(); ++m)
        for (int64_t k = 0; k < layout.getDepth(); ++k)
          for (int64_t n = 0; n < layout.getColumns(); ++n) {
            int64_t from = place.offset + m * place.strides[Count] + k * place.strides[Depth] +
                           n * place.strides[Columns];
            int64_t row = k / layout.getPerByte(), shift = k % layout.getPerByte() * bits;
            int64_t column = firstColumn + n, ofPanel = (firstMatrix + m) * panels + column / panel;
            APInt &to = packed[(ofPanel * all.getPackedDepth() + row) * panel + column % panel];
            to |= getBits(contents, from).zextOrTrunc(to.getBitWidth()).shl(shift);
          }
      bool isLast = (i + 1) % beside == 0;
      firstMatrix += isLast ? layout.getCount() : 0;
      firstColumn = isLast ? 0 : firstColumn + layout.getColumns();
    }
    DenseElementsAttr value;
    if (auto floats = dyn_cast<FloatType>(storage)) {
      SmallVector<APFloat> numbers;
      for (const APInt &number : packed)
        numbers.emplace_back(floats.getFloatSemantics(), number);
      value = DenseElementsAttr::get(type, numbers);
    } else {
      value = DenseElementsAttr::get(type, packed);
    }
    return arith::ConstantOp::create(lowering.builder, lowering.loc, value);
  }

  static APInt getBits(DenseElementsAttr contents, int64_t i) {
    if (isa<FloatType>(contents.getElementType()))
      return contents.getValues<APFloat>()[i].bitcastToAPInt();
    return contents.getValues<APInt>()[i];
  }

  NodeLowering &lowering;
  ArrayRef<CodedPart> parts;
  int64_t panel;
  size_t beside;
};

std::string printFormat(const CodedPart &part, int64_t panel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << (part.codeType.isUnsignedInteger() ? "ui" : "i")
         << part.codeType.getIntOrFloatBitWidth()
         << (part.zeros  ? "_each_"
             : part.zero ? "_uniform_"
                         : "_none_")
         << part.scaleType << '_' << panel << "_f32";
  return text;
}

} // namespace

std::optional<CodedMatrices> moec::getCodedStack(NodeLowering &lowering, ValueRange values,
                                                 bool transposed) {
  SmallVector<CodedPart> parts;
  size_t beside = 0;
  int64_t count = 0, columns = 0;
  for (Value value : values) {
    int64_t rank = lowering.shapes().get(value).dims.size(), axis = rank - 1 - transposed;
    if (rank < 2)
      return std::nullopt;
    SmallVector<TensorView> views = traceTensorColumns(value, axis, lowering.shapes());
    if (views.empty() || (!parts.empty() && views.size() != beside))
      return std::nullopt;
    beside = views.size();
    for (auto [i, view] : llvm::enumerate(views)) {
      std::optional<CodedPart> part = PartFinder(lowering.shapes(), transposed).find(view);
      if (!part || !canKernelsDecode(getGrid(*part)) ||
          (!parts.empty() && !agree(parts.front(), *part)))
        return std::nullopt;
      // As many matrices as those beside it, as many columns as those before it.
      bool isFirst = parts.size() < beside;
      if ((i > 0 && part->sizes[Count] != parts.back().sizes[Count]) ||
          (!isFirst && part->sizes[Columns] != parts[i].sizes[Columns]))
        return std::nullopt;
      columns += isFirst ? part->sizes[Columns] : 0;
      count += i == 0 ? part->sizes[Count] : 0;
      parts.push_back(*part);
    }
  }
  if (parts.empty())
    return std::nullopt;
  const CodedPart &first = parts.front();
  auto placesOf = [&](auto member) { return llvm::to_vector(llvm::map_range(parts, member)); };
  SmallVector<Placement> codes = placesOf([](const CodedPart &part) { return part.codes; });
  SmallVector<Placement> scales = placesOf([](const CodedPart &part) { return part.scales; });
  SmallVector<Placement> zeros;
  if (first.zeros)
    zeros = placesOf([](const CodedPart &part) { return *part.zeros; });
  // What is packed is in the artifact: nothing may fail from here on.
  if (!PanelPacker::canPack(scales) || !PanelPacker::canPack(zeros))
    return std::nullopt;
  int64_t panel = getPanelColumns(lowering.builder.getF32Type(), columns, lowering.kernels());
  PanelPacker packer(lowering, parts, panel, beside);
  CodedMatrices result{
      {}, {}, {}, {}, count, first.sizes[Depth], columns, printFormat(first, panel)};
  result.scales = packer.pack(scales, first.groups, first.scaleType);
  result.zero = first.zeros ? packer.pack(zeros, first.groups, first.codeType)
                            : lowering.scalarInt(lowering.builder.getI32Type(), first.zero);
  result.codes = packer.pack(codes, first.sizes[Depth], first.codeType);
  result.group = lowering.index(first.group);
  return result;
}
