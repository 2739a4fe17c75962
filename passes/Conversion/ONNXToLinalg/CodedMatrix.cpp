#include "passes/Conversion/ONNXToLinalg/CodedMatrix.h"
#include "dialects/Kernel/KernelOps.h"
#include "passes/Conversion/ONNXToLinalg/CodedPart.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

namespace {

constexpr int Count = CodedPart::Count, Depth = CodedPart::Depth, Columns = CodedPart::Columns;

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

} // namespace

std::optional<CodedMatrices> moec::getCodedStack(NodeLowering &lowering, ValueRange values,
                                                 bool transposed, bool halved) {
  SmallVector<SmallVector<TensorView>> stacks;
  for (Value value : values) {
    int64_t rank = lowering.shapes().get(value).dims.size();
    if (rank < 2)
      return std::nullopt;
    stacks.push_back(traceTensorColumns(value, rank - 1 - transposed, lowering.shapes()));
  }
  if (halved)
    stacks = halveColumns<TensorView>(stacks, transposed);
  SmallVector<CodedPart> parts;
  size_t beside = 0;
  int64_t count = 0, columns = 0;
  for (ArrayRef<TensorView> views : stacks) {
    if (views.empty() || (!parts.empty() && views.size() != beside))
      return std::nullopt;
    beside = views.size();
    for (auto [i, view] : llvm::enumerate(views)) {
      std::optional<CodedPart> part = findCodedPart(view, lowering.shapes(), transposed);
      if (!part || (!parts.empty() && !haveOneFormat(parts.front(), *part)))
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
  CodedMatrices result{{},      {},
                       {},      {},
                       count,   first.sizes[Depth],
                       columns, printFormat(first) + "_" + std::to_string(panel) + "_f32"};
  result.scales = packer.pack(scales, first.groups, first.scaleType);
  result.zero = first.zeros ? packer.pack(zeros, first.groups, first.codeType)
                            : lowering.scalarInt(lowering.builder.getI32Type(), first.zero);
  result.codes = packer.pack(codes, first.sizes[Depth], first.codeType);
  result.group = lowering.index(first.group);
  return result;
}
