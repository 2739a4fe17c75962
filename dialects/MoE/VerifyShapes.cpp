#include "VerifyShapes.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace moec::moe;

std::string moec::moe::toString(Shape shape) {
  auto size = [](int64_t dim) {
    return ShapedType::isDynamic(dim) ? std::string("?") : std::to_string(dim);
  };
  return "[" + llvm::join(llvm::map_range(shape, size), ", ") + "]";
}

LogicalResult moec::moe::verifyRank(Operation *op, StringRef what, Value value, int64_t rank) {
  if (static_cast<int64_t>(shapeOf(value).size()) == rank)
    return success();
  return op->emitOpError() << what << " has shape " << toString(shapeOf(value))
                           << ", expected rank " << rank;
}

LogicalResult moec::moe::verifyShape(Operation *op, StringRef what, Value value, Shape expected) {
  if (mayEqual(shapeOf(value), expected))
    return success();
  return op->emitOpError() << what << " has shape " << toString(shapeOf(value)) << ", expected "
                           << toString(expected);
}

LogicalResult moec::moe::verifyBroadcast(Operation *op, StringRef what, Value value, Shape target) {
  Shape shape = shapeOf(value);
  bool fits = shape.size() <= target.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = shape[i] == 1 || mayEqual(shape[i], target[target.size() - shape.size() + i]);
  if (fits)
    return success();
  return op->emitOpError() << what << " has shape " << toString(shape)
                           << ", expected one that broadcasts to " << toString(target);
}

LogicalResult moec::moe::verifyElementType(Operation *op, StringRef what, Value value,
                                           Type expected) {
  if (elementOf(value) == expected)
    return success();
  return op->emitOpError() << what << " has elements of type " << elementOf(value) << ", expected "
                           << expected;
}

FailureOr<int64_t> moec::moe::verifyEpilogue(Operation *op, EpilogueAttr epilogue, int64_t width) {
  if (!epilogue || !epilogue.getGated())
    return width;
  if (ShapedType::isDynamic(width) || width % 2 != 0) {
    op->emitOpError() << "has a gate of " << (ShapedType::isDynamic(width) ? "unknown" : "odd")
                      << " width";
    return failure();
  }
  return width / 2;
}
