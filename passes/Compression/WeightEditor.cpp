#include "WeightEditor.h"

#include "WeightElements.h"
#include "dialects/ONNX/ConstantLimit.h"
#include "passes/Analysis/Match.h"
#include "passes/Analysis/WeightViews.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace moec;

static SmallVector<int64_t> getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (unsigned i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// Calls `visit` with the offset of each element of a strided view, in row-major order.
static void forEachOffset(int64_t offset, ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                          llvm::function_ref<void(int64_t)> visit) {
  if (shape.empty())
    return visit(offset);
  for (int64_t i = 0; i < shape.front(); ++i)
    forEachOffset(offset + i * strides.front(), shape.drop_front(), strides.drop_front(), visit);
}

static llvm::Error unreadable(const Twine &reason) {
  return llvm::createStringError("not the same in every run: " + reason);
}

namespace {

/// Computes what does not depend on inputs.
class Evaluator {
public:
  explicit Evaluator(
      llvm::function_ref<llvm::Expected<llvm::ArrayRef<char>>(moe::WeightOp)> getBytes)
      : getBytes(getBytes) {}

  llvm::Expected<WeightTensor> evaluate(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
      return unreadable("a value without a static type of numbers");
    if (type.getNumElements() == 0)
      return llvm::createStringError("an empty tensor");
    if (type.getElementType().isF64())
      return llvm::createStringError("64-bit floats, which are not compressed");
    if (std::optional<WeightView> view = traceWeightView(value))
      return readView(*view);
    if (auto constant = value.getDefiningOp<onnx::ConstantOp>())
      return readConstant(constant);
    if (auto dequantize = value.getDefiningOp<moe::DequantizeOp>())
      return evaluateDequantize(dequantize, type);
    auto node = value.getDefiningOp<onnx::NodeOp>();
    if (!node || !node.getDomain().empty())
      return unreadable(node ? "a node of " + node.getQualifiedName()
                             : std::string("an input or computed value"));
    StringRef name = node.getOpType();
    if (name == "Concat")
      return evaluateConcat(node, type);
    if (name == "Transpose")
      return evaluateTranspose(node, type);
    if (llvm::is_contained({"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"},
                           name))
      return evaluateInPlace(node, type);
    return unreadable("a node of " + name);
  }

private:
  llvm::Expected<WeightTensor> readView(WeightView &view) {
    llvm::Expected<ArrayRef<char>> bytes = getBytes(view.weight);
    if (!bytes)
      return bytes.takeError();
    WeightTensor result{view.shape, {}};
    result.values.reserve(ShapedType::getNumElements(view.shape));
    ElementReader reader(*bytes, view.getElementType());
    forEachOffset(view.offset, view.shape, view.strides,
                  [&](int64_t offset) { result.values.push_back(reader[offset]); });
    return result;
  }

  llvm::Expected<WeightTensor> readConstant(onnx::ConstantOp constant) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!elements)
      return unreadable("a constant of another kind");
    WeightTensor result{llvm::to_vector(elements.getType().getShape()), {}};
    if (isa<FloatType>(elements.getElementType()))
      for (const APFloat &element : elements.getValues<APFloat>())
        result.values.push_back(static_cast<float>(element.convertToDouble()));
    else
      for (const APInt &element : elements.getValues<APInt>())
        result.values.push_back(elements.getElementType().isUnsignedInteger()
                                    ? static_cast<float>(element.getZExtValue())
                                    : static_cast<float>(element.getSExtValue()));
    return result;
  }

  llvm::Expected<WeightTensor> evaluateConcat(onnx::NodeOp node, RankedTensorType type) {
    int64_t axis = node.getInt("axis", 0);
    axis += axis < 0 ? type.getRank() : 0;
    WeightTensor result{llvm::to_vector(type.getShape()), {}};
    result.values.resize(type.getNumElements());
    int64_t outer = ShapedType::getNumElements(type.getShape().take_front(axis));
    int64_t row = type.getNumElements() / std::max<int64_t>(outer, 1), begin = 0;
    for (Value input : node.getInputs()) {
      llvm::Expected<WeightTensor> part = evaluate(input);
      if (!part)
        return part.takeError();
      int64_t size = part->getNumElements() / std::max<int64_t>(outer, 1);
      for (int64_t i = 0; i < outer; ++i)
        std::copy_n(part->values.begin() + i * size, size, result.values.begin() + i * row + begin);
      begin += size;
    }
    return result;
  }

  llvm::Expected<WeightTensor> evaluateTranspose(onnx::NodeOp node, RankedTensorType type) {
    llvm::Expected<WeightTensor> input = evaluate(node.getInputs()[0]);
    if (!input)
      return input.takeError();
    SmallVector<int64_t> before = getStrides(input->shape), strides;
    std::optional<ArrayRef<int64_t>> perm = node.getInts("perm");
    for (int64_t i = 0; i < type.getRank(); ++i)
      strides.push_back(before[perm ? (*perm)[i] : type.getRank() - 1 - i]);
    WeightTensor result{llvm::to_vector(type.getShape()), {}};
    result.values.reserve(input->values.size());
    forEachOffset(0, result.shape, strides,
                  [&](int64_t offset) { result.values.push_back(input->values[offset]); });
    return result;
  }

  /// Operators that keep the order of elements.
  llvm::Expected<WeightTensor> evaluateInPlace(onnx::NodeOp node, RankedTensorType type) {
    Type from = getElementType(node.getInputs()[0]), to = type.getElementType();
    if (from != to && !(isa<FloatType>(from) && isa<FloatType>(to)))
      return unreadable("a conversion of integers");
    llvm::Expected<WeightTensor> input = evaluate(node.getInputs()[0]);
    if (!input)
      return input.takeError();
    input->shape.assign(type.getShape().begin(), type.getShape().end());
    if (from != to)
      roundElements(input->values, to);
    return input;
  }

  llvm::Expected<WeightTensor> evaluateDequantize(moe::DequantizeOp op, RankedTensorType type) {
    if (op.getCodebook() || op.getPacked())
      return unreadable("a packed or codebook format");
    llvm::Expected<WeightTensor> codes = evaluate(op.getCodes());
    if (!codes)
      return codes.takeError();
    llvm::Expected<WeightTensor> scales = evaluate(op.getScales());
    if (!scales)
      return scales.takeError();
    std::optional<WeightTensor> zeroPoints;
    if (op.getZeroPoints()) {
      llvm::Expected<WeightTensor> read = evaluate(op.getZeroPoints());
      if (!read)
        return read.takeError();
      zeroPoints = std::move(*read);
    }
    // Scales spread over the codes: strides of 0, and of one for each block.
    ArrayRef<int64_t> shape = codes->shape;
    int64_t axis = op.getAxis() + (op.getAxis() < 0 ? shape.size() : 0);
    int64_t block = op.getBlock() ? op.getBlock() : 1;
    SmallVector<int64_t> strides(shape.size(), 0);
    if (op.getBlock())
      strides = getStrides(scales->shape);
    else if (!scales->shape.empty())
      strides[axis] = 1;
    SmallVector<int64_t> index(shape.size(), 0);
    for (int64_t i = 0, e = codes->getNumElements(); i < e; ++i) {
      int64_t place = 0;
      for (size_t d = 0; d < shape.size(); ++d)
        place += strides[d] * (static_cast<int64_t>(d) == axis ? index[d] / block : index[d]);
      float zero = zeroPoints ? zeroPoints->values[place] : static_cast<float>(op.getZero());
      codes->values[i] = (codes->values[i] - zero) * scales->values[place];
      for (size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];)
        index[d] = 0;
    }
    roundElements(codes->values, type.getElementType());
    return codes;
  }

  llvm::function_ref<llvm::Expected<llvm::ArrayRef<char>>(moe::WeightOp)> getBytes;
};

} // namespace

