#include "dialects/MoE/MoEOps.h"

using namespace moec::moe;

#include "dialects/MoE/MoEOpsDialect.cpp.inc"

void MoEDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/MoE/MoEOps.cpp.inc"
      >();
}
