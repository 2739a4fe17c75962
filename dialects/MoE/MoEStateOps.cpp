#include "dialects/MoE/MoEOps.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace moec::moe;

LogicalResult StateOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  int64_t axis = getAxis(), capacity = getCapacity();
  if (axis < 0 || axis >= type.getRank())
    return emitOpError("grows along axis ") << axis << " of " << type;
  if (!type.isDynamicDim(axis))
    return emitOpError("grows along axis ") << axis << " of " << type << ", whose size is fixed";
  if (capacity <= 0)
    return emitOpError("has a capacity of ") << capacity << ", expected at least one row";
  return success();
}

/// The state of a function's argument; null for any other value.
static FlatSymbolRefAttr getStateOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto function = argument ? dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp())
                           : FunctionOpInterface();
  if (!function || argument.getOwner() != &function.getFunctionBody().front())
    return {};
  return function.getArgAttrOfType<FlatSymbolRefAttr>(argument.getArgNumber(), kStateAttr);
}

LogicalResult CacheAppendOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto state = tables.lookupNearestSymbolFrom<StateOp>(*this, getStateAttr());
  if (!state)
    return emitOpError("names ") << getStateAttr() << ", which is no 'moe.state'";
  if (getStateOf(getPast()) != getStateAttr())
    return emitOpError("adds to a value that is not the argument of ") << getStateAttr();
  auto type = cast<RankedTensorType>(state.getType());
  for (Type other : getOperation()->getOperandTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(other);
    if (!tensor)
      continue; // rows whose type is not known yet
    if (tensor.getElementType() != type.getElementType() || tensor.getRank() != type.getRank())
      return emitOpError("works on ") << tensor << ", but its state is " << type;
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (i != static_cast<int64_t>(state.getAxis()) && !type.isDynamicDim(i) &&
          !tensor.isDynamicDim(i) && tensor.getDimSize(i) != type.getDimSize(i))
        return emitOpError("works on ") << tensor << ", but its state is " << type;
  }
  return success();
}
