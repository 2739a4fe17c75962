//===- SignatureFromIR.h - The artifact's signature from the module ----------------------*- C++
//-*-===//
#ifndef MOEC_LIB_COMPILER_SIGNATUREFROMIR_H
#define MOEC_LIB_COMPILER_SIGNATUREFROMIR_H

#include "moec/Artifact/Signature.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace moec {

/// What the module's `moec.signature` says. Fails, with an error at the module, where it is missing
/// or has a type that the C interface has not.
mlir::FailureOr<Signature> getSignature(mlir::ModuleOp module);

/// The type of elements in the C interface, if it has it.
std::optional<moec_type> getModelType(mlir::Type type);

} // namespace moec

#endif // MOEC_LIB_COMPILER_SIGNATUREFROMIR_H
