#include "dialects/Kernel/KernelOps.h"

using namespace moec::kernel;

#include "dialects/Kernel/KernelOpsDialect.cpp.inc"

void KernelDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Kernel/KernelOps.cpp.inc"
      >();
}
