//===- Normalize.h - The phase `normalize` -----------------------------------------------------*-
// C++
//-*-===//
#ifndef MOEC_PIPELINES_NORMALIZE_H
#define MOEC_PIPELINES_NORMALIZE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace moec {

struct NormalizeOptions : mlir::PassPipelineOptions<NormalizeOptions> {
  Option<bool> checkSupport{
      *this, "check-support",
      llvm::cl::desc("Report operators that cannot be lowered, all at once, as an error"),
      llvm::cl::init(true)};
  Option<std::string> state{
      *this, "state",
      llvm::cl::desc("Caches that the session keeps: \"auto\", or INPUT:OUTPUT,…; none if empty"),
      llvm::cl::init("")};
  Option<int64_t> contextSize{*this, "context-size",
                              llvm::cl::desc("Rows that a session's state has room for"),
                              llvm::cl::init(4096)};
};

/// `normalize`: afterwards the element type and rank of every value are known, and sizes as far as
/// they can be; arithmetic on sizes is folded, layout noise gone, equal nodes are one, operators
/// without a handler are expanded into their ONNX definitions, and every node that is left has a
/// handler. Caches are the session's where that is asked for.
void buildNormalizePipeline(mlir::OpPassManager &pm, const NormalizeOptions &options);

/// Registers it as --moec-normalize-pipeline.
void registerNormalizePipeline();

} // namespace moec

#endif // MOEC_PIPELINES_NORMALIZE_H
