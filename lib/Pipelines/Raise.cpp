#include "moec/Pipelines/Raise.h"

#include "passes/Raising/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void moec::buildRaisePipeline(OpPassManager &pm, const RaiseOptions &) {
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createRaiseDequantizePass());
  functions.addPass(createRaiseLinearPass());
  functions.addPass(createRaiseRoutersPass());
  functions.addPass(createRaiseExpertsPass());
  functions.addPass(createRaiseNormsPass());
  functions.addPass(createRaiseActivationsPass());
  functions.addPass(createRaiseRotaryPass());
  functions.addPass(createRaiseAttentionPass());
  // What only the raised nodes used.
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
}

void moec::registerRaisePipeline() {
  PassPipelineRegistration<RaiseOptions>(
      "moec-raise-pipeline", "From nodes to operations of the moe dialect", buildRaisePipeline);
}
