#include "InnerUnits.h"

#include "ExpertBodyUnits.h"
#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/Layers.h"
#include "passes/Raising/EraseUnused.h"

#include <map>

using namespace mlir;
using namespace moec;

/// The last linear layer by matrices of the experts; what follows adds vectors at most.
static moe::LinearOp findLast(moe::ExpertsOp experts) {
  Value value = experts.getBody().front().getTerminator()->getOperand(0);
  while (Operation *op = value.getDefiningOp()) {
    if (auto linear = dyn_cast<moe::LinearOp>(op))
      return linear;
    auto node = dyn_cast<onnx::NodeOp>(op);
    bool isSimple = node && (node.getOpType() == "Add" || node.getOpType() == "Cast");
    if (!isSimple)
      return {};
    bool isFirst = !isa<BlockArgument>(node.getInputs()[0]);
    value = node.getInputs()[isFirst ? 0 : 1];
  }
  return {};
}

llvm::Expected<InnerUnits> InnerUnits::find(moe::ExpertsOp experts) {
  InnerUnits units(experts);
  units.last = findLast(experts);
  if (!units.last)
    return llvm::createStringError("its experts do not end in a linear layer");
  Block *body = &experts.getBody().front();
  auto isParameter = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == body && argument.getArgNumber() > 0;
  };
  if (!isParameter(units.last.getWeight()) ||
      (units.last.getBias() && !isParameter(units.last.getBias())))
    return llvm::createStringError("its last linear layer is not by matrices of the experts");
  units.numUnits = units.last.getInWidth();
  if (ShapedType::isDynamic(units.numUnits))
    return llvm::createStringError("its experts have different inner widths already");
  ExpertBodyUnits walk(experts, units.last, units.slices);
  if (llvm::Error error = walk.analyze())
    return std::move(error);
  return units;
}

/// The tensors of experts of one parameter: calls `visit` with each expert's.
static llvm::Error forEachExpert(
    WeightEditor &editor, moe::ExpertsOp experts, int64_t p,
    llvm::function_ref<void(int64_t e, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float>)>
        visit) {
  for (auto [i, segment] : llvm::enumerate(experts.getSegmentsOf(p))) {
    if (skipLayout(segment).getDefiningOp<moe::DequantizeOp>())
      return llvm::createStringError(
          "its weights are quantised: change units first, then quantise");
    llvm::Expected<WeightTensor> tensor = editor.read(segment);
    if (!tensor)
      return tensor.takeError();
    int64_t size = tensor->getNumElements() / std::max<int64_t>(tensor->shape[0], 1);
    for (int64_t e = 0, count = experts.getNumExperts(); e < count; ++e)
      if (auto place = experts.getRow(p, e); place && place->first == static_cast<int64_t>(i))
        visit(e, llvm::ArrayRef(tensor->shape).drop_front(),
              llvm::ArrayRef(tensor->values).slice(place->second * size, size));
  }
  return llvm::Error::success();
}

void moec::addMagnitudes(llvm::MutableArrayRef<UnitMagnitude> magnitudes,
                         llvm::ArrayRef<int64_t> shape, int64_t axis, llvm::ArrayRef<float> values,
                         llvm::ArrayRef<int64_t> indices) {
  int64_t columns = shape[1], along = axis == 0 ? columns : shape[0];
  for (auto [magnitude, index] : llvm::zip_equal(magnitudes, indices)) {
    double sum = 0;
    for (int64_t i = 0; i < along; ++i) {
      float value = values[axis == 0 ? index * columns + i : i * columns + index];
      sum += static_cast<double>(value) * value;
    }
    magnitude.product *= sum;
    magnitude.sum += sum;
  }
}

llvm::Expected<std::vector<std::vector<UnitMagnitude>>>
InnerUnits::getMagnitudes(WeightEditor &editor) {
  std::vector<std::vector<UnitMagnitude>> magnitudes(experts.getNumExperts());
  for (const UnitSlice &slice : slices) {
    if (slice.axis < 0)
      continue;
    auto visit = [&](int64_t e, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values) {
      if (shape.size() != 2)
        return;
      magnitudes[e].resize(numUnits);
      addMagnitudes(magnitudes[e], shape, slice.axis, values, slice.indices);
    };
    if (llvm::Error error = forEachExpert(editor, experts, slice.parameter, visit))
      return std::move(error);
  }
  return magnitudes;
}

namespace {

/// The new tensors of one slice, by width: experts of the same width are one segment.
struct Segments {
  std::map<int64_t, std::vector<float>> values; ///< by width
  std::map<int64_t, int64_t> numRows;           ///< by width
  /// Where experts find theirs, (width, row), and what is there: the units that were kept of a row
  /// of a segment. Experts that shared one and keep the same go on to share it.
  std::map<int64_t, std::pair<int64_t, int64_t>> places;
  std::map<std::pair<std::pair<int64_t, int64_t>, SmallVector<int64_t>>,
           std::pair<int64_t, int64_t>>
      made;
  SmallVector<int64_t> shape; ///< of one expert; the axis is the widths'
};

} // namespace

