#include "dialects/MoE/MoEOps.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec::moe;

LogicalResult WeightFileOp::verify() {
  if (static_cast<int64_t>(getSize()) < 0)
    return emitOpError("has a negative size");
  return success();
}

LogicalResult WeightDataOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return emitOpError("describes ") << type << ", expected a static shape of integers or floats";
  int64_t offset = getOffset(), length = getLength(), end;
  if (offset < 0 || length < 0 || llvm::AddOverflow(offset, length, end))
    return emitOpError("has the range [") << offset << ", " << length << "]";
  int64_t bits = type.getElementType().isInteger(1) ? 8 : type.getElementTypeBitWidth();
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(bits, size, bits))
      return emitOpError("describes more bytes than an address can count");
  if (int64_t bytes = llvm::divideCeil(bits, 8); bytes != length)
    return emitOpError("has ") << length << " bytes, but " << type << " needs " << bytes;
  return success();
}

LogicalResult WeightDataOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto file = tables.lookupNearestSymbolFrom<WeightFileOp>(*this, getFileAttr());
  if (!file)
    return emitOpError("names ") << getFileAttr() << ", which is no 'moe.weight_file'";
  if (getOffset() + getLength() > file.getSize())
    return emitOpError("ends at byte ")
           << getOffset() + getLength() << " of a file of " << file.getSize() << " bytes";
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto data = tables.lookupNearestSymbolFrom<WeightDataOp>(*this, getKeyAttr());
  if (!data)
    return emitOpError("names ") << getKeyAttr() << ", which is no 'moe.weight_data'";
  if (data.getType() != getType())
    return emitOpError("has type ") << getType() << ", but its data has " << data.getType();
  return success();
}
