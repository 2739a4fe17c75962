//===- Raise.h - The phase `raise` -------------------------------------------------------*- C++
//-*-===//
#ifndef MOEC_PIPELINES_RAISE_H
#define MOEC_PIPELINES_RAISE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace moec {

struct RaiseOptions : mlir::PassPipelineOptions<RaiseOptions> {};

/// `raise`: afterwards linear layers, norms, rotary embeddings, attention, routers and experts are
/// operations of the moe dialect, as far as they were recognised; the rest stays onnx.node. Every
/// operation raised, and everything that looks like one and was not, is a remark.
void buildRaisePipeline(mlir::OpPassManager &pm, const RaiseOptions &options);

/// Registers it as --moec-raise-pipeline.
void registerRaisePipeline();

} // namespace moec

#endif // MOEC_PIPELINES_RAISE_H
