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
  std::string layer; ///< see getMoELayers, getLinearLayers
  /// Options of the pass that do just this to the layer again: a step of a plan.
  mlir::NamedAttrList options;
  LayerCost before, after;
  /// ‖new − old‖ / ‖old‖ (Frobenius) of the layer's changed weights, where they are compared.
  std::optional<double> relativeError;
  std::string reason; ///< a sentence without its end, with the numbers
};

/// What one pass decides, layer by layer. Kept aside until the pass is done: the attribute is one
/// list, and lists of attributes are made anew, and never freed, whenever they grow.
class DecisionLog {
public:
  explicit DecisionLog(llvm::StringRef pass) : pass(pass) {}

  /// Adds a decision, and says so in a remark at `op`.
  void add(mlir::Operation *op, const Decision &decision);
  /// Says in a remark at `op`, and in the log, that and why a layer stays as it is.
  void refuse(mlir::Operation *op, llvm::StringRef layer, const llvm::Twine &reason);

  /// Adds what was decided to the module's log, and forgets it. Where nothing was there to decide
  /// on, the log says so.
  void attachTo(mlir::ModuleOp module);

private:
  std::string pass;
  llvm::SmallVector<mlir::Attribute> decisions;
};

/// The log as `--report` prints it: an array of objects with pass, layer, verdict ("done" or
/// "refused"), reason, and of what was done options, parameters, bytes and flops_per_token (before
/// and after) and relative_error.
llvm::json::Array getDecisions(mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_DECISIONLOG_H
