#include "WeightRows.h"

#include "dialects/ONNX/ONNXOps.h"
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

/// The axis of a node's input, and the rows along it, that make the rows of its result; failure if
/// the result's rows are no rows of the input. Sizes are static.
static FailureOr<std::pair<int64_t, SmallVector<int64_t>>>
findInputRows(onnx::NodeOp node, int64_t axis, llvm::ArrayRef<int64_t> indices) {
  auto from = cast<RankedTensorType>(node.getInputs()[0].getType());
  auto to = cast<RankedTensorType>(node->getResult(0).getType());
  if (node.getOpType() == "Transpose") {
    std::optional<ArrayRef<int64_t>> perm = node.getInts("perm");
    return std::pair(perm ? (*perm)[axis] : to.getRank() - 1 - axis, llvm::to_vector(indices));
  }
  // Elements keep their order. A row of the result is as many of an axis before which there are as
  // many elements; [n·r, …] is cut as [n, r, …] is.
  int64_t outer = ShapedType::getNumElements(to.getShape().take_front(axis));
  int64_t before = 1;
  for (int64_t i = 0; i < from.getRank() && before <= outer; before *= from.getDimSize(i++)) {
    int64_t rowsOfOne = from.getDimSize(i) / std::max<int64_t>(to.getDimSize(axis), 1);
    if (before != outer || rowsOfOne * to.getDimSize(axis) != from.getDimSize(i) || rowsOfOne == 0)
      continue;
    SmallVector<int64_t> rows;
    for (int64_t index : indices)
      for (int64_t row = 0; row < rowsOfOne; ++row)
        rows.push_back(index * rowsOfOne + row);
    return std::pair(i, std::move(rows));
  }
  return failure();
}

/// Rows of a dequantised weight that is moved or rounded afterwards: the same is done to rows of
/// the dequantised one.
static llvm::Expected<Value> takeMovedCodes(WeightEditor &editor, OpBuilder &builder,
                                            onnx::NodeOp node, int64_t axis,
                                            llvm::ArrayRef<int64_t> indices) {
  auto from = cast<RankedTensorType>(node.getInputs()[0].getType());
  auto to = cast<RankedTensorType>(node->getResult(0).getType());
  bool isStatic = from.hasStaticShape() && to.hasStaticShape();
  FailureOr<std::pair<int64_t, SmallVector<int64_t>>> rows = failure();
  if (isStatic)
    rows = findInputRows(node, axis, indices);
  if (failed(rows))
    return llvm::createStringError("its codes are moved across rows after they are dequantised");
  llvm::Expected<Value> part =
      moec::takeRows(editor, builder, node.getInputs()[0], rows->first, rows->second);
  if (!part)
    return part.takeError();
  RankedTensorType type = withSize(to, axis, indices.size());
  if (llvm::is_contained({"Transpose", "Cast", "Identity"}, node.getOpType())) {
    Operation *clone = builder.clone(*node);
    clone->setOperand(0, *part);
    clone->getResult(0).setType(type);
    return clone->getResult(0);
  }
  Value moved = Spelling(builder, node.getLoc()).reshape(*part, type.getShape());
  moved.setType(type);
  return moved;
}

llvm::Expected<Value> moec::takeRows(WeightEditor &editor, OpBuilder &builder, Value value,
                                     int64_t axis, llvm::ArrayRef<int64_t> indices) {
  if (auto dequantize = value.getDefiningOp<moe::DequantizeOp>())
    return takeCodes(editor, builder, dequantize, axis, indices);
  if (skipLayout(value).getDefiningOp<moe::DequantizeOp>())
    return takeMovedCodes(editor, builder, value.getDefiningOp<onnx::NodeOp>(), axis, indices);
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
