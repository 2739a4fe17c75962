#include "dialects/Kernel/KernelOps.h"

using namespace mlir;
using namespace moec::kernel;

#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.cpp.inc"

//===- CallOp
//-----------------------------------------------------------------------------------------===//

LogicalResult CallOp::verify() {
  bool onTensors = llvm::any_of(getOutputs().getTypes(), llvm::IsaPred<TensorType>);
  if (getNumResults() != (onTensors ? getOutputs().size() : 0))
    return emitOpError("has ") << getNumResults() << " results for " << getOutputs().size()
                               << (onTensors ? " output tensors" : " output buffers");
  for (auto [output, result] : llvm::zip(getOutputs(), getResults()))
    if (output.getType() != result.getType())
      return emitOpError("has a result of type ")
             << result.getType() << " for an output of type " << output.getType();
  return success();
}

void CallOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &input : getInputsMutable())
    if (isa<MemRefType>(input.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &input);
  for (OpOperand &output : getOutputsMutable())
    if (isa<MemRefType>(output.get().getType())) {
      effects.emplace_back(MemoryEffects::Read::get(), &output);
      effects.emplace_back(MemoryEffects::Write::get(), &output);
    }
}

//===- CheckOp
//----------------------------------------------------------------------------------------===//

void CheckOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  // Leaving the call is a write that nothing may cross or drop.
  effects.emplace_back(MemoryEffects::Write::get());
}

//===- WeightOp
//---------------------------------------------------------------------------------------===//

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (!tables.lookupNearestSymbolFrom<PackedOp>(*this, getKeyAttr()))
    return emitOpError("names ") << getKeyAttr() << ", which is no 'kernel.packed'";
  if (!cast<ShapedType>(getType()).hasStaticShape())
    return emitOpError("has a dynamic shape");
  return success();
}
