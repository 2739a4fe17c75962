//===- ParOps.h - The par dialect --------------------------------------------------------*- C++
//-*-===//
#ifndef MOEC_DIALECTS_PAR_PAROPS_H
#define MOEC_DIALECTS_PAR_PAROPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Par/ParOpsDialect.h.inc"

#define GET_OP_CLASSES
#include "dialects/Par/ParOps.h.inc"

#endif // MOEC_DIALECTS_PAR_PAROPS_H