FailureOr<WeightEditor> WeightEditor::open(ModuleOp module) {
  FailureOr<ModuleWeights *> weights = getModuleWeights(module);
  if (failed(weights))
    return failure();
  return WeightEditor(module, **weights);
}

llvm::Expected<llvm::ArrayRef<char>> WeightEditor::getBytes(moe::WeightDataOp data) {
  std::optional<uint32_t> number = weights->lookup(data.getFile());
  if (!number)
    return llvm::createStringError("'" + data.getFile() + "' is no file of the module");
  return weights->getStore().bytes(WeightRange{*number, static_cast<uint64_t>(data.getOffset()),
                                               static_cast<uint64_t>(data.getLength())});
}

llvm::Expected<llvm::ArrayRef<char>> WeightEditor::getBytes(moe::WeightOp weight) {
  if (auto data = symbols.lookup<moe::WeightDataOp>(weight.getKey()))
    return getBytes(data);
  return llvm::createStringError("'" + weight.getKey() + "' is no weight of the module");
}

llvm::Expected<WeightTensor> WeightEditor::read(Value value) {
  auto bytes = [&](moe::WeightOp weight) { return getBytes(weight); };
  return Evaluator(bytes).evaluate(value);
}

FailureOr<Value> WeightEditor::write(OpBuilder &builder, Location loc, llvm::StringRef name,
                                     RankedTensorType type, llvm::ArrayRef<float> values) {
  return writeBytes(builder, loc, name, type, encodeElements(values, type.getElementType()));
}

