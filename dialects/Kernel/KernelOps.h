//===- KernelOps.h - The kernel dialect --------------------------------------------------*- C++
//-*-===//
#ifndef MOEC_DIALECTS_KERNEL_KERNELOPS_H
#define MOEC_DIALECTS_KERNEL_KERNELOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Kernel/KernelOpsDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/KernelOpsAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.h.inc"

namespace moec::kernel {
/// On the function of a kernel that computes matrix products: how many multiply-adds a call does,
/// as pairs (operand, dimension) of sizes to multiply; dimension -1 is the operand itself, an
/// index. A pair (-1, number) is that number.
inline constexpr llvm::StringLiteral kMultiplyAddsAttr = "kernel.multiply_adds";
/// On a function that `moec-outline-repeats` made: it does no work itself but starts it, as the
/// entry does.
inline constexpr llvm::StringLiteral kOutlinedAttrName = "kernel.outlined";

/// Teaches one-shot bufferization the kernel dialect.
void registerBufferizableOpInterfaceModels(mlir::DialectRegistry &registry);
} // namespace moec::kernel

#endif // MOEC_DIALECTS_KERNEL_KERNELOPS_H
