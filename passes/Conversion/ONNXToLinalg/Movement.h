//===- Movement.h - The families of operators that move elements
//----------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_MOVEMENT_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_MOVEMENT_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// Squeeze, Unsqueeze.
void addSqueezeHandlers(NodeHandlerTable &table);
/// Parts of tensors: Split, Trilu, and the two below.
void addSlicingHandlers(NodeHandlerTable &table);
void addPadHandlers(NodeHandlerTable &table);
void addSliceHandlers(NodeHandlerTable &table);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_MOVEMENT_H
