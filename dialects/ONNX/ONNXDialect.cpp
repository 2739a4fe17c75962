#include "dialects/ONNX/ONNXOps.h"

using namespace moec::onnx;

#include "dialects/ONNX/ONNXOpsDialect.cpp.inc"

void ONNXDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/ONNX/ONNXOps.cpp.inc"
      >();
}
