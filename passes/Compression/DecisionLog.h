//===- DecisionLog.h - What was done to which layer, and why -----------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_DECISIONLOG_H
#define MOEC_PASSES_COMPRESSION_DECISIONLOG_H

#include "passes/Analysis/Layers.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/JSON.h"

namespace moec {

/// On a module: an array of dictionaries, one a decision, in the order they were taken.
inline constexpr llvm::StringLiteral kDecisionsAttr = "moec.decisions";

/// What a pass did to one layer.
struct Decision {
  std::string pass;  ///< as in a plan: "prune-experts"
  std::string layer; ///< see getMoELayers, getLinearLayers
  /// Options of the pass that do just this to the layer again: a step of a plan.
  mlir::NamedAttrList options;
  LayerCost before, after;
  /// ‖new − old‖ / ‖old‖ (Frobenius) of the layer's changed weights, where they are compared.
  std::optional<double> relativeError;
  std::string reason; ///< a sentence without its end, with the numbers
};

/// Adds it to the module's log, and says so in a remark at `op`.
void logDecision(mlir::Operation *op, const Decision &decision);

/// Says in a remark at `op`, and in the log, that and why a layer stays as it is.
void logRefusal(mlir::Operation *op, llvm::StringRef pass, llvm::StringRef layer,
                const llvm::Twine &reason);

/// The log as `--report` prints it: an array of objects with pass, layer, verdict ("done" or
/// "refused"), reason, and of what was done options, parameters, bytes and flops_per_token (before
/// and after) and relative_error.
llvm::json::Array getDecisions(mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_DECISIONLOG_H
