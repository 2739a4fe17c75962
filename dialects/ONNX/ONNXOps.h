//===- ONNXOps.h - The onnx dialect ------------------------------------------------------*- C++
//-*-===//
//
// A carrier for ONNX graphs; see Rationale.md.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_DIALECTS_ONNX_ONNXOPS_H
#define MOEC_DIALECTS_ONNX_ONNXOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/ONNX/ONNXOpsDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/ONNX/ONNXOpsTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/ONNX/ONNXOps.h.inc"

namespace moec::onnx {
/// Argument and result attribute of a graph's function: the tensor's name in the model
/// (StringAttr).
inline constexpr llvm::StringLiteral kNameAttr = "onnx.name";
/// Argument and result attribute: one string a dimension, the dim_param of the model ("" where it
/// has none). Hints, not facts: equality is proven (SymbolicShapes), not read off.
inline constexpr llvm::StringLiteral kDimsAttr = "onnx.dims";

/// Attribute of a node that was imported with names: an array of the names of its results, "" for
/// one that has none.
inline constexpr llvm::StringLiteral kValueNamesAttr = "onnx.values";
} // namespace moec::onnx

#endif // MOEC_DIALECTS_ONNX_ONNXOPS_H
