#include "moec/Pipelines/Optimize.h"

#include "passes/Optimize/Passes.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void moec::buildOptimizePipeline(OpPassManager &pm, const OptimizeOptions &options) {
  OpPassManager &functions = pm.nest<func::FuncOp>();
  // Before operations are taken apart: afterwards only locations say what they were.
  if (options.profile)
    functions.addPass(createTagNodesPass());
  functions.addPass(createExpandExpertsPass());
  if (!options.fuse)
    return;
  functions.addPass(createFuseHorizontalPass({.gates = options.fuseGates}));
  functions.addPass(createFuseEpiloguesPass({.gates = options.fuseGates}));
}

void moec::registerOptimizePipeline() {
  PassPipelineRegistration<OptimizeOptions>("moec-optimize-pipeline",
                                            "From layers to what is cheap to run, on any target",
                                            buildOptimizePipeline);
}
