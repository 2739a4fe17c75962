//===- ProfileFromIR.h - What the counters of a program count ----------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_COMPILER_PROFILEFROMIR_H
#define MOEC_LIB_COMPILER_PROFILEFROMIR_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"
#include <optional>

namespace moec {

/// The artifact's "profile" (see moec/Client/Profile.h) from the attribute `moec.profile`; none for
/// a program without counters.
std::optional<llvm::json::Array> getProfile(mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_LIB_COMPILER_PROFILEFROMIR_H
