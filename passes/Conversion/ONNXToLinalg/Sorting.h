//===- Sorting.h - The families of operators that order and select
//-------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_SORTING_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_SORTING_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// NonZero, Compress; Unique: results whose sizes are data.
void addNonZeroHandlers(NodeHandlerTable &table);
void addUniqueHandlers(NodeHandlerTable &table);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_SORTING_H
