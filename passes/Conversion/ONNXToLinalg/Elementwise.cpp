#include "passes/Conversion/ONNXToLinalg/Elementwise.h"

using namespace mlir;
using namespace moec;

bool moec::isUnsignedOperand(NodeLowering &lowering, unsigned i) {
  Type type = lowering.modelElementType(i);
  return type.isInteger(1) || type.isUnsignedInteger();
}

NodeResults moec::lowerByFormula(NodeLowering &lowering, ArrayRef<unsigned> operands,
                                 ElementFormula formula) {
  SmallVector<BroadcastOperand> tensors;
  for (unsigned i : operands)
    tensors.push_back({lowering.operand(i), lowering.dims(i)});
  Type firstType = cast<RankedTensorType>(tensors[0].tensor.getType()).getElementType();
  Type resultType = lowering.resultType(0).getElementType();
  bool isUnsigned = isUnsignedOperand(lowering, operands[0]);
  Value result = emitElementwise(
      lowering, tensors, lowering.resultDims(0), resultType,
      [&](OpBuilder &builder, Location loc, ValueRange elements) -> Value {
        ScalarEmitter s(builder, loc, getComputeType(firstType), isUnsigned);
        SmallVector<Value> wide;
        for (Value element : elements)
          wide.push_back(widen(builder, loc, element, getComputeType(element.getType())));
        return narrow(builder, loc, formula(s, wide), resultType);
      });
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

NodeResults moec::lowerByFormula(NodeLowering &lowering, ElementFormula formula) {
  SmallVector<unsigned> operands;
  for (unsigned i = 0, count = lowering.node.getInputs().size(); i < count; ++i)
    if (lowering.hasOperand(i))
      operands.push_back(i);
  return lowerByFormula(lowering, operands, formula);
}

void moec::addElementwiseHandlers(NodeHandlerTable &table) {
  addActivationHandlers(table);
  addBinaryHandlers(table);
  addCastHandlers(table);
  addLogicHandlers(table);
  addUnaryHandlers(table);
}
