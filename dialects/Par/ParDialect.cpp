#include "dialects/Par/ParOps.h"

using namespace moec::par;

#include "dialects/Par/ParOpsDialect.cpp.inc"

void ParDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Par/ParOps.cpp.inc"
      >();
}
