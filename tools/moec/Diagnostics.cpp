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
static std::string getText(mlir::Diagnostic &diagnostic) {
  std::string text;
  raw_string_ostream stream(text);
  if (auto name = diagnostic.getLocation()->findInstanceOf<mlir::NameLoc>())
    stream << name.getName().getValue() << ": ";
  else if (auto line = diagnostic.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
    stream << line << ": ";
  else if (!mlir::isa<mlir::UnknownLoc>(diagnostic.getLocation()))
    stream << diagnostic.getLocation() << ": ";
  stream << diagnostic << '\n';
  return text;
}

bool reportDiagnostic(mlir::Diagnostic &diagnostic, const Regex *remarks) {
  std::string text = getText(diagnostic);
  switch (diagnostic.getSeverity()) {
  case mlir::DiagnosticSeverity::Error:
    WithColor::error(errs(), "moec");
    break;
  case mlir::DiagnosticSeverity::Warning:
    WithColor::warning(errs(), "moec");
    break;
  case mlir::DiagnosticSeverity::Remark:
    if (!remarks || !remarks->match(text))
      return false;
    WithColor::remark(errs(), "moec");
    break;
  case mlir::DiagnosticSeverity::Note:
    return false;
  }
  errs() << text;
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    WithColor::note(errs(), "moec") << getText(note);
  return diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
}

} // namespace moec::cli
