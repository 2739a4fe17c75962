#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

using namespace mlir;
using namespace moec;

void moec::addElementwiseHandlers(NodeHandlerTable &table) {}
