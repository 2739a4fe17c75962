#include "moec/Pipelines/Normalize.h"

#include "passes/Raising/Passes.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void moec::buildNormalizePipeline(OpPassManager &pm, const NormalizeOptions &options) {
  // Types first: definitions depend on them. Passes that expand infer again.
  pm.addNestedPass<func::FuncOp>(createInferTypesPass());
  // Before operators are expanded that it knows.
  pm.addNestedPass<func::FuncOp>(createDiagnoseExportsPass());
  pm.addNestedPass<func::FuncOp>(createRaiseFusedAttentionPass());
  pm.addPass(createExpandContribPass());
  pm.addNestedPass<func::FuncOp>(createRaiseFusedExpertsPass());
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createExpandFunctionsPass());
  // Equal shape arithmetic is one before values are compared by their elements; layout is simple
  // once sizes are, and removing it makes more nodes equal.
  functions.addPass(createCSEPass());
  functions.addPass(createFoldShapesPass());
  functions.addPass(createSimplifyLayoutPass());
  functions.addPass(createCSEPass());
  // Sizes that simpler operands make static.
  functions.addPass(createInferTypesPass());
  if (options.checkSupport)
    functions.addPass(createCheckSupportPass());
  if (!options.state.empty()) {
    IntroduceStatePassOptions state;
    state.pairs = options.state;
    state.capacity = options.contextSize;
    pm.addPass(createIntroduceStatePass(state));
  }
}

void moec::registerNormalizePipeline() {
  PassPipelineRegistration<NormalizeOptions>("moec-normalize-pipeline",
                                             "From the file's nodes to typed and simplified ones",
                                             buildNormalizePipeline);
}