void moec::appendIndices(std::vector<float> &result, llvm::ArrayRef<int64_t> shape, int64_t axis,
                         llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> indices) {
  int64_t outer = 1, inner = 1;
  for (auto [i, size] : llvm::enumerate(shape))
    (static_cast<int64_t>(i) < axis ? outer : inner) *= static_cast<int64_t>(i) == axis ? 1 : size;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : indices) {
      auto begin = values.begin() + (o * shape[axis] + index) * inner;
      result.insert(result.end(), begin, begin + inner);
    }
}

llvm::Expected<KeptUnits> InnerUnits::keep(WeightEditor &editor,
                                           llvm::ArrayRef<llvm::SmallVector<int64_t>> kept) {
  OpBuilder builder(experts);
  int64_t numExperts = experts.getNumExperts();
  SmallVector<Value> parameters;
  SmallVector<int64_t> segments;
  SmallVector<Attribute> tables;
  SmallVector<Type> argumentTypes{experts.getBodyTokens().getType()};
  std::optional<int64_t> width; // of all experts, or dynamic
  auto isLive = [&](int64_t e) {
    return llvm::all_of(llvm::seq(experts.getNumParameters()),
                        [&](int64_t p) { return experts.getRow(p, e).has_value(); });
  };
  for (int64_t e = 0; e < numExperts; ++e)
    if (isLive(e)) {
      int64_t size = kept[e].size();
      width = !width || *width == size ? size : ShapedType::kDynamic;
    }
  for (const UnitSlice &slice : slices) {
    BlockArgument old = experts.getBodyParameter(slice.parameter);
    auto oldTable = experts.getTables()
                        ? cast<DenseI64ArrayAttr>((*experts.getTables())[slice.parameter])
                        : builder.getDenseI64ArrayAttr({});
    if (slice.axis < 0) {
      llvm::append_range(parameters, experts.getSegmentsOf(slice.parameter));
      segments.push_back(experts.getSegments()[slice.parameter]);
      tables.push_back(oldTable);
      argumentTypes.push_back(old.getType());
      continue;
    }
    Segments made;
    auto visit = [&](int64_t e, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values) {
      if (!isLive(e))
        return;
      SmallVector<int64_t> indices;
      for (int64_t unit : kept[e])
        indices.push_back(slice.indices[unit]);
      made.shape.assign(shape.begin(), shape.end());
      int64_t size = indices.size();
      auto [it, isNew] = made.made.try_emplace({*experts.getRow(slice.parameter, e), indices});
      if (isNew) {
        appendIndices(made.values[size], shape, slice.axis, values, indices);
        it->second = {size, made.numRows[size]++};
      }
      made.places[e] = it->second;
    };
    if (llvm::Error error = forEachExpert(editor, experts, slice.parameter, visit))
      return std::move(error);
    Type element = cast<RankedTensorType>(old.getType()).getElementType();
    SmallVector<int64_t> table(2 * numExperts, -1);
    StringRef name = getWeightName(experts.getSegmentsOf(slice.parameter).front(), "experts");
    for (auto &[size, values] : made.values) {
      SmallVector<int64_t> shape{made.numRows[size]};
      shape.append(made.shape);
      shape[slice.axis + 1] = size;
      FailureOr<Value> value = editor.write(builder, experts.getLoc(), name,
                                            RankedTensorType::get(shape, element), values);
      if (failed(value))
        return llvm::createStringError("its new weights cannot be stored");
      parameters.push_back(*value);
    }
    for (auto [e, place] : made.places) {
      auto [size, row] = place;
      table[2 * e] = std::distance(made.values.begin(), made.values.find(size));
      table[2 * e + 1] = row;
    }
    segments.push_back(made.values.size());
    // Without a table rows are in the order of experts; segments list them so, but by widths.
    SmallVector<int64_t> plain;
    for (int64_t e = 0; e < numExperts; ++e)
      plain.append({0, e});
    tables.push_back(builder.getDenseI64ArrayAttr(table == plain ? SmallVector<int64_t>() : table));
    SmallVector<int64_t> shape(cast<RankedTensorType>(old.getType()).getShape());
    shape[slice.axis] = *width;
    argumentTypes.push_back(RankedTensorType::get(shape, element));
  }
  bool hasTables =
      llvm::any_of(tables, [](Attribute table) { return !cast<DenseI64ArrayAttr>(table).empty(); });
  auto made = moe::ExpertsOp::create(
      builder, experts.getLoc(), experts.getResult().getType(), experts.getTokens(),
      experts.getExperts(), experts.getWeights(), parameters, numExperts, segments,
      hasTables ? builder.getArrayAttr(tables) : ArrayAttr(), experts.getWeighInputs());
  Block *block = builder.createBlock(&made.getBody());
  for (Type type : argumentTypes)
    block->addArgument(type, experts.getLoc());
  ExpertBodyUnits(experts, last, slices).build(*block, *width);
  experts.getResult().replaceAllUsesWith(made.getResult());
  eraseUnused(experts);
  return KeptUnits{made, moec::getCost(made)};
}
