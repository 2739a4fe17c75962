#include "OpenWeights.h"
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
  addInterfaces<OpenWeights>();
}

OpenWeights &OpenWeights::get(mlir::MLIRContext *context) {
  mlir::Dialect *dialect = context->getOrLoadDialect<MoEDialect>();
  // Interfaces are handed out as constant; this one is a table that is written, under its lock.
  return const_cast<OpenWeights &>(*dialect->getRegisteredInterface<OpenWeights>());
}
