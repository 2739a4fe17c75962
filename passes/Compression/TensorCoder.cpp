#include "TensorCoder.h"

#include "passes/Analysis/Layers.h"

#include "mlir/IR/Threading.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

/// How many lines of a matrix are one piece of work.
static constexpr int64_t kLines = 64;

llvm::Error TensorCoder::encodeMatrices(MLIRContext *context, const WeightTensor &tensor,
                                        int64_t axis, const CodeFormat &own,
                                        RoundingError &rounding) {
  int64_t rank = tensor.shape.size();
  bool isByRow = axis == rank - 1; // groups lie along the last axis
  int64_t rows = tensor.shape[rank - 2], columns = tensor.shape[rank - 1];
  int64_t depth = isByRow ? columns : rows, lines = isByRow ? rows : columns;
  int64_t groups = own.groupsOf(depth), size = rows * columns;
  int64_t matrices = tensor.getNumElements() / size, pieces = llvm::divideCeil(lines, kLines);
  codes.assign(tensor.values.size(), 0);
  scales.assign(matrices * lines * groups, 0);
  zeroPoints.assign(own.symmetric ? 0 : scales.size(), 0);
  std::vector<RoundingError> errors(matrices * pieces);
  std::vector<std::string> failures(matrices * pieces);
  parallelFor(context, 0, matrices * pieces, [&](size_t piece) {
    int64_t matrix = piece / pieces, first = piece % pieces * kLines;
    int64_t count = std::min(kLines, lines - first);
    // The place of element i of a line, of the matrix or its scales.
    auto placeOf = [&](int64_t line, int64_t i, int64_t length) {
      int64_t place = isByRow ? (first + line) * length + i : i * lines + first + line;
      return matrix * lines * length + place;
    };
    std::vector<float> numbers(count * depth);
    for (int64_t line = 0; line < count; ++line)
      for (int64_t i = 0; i < depth; ++i)
        numbers[line * depth + i] = tensor.values[placeOf(line, i, depth)];
    llvm::Expected<CodedMatrix> coded = quantizeRows(numbers, count, depth, own, first);
    if (!coded) {
      failures[piece] = llvm::toString(coded.takeError());
      return;
    }
    for (int64_t line = 0; line < count; ++line) {
      for (int64_t i = 0; i < depth; ++i)
        codes[placeOf(line, i, depth)] = coded->codes[line * depth + i];
      for (int64_t g = 0; g < groups; ++g) {
        int64_t to = placeOf(line, g, groups), from = line * groups + g;
        scales[to] = coded->scales[from];
        if (!own.symmetric)
          zeroPoints[to] = coded->zeroPoints[from];
      }
    }
    errors[piece].add(*coded);
  });
  for (const std::string &failure : failures)
    if (!failure.empty())
      return llvm::createStringError(failure);
  // In the order of the matrices, whoever was first.
  for (const RoundingError &error : errors)
    rounding.add(error);
  return llvm::Error::success();
}

Value TensorCoder::write(OpBuilder &builder, Location loc, StringRef name, ArrayRef<int64_t> shape,
                         Type elementType, ArrayRef<char> bytes) {
  FailureOr<Value> value =
      editor.writeBytes(builder, loc, name, RankedTensorType::get(shape, elementType), bytes);
  return failed(value) ? Value() : *value;
}

llvm::Expected<CodedTensor> TensorCoder::encode(OpBuilder &builder, Location loc, Value weight,
                                                int64_t axis, const CodeFormat &format,
                                                bool inBytes, RoundingError &rounding) {
  auto fail = [](const Twine &reason) { return llvm::createStringError(reason); };
  auto type = cast<RankedTensorType>(weight.getType());
  if (skipLayout(weight).getDefiningOp<moe::DequantizeOp>())
    return fail("its weight is quantised already");
  int64_t depth = type.getDimSize(axis), last = type.getDimSize(type.getRank() - 1);
  if (format.group && depth % format.group)
    return fail("its depth of " + Twine(depth) + " is no multiple of " + Twine(format.group));
  if (format.bits == 4 && (depth % 2 || (inBytes && last % 2)))
    return fail("its depth of " + Twine(depth) + " is odd");
  llvm::Expected<WeightTensor> tensor = editor.read(weight);
  if (!tensor)
    return tensor.takeError();
  // Scales are of the weight's type where that is of 16 bits; else as asked for, if these halves
  // are normal numbers.
  CodeFormat own = format;
  own.halfScales = type.getElementType().isF16() || format.halfScales;
  if (llvm::Error error = encodeMatrices(builder.getContext(), *tensor, axis, own, rounding))
    return std::move(error);
  auto isCoarse = [](float scale) { return std::abs(scale) < 0x1p-14f; };
  if (own.halfScales && !type.getElementType().isF16() && llvm::any_of(scales, isCoarse)) {
    own.halfScales = false;
    rounding = {};
    if (llvm::Error error = encodeMatrices(builder.getContext(), *tensor, axis, own, rounding))
      return std::move(error);
  }
  CodedTensor result;
  result.axis = axis;
  result.block = format.group ? format.group : depth;
  SmallVector<int64_t> codeShape(type.getShape()), scaleShape(type.getShape());
  scaleShape[axis] = own.groupsOf(depth);
  unsigned codeBits = inBytes ? 8 : format.bits;
  bool isSigned = format.symmetric && !(inBytes && format.bits < 8);
  Type codeType = IntegerType::get(builder.getContext(), codeBits,
                                   isSigned ? IntegerType::Signless : IntegerType::Unsigned);
  if (inBytes && format.bits < 8) {
    result.packed = format.bits;
    codeShape.back() = llvm::divideCeil(last * format.bits, 8);
    if (format.symmetric) {
      result.zero = 1 << (format.bits - 1);
      for (uint8_t &code : codes)
        code = static_cast<uint8_t>(code + result.zero);
    }
  }
  std::string name = getWeightName(weight, "weight").str();
  result.codes =
      write(builder, loc, name + ".codes", codeShape, codeType, packCodes(codes, format.bits));
  Type scaleType = own.halfScales ? Type(builder.getF16Type()) : Type(builder.getF32Type());
  FailureOr<Value> written = editor.write(builder, loc, name + ".scales",
                                          RankedTensorType::get(scaleShape, scaleType), scales);
  result.scales = failed(written) ? Value() : *written;
  if (!format.symmetric)
    result.zeroPoints = write(builder, loc, name + ".zero_points", scaleShape, codeType,
                              packCodes(zeroPoints, codeBits));
  if (!result.codes || !result.scales || (!format.symmetric && !result.zeroPoints))
    return fail("its codes cannot be stored");
  return result;
}
