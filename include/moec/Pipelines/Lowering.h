//===- Lowering.h - From the optimised form to the LLVM dialect --------------------------*- C++
//-*-===//
#ifndef MOEC_PIPELINES_LOWERING_H
#define MOEC_PIPELINES_LOWERING_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace moec {

/// What the phases from `lower` on need to know of the target.
struct LoweringOptions : mlir::PassPipelineOptions<LoweringOptions> {
  Option<bool> planMemory{*this, "plan-memory",
                          llvm::cl::desc("Place the buffers of a call in one block of memory; else "
                                         "each is allocated and freed"),
                          llvm::cl::init(true)};
  Option<unsigned> vectorBytes{*this, "vector-bytes",
                               llvm::cl::desc("Width of a vector register, in bytes"),
                               llvm::cl::init(16)};
  Option<unsigned> vectorRegisters{
      *this, "vector-registers", llvm::cl::desc("Number of vector registers"), llvm::cl::init(16)};
  Option<bool> fusesMultiplyAdd{*this, "fuses-multiply-add",
                                llvm::cl::desc("Multiply and add are one instruction"),
                                llvm::cl::init(false)};
  Option<bool> profile{*this, "profile", llvm::cl::desc("Count what the code of each node does"),
                       llvm::cl::init(false)};
};

/// `lower`: afterwards no onnx operation is left; linalg, tensor, scf and kernel operations on
/// tensors, chains of elementwise operations fused.
void buildLowerPipeline(mlir::OpPassManager &pm, const LoweringOptions &options);

/// `bufferize`: afterwards no tensor is left; memrefs that are allocated and freed, kernels linked,
/// loops whose parallel ones launch tasks.
void buildBufferizePipeline(mlir::OpPassManager &pm, const LoweringOptions &options);

/// `llvm`: afterwards all code is in the LLVM dialect, entered through `moec_entry`.
void buildLLVMPipeline(mlir::OpPassManager &pm, const LoweringOptions &options);

/// Registers the above as --moec-lower-pipeline, --moec-bufferize-pipeline and
/// --moec-llvm-pipeline.
void registerLoweringPipelines();

} // namespace moec

#endif // MOEC_PIPELINES_LOWERING_H
