//===- MoEOps.h - The moe dialect --------------------------------------------------------*- C++
//-*-===//
#ifndef MOEC_DIALECTS_MOE_MOEOPS_H
#define MOEC_DIALECTS_MOE_MOEOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/MoE/MoEOpsDialect.h.inc"
#include "dialects/MoE/MoEOpsEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/MoE/MoEOpsAttributes.h.inc"

namespace moec::moe {
/// On an argument of the model's function: the `moe.state` that it is.
inline constexpr llvm::StringLiteral kStateAttr = "moe.state";
} // namespace moec::moe

#define GET_OP_CLASSES
#include "dialects/MoE/MoEOps.h.inc"

#endif // MOEC_DIALECTS_MOE_MOEOPS_H
