#include "passes/Conversion/ONNXToLinalg/RaggedStack.h"

#include "passes/Conversion/ONNXToLinalg/CodedPart.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

namespace {

/// A stack of matrices, [depth, columns] each.
struct Stack {
  int64_t count, depth, columns;
};

/// Panels of stacks, one after the other.
class PanelMemory {
public:
  PanelMemory(NodeLowering &lowering, Type elementType)
      : lowering(lowering),
        panels(getRaggedPanels(lowering.builder.getF32Type(), lowering.kernels())),
        elementType(elementType) {
    if (elementType.isF64())
      panels = getRaggedPanels(elementType, lowering.kernels());
  }

  /// Where the first matrix's panels begin, and how many elements lie from one matrix to the next:
  /// of the widest panels, and of the last one.
  struct Places {
    int64_t first = 0, next = 0, firstRest = 0, nextRest = 0;
  };
  Places add(moe::WeightOp weight, const Stack &stack, int64_t offset, ArrayRef<int64_t> strides) {
    int64_t whole = stack.columns / panels.widest * panels.widest, rest = stack.columns - whole;
    Places places;
    std::tie(places.first, places.next) =
        addPanels(weight, stack, offset, strides, whole, panels.widest);
    std::tie(places.firstRest, places.nextRest) =
        addPanels(weight, stack, offset + whole * strides[2], strides, rest,
                  llvm::alignTo(rest, panels.lanes));
    return places;
  }

  Value create() {
    return lowering.packPanels(sources, layouts, size, getStorageType(elementType));
  }

private:
  std::pair<int64_t, int64_t> addPanels(moe::WeightOp weight, const Stack &stack, int64_t offset,
                                        ArrayRef<int64_t> strides, int64_t columns, int64_t panel) {
    if (columns == 0)
      return {0, 0};
    int64_t perByte = std::max(1u, 8 / elementType.getIntOrFloatBitWidth());
    auto layout = kernel::PanelsAttr::get(
        lowering.builder.getContext(), stack.count, stack.depth, columns, offset,
        lowering.builder.getDenseI64ArrayAttr(strides), panel, perByte);
    sources.push_back(weight);
    layouts.push_back(layout);
    int64_t first = size, next = llvm::alignTo(columns, panel) * layout.getPackedDepth();
    size += stack.count * next;
    return {first, next};
  }

  NodeLowering &lowering;
  RaggedPanels panels;
  Type elementType;
  SmallVector<moe::WeightOp> sources;
  SmallVector<kernel::PanelsAttr> layouts;
  int64_t size = 0;
};

/// The rows of the table, one for each matrix.
class Table {
public:
  explicit Table(int64_t width) : width(width) {}

  /// New rows; the columns from `Group` on stay for `setPlaces`.
  void add(const Stack &stack, int64_t group) {
    for (int64_t i = 0; i < stack.count; ++i) {
      size_t row = values.size();
      values.resize(row + width);
      values[row + RaggedMatrix::Depth] = stack.depth;
      values[row + RaggedMatrix::Columns] = stack.columns;
      if (width > RaggedMatrix::Group)
        values[row + RaggedMatrix::Group] = group;
    }
    area += stack.count * stack.depth * stack.columns;
    last = stack.count;
  }
  /// Of the matrices that were added last.
  void setPlaces(int64_t column, const PanelMemory::Places &places) {
    size_t row = values.size() - last * width + column;
    for (int64_t i = 0; i < last; ++i, row += width) {
      values[row] = places.first + i * places.next;
      values[row + 1] = places.firstRest + i * places.nextRest;
    }
  }