FailureOr<Value> WeightEditor::writeBytes(OpBuilder &builder, Location loc, llvm::StringRef name,
                                          RankedTensorType type, llvm::ArrayRef<char> bytes) {
  Type element = type.getElementType();
  if (!storesSmall && static_cast<int64_t>(bytes.size()) <= kMaxConstantBytes &&
      element.getIntOrFloatBitWidth() % 8 == 0) {
    auto value = DenseElementsAttr::getFromRawBuffer(type, bytes);
    return onnx::ConstantOp::create(builder, loc, type, cast<ElementsAttr>(value)).getResult();
  }
  SmallVector<moe::WeightDataOp, 1> &alike =
      written[{llvm::xxh3_64bits(llvm::StringRef(bytes.data(), bytes.size())), type}];
  moe::WeightDataOp data;
  for (moe::WeightDataOp other : alike) {
    llvm::Expected<llvm::ArrayRef<char>> stored = getBytes(other);
    if (!stored)
      return emitError(loc) << llvm::toString(stored.takeError());
    if (*stored == bytes)
      data = other;
  }
  if (!data) {
    FailureOr<moe::WeightDataOp> made = store(loc, name, type, bytes);
    if (failed(made))
      return failure();
    alike.push_back(data = *made);
  }
  return moe::WeightOp::create(builder, loc, type, FlatSymbolRefAttr::get(data)).getResult();
}

FailureOr<moe::WeightDataOp> WeightEditor::store(Location loc, llvm::StringRef name,
                                                 RankedTensorType type,
                                                 llvm::ArrayRef<char> bytes) {
  llvm::Expected<WeightRange> range = weights->getStore().spill(bytes);
  if (!range)
    return emitError(loc) << llvm::toString(range.takeError());
  llvm::StringRef fileName = weights->declare(module, range->file);
  if (!file || file.getSymName() != fileName)
    for (auto other : module.getOps<moe::WeightFileOp>())
      if (other.getSymName() == fileName)
        file = other;
  // A file grows as it is written to.
  file.setSize(std::max<uint64_t>(file.getSize(), range->offset + range->length));
  // Behind the declarations at the module's beginning, which are as many as its weights.
  if (!last)
    for (Operation &op : *module.getBody()) {
      if (!isa<moe::WeightFileOp, moe::WeightDataOp>(op))
        break;
      last = &op;
    }
  OpBuilder builder(module.getContext());
  builder.setInsertionPointAfter(last);
  auto data = moe::WeightDataOp::create(builder, loc, builder.getStringAttr(name),
                                        FlatSymbolRefAttr::get(builder.getStringAttr(fileName)),
                                        builder.getI64IntegerAttr(range->offset),
                                        builder.getI64IntegerAttr(range->length),
                                        TypeAttr::get(type), /*hash=*/IntegerAttr());
  symbols.insert(data);
  last = data;
  return data;
}

llvm::StringRef moec::getWeightName(Value value, llvm::StringRef otherwise) {
  while (Operation *definition = value.getDefiningOp()) {
    if (auto weight = dyn_cast<moe::WeightOp>(definition))
      return weight.getKey();
    if (definition->getNumOperands() == 0)
      break;
    value = definition->getOperand(0);
  }
  return otherwise;
}
