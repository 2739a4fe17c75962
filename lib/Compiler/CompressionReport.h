//===- CompressionReport.h - What compression did to a model -----------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_COMPILER_COMPRESSIONREPORT_H
#define MOEC_LIB_COMPILER_COMPRESSIONREPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace moec {

/// The report of `moec compile --report`; its members are described in the README.
class CompressionReport {
public:
  explicit CompressionReport(llvm::StringRef model) : model(model) {}

  void measureBefore(mlir::ModuleOp module) { before = measure(module); }
  /// Takes the log of decisions, too.
  void measureAfter(mlir::ModuleOp module);

  /// To a file, replaced at once; to `standardOutput` for "-"; nowhere for "".
  llvm::Error write(llvm::StringRef path, llvm::raw_ostream *standardOutput) const;
  /// A plan that does the same again.
  llvm::Error writePlan(llvm::StringRef path, llvm::raw_ostream *standardOutput) const;

private:
  struct Totals {
    int64_t parameters = 0, bytes = 0, flopsPerToken = 0;
  };
  static Totals measure(mlir::ModuleOp module);

  std::string model;
  Totals before, after;
  llvm::json::Array decisions;
};

} // namespace moec

#endif // MOEC_LIB_COMPILER_COMPRESSIONREPORT_H
