//===- ProfileToLLVM.h - Counters to calls of the runtime --------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_MOECTOLLVM_PROFILETOLLVM_H
#define MOEC_PASSES_CONVERSION_MOECTOLLVM_PROFILETOLLVM_H

#include "mlir/IR/PatternMatch.h"

namespace mlir {
class LLVMTypeConverter;
} // namespace mlir

namespace moec {

class RuntimeCalls;

/// Patterns for kernel.profile_*, of functions whose first argument is the context. `runtime` must
/// outlive them.
void populateProfileToLLVMPatterns(const mlir::LLVMTypeConverter &converter, RuntimeCalls &runtime,
                                   mlir::RewritePatternSet &patterns);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_MOECTOLLVM_PROFILETOLLVM_H
