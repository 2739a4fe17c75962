//===- Movement.h - The families of operators that move elements
//----------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_MOVEMENT_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_MOVEMENT_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// Slice, Split, Pad, Trilu.
void addSlicingHandlers(NodeHandlerTable &table);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_MOVEMENT_H
