//===- Diagnostics.cpp - MLIR's diagnostics in moec's form
//-----------------------------------------===//
#include "tools/moec/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::cli {

/// "NODE: text", the node's name in place of a position.
static void printText(mlir::Diagnostic &diagnostic) {
  if (auto name = diagnostic.getLocation()->findInstanceOf<mlir::NameLoc>())
    errs() << name.getName().getValue() << ": ";
  else if (!mlir::isa<mlir::UnknownLoc>(diagnostic.getLocation()))
    errs() << diagnostic.getLocation() << ": ";
  errs() << diagnostic << '\n';
}

bool reportDiagnostic(mlir::Diagnostic &diagnostic) {
  bool isError = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
  if (!isError && diagnostic.getSeverity() != mlir::DiagnosticSeverity::Warning)
    return false;
  isError ? WithColor::error(errs(), "moec") : WithColor::warning(errs(), "moec");
  printText(diagnostic);
  for (mlir::Diagnostic &note : diagnostic.getNotes()) {
    WithColor::note(errs(), "moec");
    printText(note);
  }
  return isError;
}

} // namespace moec::cli
