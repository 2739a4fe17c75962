//===- Diagnostics.cpp - MLIR's diagnostics in moec's form
//-----------------------------------------===//
#include "tools/moec/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::cli {

bool reportDiagnostic(mlir::Diagnostic &diagnostic) {
  bool isError = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
  if (!isError && diagnostic.getSeverity() != mlir::DiagnosticSeverity::Warning)
    return false;
  isError ? WithColor::error(errs(), "moec") : WithColor::warning(errs(), "moec");
  if (auto name = diagnostic.getLocation()->findInstanceOf<mlir::NameLoc>())
    errs() << name.getName().getValue() << ": ";
  else if (!mlir::isa<mlir::UnknownLoc>(diagnostic.getLocation()))
    errs() << diagnostic.getLocation() << ": ";
  errs() << diagnostic << '\n';
  return isError;
}

} // namespace moec::cli
