//===- CodePartitions.h - A module cut into parts that compile side by side --------------*- C++
//-*-===//
#ifndef MOEC_LIB_COMPILER_CODEPARTITIONS_H
#define MOEC_LIB_COMPILER_CODEPARTITIONS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace moec {

/// One part of a program.
struct CodePartition {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The part that runs once a call: it only strings calls together, and optimising it hard costs
  /// time and gains nothing.
  bool isGlue = false;
};

/// Cuts a module in the LLVM dialect: the entry and what it is inlined with form one part, the
/// functions it launches and calls the others, each with all that they call. How it is cut depends
/// on the module only. Functions that are called across parts become hidden symbols; constants are
/// copied.
std::vector<CodePartition> partitionCode(mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_LIB_COMPILER_CODEPARTITIONS_H
