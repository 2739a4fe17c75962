//===- Diagnostics.h - MLIR's diagnostics in moec's form ---------------------------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_DIAGNOSTICS_H
#define MOEC_TOOLS_MOEC_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Regex.h"

namespace moec::cli {

/// Prints errors and warnings as `moec: error: NODE: text`, the node's name in place of a position;
/// drops notes of their own, and remarks unless `NODE: text` matches `remarks`. Whether it was an
/// error.
bool reportDiagnostic(mlir::Diagnostic &diagnostic, const llvm::Regex *remarks = nullptr);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_DIAGNOSTICS_H
