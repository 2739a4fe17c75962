//===- OpenWeights.h - The weights that a context has open -------------------------------*- C++
//-*-===//
#ifndef MOEC_DIALECTS_MOE_OPENWEIGHTS_H
#define MOEC_DIALECTS_MOE_OPENWEIGHTS_H

#include "dialects/MoE/ModuleWeights.h"

#include "mlir/IR/DialectInterface.h"
#include <memory>
#include <mutex>

namespace moec::moe {

/// Of each module, by its operation. An interface of the dialect, as that lives with the context.
struct OpenWeights : mlir::DialectInterface::Base<OpenWeights> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(OpenWeights)
  explicit OpenWeights(mlir::Dialect *dialect) : Base(dialect) {}

  static OpenWeights &get(mlir::MLIRContext *context);

  std::mutex mutex;
  llvm::DenseMap<mlir::Operation *, std::unique_ptr<ModuleWeights>> modules;
};

} // namespace moec::moe

#endif // MOEC_DIALECTS_MOE_OPENWEIGHTS_H
