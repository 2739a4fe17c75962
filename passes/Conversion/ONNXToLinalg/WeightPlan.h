//===- WeightPlan.h - Which weights the artifact holds, and how
//-----------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_WEIGHTPLAN_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_WEIGHTPLAN_H

#include "dialects/Kernel/KernelOps.h"
#include "dialects/MoE/MoEOps.h"

#include "mlir/IR/BuiltinOps.h"

namespace moec {

/// Declares the artifact's weights (kernel.packed), in the order of their first use.
class WeightPlan {
public:
  explicit WeightPlan(mlir::ModuleOp module);

  /// The entry for a weight's own bytes (no layout) or a packed form of it.
  kernel::PackedOp get(moe::WeightOp weight, kernel::PanelsAttr layout = {}) {
    return get(weight, layout ? llvm::ArrayRef(layout) : llvm::ArrayRef<kernel::PanelsAttr>());
  }
  /// … of several, one after the other; as many layouts as weights, or none. The columns of each
  /// `beside` are side by side.
  kernel::PackedOp get(llvm::ArrayRef<moe::WeightOp> weights,
                       llvm::ArrayRef<kernel::PanelsAttr> layouts, int64_t beside = 1);

private:
  mlir::OpBuilder builder;
  mlir::SymbolTableCollection tables;
  mlir::ModuleOp module;
  llvm::DenseMap<std::tuple<mlir::ArrayAttr, mlir::ArrayAttr, int64_t>, kernel::PackedOp> entries;
  int64_t end = 0;
};

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_WEIGHTPLAN_H
