//===- Compress.h - The phase `compress` -------------------------------------------------*- C++
//-*-===//
#ifndef MOEC_PIPELINES_COMPRESS_H
#define MOEC_PIPELINES_COMPRESS_H

#include "moec/Pipelines/Plan.h"

#include "mlir/Pass/PassManager.h"

namespace moec {

/// `compress`: afterwards what the plan says is done to the layers of the model. What was done and
/// refused is in the module's log of decisions. Fails, naming the step, where a pass or one of its
/// options does not exist.
llvm::Error buildCompressPipeline(mlir::OpPassManager &pm, const Plan &plan);

/// The plan in a file of JSON. Errors start with the path.
llvm::Expected<Plan> readPlan(llvm::StringRef path);

/// Registers it as --moec-compress-pipeline, with the options plan=FILE and compress=SHORT-FORM.
void registerCompressPipeline();

} // namespace moec

#endif // MOEC_PIPELINES_COMPRESS_H
