#include "WeightRows.h"

#include "passes/Analysis/Layers.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moec;

static RankedTensorType withSize(RankedTensorType type, int64_t axis, int64_t size) {
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = size;
  return RankedTensorType::get(shape, type.getElementType());
}

static WeightTensor takeRows(const WeightTensor &tensor, int64_t axis,
                             llvm::ArrayRef<int64_t> indices) {
  int64_t inner = 1, outer = 1, size = tensor.shape[axis];
  for (auto [i, dim] : llvm::enumerate(tensor.shape))
    (static_cast<int64_t>(i) < axis ? outer : inner) *= static_cast<int64_t>(i) == axis ? 1 : dim;
  WeightTensor result{tensor.shape, {}};
  result.shape[axis] = indices.size();
  result.values.reserve(outer * indices.size() * inner);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : indices) {
      auto begin = tensor.values.begin() + (o * size + index) * inner;
      result.values.insert(result.values.end(), begin, begin + inner);
    }
  return result;
}

static llvm::Expected<Value> takeCodes(WeightEditor &editor, OpBuilder &builder,
                                       moe::DequantizeOp op, int64_t axis,
                                       llvm::ArrayRef<int64_t> indices) {
  int64_t rank = op.getCodes().getType().getRank();
  int64_t along = op.getAxis() + (op.getAxis() < 0 ? rank : 0);
  if ((op.getBlock() && along == axis) || (op.getPacked() && axis == rank - 1))
    return llvm::createStringError("its codes are grouped or packed along the axis that is cut");
  IRMapping mapping;
  auto cut = [&](Value operand, int64_t operandAxis) -> llvm::Error {
    if (!operand)
      return llvm::Error::success();
    llvm::Expected<Value> part = takeRows(editor, builder, operand, operandAxis, indices);
    if (!part)
      return part.takeError();
    mapping.map(operand, *part);
    return llvm::Error::success();
  };
  if (llvm::Error error = cut(op.getCodes(), axis))
    return std::move(error);
  // One for each index of an axis, or of the codes' rank; a single one serves for all.
  int64_t scaleRank = op.getScales().getType().getRank();
  bool isCut = op.getBlock() || (scaleRank == 1 && along == axis);
  if (isCut) {
    if (llvm::Error error = cut(op.getScales(), op.getBlock() ? axis : 0))
      return std::move(error);
    if (llvm::Error error = cut(op.getZeroPoints(), op.getBlock() ? axis : 0))
      return std::move(error);
  }
  auto clone = cast<moe::DequantizeOp>(builder.clone(*op, mapping));
  clone.getResult().setType(withSize(op.getResult().getType(), axis, indices.size()));
  return clone.getResult();
}

llvm::Expected<Value> moec::takeRows(WeightEditor &editor, OpBuilder &builder, Value value,
                                     int64_t axis, llvm::ArrayRef<int64_t> indices) {
  if (auto dequantize = value.getDefiningOp<moe::DequantizeOp>())
    return takeCodes(editor, builder, dequantize, axis, indices);
  if (skipLayout(value).getDefiningOp<moe::DequantizeOp>())
    return llvm::createStringError("its codes are moved after they are dequantised");
  llvm::Expected<WeightTensor> tensor = editor.read(value);
  if (!tensor)
    return tensor.takeError();
  auto type = withSize(cast<RankedTensorType>(value.getType()), axis, indices.size());
  WeightTensor part = ::takeRows(*tensor, axis, indices);
  FailureOr<Value> result =
      editor.write(builder, value.getLoc(), getWeightName(value, "weight"), type, part.values);
  if (failed(result))
    return llvm::createStringError("it could not be stored");
  return *result;
}

Value moec::takeElements(WeightEditor &editor, OpBuilder &builder, Value value, int64_t axis,
                         llvm::ArrayRef<int64_t> indices) {
  auto type = cast<RankedTensorType>(value.getType());
  if (isa<FloatType>(type.getElementType())) {
    llvm::Expected<Value> stored = takeRows(editor, builder, value, axis, indices);
    if (stored)
      return *stored;
    llvm::consumeError(stored.takeError());
  }
  Spelling spelling(builder, value.getLoc());
  Value part = spelling.gather(value, spelling.ints(indices), axis);
  part.setType(withSize(type, axis, indices.size()));
  return part;
}
