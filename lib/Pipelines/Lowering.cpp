#include "moec/Pipelines/Lowering.h"

#include "passes/Conversion/Passes.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

/// The one cleanup: folds, dead code, duplicates.
static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void moec::buildLowerPipeline(OpPassManager &pm, const LoweringOptions &options) {
  ConvertONNXToLinalgPassOptions convert;
  convert.vectorBytes = options.vectorBytes;
  convert.vectorRegisters = options.vectorRegisters;
  OpPassManager &functions = pm.nest<func::FuncOp>();
  ConvertMoEToONNXPassOptions spell;
  spell.keepKernels = true;
  functions.addPass(createConvertMoEToONNXPass(spell));
  functions.addPass(createExpandFunctionsPass());
  functions.addPass(createInferTypesPass());
  pm.addPass(createConvertONNXToLinalgPass(convert));
  addCleanup(pm);
  pm.addPass(createLinalgElementwiseOpFusionPass());
  addCleanup(pm);
}

void moec::buildBufferizePipeline(OpPassManager &pm, const LoweringOptions &options) {
  // What CSE has made one value would be one buffer with many writers.
  pm.addNestedPass<func::FuncOp>(createSeparateDestinationsPass());
  // Results written straight into the slice of the tensor they end up in.
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  addCleanup(pm);
  LinkKernelsPassOptions link;
  link.vectorBytes = options.vectorBytes;
  link.vectorRegisters = options.vectorRegisters;
  link.fusesMultiplyAdd = options.fusesMultiplyAdd;
  pm.addPass(createLinkKernelsPass(link));
  // After linking, which makes buffers, and before loops, which do not tell what they do with them.
  pm.addNestedPass<func::FuncOp>(createReuseBuffersPass());
  // Before results get memory of their own.
  pm.addNestedPass<func::FuncOp>(createCheckStatePass());
  pm.addNestedPass<func::FuncOp>(createPlaceDeallocationsPass());
  // Casts fold into copies here, before copies of views become loops.
  addCleanup(pm);
  // While operations still are whole, after everything that moves, merges or drops them.
  if (options.profile)
    pm.addPass(createInstrumentNodesPass());
  // Loops before memory is planned: what shares a loop is in use at the same time, and views of one
  // arena cannot be told apart.
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToParPass());
  if (options.planMemory)
    pm.addNestedPass<func::FuncOp>(createPlanMemoryPass());
  addCleanup(pm);
  // After planning, which sees one function.
  pm.addPass(createOutlineRepeatsPass());
  pm.addPass(createOutlineTasksPass());
}

void moec::buildLLVMPipeline(OpPassManager &pm, const LoweringOptions &) {
  pm.addPass(createExpandMathPass());
  pm.addNestedPass<func::FuncOp>(createLowerExpandShapesPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  addCleanup(pm);
  pm.addPass(createConvertMoecToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  addCleanup(pm);
}

void moec::registerLoweringPipelines() {
  PassPipelineRegistration<LoweringOptions>(
      "moec-lower-pipeline", "From ONNX nodes to operations on tensors", buildLowerPipeline);
  PassPipelineRegistration<LoweringOptions>(
      "moec-bufferize-pipeline", "From tensors to buffers and tasks", buildBufferizePipeline);
  PassPipelineRegistration<LoweringOptions>("moec-llvm-pipeline",
                                            "From buffers to the LLVM dialect", buildLLVMPipeline);
}
