#include "passes/Optimize/KernelWeights.h"
#include "passes/Analysis/KernelCodes.h"
#include "passes/Analysis/Match.h"
#include "passes/Analysis/WeightViews.h"

using namespace mlir;
using namespace moec;

moe::DequantizeOp moec::getDecoding(Value weight) {
  while (onnx::NodeOp transpose = getNode(weight, "Transpose"))
    weight = transpose->getOperand(0);
  return weight.getDefiningOp<moe::DequantizeOp>();
}

bool moec::isStored(Value value) {
  if (value.getDefiningOp<onnx::ConstantOp>() || traceWeightView(value))
    return true;
  onnx::NodeOp concat = getNode(value, "Concat");
  return concat && llvm::all_of(concat->getOperands(), isStored);
}

/// The axis of the codes that is axis `axis` of the weight.
static int64_t getAxisOfCodes(Value weight, int64_t axis) {
  for (onnx::NodeOp transpose; (transpose = getNode(weight, "Transpose"));
       weight = transpose->getOperand(0)) {
    std::optional<ArrayRef<int64_t>> order = transpose.getInts("perm");
    int64_t rank = cast<RankedTensorType>(weight.getType()).getRank();
    axis = order ? (*order)[axis] : rank - 1 - axis;
  }
  return axis;
}

std::string moec::refuseWeight(Value weight, bool transposed) {
  if (onnx::NodeOp concat = getNode(weight, "Concat")) {
    for (Value part : concat->getOperands())
      if (std::string reason = refuseWeight(part, transposed); !reason.empty())
        return reason;
    return "";
  }
  if (moe::DequantizeOp decoding = getDecoding(weight)) {
    int64_t rank = cast<RankedTensorType>(weight.getType()).getRank();
    int64_t depthAxis = getAxisOfCodes(weight, transposed ? rank - 1 : rank - 2);
    return canKernelsDecode(decoding, depthAxis) ? "" : "kernels do not read its kind of codes";
  }
  if (!traceWeightView(weight))
    return "its weight is not stored in the model as it is";
  Type type = getElementType(weight);
  return type.isF32() || type.isF64() ? "" : "kernels do not read its kind of numbers";
}
