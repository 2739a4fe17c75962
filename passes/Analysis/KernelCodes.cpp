#include "passes/Analysis/KernelCodes.h"

#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/Match.h"
#include "passes/Analysis/WeightViews.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

bool moec::canKernelsDecode(const CodeGrid &grid) {
  auto codes = dyn_cast_or_null<IntegerType>(grid.codes);
  if (!codes || (codes.getWidth() != 4 && codes.getWidth() != 8) || !grid.numbers.isF32())
    return false;
  if (!grid.scales.isF32() && !grid.scales.isF16() && !grid.scales.isBF16())
    return false;
  int64_t perByte = 8 / codes.getWidth();
  return grid.depth % perByte == 0 && grid.group % perByte == 0 &&
         (grid.group >= grid.depth || llvm::isPowerOf2_64(grid.group));
}

static bool isStored(Value value) {
  return value.getDefiningOp<onnx::ConstantOp>() || traceWeightView(value);
}

bool moec::canKernelsDecode(moe::DequantizeOp op, int64_t depthAxis) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  Value zeros = op.getZeroPoints();
  if (op.getCodebook() || op.getPacked() || !type.hasStaticShape() ||
      !traceWeightView(op.getCodes()) || !isStored(op.getScales()) || (zeros && !isStored(zeros)))
    return false;
  int64_t rank = type.getRank(), axis = op.getAxis() + (op.getAxis() < 0 ? rank : 0);
  int64_t depth = type.getDimSize(depthAxis), block = op.getBlock();
  bool isOne = cast<RankedTensorType>(op.getScales().getType()).getNumElements() == 1;
  // Without blocks scales are those of indices of the axis; with them, of blocks along it.
  if (!isOne && (block > 0) != (axis == depthAxis))
    return false;
  int64_t group = block > 0 && axis == depthAxis ? std::min(block, depth) : depth;
  return canKernelsDecode({getElementType(op.getCodes()), getElementType(op.getScales()),
                           type.getElementType(), depth, group});
}
