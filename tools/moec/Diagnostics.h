//===- Diagnostics.h - MLIR's diagnostics in moec's form ---------------------------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_DIAGNOSTICS_H
#define MOEC_TOOLS_MOEC_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"

namespace moec::cli {

/// Prints errors and warnings as `moec: error: NODE: text`, the node's name in place of a position;
/// drops the others. Whether it was an error.
bool reportDiagnostic(mlir::Diagnostic &diagnostic);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_DIAGNOSTICS_H
