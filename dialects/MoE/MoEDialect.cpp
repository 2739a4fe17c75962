#include "dialects/MoE/MoEOps.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace moec::moe;

#include "dialects/MoE/MoEOpsDialect.cpp.inc"
#include "dialects/MoE/MoEOpsEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/MoE/MoEOpsAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/MoE/MoEOps.cpp.inc"

void MoEDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/MoE/MoEOpsAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/MoE/MoEOps.cpp.inc"
      >();
}
