#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

using namespace mlir;
using namespace moec;

void moec::addMovementHandlers(NodeHandlerTable &table) {}
