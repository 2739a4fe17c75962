//===- ConstantFolding.h - Values of nodes on small constants ---------------------------------*-
// C++
//-*-===//
#ifndef MOEC_PASSES_TRANSFORMS_CONSTANTFOLDING_H
#define MOEC_PASSES_TRANSFORMS_CONSTANTFOLDING_H

#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/SymbolicShapes.h"

namespace moec {

/// The result of a node with one result whose operands are small constants, for operators on floats
/// whose value is one correctly rounded operation, casts, and operators that only give the elements
/// a new shape; null for all others. (Integers are SymbolicShapes' business.)
mlir::DenseElementsAttr foldConstantNode(onnx::NodeOp node, const SymbolicShapes &shapes);

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_CONSTANTFOLDING_H
