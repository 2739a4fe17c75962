#include "dialects/Kernel/KernelOps.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace moec::kernel;

#include "dialects/Kernel/KernelOpsDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/KernelOpsAttrs.cpp.inc"

mlir::LogicalResult PanelsAttr::verify(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                                       int64_t count, int64_t depth, int64_t columns,
                                       int64_t offset, mlir::DenseI64ArrayAttr strides,
                                       int64_t panel, int64_t perByte) {
  if (count < 0 || depth < 0 || columns < 0 || offset < 0 || panel < 1)
    return emitError() << "panels have a negative size, or panels without columns";
  if (perByte < 1 || perByte > 8 || !llvm::isPowerOf2_64(perByte))
    return emitError() << "panels have " << perByte << " codes a byte, expected 1, 2, 4 or 8";
  if (!strides || strides.size() != 3)
    return emitError() << "panels have " << (strides ? strides.size() : 0)
                       << " strides, expected those of matrix, row and column";
  return mlir::success();
}

void KernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Kernel/KernelOpsAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Kernel/KernelOps.cpp.inc"
      >();
}