  void create(NodeLowering &lowering, RaggedMatrices &result) {
    int64_t count = values.size() / width;
    auto type = RankedTensorType::get({count, width}, lowering.builder.getI64Type());
    result.table = arith::ConstantOp::create(lowering.builder, lowering.loc,
                                             DenseElementsAttr::get(type, ArrayRef(values)));
    result.area = lowering.index(llvm::divideCeil(area, count));
  }

private:
  int64_t width, area = 0, last = 0;
  std::vector<int64_t> values;
};

std::optional<RaggedMatrices> getPlain(NodeLowering &lowering, ValueRange values, bool transposed,
                                       Type type) {
  PanelMemory memory(lowering, type);
  Table table(RaggedMatrix::Group);
  int64_t row = transposed ? 2 : 1, column = transposed ? 1 : 2;
  for (Value value : values) {
    std::optional<WeightView> view = traceWeightView(value, lowering.shapes());
    if (!view || view->shape.size() != 3 || view->getElementType() != type ||
        llvm::is_contained(view->shape, 0))
      return std::nullopt;
    Stack stack{view->shape[0], view->shape[row], view->shape[column]};
    table.add(stack, 0);
    table.setPlaces(RaggedMatrix::First,
                    memory.add(view->weight, stack, view->offset,
                               {view->strides[0], view->strides[row], view->strides[column]}));
  }
  RaggedMatrices result;
  table.create(lowering, result);
  result.memories.push_back(memory.create());
  result.kernel = type.isF32() ? "matmul_ragged_packed_f32" : "matmul_ragged_packed_f64";
  return result;
}

std::optional<RaggedMatrices> getCoded(NodeLowering &lowering, ValueRange values, bool transposed) {
  SmallVector<CodedPart> parts;
  for (Value value : values) {
    std::optional<TensorView> view = traceTensorView(value, lowering.shapes());
    if (!view || view->shape.size() != 3)
      return std::nullopt;
    std::optional<CodedPart> part = findCodedPart(*view, lowering.shapes(), transposed);
    // Numbers that are constants of the module have no place beside those of the artifact.
    if (!part || !part->scales.base.getDefiningOp<moe::WeightOp>() ||
        (part->zeros && !part->zeros->base.getDefiningOp<moe::WeightOp>()))
      return std::nullopt;
    parts.push_back(*part);
    if (printFormat(*part) != printFormat(parts.front()) || part->zero != parts.front().zero)
      return std::nullopt;
  }
  const CodedPart &first = parts.front();
  PanelMemory codes(lowering, first.codeType), scales(lowering, first.scaleType),
      zeros(lowering, first.codeType);
  Table table(RaggedMatrix::NumColumns);
  for (CodedPart &part : parts) {
    Stack stack{part.sizes[CodedPart::Count], part.sizes[CodedPart::Depth],
                part.sizes[CodedPart::Columns]};
    Stack groups{stack.count, part.groups, stack.columns};
    table.add(stack, part.group);
    auto place = [&](int64_t column, PanelMemory &memory, const Stack &sizes,
                     const Placement &from) {
      table.setPlaces(column, memory.add(from.base.getDefiningOp<moe::WeightOp>(), sizes,
                                         from.offset, from.strides));
    };
    place(RaggedMatrix::First, codes, stack, part.codes);
    place(RaggedMatrix::FirstScale, scales, groups, part.scales);
    if (part.zeros)
      place(RaggedMatrix::FirstZero, zeros, groups, *part.zeros);
  }
  RaggedMatrices result;
  table.create(lowering, result);
  result.memories = {codes.create(), scales.create(),
                     first.zeros ? zeros.create()
                                 : lowering.scalarInt(lowering.builder.getI32Type(), first.zero)};
  result.kernel = "matmul_ragged_coded_" + printFormat(first) + "_f32";
  return result;
}

} // namespace

std::optional<RaggedMatrices> moec::getRaggedStack(NodeLowering &lowering, ValueRange values,
                                                   bool transposed, Type type) {
  if (!type.isF32() && !type.isF64())
    return std::nullopt;
  if (std::optional<RaggedMatrices> plain = getPlain(lowering, values, transposed, type))
    return plain;
  return type.isF32() ? getCoded(lowering, values, transposed) : std::nullopt;
}
