//===- Optimize.h - The phase `optimize` -------------------------------------------------*- C++
//-*-===//
#ifndef MOEC_PIPELINES_OPTIMIZE_H
#define MOEC_PIPELINES_OPTIMIZE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace moec {

struct OptimizeOptions : mlir::PassPipelineOptions<OptimizeOptions> {
  Option<bool> profile{*this, "profile",
                       llvm::cl::desc("Remember the nodes that operations come from"),
                       llvm::cl::init(false)};
  Option<bool> fuse{*this, "fuse", llvm::cl::desc("Fuse linear layers where that is cheaper"),
                    llvm::cl::init(true)};
  Option<bool> fuseGates{*this, "fuse-gates",
                         llvm::cl::desc("Fuse the gates of feed-forward layers, too, which takes "
                                        "longer for few tokens"),
                         llvm::cl::init(false)};
};

/// `optimize`: afterwards experts are dispatch, grouped linear layers and combine, as far as their
/// bodies allow, and what is cheaper together is fused. The same for every target.
void buildOptimizePipeline(mlir::OpPassManager &pm, const OptimizeOptions &options);

/// Registers it as --moec-optimize-pipeline.
void registerOptimizePipeline();

} // namespace moec

#endif // MOEC_PIPELINES_OPTIMIZE_H
