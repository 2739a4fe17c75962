//===- Indexing.h - The families of operators with index operands
//--------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_INDEXING_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_INDEXING_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// ScatterElements, ScatterND, TensorScatter.
void addScatterHandlers(NodeHandlerTable &table);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_INDEXING_H
